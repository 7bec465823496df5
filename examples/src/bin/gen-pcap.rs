//! Writes the trace that the examples run on.
//!
//! `cargo run -p brolga-examples --bin gen-pcap [FILE]`, where FILE is
//! `examples/traffic.pcap` unless said.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use brolga_examples::{pcap, traffic};

fn main() -> io::Result<()> {
    let default = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("traffic.pcap");
    let path = std::env::args_os().nth(1).map_or_else(default, PathBuf::from);
    let packets = traffic::packets();
    let mut out = BufWriter::new(File::create(&path)?);
    pcap::write(&mut out, &packets)?;
    out.flush()?;
    println!("{} packets to {}", packets.len(), path.display());
    Ok(())
}
