//! What the tests of Brolga are made of: case files, generated programs, and
//! the live kernel as an oracle. Fuzz targets are thin shells over the same.

pub mod case;
pub mod conformance;
pub mod contain;
pub mod coverage;
pub mod differ;
pub mod examine;
pub mod fuzzing;
pub mod generate;
pub mod reduce;
pub mod world;

pub use brolga_kernel as kernel;
