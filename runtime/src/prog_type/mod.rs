//! Kinds of programs: the kernel's, and those that an embedder makes.
//!
//! A [`ProgramType`] says what a program's context looks like, which helpers it
//! may call, and what it may return. The kernel's kinds are there from the
//! start; [`ProgramType::builder`] makes another, with helpers that are Rust
//! closures.

mod args;
mod builder;
mod bytes;
mod context;
mod helper;

pub use args::{HelperArg, HelperRet, MapRef};
pub use builder::{Builder, Gpl, TypeError};
pub use bytes::{Bytes, BytesMut, BytesOut};
pub use context::{Context, ContextField, ContextStruct, CtxView, Scalar, layout_of};
pub(crate) use helper::Helper;
pub use helper::IntoHelper;

use brolga_core::ProgramType as Description;
use brolga_core::prog_type::table;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// A kind of program; cheap to clone.
#[derive(Clone)]
pub struct ProgramType(Arc<Inner>);

struct Inner {
    description: Arc<Description>,
    view: CtxView,
    /// The helpers that are not the kernel's, by number.
    helpers: BTreeMap<i32, Helper>,
}

/// The kernel's kinds, and `raw`.
static BUILT_IN: LazyLock<Vec<ProgramType>> = LazyLock::new(|| {
    let built_in = |description: &Arc<Description>| {
        let view = CtxView::built_in(description);
        ProgramType::new(description.clone(), view, BTreeMap::new())
    };
    table::all().iter().map(built_in).collect()
});

fn named(name: &str) -> ProgramType {
    ProgramType::by_name(name).unwrap_or_else(|| unreachable!("the table of program types has {name}"))
}

impl ProgramType {
    fn new(description: Arc<Description>, view: CtxView, helpers: BTreeMap<i32, Helper>) -> Self {
        Self(Arc::new(Inner { description, view, helpers }))
    }

    /// A new kind of program: `r1` points to an empty context, any result, the
    /// helpers that every kind of program may call (map access, the clock and
    /// the like).
    pub fn builder(name: impl Into<String>) -> Builder {
        Builder::new(name.into())
    }

    /// Every kind that there is from the start: the kernel's, and `raw`.
    #[must_use]
    pub fn built_in() -> &'static [Self] {
        &BUILT_IN
    }

    /// The built-in kind of this name, in the kernel's lower-case spelling.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        BUILT_IN.iter().find(|t| t.name() == name).cloned()
    }

    /// The built-in kind with this number in `enum bpf_prog_type`.
    #[must_use]
    pub fn by_number(number: u32) -> Option<Self> {
        BUILT_IN.iter().find(|t| t.description().number == Some(number)).cloned()
    }

    /// `socket_filter`: looks at a packet.
    #[must_use]
    pub fn socket_filter() -> Self {
        named("socket_filter")
    }

    /// `sched_cls`: classifies and changes a packet, for traffic control.
    #[must_use]
    pub fn sched_cls() -> Self {
        named("sched_cls")
    }

    /// `xdp`: decides about a frame as the driver received it.
    #[must_use]
    pub fn xdp() -> Self {
        named("xdp")
    }

    /// `raw`: `r1` points to a region of memory whose size is told when the
    /// program is loaded, `r2` is that size.
    #[must_use]
    pub fn raw() -> Self {
        named("raw")
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.description.name
    }

    /// What the verifier knows of it.
    #[must_use]
    pub fn description(&self) -> &Arc<Description> {
        &self.0.description
    }

    pub(crate) fn view(&self) -> &CtxView {
        &self.0.view
    }

    pub(crate) fn helper(&self, id: i32) -> Option<&Helper> {
        self.0.helpers.get(&id)
    }
}

/// Whether it is the same kind; two kinds of the same name are two.
impl PartialEq for ProgramType {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for ProgramType {}

impl std::fmt::Debug for ProgramType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ProgramType").field(&self.name()).finish()
    }
}
