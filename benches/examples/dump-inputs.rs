//! Writes the inputs of the bench programs to `DIR/NAME.in`, and their names and
//! expected results to stdout: what `programs/native.sh` compares with.

use std::fs;
use std::path::PathBuf;

use brolga_benches::programs::PROGRAMS;

fn main() -> std::io::Result<()> {
    let Some(dir) = std::env::args_os().nth(1).map(PathBuf::from) else {
        return Err(std::io::Error::other("usage: dump-inputs DIR"));
    };
    for program in PROGRAMS {
        fs::write(dir.join(program.name).with_extension("in"), program.input())?;
        println!("{} {:#x}", program.name, program.expected);
    }
    Ok(())
}
