//! What the tests of Brolga are made of: case files, generated programs, and
//! the live kernel as an oracle. Fuzz targets are thin shells over the same.

pub mod generate;
pub mod kernel;
