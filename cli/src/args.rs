//! What may be typed.

use crate::hex;
use clap::{Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::str::FromStr;

/// Verifies, compiles and runs eBPF programs in user space.
///
/// Exit codes: 0 done, 1 a program was rejected or failed, 2 bad usage or
/// unreadable input.
#[derive(Debug, Parser)]
#[command(name = "brolga", version)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(RunArgs),
    Verify(VerifyArgs),
    Disasm(DisasmArgs),
    Asm(AsmArgs),
    /// Answers verification requests: one JSON request per line on standard
    /// input, one JSON answer per line on standard output.
    ///
    /// A request: {"id", "prog_type", "license", "expected_attach_type",
    /// "flags", "insns": hex, "maps": [{"type", "key_size", "value_size",
    /// "max_entries", "flags", "frozen", "init": hex, "inner": map,
    /// "programs": [{"slot", "insns", "map_refs"}], "spin_lock_off",
    /// "timer_off", "kptr_offs", "btf": whether types say so}], "map_refs": [{"insn", "map"}], "runs":
    /// [{"data": hex, "repeat"}], "engines": ["interp", "jit"], "log": 1 or 2,
    /// "mem_size" for type raw, "processors": how many there are where it is to
    /// run}. The kernel learns of locks, timers and kernel
    /// pointers in values from BTF alone, and creates no storage of sockets, tasks,
    /// inodes or cgroups without: a program that refers to such a map of no "btf"
    /// is rejected as the kernel rejects one that has no map.
    ///
    /// An answer: {"id", "verdict": "accept", "reject" or "unsupported",
    /// "error": {"stage", "insn", "kind", "message"}, "insns_processed",
    /// "verify_us", "compile_us", "runs": [{"interp", "jit", "ns"}],
    /// "run_error", "log"}.
    Check,
    Conformance(ConformanceArgs),
    Helpers(HelpersArgs),
    Bench(BenchArgs),
}

/// Which engine runs a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineArg {
    /// Native code.
    #[default]
    Jit,
    /// The interpreter.
    Interp,
}

impl From<EngineArg> for brolga::EngineKind {
    fn from(engine: EngineArg) -> Self {
        match engine {
            EngineArg::Jit => Self::Jit,
            EngineArg::Interp => Self::Interp,
        }
    }
}

/// Loads an object and runs one of its programs on packets; prints how often
/// it gave which verdict, and what its maps then hold.
#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    /// The ELF object.
    #[arg(value_name = "OBJ")]
    pub(crate) object: PathBuf,
    /// The program; the object's first unless said.
    #[arg(long, value_name = "NAME")]
    pub(crate) program: Option<String>,
    /// Runs on every packet of this pcap or pcapng file.
    #[arg(long, value_name = "FILE")]
    pub(crate) pcap: Option<PathBuf>,
    /// Writes the packets that the program let go on, as it left them, to this
    /// pcap file.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Runs on a packet of these bytes, from the Ethernet header on.
    #[arg(long, value_name = "HEX", value_parser = Hex::from_str)]
    pub(crate) packet: Vec<Hex>,
    /// Runs on all packets so many times.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) repeat: u32,
    /// What runs the program.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) engine: EngineArg,
    /// Sets an element of a map before the program runs.
    #[arg(long, value_name = "NAME:KEYHEX=VALUEHEX", value_parser = Element::from_str)]
    pub(crate) map: Vec<Element>,
    /// Reports in JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Verifies the programs of an object.
#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    /// The ELF object.
    #[arg(value_name = "OBJ")]
    pub(crate) object: PathBuf,
    /// Only this program.
    #[arg(long, value_name = "NAME")]
    pub(crate) program: Option<String>,
    /// How much of the verifier's log to print: 1 the instructions walked, 2
    /// the state after each.
    #[arg(long, value_name = "LEVEL", default_value_t = 0, value_parser = clap::value_parser!(u8).range(..=2))]
    pub(crate) log: u8,
    /// How many bytes of memory programs of type raw are given.
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    pub(crate) mem_size: u32,
    /// Reports in JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Measures how long the programs of an object take to load and to run, by
/// native code of either tier, by the interpreter, and in the live kernel where
/// bpf(2) is allowed, without what its test loop takes.
#[derive(Debug, clap::Args)]
pub(crate) struct BenchArgs {
    /// The ELF object.
    #[arg(value_name = "OBJ")]
    pub(crate) object: PathBuf,
    /// Only this program.
    #[arg(long, value_name = "NAME")]
    pub(crate) program: Option<String>,
    /// The packet, or the memory, to run on; 64 zeros unless given. A program
    /// that changes it finds it changed in the next run.
    #[arg(long, value_name = "HEX", value_parser = Hex::from_str)]
    pub(crate) packet: Option<Hex>,
    /// Reports in JSON, one line for each program.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Prints the instructions of an object's programs.
#[derive(Debug, clap::Args)]
pub(crate) struct DisasmArgs {
    /// The ELF object.
    #[arg(value_name = "OBJ")]
    pub(crate) object: PathBuf,
    /// Only this program.
    #[arg(long, value_name = "NAME")]
    pub(crate) program: Option<String>,
    /// Prints the machine code that they are compiled to instead, under the source
    /// lines and the instructions that it was made of.
    #[arg(long)]
    pub(crate) native: bool,
    /// Prints Cranelift's intermediate representation of them instead.
    #[arg(long, conflicts_with = "native")]
    pub(crate) ir: bool,
    /// Reports in JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Assembles a text in the syntax of the kernel's verifier log.
#[derive(Debug, clap::Args)]
pub(crate) struct AsmArgs {
    /// The text; `-` is standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Writes the instructions' bytes to this file instead of printing them as
    /// base16, eight bytes a line; `-` is standard output.
    #[arg(short, long, value_name = "OUT")]
    pub(crate) out: Option<PathBuf>,
}

/// Runs a program as the public bpf_conformance suite asks its plugins to.
///
/// The program's bytes are base16 text on standard input; r0 is printed in
/// hexadecimal.
#[derive(Debug, clap::Args)]
pub(crate) struct ConformanceArgs {
    /// The memory that r1 points to, as base16 text; r2 is its length.
    #[arg(value_name = "MEMHEX", default_value = "", value_parser = Hex::from_str)]
    pub(crate) memory: Hex,
    /// Runs it by the interpreter.
    #[arg(long, conflicts_with = "jit")]
    pub(crate) interp: bool,
    /// Runs it as native code; so it is unless said.
    #[arg(long)]
    pub(crate) jit: bool,
}

/// Lists the kernel's helpers, or those that a program type may call.
#[derive(Debug, clap::Args)]
pub(crate) struct HelpersArgs {
    /// The program type, by the kernel's name.
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) prog_type: Option<String>,
    /// Reports in JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Bytes typed in base16.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hex(pub(crate) Vec<u8>);

impl FromStr for Hex {
    type Err = hex::HexError;

    fn from_str(text: &str) -> Result<Self, hex::HexError> {
        hex::parse(text).map(Self)
    }
}

/// An element of a map as typed: `NAME:KEYHEX=VALUEHEX`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) map: String,
    pub(crate) key: Vec<u8>,
    pub(crate) value: Vec<u8>,
}

impl FromStr for Element {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || "expected NAME:KEYHEX=VALUEHEX".to_owned();
        // A map's name may hold colons, base16 text none.
        let (map, element) = text.rsplit_once(':').ok_or_else(form)?;
        let (key, value) = element.split_once('=').ok_or_else(form)?;
        let bytes = |what, text| hex::parse(text).map_err(|error| format!("{what}: {error}"));
        Ok(Self { map: map.to_owned(), key: bytes("key", key)?, value: bytes("value", value)? })
    }
}

#[cfg(test)]
mod tests {
    use super::{Args, Element};
    use clap::CommandFactory;

    #[test]
    fn the_definition_holds_together() {
        Args::command().debug_assert();
    }

    #[test]
    fn elements_are_read() {
        let element: Element = "a:b:0102=03".parse().unwrap();
        assert_eq!(element, Element { map: "a:b".into(), key: vec![1, 2], value: vec![3] });
        for bad in ["", "a", "a:", "a:01", "a:0=00", "a:00=zz"] {
            assert!(bad.parse::<Element>().is_err(), "{bad}");
        }
    }
}
