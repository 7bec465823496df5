//! How much memory does a loaded program take, and an element of a map?

use brolga_benches::ratios::{self, Plan};

fn main() {
    ratios::print_memory(&Plan::new(std::env::args().skip(1)));
}
