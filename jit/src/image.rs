//! Code that runs.

use crate::compile::{Compiled, Function, Listings};
use crate::error::PublishError;
use crate::memory::{Draft, Text};
use crate::reloc;
use crate::unwind::Registered;
use brolga_core::link::EntryFn;

/// A program's machine code in executable memory, which it owns: dropping the
/// image unmaps it.
#[derive(Debug)]
pub struct Image {
    /// Goes before the text that it is about.
    _frames: Registered,
    text: Text,
    code_len: usize,
    /// Where the description of frames lies in the text.
    distance: usize,
    functions: Box<[Function]>,
    listings: Box<Listings>,
}

impl Image {
    pub(crate) fn new(compiled: Compiled) -> Result<Self, PublishError> {
        let Compiled { target, code, relocations, functions, frames, listings } = compiled;
        if !target.is_host() {
            return Err(PublishError::Foreign(target));
        }
        let code_len = code.len() + reloc::room(&relocations);
        let distance = code_len.next_multiple_of(8);
        let table = frames.table(distance).map_err(|error| PublishError::Frames(error.to_string()))?;
        let mut draft = Draft::new(distance + table.len())?;
        let address = draft.address();
        let bytes = draft.bytes();
        bytes[..code.len()].copy_from_slice(&code);
        bytes[distance..].copy_from_slice(&table);
        reloc::apply(&mut bytes[..code_len], code.len(), address, &relocations)
            .map_err(|offset| PublishError::Relocation { offset })?;
        let text = draft.seal()?;
        let frames = register(&text, distance);
        Ok(Self {
            _frames: frames,
            text,
            code_len,
            distance,
            functions: functions.into(),
            listings: Box::new(listings),
        })
    }

    /// The main program's entry. It may be called as long as the image lives,
    /// with the arguments that the program was verified for.
    #[must_use]
    #[expect(unsafe_code, reason = "the way into machine code")]
    pub fn entry(&self) -> EntryFn {
        let offset = self.functions[0].offset as usize;
        // SAFETY: the offset of a function, within the image; the main program
        // is compiled first, has this very signature, and code for this machine.
        // That it is called properly is for the caller of the pointer, which is
        // unsafe.
        unsafe {
            let start = self.text.start().as_ptr().byte_add(offset);
            std::mem::transmute::<*mut std::ffi::c_void, EntryFn>(start)
        }
    }

    /// The address of the first byte, for symbol tables.
    #[must_use]
    pub fn address(&self) -> usize {
        self.text.start().as_ptr() as usize
    }

    /// The size of the machine code in bytes, what lies between functions and
    /// behind them included.
    #[must_use]
    pub fn code_len(&self) -> usize {
        self.code_len
    }

    /// The machine code as it is in memory.
    #[must_use]
    pub fn code(&self) -> &[u8] {
        &self.text.bytes()[..self.code_len]
    }

    /// The description of the frames, an `.eh_frame` section of distances, as it
    /// is in memory.
    #[must_use]
    pub fn frames(&self) -> &[u8] {
        &self.text.bytes()[self.distance..]
    }

    /// The subprograms, by offset; the main program first, and without those
    /// that stand in the place of all their calls.
    #[must_use]
    pub fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// What was kept beside the code.
    #[must_use]
    pub const fn listings(&self) -> &Listings {
        &self.listings
    }
}

/// Makes the table known that lies in the text.
#[expect(unsafe_code, reason = "what is said of frames is believed")]
fn register(text: &Text, distance: usize) -> Registered {
    // SAFETY: the table lies there, made by Cranelift and by `Frames::table` for
    // this very code, and is not written to any more. An image drops it before
    // the text, and is dropped only when its code is not running.
    unsafe { Registered::new(text.bytes()[distance..].as_ptr()) }
}
