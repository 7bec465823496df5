//! How does every engine compare with every other? Tables of ratios with
//! geometric means: `cargo bench -p brolga-benches --bench ratios -- [ROUNDS]
//! [PROGRAM]..`.

use brolga_benches::ratios::{self, Plan};

fn main() {
    ratios::print(&Plan::new(std::env::args().skip(1)));
}
