//! The tables of `cargo bench`, without criterion: `ratios [ROUNDS] [PROGRAM]..`.

use brolga_benches::ratios::{self, Plan};

fn main() {
    ratios::print(&Plan::new(std::env::args().skip(1)));
}
