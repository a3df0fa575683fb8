//! The learning wing: tasks, models, objectives, training, decoding and accuracy.
//!
//! It turns parameters into data ([`task`]), data and [`training::Settings`] into a [`learner::Learner`]
//! ([`training`]), and a learner into answers ([`decoding`]), rates ([`accuracy`]) and mistakes ([`walk`]). It knows no pipeline, stage,
//! store or schedule; it never prints, and reads neither the environment nor the clock.
//!
//! Two promises hold throughout. The same parameters give the same bytes, whatever the number of threads: every random
//! draw has a stream of its own, named after its purpose ([`random`]), and every sum has a fixed order ([`kernel`]).
//! And a file is believed only after its sizes were checked: a broken one is an error that says what is wrong with it.
//!
//! What people add is one file and one line in a roster: a [`task::Task`], a [`model::Architecture`], an
//! [`objective::Objective`].
//!
//! Paper: Bachmann & Nagarajan, *The pitfalls of next-token prediction*, ICML 2024, arXiv 2403.06963.

/// Writes the enum of the instances of a contract, tagged by `kind`, and its way to the contract.
macro_rules! roster {
    (
        $(#[$meta:meta])*
        pub enum $name:ident: $contract:ident {
            $( $(#[$doc:meta])* $variant:ident($parameters:ty), )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(tag = "kind", rename_all = "kebab-case")]
        pub enum $name {
            $( $(#[$doc])* $variant($parameters), )+
        }

        impl $name {
            /// The instance behind its contract.
            #[must_use]
            pub fn contract(&self) -> &dyn $contract {
                match self {
                    $( Self::$variant(instance) => instance, )+
                }
            }
        }
    };
}

pub mod accuracy;
pub mod creativity;
pub mod decoding;
pub mod device;
pub mod difference;
pub mod insight;
pub mod kernel;
pub mod learner;
pub mod model;
pub mod objective;
pub mod probe;
pub mod random;
pub(crate) mod reading;
pub mod task;
pub mod training;
pub mod walk;

/// What is wrong with a set of parameters: which one (dotted from where the struct stands), and why, in a sentence.
pub type Problem = (String, String);
