//! The cache in front of a real database.

mod coherence;
mod flights;
mod telling;
