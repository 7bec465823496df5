//! What things are called in reports.

use brolga::LoadError;
use brolga::core::asm::{KernelNames, Names};
use brolga::core::{Aux, DecodeError};
use brolga::verifier::Cause;
use std::borrow::Cow;
use std::fmt::Debug;

/// The kernel's names for helpers, and the program's own for its maps.
pub(crate) struct Maps<'a>(&'a Aux);

impl<'a> Maps<'a> {
    pub(crate) fn of(aux: &'a Aux) -> Self {
        Self(aux)
    }
}

impl Names for Maps<'_> {
    fn helper_name(&self, number: i32) -> Option<Cow<'_, str>> {
        KernelNames.helper_name(number)
    }

    fn helper_number(&self, name: &str) -> Option<i32> {
        KernelNames.helper_number(name)
    }

    fn map_name(&self, fd: i32) -> Option<Cow<'_, str>> {
        let index = self.0.map_fds.get(&fd)?;
        Some(Cow::Borrowed(&self.0.map(*index).def.name))
    }

    fn map_fd(&self, name: &str) -> Option<i32> {
        self.0.map_fds.iter().find(|(_, index)| self.0.map(**index).def.name == name).map(|(fd, _)| *fd)
    }
}

/// The name of the variant that a value is.
pub(crate) fn variant(value: &impl Debug) -> String {
    let text = format!("{value:?}");
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    text[..end.unwrap_or(text.len())].to_owned()
}

/// The name of a verifier's cause.
pub(crate) fn cause(cause: &Cause) -> String {
    match cause {
        Cause::Reject(reject) => variant(&reject.why),
        Cause::Unsupported(_) => "Unsupported".into(),
        Cause::Bug(_) => "Bug".into(),
    }
}

/// The name of the fault in bytes that are no program.
pub(crate) fn decode(error: &DecodeError) -> String {
    match error {
        DecodeError::Slot { why, .. } => variant(why),
        DecodeError::Empty | DecodeError::Length(_) | DecodeError::TooLong(_) => variant(error),
    }
}

/// The name of the cause why a program was not loaded.
pub(crate) fn kind(error: &LoadError) -> String {
    match error.inner() {
        LoadError::Decode(error) => decode(error),
        LoadError::Verify(failure) => cause(&failure.cause),
        LoadError::Link(error) => variant(error),
        LoadError::Map { why, .. } => variant(why),
        LoadError::Compile(error) => variant(error),
        LoadError::Publish(error) => variant(error),
        LoadError::Object(error) => variant(error),
        error => variant(error),
    }
}

/// The name of a program's result, for the types whose results have names.
pub(crate) fn verdict(prog_type: &str, retval: u64) -> Cow<'static, str> {
    let names: &[&str] = match prog_type {
        "xdp" => &["aborted", "drop", "pass", "tx", "redirect"],
        "sched_cls" | "sched_act" => match retval as u32 as i32 {
            -1 => return "unspec".into(),
            _ => &["ok", "reclassify", "shot", "pipe", "stolen", "queued", "repeat", "redirect", "trap"],
        },
        "cgroup_skb" => &["drop", "pass"],
        "socket_filter" if retval == 0 => return "drop".into(),
        "socket_filter" => return "accept".into(),
        "lwt_in" | "lwt_out" | "lwt_xmit" => match retval {
            0 => return "ok".into(),
            2 => return "drop".into(),
            7 => return "redirect".into(),
            128 => return "reroute".into(),
            _ => &[],
        },
        "sk_msg" => &["drop", "pass"],
        _ => &[],
    };
    let name = usize::try_from(retval).ok().and_then(|index| names.get(index));
    name.map_or_else(|| retval.to_string().into(), |name| Cow::Borrowed(*name))
}

/// Whether a packet goes on after this result: it is neither dropped nor taken
/// away.
pub(crate) fn goes_on(verdict: &str) -> bool {
    const ON: [&str; 11] = [
        "pass",
        "tx",
        "redirect",
        "accept",
        "unspec",
        "ok",
        "reclassify",
        "pipe",
        "repeat",
        "reroute",
        "trap",
    ];
    ON.contains(&verdict)
}

#[cfg(test)]
mod tests {
    use super::{goes_on, variant, verdict};

    #[test]
    fn results_have_names() {
        assert_eq!(verdict("xdp", 2), "pass");
        assert_eq!(verdict("xdp", 9), "9");
        assert_eq!(verdict("sched_cls", u32::MAX.into()), "unspec");
        assert_eq!(verdict("sched_cls", 2), "shot");
        assert_eq!(verdict("socket_filter", 96), "accept");
        assert_eq!(verdict("raw", 1), "1");
        assert!(goes_on("pass") && goes_on("tx") && !goes_on("drop") && !goes_on("shot") && !goes_on("9"));
    }

    #[test]
    fn variants_go_by_their_names() {
        #[derive(Debug)]
        #[expect(dead_code, reason = "read by Debug")]
        enum Any {
            Unit,
            Tuple(u8),
            Fields { a: u8 },
        }
        assert_eq!(variant(&Any::Unit), "Unit");
        assert_eq!(variant(&Any::Tuple(1)), "Tuple");
        assert_eq!(variant(&Any::Fields { a: 1 }), "Fields");
    }
}
