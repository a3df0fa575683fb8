use super::*;

fn paths(text: &str) -> Vec<String> {
    let scan = scan(text);
    let references = scan.references.into_iter();
    let shown = references.map(|reference| {
        assert!(
            text[reference.range.clone()].ends_with(&reference.path) || text.contains("import")
        );
        reference.path
    });
    shown.collect()
}

fn words(text: &str) -> Vec<String> {
    let scan = scan(text);
    let pieces = scan.pieces.into_iter();
    pieces
        .map(|piece| {
            let mark = if piece.is_math { "$" } else { "" };
            format!("{mark}{}", text[piece.range].trim())
        })
        .collect()
}

#[test]
fn files_are_found_where_commands_name_them() {
    assert_eq!(
        paths(
            r"\documentclass[a4paper]{article}
\usepackage{a, b}
\input{accuracy/table} \input plain % \input{comment}
\includegraphics[width=\linewidth, trim={0 0 0 0}]{bars/figure.pdf}
\bibliography{refs,more}
\includegraphics{\folder/x} \verb|\input{no}|
\begin{verbatim}\input{no}\end{verbatim}
\import{parts/}{one}"
        ),
        [
            "article",
            "a",
            "b",
            "accuracy/table",
            "plain",
            "bars/figure.pdf",
            "refs",
            "more",
            "parts/one"
        ]
    );
    let found = scan(r"\graphicspath{{a/}{b/}}\maketitle \today");
    assert_eq!(found.folders, ["a/", "b/"]);
    assert!(found.today.is_some() && found.title.is_some() && !found.sets_date);
}

#[test]
fn what_people_read_is_text_and_mathematics() {
    assert_eq!(
        words(
            r"\documentclass[11pt]{article} preamble 1
\newcommand{\acc}[1]{0.82}\renewcommand\topfraction{0.9}
\begin{document}
It is 0.5\% of $x = 0.7$ \cite[p. 3]{a2} and \textbf{9}. % 8
\vspace{2pt}\begin{tabular}{p{3cm}r} a & 4 \\[2pt] \end{tabular}
\begin{align*} y &= 3.5 \end{align*}
\end{document} 12"
        ),
        [
            "0.82",
            "It is 0.5\\% of",
            "$x = 0.7",
            "and",
            "9",
            ".",
            "a & 4",
            "$y &= 3.5"
        ]
    );
}

#[test]
fn what_is_not_closed_ends_with_the_text() {
    for text in [
        "\\",
        "\\input{",
        "\\verb",
        "\\begin{verbatim}",
        "$x",
        "\\begin",
        "\\def\\a#1",
        "\\input",
    ] {
        scan(text);
    }
}
