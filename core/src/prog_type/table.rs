//! The kernel's program types.
