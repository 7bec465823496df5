//! Making a kind of program.

use super::context::{ContextStruct, CtxView};
use super::helper::{Helper, IntoHelper, Misfit};
use super::{Inner, ProgramType};
use brolga_core::ProgramType as Description;
use brolga_core::helper::{ArgKind, Proto, table};
use brolga_core::prog_type::{CtxLayout, Entry, PacketAccess, ReturnRule};
use std::any::TypeId;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use thiserror::Error;

/// Who may call a helper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gpl {
    /// Any program.
    Any,
    /// Programs under a licence that is compatible with the GPL.
    Only,
}

/// Why there can be no such kind of program.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TypeError {
    /// A helper's number that is the kernel's, taken twice, or not positive.
    #[error("the number {id} of helper `{name}` is taken or not positive")]
    HelperNumber {
        /// The helper's name.
        name: String,
        /// The number.
        id: i32,
    },
    /// There is no such helper of the kernel's.
    #[error("the kernel has no helper #{0}")]
    NoKernelHelper(i32),
    /// A helper of the kernel's that works on another context.
    #[error("helper {name}#{id} works on a context of the kernel's that these programs do not have")]
    KernelHelperContext {
        /// The helper's name.
        name: String,
        /// Its number.
        id: i32,
    },
    /// The arguments of a helper take more than five registers.
    #[error("the arguments of helper `{name}` take {registers} registers, of which there are 5")]
    HelperArgs {
        /// The helper's name.
        name: String,
        /// The registers that the arguments take.
        registers: usize,
    },
    /// A helper that takes another context than that of the programs, or takes
    /// it twice.
    #[error("helper `{0}` takes a context that is not the programs', or takes it twice")]
    HelperContext(String),
    /// A helper whose prototype says too little for its calls to be checked, or
    /// that takes a callback, which only the kernel's can.
    #[error("helper `{name}` takes {what}")]
    HelperProto {
        /// The helper's name.
        name: String,
        /// What it takes.
        what: &'static str,
    },
    /// A context's field that overlaps another, is outside, or out of order.
    #[error("field `{field}` of the context does not lie in order within its {size} bytes")]
    Layout {
        /// The field.
        field: String,
        /// The size of the context in bytes.
        size: u32,
    },
    /// Another kind of this name or section is registered, or the kernel has one.
    #[error("there is a program type or section of the name `{0}` already")]
    Name(String),
}

type MakeHelper = Box<dyn FnOnce(Option<TypeId>) -> Result<Helper, Misfit>>;

/// A kind of program in the making; see [`ProgramType::builder`].
#[must_use]
pub struct Builder {
    description: Description,
    view: CtxView,
    /// The kind whose context the programs have.
    like: Option<ProgramType>,
    kernel_helpers: Vec<i32>,
    helpers: Vec<(i32, String, MakeHelper)>,
}

impl Builder {
    pub(super) fn new(name: String) -> Self {
        let base = ProgramType::raw().description().helpers.keys().copied().collect();
        Self {
            description: Description::new(name),
            view: CtxView::OPAQUE,
            like: None,
            kernel_helpers: base,
            helpers: Vec::new(),
        }
    }

    /// Programs' context, packet access, results and kernel helpers are those of
    /// another kind; its own helpers are not taken over.
    pub fn like(mut self, other: &ProgramType) -> Self {
        let Inner { description, view, .. } = &*other.0;
        let name = std::mem::take(&mut self.description.name);
        let number = None;
        self.description = Description { name, number, sections: Vec::new(), ..(**description).clone() };
        self.kernel_helpers =
            description.helpers.keys().filter(|id| table::by_id(**id).is_some()).copied().collect();
        (self.view, self.like) = (*view, Some(other.clone()));
        self
    }

    fn own_context(&mut self, view: CtxView, entry: Entry, layout: CtxLayout) {
        (self.view, self.like) = (view, None);
        (self.description.entry, self.description.ctx) = (entry, layout);
        self.description.legacy_packet_loads = false;
        self.description.packet = PacketAccess::None;
    }

    /// Programs' context is this structure; [`context!`](crate::context!) makes
    /// one.
    pub fn context<C: ContextStruct>(mut self) -> Self {
        self.own_context(CtxView::of::<C>(), Entry::Ctx, C::layout());
        self
    }

    /// Programs' context has this layout. There is no Rust type behind it, so
    /// programs are run by an address
    /// ([`Program::run_raw`](crate::Program::run_raw)).
    pub fn context_layout(mut self, layout: CtxLayout) -> Self {
        self.own_context(CtxView::OPAQUE, Entry::Ctx, layout);
        self
    }

    /// Programs' `r1` points to memory of a size that is told when they are
    /// loaded, and `r2` is that size, as for `raw`.
    pub fn memory(mut self) -> Self {
        self.own_context(CtxView::MEMORY, Entry::Mem, CtxLayout::default());
        self
    }

    /// What programs may do through the packet pointers of their context; after
    /// the context was said.
    pub fn packet(mut self, access: PacketAccess) -> Self {
        self.description.packet = access;
        self
    }

    /// Programs may return only these numbers, as signed ones of 32 bits.
    pub fn returns(mut self, range: RangeInclusive<i32>) -> Self {
        self.description.returns = vec![ReturnRule { attach: None, range }];
        self
    }

    /// Programs in ELF sections of these names are of this kind; a name matches
    /// what follows it after a `/` too.
    pub fn sections(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.description.sections = names.into_iter().map(|name| Cow::Owned(name.into())).collect();
        self
    }

    /// Programs may call just these of the kernel's helpers, by number.
    pub fn kernel_helpers(mut self, ids: impl IntoIterator<Item = i32>) -> Self {
        self.kernel_helpers = ids.into_iter().collect();
        self
    }

    /// Programs may call this closure (or function), by this number. Its types
    /// are its prototype: see [`HelperArg`](super::HelperArg).
    ///
    /// Where it panics, the program ends there, and the panic reaches the caller
    /// of the program as
    /// [`RunError::HelperPanicked`](crate::RunError::HelperPanicked).
    pub fn helper<F, M>(mut self, id: i32, name: &str, gpl: Gpl, closure: F) -> Self
    where
        F: IntoHelper<M>,
        M: 'static,
    {
        let row = (id, Cow::Owned(name.to_owned()), gpl == Gpl::Only);
        self.helpers.push((id, name.to_owned(), Box::new(move |ctx| Helper::typed(row, ctx, closure))));
        self
    }

    /// Programs may call this closure, which gets the argument registers as they
    /// are.
    ///
    /// # Safety
    ///
    /// The closure does as the prototype says whenever the registers hold what
    /// it asks for.
    #[expect(unsafe_code, reason = "the caller vouches for the prototype")]
    pub unsafe fn helper_with_proto<F>(mut self, proto: Proto, closure: F) -> Self
    where
        F: Fn([u64; 5]) -> u64 + Send + Sync + 'static,
    {
        let (id, name) = (proto.id, proto.name.clone().into_owned());
        // SAFETY: as the caller says.
        self.helpers.push((id, name, Box::new(move |_| Ok(unsafe { Helper::untyped(proto, closure) }))));
        self
    }

    /// The kind of program.
    ///
    /// # Errors
    ///
    /// Where the context's layout or a helper makes no sense.
    pub fn build(self) -> Result<ProgramType, TypeError> {
        let Self { mut description, view, like, kernel_helpers, helpers } = self;
        check_layout(&description.ctx)?;
        description.helpers.clear();
        for id in kernel_helpers {
            description.helpers.insert(id, kernel_helper(id, like.as_ref())?);
        }
        let mut made = BTreeMap::new();
        for (id, name, make) in helpers {
            let taken = table::by_id(id).is_some() || made.contains_key(&id);
            if id <= 0 || taken {
                return Err(TypeError::HelperNumber { name, id });
            }
            let helper = make(view.structure()).map_err(|misfit| misfit_of(name, misfit))?;
            let takes_callback = helper.proto.callback.is_some().then_some("a callback");
            if let Some(what) = helper.proto.fault().or(takes_callback) {
                return Err(TypeError::HelperProto { name: helper.proto.name.to_string(), what });
            }
            description.helpers.insert(id, helper.proto.clone());
            made.insert(id, helper);
        }
        Ok(ProgramType::new(Arc::new(description), view, made))
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("description", &self.description).finish_non_exhaustive()
    }
}

/// A helper of the kernel's as the kind like this one calls it; where there is
/// none, or it can not call it, as `raw` does; else one that works whatever the
/// context is.
fn kernel_helper(id: i32, like: Option<&ProgramType>) -> Result<Arc<Proto>, TypeError> {
    let raw = ProgramType::raw();
    let rows = [like, Some(&raw)].into_iter().flatten();
    if let Some(proto) = rows.filter_map(|kind| kind.description().helper(id)).next() {
        return Ok(proto.clone());
    }
    let proto = table::shared(id).ok_or(TypeError::NoKernelHelper(id))?;
    if proto.args.iter().any(|arg| arg.kind == ArgKind::Ctx) {
        return Err(TypeError::KernelHelperContext { name: proto.name.to_string(), id });
    }
    Ok(proto.clone())
}

fn misfit_of(name: String, misfit: Misfit) -> TypeError {
    match misfit {
        Misfit::Registers(registers) => TypeError::HelperArgs { name, registers },
        Misfit::Context => TypeError::HelperContext(name),
    }
}

/// Fields in order, without overlap, within both structures.
fn check_layout(layout: &CtxLayout) -> Result<(), TypeError> {
    let mut end = 0;
    for field in &layout.fields {
        let host_len = if field.kind.is_pointer() { 8 } else { field.size };
        let fits = |off: u32, len: u32, size: u32| off.checked_add(len).is_some_and(|end| end <= size);
        let within =
            fits(field.off, field.size, layout.size) && fits(field.host_off, host_len, layout.host_size);
        if !within || field.off < end {
            return Err(TypeError::Layout { field: field.name.to_string(), size: layout.size });
        }
        end = field.off + field.size;
    }
    Ok(())
}
