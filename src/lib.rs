//! etude: declarative experiment pipelines for machine-learning papers.
pub mod pipeline;
pub mod store;
