//! Walking a map.

use super::Map;
use super::storage::Entry;

/// Every key of a map with its value, as copies; see [`Map::iter`].
#[derive(Debug)]
pub struct Iter {
    map: Map,
    cursor: Option<usize>,
    ready: Vec<Entry>,
}

impl Iter {
    pub(super) fn new(map: Map) -> Self {
        Self { map, cursor: Some(0), ready: Vec::new() }
    }
}

impl Iterator for Iter {
    type Item = (Vec<u8>, Vec<u8>);

    fn next(&mut self) -> Option<Self::Item> {
        while self.ready.is_empty() {
            self.cursor = self.map.0.storage().entries(self.cursor?, &mut self.ready);
        }
        self.ready.pop()
    }
}
