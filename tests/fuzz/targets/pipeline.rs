//! A pipeline file: read, resolved, unrolled and looked up in an empty store; every problem is printed.
#![no_main]

use std::collections::BTreeMap;
use std::fs;

use etude_fuzz::learn::task::path_star::PathStar;
use etude_fuzz::learn::training::Settings;
use etude_fuzz::pipeline::{
    self, ArtifactType, Context, PortSyntax, Kind, Port, Registry, Request, Stage, Stop, Cardinality,
};
use etude_fuzz::plan::{Plan, assess};
use etude_fuzz::store::{Ledger, Store};
use libfuzzer_sys::fuzz_target;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Parameters of every shape.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Any {
    #[serde(default)]
    number: f64,
    #[serde(default)]
    list: Vec<u8>,
    #[serde(default)]
    table: BTreeMap<String, String>,
    #[serde(default)]
    graph: Option<PathStar>,
    #[serde(default)]
    training: Option<Settings>,
}

impl Stage for Any {
    const KIND: &'static str = "any";
    const VERSION: u32 = 1;
    const OUTPUT: ArtifactType = ArtifactType::Table;
    const PORTS: &'static [Port] = &[];

    fn run(&self, _: &Context<'_>) -> Result<(), Stop> {
        Ok(())
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct All {}

impl Stage for All {
    const KIND: &'static str = "all";
    const VERSION: u32 = 1;
    const OUTPUT: ArtifactType = ArtifactType::Table;
    const PORTS: &'static [Port] = &[Port {
        name: "of",
        cardinality: Cardinality::All,
        accepts: &[ArtifactType::Table],
        syntax: PortSyntax::List,
        doc: "everything",
    }];

    fn run(&self, _: &Context<'_>) -> Result<(), Stop> {
        Ok(())
    }
}

fuzz_target!(|text: &[u8]| {
    let folder = etude_fuzz::folder();
    let file = folder.join("p.toml");
    fs::write(&file, text).expect("there is room for a file");
    let registry = Registry::new([Kind::of::<Any>(), Kind::of::<All>()]);
    let request = Request {
        root: folder.to_path_buf(),
        ..Request::default()
    };
    match pipeline::read(&file, &request, &registry) {
        Ok(pipeline) => {
            let plan = Plan::unroll(pipeline, &[]);
            let store = Store::at(&folder.join("store"));
            let _ = assess(&plan, &store, &Ledger::default());
        }
        Err(problems) => {
            let handler = miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::none());
            for problem in problems.iter().take(20) {
                let _ = handler.render_report(&mut String::new(), problem);
            }
        }
    }
});
