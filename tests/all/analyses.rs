//! The kinds that look into models and compare methods, through whole pipelines.

use std::fs;

use crate::project::Project;

const PIPELINE: &str = "
name = 'p'
[stage.graphs]
kind = 'path-star'
degree = 2
path_length = 3
nodes = 8
train = 60
test = 20
[stage.model]
kind = 'train'
data = 'graphs'
objective = 'next-token'
architecture = { kind = 'transformer', layers = 2, width = 8, heads = 2 }
optimizer = { kind = 'adamw', lr = 3e-3 }
batch = 4
steps = 20
[stage.answers]
kind = 'decode'
model = 'model'
data = 'graphs'
[stage.accuracy]
kind = 'aggregate'
from = 'answers'
sql = 'SELECT method, seed, AVG(exact) AS accuracy FROM answers GROUP BY method, seed ORDER BY method, seed'
[stage.tests]
kind = 'paired'
from = 'accuracy'
by = ['seed']
between = 'method'
value = 'accuracy'
[stage.depth]
kind = 'probe'
model = 'model'
data = 'graphs'
at = ['first-step', 'question']
iterations = 20
[stage.depths]
kind = 'aggregate'
from = 'depth'
sql = 'SELECT method, position, layer, AVG(accuracy) AS accuracy, MAX(chance) AS chance, MAX(examples) AS examples FROM depth GROUP BY method, position, layer ORDER BY method, position, layer'
[stage.looks]
kind = 'attention'
model = 'model'
data = 'graphs'
[stage.heads]
kind = 'aggregate'
from = 'looks'
sql = \"SELECT key, layer * 10 + head AS head, AVG(attention) AS attention FROM looks WHERE method = 'next-token' GROUP BY key, layer, head ORDER BY layer, head, key\"
[stage.map]
kind = 'plot'
from = 'heads'
mark = 'heat'
x = 'key'
y = 'head'
value = 'attention'
[axes]
method = { next-token = {}, reversed = { model.objective = 'reversed' } }
seed = { 'model.seed' = [0, 1] }
";

fn project_of(pipeline: &str) -> Project {
    Project::with(&[("p.toml", pipeline)])
}

impl Project {
    fn table(&self, name: &str) -> Vec<String> {
        let path = self.path(&format!("outputs/gallery/p/tables/{name}.csv"));
        let text = fs::read_to_string(path).unwrap();
        text.lines().map(str::to_string).collect()
    }
}

#[test]
fn models_are_probed_looked_into_and_compared_the_same_on_any_number_of_cores() {
    let tables = |arguments: &[&str]| {
        let project = project_of(PIPELINE);
        project.ok(&[&["run", "p.toml"], arguments].concat());
        project.ok(&["publish", "p.toml"]);
        let figure = project.path("outputs/gallery/p/figures/map.svg");
        assert!(fs::read_to_string(figure).unwrap().contains("edge 1 child"));
        // What is behind a figure or final is published, and not what only other tables are made of.
        let tables = fs::read_dir(project.path("outputs/gallery/p/tables")).unwrap();
        assert_eq!(tables.count(), 3);
        project.ok(&["check", "p.toml"]);
        ["tests", "depths", "heads"].map(|name| project.table(name))
    };
    let one = tables(&["--cores", "1"]);
    let two = tables(&[
        "--cores",
        "2",
        "--set",
        "depth.resources.cores=2",
        "--set",
        "looks.resources.cores=2",
    ]);
    assert_eq!(one, two);
    let [tests, depths, heads] = one;
    assert_eq!(
        tests[0],
        "first,second,pairs,difference,low,high,p_t,p_t_holm,p_flip,p_flip_holm,missing"
    );
    assert_eq!(tests.len(), 2);
    assert!(tests[1].starts_with("next-token,reversed,2,"), "{tests:?}");
    // Two methods, two positions, the embeddings and two layers.
    assert_eq!(depths.len(), 1 + 2 * 2 * 3);
    for row in &depths[1..] {
        assert!(row.ends_with(",0.5,20"), "{row}");
    }
    // Two layers of two heads, both ends of two edges and four more.
    assert_eq!(heads.len(), 1 + 4 * 8);
    let sum: f64 = heads[1..]
        .iter()
        .map(|row| row.rsplit(',').next().unwrap().parse::<f64>().unwrap())
        .sum();
    assert!((sum - 4.0).abs() < 1e-9, "{sum}");
}

#[test]
fn what_a_model_cannot_show_and_columns_that_are_not_there_are_told() {
    let mamba = PIPELINE.replace(
        "{ kind = 'transformer', layers = 2, width = 8, heads = 2 }",
        "{ kind = 'mamba', layers = 2, width = 8 }",
    );
    let project = project_of(&mamba);
    let (text, code) = project.etude(&["plan", "p.toml"]);
    assert_eq!(code, 1, "{text}");
    let why = "`model` is a Mamba and has no attention";
    assert!(text.contains(why), "{text}");
    assert!(text.contains("1 problem;"), "{text}");

    let project = project_of(&PIPELINE.replace("by = ['seed']", "by = ['sed']"));
    let (text, code) = project.etude(&["plan", "p.toml"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("there is no column `sed`"), "{text}");
    assert!(text.contains("did you mean `seed`?"), "{text}");

    let project = project_of(&PIPELINE.replace("by = ['seed']", "by = ['seed', 'method']"));
    let (text, code) = project.etude(&["plan", "p.toml"]);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("the column `method` is named twice"),
        "{text}"
    );

    let project =
        project_of(&PIPELINE.replace("'first-step', 'question'", "'question', 'question'"));
    let (text, code) = project.etude(&["plan", "p.toml"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("`question` is named twice"), "{text}");
}
