//! A figure as a paper includes it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Writer;
use crate::figures::markup;

/// What a paper says of a figure.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FigureText {
    /// A sentence below the figure. `^{…}` raises, `_{…}` lowers, `*…*` slants, `**…**` is bold, and `\alpha` is a Greek letter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    /// What `\ref` calls the figure, e.g. `fig:accuracy`; it needs a caption.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Where LaTeX may place the figure, e.g. `t` or `h!`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placement: Option<String>,
    /// Whether the figure spans both columns of a page.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub wide: bool,
}

impl FigureText {
    /// What is wrong with it, each with the name of the parameter.
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        let caption = self.caption.as_deref();
        problems.extend(
            caption
                .and_then(markup::problem)
                .map(|why| ("caption", why)),
        );
        if let Some(label) = &self.label {
            if self.caption.is_none() {
                let why = "LaTeX numbers a figure by its caption: give `caption` too";
                problems.push(("label", why.to_owned()));
            }
            problems.extend(label_problem(label).map(|why| ("label", why)));
        }
        if let Some(placement) = &self.placement {
            problems.extend(placement_problem(placement, self.wide).map(|why| ("placement", why)));
        }
        problems
    }
}

/// What is wrong with a placement, if anything.
fn placement_problem(placement: &str, wide: bool) -> Option<String> {
    let is_fine = |c: char| "htbpH!".contains(c);
    if placement.is_empty() || !placement.chars().all(is_fine) {
        return Some(format!(
            "`{placement}` is no placement; it takes the letters `h`, `t`, `b`, `p` and `!`, or `H` alone"
        ));
    }
    (placement.contains('H') && (placement.len() > 1 || wide))
        .then(|| "`H` stands alone, and not in a figure over both columns".to_owned())
}

/// Finds the picture beside the file that is being read, whatever both are called and wherever they lie.
const BESIDE: &str =
    "\\edef\\etudefile{\\ifx\\CurrentFilePath\\empty\\else\\CurrentFilePath/\\fi\\CurrentFile}%
\\csname filename@parse\\expandafter\\endcsname\\expandafter{\\etudefile}%
\\edef\\etudefile{\\csname filename@area\\endcsname\\csname filename@base\\endcsname}%
";

/// The picture that lies beside it, `width` points wide, to be `\input`: in a `figure` environment if there is a caption. Beside
/// the code stands what to know of it, a line each. It takes LaTeX of October 2020 or later.
pub fn figure_snippet(text: &FigureText, width: f64) -> (String, Vec<String>) {
    let mut writer = Writer::new(false);
    writer.needs("graphicx");
    let picture = format!("{BESIDE}\\includegraphics[width={width}bp]{{\\etudefile}}");
    let Some(caption) = &text.caption else {
        let code = format!("\\begingroup\n{picture}%\n\\endgroup\n");
        return (writer.preamble() + &code, writer.warnings());
    };
    let environment = if text.wide { "figure*" } else { "figure" };
    let placement = text.placement.as_ref();
    let placement = placement.map_or(String::new(), |letters| format!("[{letters}]"));
    if text.placement.as_deref() == Some("H") {
        writer.needs("float");
    }
    let mut code = format!("\\begin{{{environment}}}{placement}\n\\centering\n{picture}\n");
    let caption = writer.markup(caption, "caption");
    code.push_str(&format!("\\caption{{{caption}}}\n"));
    if let Some(label) = &text.label {
        code.push_str(&format!("\\label{{{label}}}\n"));
    }
    code.push_str(&format!("\\end{{{environment}}}\n"));
    (writer.preamble() + &code, writer.warnings())
}

/// What is wrong with the label of a figure or a table, if anything.
pub(in crate::figures) fn label_problem(label: &str) -> Option<String> {
    let is_fine = |c: &char| c.is_ascii_alphanumeric() || ":._-+/".contains(*c);
    match label.chars().find(|c| !is_fine(c)) {
        _ if label.is_empty() => Some("a label has at least one letter".to_owned()),
        None => None,
        Some(c) => Some(format!(
            "`{c}` cannot stand in a label; it takes letters, digits and `: . _ - + /`, e.g. `tab:results`"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_an_environment_to_input() {
        let text = FigureText {
            caption: Some("Accuracy (%), mean ± *s*; α_{0} = 1.".to_owned()),
            label: Some("fig:bars".to_owned()),
            placement: Some("t".to_owned()),
            wide: true,
        };
        assert_eq!(text.problems(), []);
        let (code, warnings) = figure_snippet(&text, 234.5);
        insta::assert_snapshot!(code, @r"
        % needs \usepackage{graphicx}
        \begin{figure*}[t]
        \centering
        \edef\etudefile{\ifx\CurrentFilePath\empty\else\CurrentFilePath/\fi\CurrentFile}%
        \csname filename@parse\expandafter\endcsname\expandafter{\etudefile}%
        \edef\etudefile{\csname filename@area\endcsname\csname filename@base\endcsname}%
        \includegraphics[width=234.5bp]{\etudefile}
        \caption{Accuracy (\%), mean $\pm$ \textit{s}; $\alpha$\textsubscript{0} = 1.}
        \label{fig:bars}
        \end{figure*}
        ");
        assert_eq!(warnings, Vec::<String>::new());
    }

    #[test]
    fn without_a_caption_there_is_only_the_picture() {
        let (code, _) = figure_snippet(&FigureText::default(), 360.0);
        assert!(code.contains("\\includegraphics[width=360bp]") && !code.contains("{figure}"));
        let text = FigureText {
            label: Some("fig:a b".to_owned()),
            placement: Some("top".to_owned()),
            ..FigureText::default()
        };
        let parameters: Vec<&str> = text.problems().iter().map(|(name, _)| *name).collect();
        assert_eq!(parameters, ["label", "label", "placement"]);
    }

    #[test]
    fn a_label_is_what_every_package_takes() {
        assert_eq!(label_problem("fig:a_b-1"), None);
        for label in ["", "a b", "a%", "a{b}", "é", "a,b"] {
            assert!(label_problem(label).is_some(), "{label}");
        }
    }
}
