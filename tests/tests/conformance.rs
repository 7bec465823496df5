//! RFC 9669, instruction by instruction, on both engines.

use brolga_tests::conformance::parse;
use std::fs;
use std::path::Path;

#[test]
fn every_instruction_does_what_rfc_9669_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance");
    let mut count = 0;
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("a file").path();
        let text = fs::read_to_string(&path).expect("a text");
        for vector in parse(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display())) {
            vector.check().unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            count += 1;
        }
    }
    assert!(count > 900, "only {count} vectors");
}
