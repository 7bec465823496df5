//! The part of `ratios` about loading: `loading [ROUNDS] [PROGRAM]..`.

use brolga_benches::ratios::{self, Plan};

fn main() {
    ratios::print_loading(&Plan::new(std::env::args().skip(1)));
}
