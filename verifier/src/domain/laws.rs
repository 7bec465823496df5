//! The laws of the domain.
