//! What a helper is: its prototype, described once.
//!
//! A row is read by the verifier (argument and return types), the disassembler
//! (name), the loader (`gpl_only`) and the docs. The kernel's own helpers are in
//! [`table`]; an embedder's helper is the same [`Proto`], built at run time.

mod proto;
pub mod table;

pub use proto::{Arg, ArgFlags, ArgKind, Callback, Proto, RefKind, Ret, RetKind};
