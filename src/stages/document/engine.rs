//! The programs that compile documents: which there are, which is taken, and how each is called so that it sees nothing but
//! what lies in its folder and gives the same bytes every time.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::format::Format;
use crate::pipeline::{Context, Stop};
use crate::stages::program;

/// What compiles a document.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// The first that is installed: for LaTeX latexmk, tectonic or pdflatex, else typst or quarto.
    #[default]
    Auto,
    /// latexmk with pdfLaTeX, or with another engine by `arguments = ["-lualatex"]`.
    Latexmk,
    /// Tectonic.
    Tectonic,
    /// pdfLaTeX, with BibTeX or Biber, as often as needed.
    Pdflatex,
    /// XeLaTeX, in the same way.
    Xelatex,
    /// LuaLaTeX, in the same way.
    Lualatex,
    /// Typst.
    Typst,
    /// Quarto, which runs no code here.
    Quarto,
    /// Nothing: the document and its files are checked and laid in one folder, to be compiled elsewhere.
    None,
}

impl Engine {
    /// The program.
    pub fn program(self) -> &'static str {
        match self {
            Self::Auto | Self::None => "",
            Self::Latexmk => "latexmk",
            Self::Tectonic => "tectonic",
            Self::Pdflatex => "pdflatex",
            Self::Xelatex => "xelatex",
            Self::Lualatex => "lualatex",
            Self::Typst => "typst",
            Self::Quarto => "quarto",
        }
    }

    /// What can compile a language, in the order in which it is looked for.
    pub fn of(format: Format) -> &'static [Self] {
        match format {
            Format::Latex => &[
                Self::Latexmk,
                Self::Tectonic,
                Self::Pdflatex,
                Self::Xelatex,
                Self::Lualatex,
            ],
            Format::Typst => &[Self::Typst],
            Format::Quarto => &[Self::Quarto],
        }
    }

    /// Those that are looked for, for a document in a language.
    fn wanted(self, format: Format) -> Vec<Self> {
        match self {
            Self::Auto => {
                let all = Self::of(format).iter().copied();
                all.filter(|engine| !matches!(engine, Self::Xelatex | Self::Lualatex))
                    .collect()
            }
            one => vec![one],
        }
    }

    /// The program to call, and where it is.
    ///
    /// # Errors
    /// None is installed: what was looked for, and what to do.
    pub fn find(
        self,
        format: Format,
        environment: &BTreeMap<String, Option<String>>,
    ) -> Result<(Self, PathBuf), String> {
        let path = environment
            .get("PATH")
            .cloned()
            .flatten()
            .unwrap_or_default();
        let wanted = self.wanted(format);
        let found = wanted.iter().find_map(|engine| {
            // latexmk alone compiles nothing.
            let needs_latex = self == Self::Auto && *engine == Self::Latexmk;
            let is_whole = !needs_latex || on_path("pdflatex", &path).is_some();
            let program = on_path(engine.program(), &path).filter(|_| is_whole)?;
            Some((*engine, program))
        });
        found.ok_or_else(|| {
            let names: Vec<String> = wanted.iter().map(|e| format!("`{}`", e.program())).collect();
            let how = match format {
                Format::Latex => "install TeX Live or Tectonic",
                Format::Typst => "install Typst",
                Format::Quarto => "install Quarto",
            };
            format!(
                "no program to compile {} is installed: {} was looked for on PATH; {how}, or set engine = \"none\"",
                format.noun(),
                names.join(", ")
            )
        })
    }
}

/// Where a program lies on a PATH.
fn on_path(program: &str, path: &str) -> Option<PathBuf> {
    let folders = std::env::split_paths(path);
    let mut files = folders
        .filter(|f| f.is_absolute())
        .map(|folder| folder.join(program));
    files.find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    let Ok(meta) = fs::metadata(file) else {
        return false;
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        meta.is_file() && meta.permissions().mode() & 0o111 != 0
    }
    #[cfg(not(unix))]
    {
        meta.is_file()
    }
}

/// A compile in a folder.
pub struct Compile<'a> {
    /// What compiles.
    pub engine: Engine,
    /// Where that lies.
    pub program: &'a Path,
    /// Where the document lies.
    pub folder: &'a Path,
    /// The main file in it.
    pub main: &'a str,
    /// What the author adds.
    pub arguments: &'a [String],
    /// What the document takes for now, in seconds since 1970.
    pub now: i64,
}

/// LuaTeX makes the identifier of a PDF from the path of its folder, which is another every time, unless it is told to leave
/// it out.
const WITHOUT_IDENTIFIER: &str = "\\pdfvariable suppressoptionalinfo 512\\relax";

/// So often plain LaTeX is called until nothing changes.
const PASSES: usize = 5;

impl Compile<'_> {
    /// The name of the main file without its extension.
    pub fn stem(&self) -> &str {
        self.main
            .rsplit_once('.')
            .map_or(self.main, |(stem, _)| stem)
    }

    /// Compiles. What it leaves is `<stem>.pdf`.
    pub fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        match self.engine {
            Engine::Auto | Engine::None => Ok(()),
            Engine::Pdflatex | Engine::Xelatex | Engine::Lualatex => self.passes(job),
            _ => self.call(self.program, &self.line(), job),
        }
    }

    /// The arguments that a program is given.
    fn line(&self) -> Vec<String> {
        let pdf = format!("{}.pdf", self.stem());
        let (before, after): (&[&str], &[&str]) = match self.engine {
            Engine::Auto | Engine::None => (&[], &[]),
            Engine::Latexmk => (
                &[
                    "-norc",
                    "-pdf",
                    "-recorder",
                    "-interaction=nonstopmode",
                    "-file-line-error",
                    "-latexoption=-no-shell-escape",
                ],
                &[self.main],
            ),
            Engine::Tectonic => (
                &["--untrusted", "--keep-logs", "-Z", "deterministic-mode"],
                &[self.main],
            ),
            Engine::Pdflatex | Engine::Xelatex | Engine::Lualatex => (
                &[
                    "-recorder",
                    "-interaction=nonstopmode",
                    "-file-line-error",
                    "-no-shell-escape",
                ],
                &[self.main],
            ),
            Engine::Typst => (
                &[
                    "compile",
                    "--root",
                    ".",
                    "--ignore-system-fonts",
                    "--font-path",
                    ".",
                    "--diagnostic-format",
                    "short",
                ],
                &[self.main, &pdf],
            ),
            Engine::Quarto => (
                &["render", self.main, "--no-execute", "--output", &pdf],
                &[],
            ),
        };
        let job_name = format!("-jobname={}", self.stem());
        let lualatex = format!("{WITHOUT_IDENTIFIER}\\input{{{}}}", self.main);
        let pretex = format!("-usepretex={WITHOUT_IDENTIFIER}");
        let is_lua = |argument: &String| argument.contains("lualatex") || argument == "-pdflua";
        let (before, after) = match self.engine {
            Engine::Lualatex => ([before, &[&job_name]].concat(), vec![lualatex.as_str()]),
            Engine::Latexmk if self.arguments.iter().any(is_lua) => {
                ([before, &[&pretex]].concat(), after.to_vec())
            }
            _ => (before.to_vec(), after.to_vec()),
        };
        // Unless the author wants another way to it.
        let to_pdf = self.engine == Engine::Quarto && !self.arguments.iter().any(|a| a == "--to");
        let to: &[&str] = if to_pdf { &["--to", "pdf"] } else { &[] };
        let all = before
            .iter()
            .copied()
            .chain(self.arguments.iter().map(String::as_str));
        all.chain(to.iter().copied())
            .chain(after.iter().copied())
            .map(str::to_string)
            .collect()
    }

    fn call(&self, program: &Path, arguments: &[String], job: &Context<'_>) -> Result<(), Stop> {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.folder)
            .env_clear()
            .envs(self.environment(job));
        program::run(&mut command, job)
    }

    /// Nothing of the user's environment but where programs are. What the engines know of reproducible output is set.
    fn environment(&self, job: &Context<'_>) -> BTreeMap<OsString, OsString> {
        let now = self.now.to_string();
        // A folder that is not there: what a user keeps for all documents is not declared.
        let nowhere = self.folder.join(".none");
        let mut all: BTreeMap<OsString, OsString> = BTreeMap::new();
        for (name, value) in job.environment {
            if let Some(value) = value {
                all.insert(name.into(), value.into());
            }
        }
        let fixed = [
            ("SOURCE_DATE_EPOCH", now.as_str()),
            ("FORCE_SOURCE_DATE", "1"),
            ("TZ", "UTC"),
            ("LC_ALL", "C.UTF-8"),
            // Nothing is read above the folder, nothing written outside, no program started.
            ("openin_any", "p"),
            ("openout_any", "p"),
            ("shell_escape", "f"),
            // A message in one line can be read.
            ("max_print_line", "10000"),
            ("error_line", "254"),
            ("half_error_line", "238"),
        ];
        for (name, value) in fixed {
            all.insert(name.into(), value.into());
        }
        all.insert("TEXMFHOME".into(), nowhere.into());
        all
    }

    /// Calls plain LaTeX, and BibTeX or Biber, until the files between two calls stay the same.
    fn passes(&self, job: &Context<'_>) -> Result<(), Stop> {
        let line = self.line();
        let mut before = self.between();
        for pass in 0..PASSES {
            self.call(self.program, &line, job)?;
            if pass == 0 {
                self.bibliography(job)?;
            }
            let now = self.between();
            if pass > 0 && now == before {
                break;
            }
            before = now;
        }
        Ok(())
    }

    fn bibliography(&self, job: &Context<'_>) -> Result<(), Stop> {
        let aux = fs::read_to_string(self.folder.join(format!("{}.aux", self.stem())));
        let has_biber = self.folder.join(format!("{}.bcf", self.stem())).exists();
        let name = if has_biber {
            "biber"
        } else if aux.is_ok_and(|aux| aux.contains("\\bibdata")) {
            "bibtex"
        } else {
            return Ok(());
        };
        let path = job
            .environment
            .get("PATH")
            .cloned()
            .flatten()
            .unwrap_or_default();
        let Some(program) = on_path(name, &path) else {
            let what = format!("the document has a bibliography, and `{name}` is not installed");
            return Err(Stop::failed(what));
        };
        self.call(&program, &[self.stem().to_string()], job)
    }

    /// What LaTeX leaves for its next call.
    fn between(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        const KINDS: [&str; 6] = ["aux", "toc", "lof", "lot", "out", "bbl"];
        let mut all = BTreeMap::new();
        for entry in fs::read_dir(self.folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let extension = path.extension().unwrap_or_default().to_string_lossy();
            if KINDS.contains(&extension.as_ref())
                && let Ok(bytes) = fs::read(&path)
            {
                all.insert(path, bytes);
            }
        }
        all
    }

    /// What the program says of its version: TeX in the first line of its log, others if they are asked.
    pub fn version(&self, log: &str, job: &Context<'_>) -> String {
        let first = log
            .lines()
            .next()
            .filter(|line| line.starts_with("This is "));
        if let Some(line) = first {
            let line = line.trim_start_matches("This is ");
            let ends = [" (preloaded", " (format"];
            let end = ends.iter().filter_map(|end| line.find(end)).min();
            return line[..end.unwrap_or(line.len())].trim_end().to_string();
        }
        let mut command = Command::new(self.program);
        command
            .arg("--version")
            .env_clear()
            .envs(self.environment(job));
        let said = command
            .output()
            .map(|output| output.stdout)
            .unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        said.lines().next().unwrap_or("unknown").trim().to_string()
    }
}
