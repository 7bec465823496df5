//! Running a program on a packet, and where the packet goes then.

use crate::capture::{Frame, Writer};
use crate::failure::Failure;
use brolga::core::prog_type::Entry;
use brolga::{Packet, PacketError, Program, ProgramType, RunError};
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

/// What programs of a kind run on, used again for every frame.
pub(super) enum Buffer {
    /// A packet; none before the first.
    Packet(Option<Packet>),
    /// A packet as a packet socket gives it to a filter: from the Ethernet header
    /// on, where other sockets' filters see what follows it.
    Socket(Option<Packet>, Vec<u8>),
    /// Memory.
    Memory(Vec<u8>),
}

/// The length of an Ethernet header, in bytes.
const ETHERNET: usize = 14;

impl Buffer {
    pub(super) fn for_program(program: &Program) -> Self {
        let prog_type = program.prog_type();
        match prog_type.description().entry {
            Entry::Ctx if *prog_type == ProgramType::socket_filter() => Self::Socket(None, Vec::new()),
            Entry::Ctx => Self::Packet(None),
            Entry::Mem => Self::Memory(Vec::new()),
        }
    }

    /// Runs the program on a copy of the frame.
    pub(super) fn run(&mut self, program: &Program, frame: &[u8]) -> Result<u64, RunError> {
        match self {
            Self::Packet(slot) => program.run(filled(slot, frame)?),
            Self::Socket(slot, framed) => {
                framed.clear();
                framed.extend_from_slice(frame.get(..ETHERNET).unwrap_or(&[0; ETHERNET]));
                framed.extend_from_slice(frame);
                program.run(filled(slot, framed)?)
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
            Self::Packet(slot) => slot.as_ref().map_or(&[], Packet::bytes),
            Self::Socket(_, framed) => framed.get(ETHERNET..).unwrap_or_default(),
            Self::Memory(memory) => memory,
        }
    }
}

/// A packet of these bytes.
fn filled<'a>(slot: &'a mut Option<Packet>, frame: &[u8]) -> Result<&'a mut Packet, PacketError> {
    let packet = match slot {
        Some(packet) => {
            packet.refill(frame)?;
            packet
        }
        None => slot.insert(Packet::new(frame)?),
    };
    Ok(packet)
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
