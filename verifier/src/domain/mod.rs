//! What the verifier knows of a number.
//!
//! **Lattice.** A [`Scalar`] is the product of three views of one 64-bit word:
//! which bits are known ([`Tnum`]), how large the word is, unsigned and signed,
//! and how large its low 32 bits are, unsigned and signed.
//!
//! - meaning: `gamma(s)` is the set of words that every view allows
//!   ([`Scalar::contains`]). It may be empty: on a way that no run goes, and that
//!   the kernel walks, the views contradict each other;
//! - order: view by view ([`Scalar::within`]); `a <= b` implies that `gamma(a)`
//!   is a subset of `gamma(b)`;
//! - top: [`Scalar::UNKNOWN`];
//! - transfer: [`alu`], [`neg`], [`offset`], [`moved`], [`zero_extend`],
//!   [`sign_extend`], [`swap`]; for all `x` in `gamma(a)`, `y` in `gamma(b)`:
//!   `op.eval(width, x, y)` is in `gamma(alu(op, width, a, b))`;
//! - refinement: [`refine`] keeps every pair for which the branch goes that way,
//!   [`decide`] answers only where all pairs agree;
//! - reduction: the views tell each other what they know in `sync`.
//!
//! All of it is as precise as Linux 6.18, and no more precise: the verdict of a
//! program is to be the kernel's, also where we could know better.
//!
//! The laws are in `laws`, stated once: at small word sizes over every abstract
//! value, at 64 bits over random ones. For that the types have the word's number
//! of bits as a parameter, `N`, their low part `N / 2` bits; [`Scalar`] and
//! [`Tnum`] are those of 64.

mod bits;
mod display;
mod interval;
#[cfg(test)]
mod laws;
mod range;
mod refine;
mod scalar;
mod sync;
mod tnum;
mod transfer;

pub use refine::{decide, refine, refine_same};
pub use scalar::{Scalar, ScalarOf};
pub use tnum::{Tnum, TnumOf};
pub use transfer::{alu, moved, neg, offset, sign_extend, signs, swap, zero_extend};
