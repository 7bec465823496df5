//! Running a program on a packet, and where the packet goes then.

use crate::capture::{Frame, Writer};
use crate::failure::Failure;
use brolga::core::prog_type::Entry;
use brolga::{Packet, Program, RunError};
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

/// What programs of a kind run on, used again for every frame.
pub(super) enum Buffer {
    /// A packet; none before the first.
    Packet(Option<Packet>),
    /// Memory.
    Memory(Vec<u8>),
}

impl Buffer {
    pub(super) fn for_program(program: &Program) -> Self {
        match program.prog_type().description().entry {
            Entry::Ctx => Self::Packet(None),
            Entry::Mem => Self::Memory(Vec::new()),
        }
    }

    /// Runs the program on a copy of the frame.
    pub(super) fn run(&mut self, program: &Program, frame: &[u8]) -> Result<u64, RunError> {
        match self {
            Self::Packet(slot) => {
                let packet = match slot {
                    Some(packet) => packet,
                    None => slot.insert(Packet::new(frame)?),
                };
                packet.refill(frame)?;
                program.run(packet)
            }
            Self::Memory(memory) => {
                memory.clear();
                memory.extend_from_slice(frame);
                program.run_mem(memory)
            }
        }
    }

    /// The frame as the program left it.
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Packet(packet) => packet.as_ref().map_or(&[], Packet::bytes),
            Self::Memory(memory) => memory,
        }
    }
}

/// The file that packets are written to, where there is one.
pub(super) struct Sink(Option<(Writer<BufWriter<File>>, String)>);

impl Sink {
    pub(super) fn create(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self(None)) };
        let name = path.display().to_string();
        let file = File::create(path).and_then(|file| Writer::new(BufWriter::new(file)));
        let writer = file.map_err(|error| Failure::input(&name, error))?;
        Ok(Self(Some((writer, name))))
    }

    /// Writes a packet.
    pub(super) fn write(&mut self, frame: Frame<'_>) -> Result<(), Failure> {
        let Some((writer, name)) = &mut self.0 else { return Ok(()) };
        writer.write(frame).map_err(|error| Failure::program(name, error))
    }

    /// Everything is written, or it is an error.
    pub(super) fn finish(self) -> Result<(), Failure> {
        let Some((writer, name)) = self.0 else { return Ok(()) };
        writer.finish().map_err(|error| Failure::program(name, error))
    }
}
