//! Helpers that are Rust closures.

#![expect(unsafe_code, reason = "the way from a program's call to a closure")]

use super::args::{HelperArg, HelperRet, Regs};
use brolga_core::helper::{Arg, Proto, Ret};
use brolga_core::link::HelperBody;
use std::any::{Any, TypeId};
use std::borrow::Cow;
use std::sync::Arc;

/// A closure that can be a helper: up to five registers' worth of arguments of
/// types that are [`HelperArg`], and a [`HelperRet`] as its result. `Marker`
/// only tells the compiler the types of the arguments.
pub trait IntoHelper<Marker>: Send + Sync + 'static {
    /// The rows of the prototype.
    #[doc(hidden)]
    fn rows() -> Rows;

    /// Calls the closure.
    ///
    /// # Safety
    ///
    /// The registers hold what the rows say.
    #[doc(hidden)]
    unsafe fn call(&self, regs: [u64; 5]) -> u64;
}

/// What the types of a closure say of its prototype.
#[derive(Debug)]
pub struct Rows {
    pub(super) args: Vec<Arg>,
    pub(super) ret: Ret,
    /// The contexts that it takes.
    pub(super) contexts: Vec<TypeId>,
}

macro_rules! closures {
    ($(($($arg:ident)*);)*) => {$(
        impl<F, R, $($arg),*> IntoHelper<fn($($arg),*) -> R> for F
        where
            F: Fn($($arg),*) -> R + for<'a> Fn($($arg::Item<'a>),*) -> R + Send + Sync + 'static,
            R: HelperRet,
            $($arg: HelperArg,)*
        {
            fn rows() -> Rows {
                let args: &[&[Arg]] = &[$($arg::ARGS),*];
                let contexts: &[Option<TypeId>] = &[$($arg::context()),*];
                Rows { args: args.concat(), ret: R::RET, contexts: contexts.iter().flatten().copied().collect() }
            }

            #[allow(
                unused_mut,
                unused_variables,
                non_snake_case,
                clippy::extra_unused_lifetimes,
                reason = "there may be no argument, and arguments are named as their types"
            )]
            unsafe fn call(&self, regs: [u64; 5]) -> u64 {
                fn call<'a, R, $($arg: HelperArg),*>(
                    f: impl Fn($($arg::Item<'a>),*) -> R, $($arg: $arg::Item<'a>),*
                ) -> R {
                    f($($arg),*)
                }
                let mut regs = Regs::new(regs);
                // SAFETY: as the caller says; in the order of the rows.
                $(let $arg = unsafe { $arg::take(&mut regs) };)*
                call::<R, $($arg),*>(self, $($arg),*).into_r0()
            }
        }
    )*};
}

closures! {
    ();
    (A);
    (A B);
    (A B C);
    (A B C D);
    (A B C D E);
}

/// A helper that is not the kernel's: its prototype, and what a call runs.
pub(crate) struct Helper {
    pub(crate) proto: Arc<Proto>,
    pub(crate) body: HelperBody,
    /// What the body's `env` points to.
    _state: Arc<dyn Any + Send + Sync>,
}

/// Why the types of a closure make no helper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Misfit {
    /// They take more than five registers.
    Registers(usize),
    /// They take another context than the program's, or take it twice.
    Context,
}

impl Helper {
    /// A helper of these types, for programs with this context.
    pub(super) fn typed<F, M>(
        (id, name, gpl_only): (i32, Cow<'static, str>, bool),
        context: Option<TypeId>,
        closure: F,
    ) -> Result<Self, Misfit>
    where
        F: IntoHelper<M>,
        M: 'static,
    {
        let Rows { args: rows, ret, contexts } = F::rows();
        let mut args = [Arg::UNUSED; 5];
        args.get_mut(..rows.len()).ok_or(Misfit::Registers(rows.len()))?.copy_from_slice(&rows);
        if contexts.len() > 1 || contexts.first().is_some_and(|c| Some(*c) != context) {
            return Err(Misfit::Context);
        }
        let proto = Proto { name, args, ret, gpl_only, packet_args: true, ..Proto::new(id, "") };
        let mut helper = Self::new(proto, shim::<F, M>, closure);
        if size_of::<F>() == 0 {
            // Nothing is looked at but the arguments that the prototype has.
            helper.body.env = None;
        }
        Ok(helper)
    }

    /// A helper of this prototype.
    ///
    /// # Safety
    ///
    /// The closure does as the prototype says, with registers that are so.
    pub(super) unsafe fn untyped<F>(proto: Proto, closure: F) -> Self
    where
        F: Fn([u64; 5]) -> u64 + Send + Sync + 'static,
    {
        Self::new(proto, untyped_shim::<F>, closure)
    }

    fn new<F: Any + Send + Sync>(proto: Proto, func: brolga_core::link::HelperFn, state: F) -> Self {
        let state = Arc::new(state);
        let env = Arc::as_ptr(&state).expose_provenance() as u64;
        Self { proto: Arc::new(proto), body: HelperBody { func, env: Some(env) }, _state: state }
    }
}

/// # Safety
///
/// `env` is the address of a live `F`, unless that has no size; the rest is as the
/// prototype of `F` says.
unsafe extern "C-unwind" fn shim<F: IntoHelper<M>, M>(
    a: u64,
    b: u64,
    c: u64,
    d: u64,
    e: u64,
    env: u64,
) -> u64 {
    let closure = match size_of::<F>() {
        0 => std::ptr::dangling::<F>(),
        _ => std::ptr::with_exposed_provenance::<F>(env as usize),
    };
    // SAFETY: the program type that holds the helper holds the closure too, and
    // a program holds its type; one without a size is wherever it is aligned.
    let closure = unsafe { &*closure };
    // SAFETY: the verifier holds the program to the prototype.
    unsafe { closure.call([a, b, c, d, e]) }
}

/// # Safety
///
/// As for [`shim`].
unsafe extern "C-unwind" fn untyped_shim<F>(a: u64, b: u64, c: u64, d: u64, e: u64, env: u64) -> u64
where
    F: Fn([u64; 5]) -> u64,
{
    // SAFETY: as in `shim`.
    let closure = unsafe { &*std::ptr::with_exposed_provenance::<F>(env as usize) };
    closure([a, b, c, d, e])
}
