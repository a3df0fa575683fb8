//! A figure as a paper includes it.

use super::Writer;

/// A `figure` environment that includes a picture, to be `\input`.
///
/// `file` is the picture as `\includegraphics` finds it, without its extension; `caption` is mark-up. With a `width` in points the
/// picture has that width, else its own; `wide` spans both columns of a page. Beside the code stands what to know of it, a line each.
pub fn figure_snippet(
    file: &str,
    caption: Option<&str>,
    label: Option<&str>,
    width: Option<f64>,
    wide: bool,
) -> (String, Vec<String>) {
    let mut writer = Writer::new(false);
    writer.needs("graphicx");
    let environment = if wide { "figure*" } else { "figure" };
    let mut code = format!("\\begin{{{environment}}}\n\\centering\n");
    let width = width.map_or(String::new(), |width| format!("[width={width}bp]"));
    code.push_str(&format!("\\includegraphics{width}{{{file}}}\n"));
    if let Some(caption) = caption {
        code.push_str(&format!(
            "\\caption{{{}}}\n",
            writer.markup(caption, "caption")
        ));
    }
    if let Some(label) = label {
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
        let (code, warnings) = figure_snippet(
            "figures/bars",
            Some("Accuracy (%), mean ± *s*; α_{0} = 1."),
            Some("fig:bars"),
            None,
            false,
        );
        insta::assert_snapshot!(code, @r"
        % needs \usepackage{graphicx}
        \begin{figure}
        \centering
        \includegraphics{figures/bars}
        \caption{Accuracy (\%), mean $\pm$ \textit{s}; $\alpha$\textsubscript{0} = 1.}
        \label{fig:bars}
        \end{figure}
        ");
        assert_eq!(warnings, Vec::<String>::new());
    }

    #[test]
    fn a_wide_figure_spans_both_columns() {
        let (code, _) = figure_snippet("a", None, None, Some(234.5), true);
        insta::assert_snapshot!(code, @r"
        % needs \usepackage{graphicx}
        \begin{figure*}
        \centering
        \includegraphics[width=234.5bp]{a}
        \end{figure*}
        ");
    }

    #[test]
    fn a_label_is_what_every_package_takes() {
        assert_eq!(label_problem("fig:a_b-1"), None);
        for label in ["", "a b", "a%", "a{b}", "é", "a,b"] {
            assert!(label_problem(label).is_some(), "{label}");
        }
    }
}
