//! What the verifier must refuse, and what it must not.
//!
//! Each test is a program in the kernel's assembler text and either the kernel's
//! own words for what is wrong with it or the statement that nothing is. All
//! verdicts are those of the live Linux 6.18 but where a comment says why not.
//! The historic holes of other verifiers each have a program here.

mod arithmetic;
mod callbacks;
mod control;
mod facts;
mod frames;
mod globals;
mod hostile;
mod idioms;
mod loops;
mod maps;
mod objects;
mod packet;
mod pointers;
mod precision;
mod processors;
mod pruning;
mod references;
mod sorts;
mod stack;
mod strings;

use brolga_core::prog_type::table;
use brolga_core::{Aux, MapDef, MapIdx, MapInfo, Pc, Program, asm};
use brolga_verifier::{Accepted, Failure, Options, verify};

/// How many instructions may be walked: less than the kernel's, for tests are
/// not compiled to be fast.
const BUDGET: u32 = 50_000;

/// What a program is loaded as, and with.
pub struct Load {
    /// What else is known of it.
    pub aux: Aux,
    /// What it is verified with.
    pub options: Options,
}

/// A program of a type, without maps.
pub fn load(prog_type: &str) -> Load {
    let mut aux = Aux::new(table::by_name(prog_type).expect("a program type"));
    aux.gpl_compatible = true;
    Load { aux, options: Options { budget: BUDGET, ..Options::default() } }
}

/// An XDP program.
pub fn xdp() -> Load {
    load("xdp")
}

/// An XDP program with an array of one value of so many bytes, `map[idx:0]`.
pub fn xdp_with_value(bytes: u32) -> Load {
    xdp().map(MapDef::array(bytes, 1))
}

impl Load {
    /// With one more map: `map[idx:i]` for the `i`-th.
    pub fn map(self, def: MapDef) -> Self {
        self.map_info(MapInfo::new(def))
    }

    /// With one more map, of which this is known.
    pub fn map_info(mut self, info: MapInfo) -> Self {
        self.aux.fd_array.push(MapIdx(self.aux.maps.len() as u32));
        self.aux.maps.push(info);
        self
    }

    /// Verified otherwise.
    pub fn with(mut self, otherwise: impl FnOnce(&mut Options)) -> Self {
        otherwise(&mut self.options);
        self
    }

    /// With a subprogram whose type is known, as BTF would say.
    pub fn named(mut self, start: u32) -> Self {
        self.aux.subprog_names.insert(Pc(start), format!("sub{start}"));
        self
    }

    /// Verifies a program in text.
    pub fn verify(self, text: &str) -> Result<Accepted, Box<Failure>> {
        let code = asm::assemble(text).expect("the text is a program");
        verify(Program { code, aux: self.aux }, &self.options)
    }

    /// That it is accepted.
    #[track_caller]
    pub fn accepts(self, text: &str) -> Accepted {
        self.verify(text).unwrap_or_else(|failure| panic!("refused: {failure}"))
    }

    /// That it is refused, with these words.
    #[track_caller]
    pub fn refuses(self, words: &str, text: &str) {
        match self.verify(text) {
            Ok(_) => panic!("accepted, where `{words}` was expected"),
            Err(failure) => assert!(failure.to_string().contains(words), "refused otherwise: {failure}"),
        }
    }
}
