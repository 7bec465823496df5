//! Machine code as text, under the source lines and the instructions that it was
//! made of.

use brolga::core::Pc;
use brolga::jit::{Function, Image};
use std::fmt::Write;

/// The functions of an image. Before each piece stands what `origin` says of the
/// instruction that it came from.
pub(crate) fn listing(image: &Image, mut origin: impl FnMut(Pc) -> String) -> String {
    let mut text = String::new();
    for function in image.functions() {
        let _ = writeln!(text, "{}:", one_line(&function.name));
        let end = function.offset + function.len;
        let mut pieces =
            image.listings().lines.iter().filter(|p| (function.offset..end).contains(&p.offset)).peekable();
        let mut shown = None;
        for (offset, insn) in instructions(image, function) {
            let mut piece = None;
            while let Some(next) = pieces.next_if(|piece| piece.offset <= offset) {
                piece = Some(next.pc);
            }
            if let Some(pc) = piece.filter(|pc| shown != Some(*pc)) {
                shown = Some(pc);
                text += &origin(pc);
            }
            let _ = writeln!(text, "{offset:8x}:  {insn}");
        }
    }
    text
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The machine's instructions, by their offsets in the image. What is no
/// instruction, such as a constant, is said to be data.
#[cfg(target_arch = "x86_64")]
fn instructions(image: &Image, function: &Function) -> Vec<(u32, String)> {
    use iced_x86::{Decoder, DecoderOptions, Formatter, GasFormatter, Mnemonic, OpKind};
    let start = function.offset as usize;
    let bytes = &image.code()[start..start + function.len as usize];
    let mut decoder = Decoder::with_ip(64, bytes, u64::from(function.offset), DecoderOptions::NONE);
    let mut formatter = GasFormatter::new();
    formatter.options_mut().set_uppercase_hex(false);
    formatter.options_mut().set_branch_leading_zeros(false);
    let mut all = Vec::new();
    while decoder.can_decode() {
        let insn = decoder.decode();
        let mut text = String::new();
        if insn.is_invalid() {
            text.push_str("(data)");
        } else {
            formatter.format(&insn, &mut text);
        }
        let is_call = insn.mnemonic() == Mnemonic::Call && insn.op0_kind() == OpKind::NearBranch64;
        if let Some(name) = is_call.then(|| callee(image, insn.near_branch_target())).flatten() {
            let _ = write!(text, " <{name}>");
        }
        all.push((insn.ip() as u32, text));
    }
    all
}

/// As above.
#[cfg(target_arch = "aarch64")]
fn instructions(image: &Image, function: &Function) -> Vec<(u32, String)> {
    use yaxpeax_arch::{Decoder, U8Reader};
    let decoder = yaxpeax_arm::armv8::a64::InstDecoder::default();
    let start = function.offset as usize;
    let words = image.code()[start..start + function.len as usize].chunks_exact(4);
    let text = |word: &[u8]| match decoder.decode(&mut U8Reader::new(word)) {
        Ok(insn) => insn.to_string(),
        Err(_) => "(data)".to_owned(),
    };
    words.enumerate().map(|(index, word)| (function.offset + 4 * index as u32, text(word))).collect()
}

/// The subprogram that starts at this offset.
#[cfg(target_arch = "x86_64")]
fn callee(image: &Image, target: u64) -> Option<String> {
    let mut functions = image.functions().iter();
    let function = functions.find(|function| u64::from(function.offset) == target)?;
    Some(one_line(&function.name))
}
