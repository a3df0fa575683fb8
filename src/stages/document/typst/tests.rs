use super::*;

fn paths(text: &str) -> Vec<String> {
    let references = scan(text).references.into_iter();
    let shown = references.map(|reference| {
        assert_eq!(text[reference.range.clone()], reference.path);
        reference.path
    });
    shown.collect()
}

fn words(text: &str) -> Vec<String> {
    let pieces = scan(text).pieces.into_iter();
    pieces
        .map(|piece| {
            let mark = if piece.is_math { "$" } else { "" };
            format!("{mark}{}", text[piece.range].trim())
        })
        .collect()
}

#[test]
fn files_are_found_where_functions_read_them() {
    let text = r#"#import "@preview/x:0.1.0": *
#import "style.typ": paper
#include "intro.typ"
#figure(image("bars/figure.svg", width: 80%), caption: [See #image("b.png")])
#let rows = csv("accuracy/table.csv") // image("no")
#table(..json("n.json").map(x => [#read("t.txt")]))
`image("no")` #bibliography("refs.bib") datetime #datetime.today()"#;
    assert_eq!(
        paths(text),
        [
            "style.typ",
            "intro.typ",
            "bars/figure.svg",
            "b.png",
            "accuracy/table.csv",
            "n.json",
            "t.txt",
            "refs.bib"
        ]
    );
    assert!(scan(text).today.is_some());
}

#[test]
fn what_people_read_is_markup_and_mathematics() {
    let text = r#"#set page(margin: 2.5cm)
#let accuracy = 0.82
It is 0.5% @fig1 <tab:2> of $x = 0.7$ /* 9 */ #text(size: 9pt)[nine 9]
#figure(image("a1.png", width: 80%), caption: [Is 0.4 so])"#;
    assert_eq!(
        words(text),
        [
            "0.82",
            "It is 0.5%",
            "$x = 0.7",
            "of",
            "nine 9",
            "Is 0.4 so"
        ]
    );
}

#[test]
fn what_is_not_closed_ends_with_the_text() {
    for text in [
        "#",
        "#image(\"",
        "$x",
        "`",
        "/*",
        "<",
        "@",
        "#let x =",
        "\\",
        "[",
        "]]",
        "#{",
        "é#é(",
    ] {
        scan(text);
    }
    scan(&"[".repeat(10_000));
    scan(&format!("#{}", "(".repeat(10_000)));
}
