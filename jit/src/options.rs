//! How to compile.

use bitflags::bitflags;

/// How much work goes into the code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tier {
    /// The code is there soonest: in three fifths of the time, and it takes two
    /// and a half times as long to run. For a program that runs once.
    Quick,
    /// The best code for a program that runs many times.
    #[default]
    Best,
}

bitflags! {
    /// The optimisations of this crate's own. Each may be switched off alone; a
    /// program does the same with any set of them.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Passes: u32 {
        /// What is computed in 32 bits is kept in 32 bits, and extended where
        /// all 64 are looked at.
        const NARROW = 1 << 0;
        /// Operations on numbers known at compile time are done then.
        const FOLD = 1 << 1;
        /// Two shifts and an or become a rotation; two shifts by 32 become an
        /// extension.
        const ROTATE = 1 << 2;
        /// A division by a constant becomes a multiplication.
        const DIVIDE = 1 << 3;
        /// Stack slots that are only read and written as a whole, by the frame
        /// pointer, are kept in registers.
        const STACK = 1 << 4;
        /// A jump to where nothing is done but return, returns.
        const RETURN = 1 << 6;
        /// Functions are placed so that their small loops lie in few cache lines.
        const ALIGN = 1 << 7;
        /// Lookups in arrays are done in place.
        const LOOKUP = 1 << 8;
        /// Lookups in arrays that have a value for each processor are done in
        /// place, where [`LOOKUP`](Self::LOOKUP) is on too.
        const PERCPU = 1 << 19;
        /// Which processor a program runs on is asked once in each call of a
        /// subprogram. (In the kernel a run does not change its processor.)
        const PROCESSOR = 1 << 20;
        /// What lies in a map that never changes is a number known at compile
        /// time.
        const FROZEN = 1 << 16;
        /// Small subprograms are put in the place of their calls.
        const INLINE = 1 << 11;
        /// Jumps to jumps lead to where those lead, and what only one jump leads
        /// to needs none.
        const THREAD = 1 << 10;
        /// Small loops do several rounds at once, and look less often whether to
        /// go on where it is known how many there are.
        const UNROLL = 1 << 9;
        /// Helpers are called directly where they are near enough.
        const NEAR = 1 << 5;
        /// Blocks are laid out as they follow each other, what leaves a loop
        /// behind it, and what only such a way needs is done on that way.
        const LAYOUT = 1 << 12;
        /// The first block of a loop is copied behind its last, where that saves
        /// a jump in each round.
        const TURN = 1 << 13;
        /// Sums of a register and a constant are made where they are needed, and
        /// left to addresses where they may be.
        const LAZY = 1 << 14;
        /// Sums of what was loaded are made in a tree, not one after the other.
        const TREE = 1 << 15;
        /// A multiplication by a constant that takes a shift and a sum, or two,
        /// becomes them.
        const MULTIPLY = 1 << 18;
        /// Two words that are copied one after the other are copied at once.
        const COPY = 1 << 17;
    }
}

impl Default for Passes {
    fn default() -> Self {
        Self::all()
    }
}

bitflags! {
    /// What to keep beside the code, for people to look at. Nothing is kept, and
    /// nothing paid, unless asked for.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct Listing: u32 {
        /// Cranelift's intermediate representation.
        const IR = 1 << 0;
        /// The machine code, as text with labels.
        const NATIVE = 1 << 1;
        /// Which instruction each piece of the machine code came from.
        const LINES = 1 << 2;
    }
}

/// How to compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Options {
    /// How much work goes into the code.
    pub tier: Tier,
    /// The optimisations.
    pub passes: Passes,
    /// What to keep beside the code.
    pub listing: Listing,
    /// Whether Cranelift checks the intermediate representation that it is
    /// given; half as much compile time again. On by default where this crate is
    /// built with debug assertions.
    pub check_ir: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            tier: Tier::default(),
            passes: Passes::default(),
            listing: Listing::default(),
            check_ir: cfg!(debug_assertions),
        }
    }
}
