//! What commands and environments of LaTeX mean for who reads a text: which name files, and whose arguments are no text.

use super::scan::Role;

/// What a text may end in.
pub const TEX: &[&str] = &[".tex"];
/// What a picture may end in, in the order in which pdfLaTeX, XeLaTeX and LuaLaTeX look for it.
const IMAGES: &[&str] = &[".pdf", ".png", ".jpg", ".jpeg", ".mps", ".jbig2", ".eps"];

/// The commands whose last argument names a file, or several with commas.
pub const FILES: &[(&str, Role, &[&str])] = &[
    ("input", Role::Text, TEX),
    ("include", Role::Part, TEX),
    ("subfile", Role::Part, TEX),
    ("includegraphics", Role::Image, IMAGES),
    ("includepdf", Role::Image, &[".pdf"]),
    ("bibliography", Role::Data, &[".bib"]),
    ("addbibresource", Role::Data, &[]),
    ("lstinputlisting", Role::Data, &[]),
    ("verbatiminput", Role::Data, &[]),
    ("pgfplotstableread", Role::Data, &[]),
    ("csvreader", Role::Data, &[".csv"]),
    ("usepackage", Role::Package, &[".sty"]),
    ("RequirePackage", Role::Package, &[".sty"]),
    ("documentclass", Role::Package, &[".cls"]),
    ("LoadClass", Role::Package, &[".cls"]),
    ("bibliographystyle", Role::Package, &[".bst"]),
];

/// How many arguments of a command are no text that people read.
pub fn arguments(command: &str) -> usize {
    if command.to_ascii_lowercase().contains("cite") {
        return 1;
    }
    match command {
        "definecolor" | "newtheorem" => 3,
        "setlength" | "addtolength" | "setcounter" | "addtocounter" | "rule" | "multicolumn"
        | "multirow" | "resizebox" | "fontsize" | "crefname" | "Crefname" => 2,
        "ref" | "eqref" | "autoref" | "cref" | "Cref" | "pageref" | "nameref" | "label"
        | "vspace" | "hspace" | "pagestyle" | "thispagestyle" | "pagenumbering" | "color"
        | "url" | "href" | "nolinkurl" | "cline" | "cmidrule" | "linespread" | "textcolor"
        | "colorbox" | "scalebox" | "raisebox" | "parbox" | "selectlanguage" | "usetikzlibrary"
        | "theoremstyle" | "hypersetup" | "geometry" | "captionsetup" | "sisetup"
        | "pgfplotsset" | "tikzset" | "lstset" | "hyphenation" | "hyperref" | "newcounter"
        | "stepcounter" | "refstepcounter" | "value" | "enlargethispage" | "phantom"
        | "hphantom" | "vphantom" | "tag" | "IfFileExists" | "InputIfFileExists" => 1,
        _ => 0,
    }
}

/// What a compiler reads letter by letter, or what is drawn and not read.
pub const SKIPPED: &[&str] = &[
    "verbatim",
    "verbatim*",
    "Verbatim",
    "lstlisting",
    "minted",
    "comment",
    "tikzpicture",
    "thebibliography",
    "filecontents",
    "filecontents*",
];
const MATH: &[&str] = &[
    "math",
    "displaymath",
    "equation",
    "align",
    "alignat",
    "flalign",
    "gather",
    "multline",
    "eqnarray",
];
/// The environments with arguments that are no text, and how many.
pub const ARRANGED: &[(&str, usize)] = &[
    ("tabular", 1),
    ("array", 1),
    ("longtable", 1),
    ("tabularx", 2),
    ("tabular*", 2),
    ("minipage", 1),
    ("wrapfigure", 2),
    ("wraptable", 2),
    ("subfigure", 1),
    ("subtable", 1),
    ("multicols", 1),
    ("adjustbox", 1),
];

/// Whether an environment holds mathematics.
pub fn is_math(environment: &str) -> bool {
    MATH.contains(&environment.trim_end_matches('*'))
}
