//! etude: declarative experiment pipelines for machine-learning papers.
pub mod pipeline;
pub mod plan;
pub mod run;
pub mod store;
