//! What is asked of Slurm: the options of `sbatch` and the script that it takes.

use std::path::Path;

use super::Cluster;
use crate::pipeline::Resources;
use crate::run::executor::shell::{quoted, word};

/// What a job asks for. Jobs that ask for the same go out in one array.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Request {
    cores: u32,
    /// In bytes, where the file says how much the job may take.
    memory: Option<u64>,
    cards: u32,
    /// In seconds, where the file says how long the job may run.
    time: Option<u64>,
}

/// What a cell itself holds beside its job, in MiB.
const OWN_MEMORY: u64 = 256;
/// What a cell takes beside its jobs, in seconds: to start, and to save before it is ended.
const OWN_TIME: u64 = 180;
/// So long before its end a cell is warned, in seconds.
const WARNING: u64 = 60;

impl From<&Resources> for Request {
    fn from(resources: &Resources) -> Self {
        Self {
            cores: resources.cores,
            memory: resources.limited.then_some(resources.memory),
            cards: resources.gpu,
            time: resources.time,
        }
    }
}

/// An array of cells to submit.
pub(super) struct Array<'a> {
    /// Its name, by which it is found again.
    pub name: &'a str,
    /// How many cells it has.
    pub cells: usize,
    /// How many jobs a cell does at the most, one after the other.
    pub pack: usize,
    pub request: Request,
    /// Where its jobs run.
    pub root: &'a Path,
    /// Where its cells' files are, and what they print goes.
    pub folder: &'a Path,
    /// Nodes that it is kept from.
    pub excluded: &'a [String],
}

impl Array<'_> {
    /// The options of `sbatch`, of those that Slurm has had since 2017. What the settings say comes last, and so counts.
    pub fn options(&self, cluster: &Cluster) -> Vec<String> {
        let Request {
            cores,
            memory,
            cards,
            time,
        } = self.request;
        let mut options = vec![
            "--parsable".to_owned(),
            format!("--job-name={}", self.name),
            format!("--array=0-{}", self.cells - 1),
            format!("--chdir={}", self.root.display()),
            format!("--output={}", self.folder.join("%a.out").display()),
            "--open-mode=append".to_owned(),
            "--requeue".to_owned(),
            format!("--signal=B:USR1@{WARNING}"),
            "--nodes=1".to_owned(),
            "--ntasks=1".to_owned(),
            format!("--cpus-per-task={cores}"),
        ];
        if let Some(memory) = memory {
            options.push(format!("--mem={}M", memory.div_ceil(1 << 20) + OWN_MEMORY));
        }
        if let Some(time) = time {
            let all = time.saturating_mul(self.pack as u64) + OWN_TIME;
            options.push(format!("--time={}", all.div_ceil(60)));
        }
        if let (Some(template), 1..) = (&cluster.cards, cards) {
            options.push(template.replace("{n}", &cards.to_string()));
        }
        options.extend(site(cluster));
        options.extend(cluster.sbatch.iter().cloned());
        if !self.excluded.is_empty() {
            let excluded = self.excluded.join(",");
            let own = options.iter_mut().find(|o| o.starts_with("--exclude="));
            match own {
                Some(own) => own.push_str(&format!(",{excluded}")),
                None => options.push(format!("--exclude={excluded}")),
            }
        }
        options
    }

    /// The script of every cell. It becomes the cell, so that signals reach it.
    pub fn script(&self, cluster: &Cluster, program: &Path) -> String {
        format!(
            "#!/bin/bash\n{}exec {} worker --cell {}/\"$SLURM_ARRAY_TASK_ID\".json\n",
            setup(cluster),
            quoted(program),
            quoted(self.folder)
        )
    }
}

/// An engine that runs as a job itself.
pub(super) struct Engine<'a> {
    /// The words of its command line after the program.
    pub arguments: &'a [String],
    pub root: &'a Path,
    /// Where what it prints goes.
    pub output: &'a Path,
}

impl Engine<'_> {
    pub fn options(&self, cluster: &Cluster) -> Vec<String> {
        let mut options = vec![
            "--parsable".to_owned(),
            "--job-name=etude".to_owned(),
            format!("--chdir={}", self.root.display()),
            format!("--output={}", self.output.display()),
            "--open-mode=append".to_owned(),
            "--requeue".to_owned(),
            format!("--signal=B:USR1@{WARNING}"),
            "--nodes=1".to_owned(),
            "--ntasks=1".to_owned(),
        ];
        options.extend(site(cluster));
        options.extend(cluster.engine.iter().cloned());
        options
    }

    /// The script. Before its time is over, it leaves its jobs and is started anew. If the job is cancelled, it leaves them to
    /// whoever runs next. Told to stop (SIGINT), it cancels them.
    pub fn script(&self, cluster: &Cluster, program: &Path) -> String {
        let words = self.arguments.iter().map(|argument| word(argument));
        let words: Vec<String> = words.collect();
        format!(
            "#!/bin/bash\n{}{} {} &\nengine=$!\nagain=\n\
             trap 'again=1; kill -TERM $engine' USR1\n\
             trap : TERM\n\
             trap 'kill -INT $engine' INT\n\
             while kill -0 $engine 2>/dev/null; do wait $engine; done\n\
             wait $engine\ncode=$?\n\
             if [ -n \"$again\" ] && [ $code = 143 ]; then exec scontrol requeue \"$SLURM_JOB_ID\"; fi\n\
             exit $code\n",
            setup(cluster),
            quoted(program),
            words.join(" ")
        )
    }
}

/// The lines before a job begins.
fn setup(cluster: &Cluster) -> String {
    let lines = cluster.setup.iter().map(|line| format!("{line}\n"));
    lines.collect()
}

/// Where jobs go, and who pays for them.
fn site(cluster: &Cluster) -> impl Iterator<Item = String> {
    let partition = cluster.partition.iter();
    let account = cluster.account.iter();
    let partition = partition.map(|partition| format!("--partition={partition}"));
    partition.chain(account.map(|account| format!("--account={account}")))
}

/// What would be typed to submit a script.
pub(super) fn shown(options: &[String], script: &str) -> String {
    let options: Vec<String> = options.iter().map(|option| word(option)).collect();
    format!("sbatch {} <<'END'\n{script}END", options.join(" \\\n  "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(request: Request) -> Array<'static> {
        Array {
            name: "etude-1",
            cells: 3,
            pack: 2,
            request,
            root: Path::new("/home/me/it's"),
            folder: Path::new("/home/me/it's/submitted/etude-1"),
            excluded: &[],
        }
    }

    #[test]
    fn only_what_the_file_says_is_asked_for() {
        let mut resources = Resources {
            cores: 4,
            ..Resources::default()
        };
        let options = |resources: &Resources| {
            let cluster = Cluster {
                cards: Some("--gres=gpu:{n}".into()),
                sbatch: vec!["--qos=long".into(), "--time=10".into()],
                ..Cluster::default()
            };
            let options = array(resources.into()).options(&cluster);
            options[10..].join(" ")
        };
        assert_eq!(
            options(&resources),
            "--cpus-per-task=4 --qos=long --time=10"
        );
        resources.limited = true;
        resources.memory = 2_000_000_000;
        resources.time = Some(90);
        resources.gpu = 2;
        assert_eq!(
            options(&resources),
            "--cpus-per-task=4 --mem=2164M --time=6 --gres=gpu:2 --qos=long --time=10"
        );
    }

    #[test]
    fn a_script_is_set_up_and_becomes_the_cell() {
        let cluster = Cluster {
            setup: vec!["module load cuda".into()],
            ..Cluster::default()
        };
        let script =
            array((&Resources::default()).into()).script(&cluster, Path::new("/opt/et ude"));
        assert_eq!(
            script,
            "#!/bin/bash\nmodule load cuda\nexec '/opt/et ude' worker --cell \
             '/home/me/it'\\''s/submitted/etude-1'/\"$SLURM_ARRAY_TASK_ID\".json\n"
        );
    }
}
