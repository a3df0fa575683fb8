"""Makes src/figures/latex/characters.tsv: what LaTeX sets for each character that is not ASCII.

What a character is comes from Python's unicodedata (the Unicode Character Database) and from pylatexenc, whose table is made
from the W3C's unicode.xml. Each candidate is compiled with pdflatex, xelatex and lualatex; only what all three set, without an
error and without a missing glyph, is kept, with the packages that it needs.

    pip install pylatexenc==2.11
    python tests/latex/characters.py

Needs the Debian packages texlive-latex-extra, texlive-xetex, texlive-luatex and lmodern.
"""

import pathlib
import re
import subprocess
import tempfile
import unicodedata

from pylatexenc.latexencode import _uni2latexmap, _uni2latexmap_xml

TARGET = pathlib.Path(__file__).parents[2] / "src/figures/latex/characters.tsv"

HEADER = """\
# What LaTeX sets for a character, a line each: the character, its code in text, its code in math, and what it needs.
# Of the two codes one may be missing; `#` in one stands for what is before the character. Made by tests/latex/characters.py, which compiles every line; do not edit.
#
# Source: pylatexenc 2.11 (MIT License, Copyright (c) 2015-2019 Philippe Faist), made from unicode.xml
# (W3C Software License, Copyright (c) David Carlisle and others), and the Unicode Character Database
# (Unicode License v3, Copyright (c) Unicode, Inc.). The notice of the MIT License:
#
# Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
# documentation files (the \"Software\"), to deal in the Software without restriction, including without limitation the
# rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
# persons to whom the Software is furnished to do so, subject to the following conditions:
#
# The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
# Software.
#
# THE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
# WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
# COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
# OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""

# What the sources do not have, or have otherwise than papers write it: code in text, code in math.
OWN = {
    "−": ("", "-"),
    "‐": ("-", ""),
    "‑": ("\\mbox{-}", ""),
    "‒": ("--", ""),
    "–": ("--", ""),
    "—": ("---", ""),
    "―": ("---", ""),
    "‘": ("`", ""),
    "’": ("'", ""),
    "“": ("``", ""),
    "”": ("''", ""),
    "…": ("\\dots{}", ""),
    "′": ("", "{}'"),
    "″": ("", "{}''"),
    "‴": ("", "{}'''"),
    "⁗": ("", "{}''''"),
    "·": ("", "\\cdot"),
    "•": ("\\textbullet{}", ""),
    "\u00a0": ("~", ""),
    "\u202f": ("\\,", ""),
    "\u2009": ("\\,", ""),
    "\u200a": ("\\,", ""),
    "\u2002": ("\\enspace{}", ""),
    "\u2003": ("\\quad{}", ""),
    "\u2007": ("\\phantom{0}", ""),
    "\u00ad": ("\\-", ""),
    "√": ("", "\\surd"),
    "∛": ("\\textsuperscript{3}\\ensuremath{\\surd}", ""),
    "∜": ("\\textsuperscript{4}\\ensuremath{\\surd}", ""),
    "µ": ("", "\\mu"),
    "ϵ": ("", "\\epsilon"),
    "ε": ("", "\\varepsilon"),
    "ϕ": ("", "\\phi"),
    "φ": ("", "\\varphi"),
    "ς": ("", "\\varsigma"),
    "ο": ("", "o"),
    "∞": ("", "\\infty"),
    "∗": ("", "\\ast"),
    "⋆": ("", "\\star"),
    "★": ("", "\\bigstar"),
    "☆": ("", "\\star"),
    "✓": ("", "\\checkmark"),
    "✔": ("", "\\checkmark"),
    "☑": ("", "\\checkmark"),
    "✗": ("", "\\times"),
    "✘": ("", "\\times"),
    "✕": ("", "\\times"),
    "✖": ("", "\\times"),
    "❌": ("", "\\times"),
    "✅": ("", "\\checkmark"),
    "†": ("\\textdagger{}", ""),
    "‡": ("\\textdaggerdbl{}", ""),
    "¶": ("\\textparagraph{}", ""),
    "§": ("\\textsection{}", ""),
    "€": ("\\texteuro{}", ""),
    "™": ("\\texttrademark{}", ""),
    "№": ("\\textnumero{}", ""),
    "ℓ": ("", "\\ell"),
    "ℏ": ("", "\\hbar"),
    "∅": ("", "\\emptyset"),
    "⌀": ("", "\\varnothing"),
    "∀": ("", "\\forall"),
    "∃": ("", "\\exists"),
    "¬": ("", "\\neg"),
    "∶": (":", ""),
    "∕": ("/", ""),
    "⁄": ("/", ""),
    "ß": ("\\ss{}", ""),
    "ẞ": ("SS", ""),
    "ı": ("\\i{}", ""),
    "ȷ": ("\\j{}", ""),
    "α": ("", "\\alpha"),
    "𝟙": ("", "\\mathbf{1}"),
    "⟨": ("", "\\langle"),
    "⟩": ("", "\\rangle"),
    "〈": ("", "\\langle"),
    "〉": ("", "\\rangle"),
    "‖": ("", "\\|"),
    "∥": ("", "\\parallel"),
    "⩽": ("", "\\leqslant"),
    "⩾": ("", "\\geqslant"),
    "≔": ("", "\\mathrel{:=}"),
    "≕": ("", "\\mathrel{=:}"),
    "⊙": ("", "\\odot"),
    "⊗": ("", "\\otimes"),
    "⊕": ("", "\\oplus"),
    "∘": ("", "\\circ"),
    "⊤": ("", "\\top"),
    "⊥": ("", "\\bot"),
    "□": ("", "\\square"),
    "■": ("", "\\blacksquare"),
    "△": ("", "\\triangle"),
    "▲": ("", "\\blacktriangle"),
    "▼": ("", "\\blacktriangledown"),
    "▽": ("", "\\triangledown"),
    "►": ("", "\\blacktriangleright"),
    "▶": ("", "\\blacktriangleright"),
    "◀": ("", "\\blacktriangleleft"),
    "◆": ("", "\\blacklozenge"),
    "◇": ("", "\\lozenge"),
    "○": ("", "\\bigcirc"),
    "◯": ("", "\\bigcirc"),
    "●": ("\\textbullet{}", ""),
    "‣": ("", "\\triangleright"),
    "⇧": ("", "\\Uparrow"),
    "⬆": ("", "\\uparrow"),
    "⬇": ("", "\\downarrow"),
    "➔": ("", "\\rightarrow"),
    "➜": ("", "\\rightarrow"),
    "↑": ("", "\\uparrow"),
    "↓": ("", "\\downarrow"),
    "×": ("", "\\times"),
    "÷": ("", "\\div"),
    "→": ("", "\\rightarrow"),
    "←": ("", "\\leftarrow"),
    "⟶": ("", "\\longrightarrow"),
    "⟵": ("", "\\longleftarrow"),
}

# What is not seen, and joins or chooses the form of what stands beside it.
UNSEEN = "\u200b\u200c\u200d\u2060\ufeff\ufe0e\ufe0f\u200e\u200f\u2061\u2062\u2063\u2064"

# Combining marks: the accent in text and in math.
ACCENTS = {
    0x300: ("`", "grave"),
    0x301: ("'", "acute"),
    0x302: ("^", "hat"),
    0x303: ("~", "tilde"),
    0x304: ("=", "bar"),
    0x306: ("u", "breve"),
    0x307: (".", "dot"),
    0x308: ('"', "ddot"),
    0x30A: ("r", "mathring"),
    0x30B: ("H", None),
    0x30C: ("v", "check"),
    0x323: ("d", None),
    0x327: ("c", None),
    0x328: ("k", None),
    0x331: ("b", "underline"),
    0x326: ("textcommabelow", None),
    0x342: (None, "tilde"),
    0x20D7: (None, "vec"),
}

FONTS = [
    ("MATHEMATICAL BOLD ITALIC ", "\\boldsymbol{%s}"),
    ("MATHEMATICAL BOLD SCRIPT ", "\\boldsymbol{\\mathcal{%s}}"),
    ("MATHEMATICAL BOLD FRAKTUR ", "\\boldsymbol{\\mathfrak{%s}}"),
    ("MATHEMATICAL SANS-SERIF BOLD ", "\\boldsymbol{\\mathsf{%s}}"),
    ("MATHEMATICAL SANS-SERIF ", "\\mathsf{%s}"),
    ("MATHEMATICAL BOLD ", "\\mathbf{%s}"),
    ("MATHEMATICAL ITALIC ", "%s"),
    ("MATHEMATICAL SCRIPT ", "\\mathcal{%s}"),
    ("MATHEMATICAL FRAKTUR ", "\\mathfrak{%s}"),
    ("MATHEMATICAL DOUBLE-STRUCK ", "\\mathbb{%s}"),
    ("MATHEMATICAL MONOSPACE ", "\\mathtt{%s}"),
    ("SCRIPT ", "\\mathcal{%s}"),
    ("BLACK-LETTER ", "\\mathfrak{%s}"),
    ("DOUBLE-STRUCK ", "\\mathbb{%s}"),
]

LATIN_OF_GREEK = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧο", "ABEZHIKMNOPTYXo"))


def from_sources(point):
    """The code that pylatexenc has for a character."""
    for table, is_xml in [(_uni2latexmap.uni2latex, False), (_uni2latexmap_xml.uni2latex, True)]:
        code = table.get(point)
        if code is None:
            continue
        math = re.fullmatch(r"\\ensuremath\{(.*)\}", code)
        if math:
            yield "", math[1]
        yield text_code(code), ""
        if is_xml or not math:
            yield "", code


def text_code(code):
    """A code after which a letter may follow."""
    return code + "{}" if re.search(r"\\[A-Za-z]+$", code) else code


def code_of(char, depth=0):
    """Candidates for a character, the best first: code in text and in math."""
    if char in OWN:
        yield OWN[char]
        return
    if char.isascii():
        if char.isalnum():
            yield char, char
        elif char in "+-=()/,.:;!?' ":
            yield char, char if char in "+-=()/" else ""
        return
    if depth > 4:
        return
    name = unicodedata.name(char, "")
    if char in LATIN_OF_GREEK:
        yield "", "\\mathrm{%s}" % LATIN_OF_GREEK[char] if char != "ο" else "o"
    decomposition = unicodedata.decomposition(char).split()
    tag = decomposition.pop(0) if decomposition and decomposition[0].startswith("<") else None
    parts = "".join(chr(int(part, 16)) for part in decomposition)
    if tag == "<font>":
        for start, font in FONTS:
            if name.startswith(start) and len(parts) == 1:
                is_capital = parts.isascii() and parts.isupper()
                if "mathcal" in font and not is_capital or "mathbb" in font and not is_capital:
                    continue
                for _, math in code_of(parts, depth + 1):
                    if math:
                        if font in ("\\mathbf{%s}",) and not parts.isascii():
                            yield "", "\\boldsymbol{%s}" % math
                        else:
                            yield "", font % math
                return
    if tag in ("<super>", "<sub>"):
        command = "\\textsuperscript{%s}" if tag == "<super>" else "\\textsubscript{%s}"
        inner = next(whole(parts, depth + 1), None)
        if inner:
            yield command % inner, ""
    if tag is None and len(parts) == 2 and ord(parts[1]) in ACCENTS:
        text, math = ACCENTS[ord(parts[1])]
        for base_text, base_math in code_of(parts[0], depth + 1):
            if base_text and text:
                dotless = {"i": "\\i", "j": "\\j"}.get(base_text, base_text) if text not in "cdkHb" else base_text
                yield "\\%s{%s}" % (text, dotless), ""
            elif base_math and math:
                yield "", "\\%s{%s}" % (math, base_math)
    if tag is None and len(parts) == 1:
        yield from code_of(parts, depth + 1)
    if not decomposition or tag is None or tag in ("<compat>", "<fraction>", "<noBreak>", "<circle>"):
        yield from from_sources(ord(char))
    if tag in ("<compat>", "<wide>", "<narrow>", "<noBreak>", "<square>", "<fraction>", "<circle>") and parts:
        inner = next(whole(parts, depth + 1), None)
        if inner:
            yield ("\\textcircled{%s}" % inner if tag == "<circle>" else inner), ""


def whole(parts, depth):
    """A text in text mode."""
    codes = []
    for char in parts:
        found = next(code_of(char, depth), None)
        if not found:
            return
        codes.append(found[0] or "\\ensuremath{%s}" % found[1])
    yield "".join(codes)


def in_text(candidate):
    """A candidate as it is compiled; an accent on an `a`."""
    text, math = (code.replace("#", "a") for code in candidate)
    return text + ("$%s$" % math if math else "")


PREAMBLES = {
    "": "",
    "amssymb": "\\usepackage{amssymb}",
    "amsmath": "\\usepackage{amsmath}",
    "amsmath,amssymb": "\\usepackage{amsmath,amssymb}",
    "T1": "\\usepackage[T1]{fontenc}\\usepackage{lmodern}",
    "T1,amssymb": "\\usepackage[T1]{fontenc}\\usepackage{lmodern}\\usepackage{amssymb}",
}

ENGINES = ["pdflatex", "xelatex", "lualatex"]


def sets(engine, preamble, codes):
    """Which codes an engine sets, by their keys; few at once, so that one which ends the run takes few others along."""
    good = set()
    for at in range(0, len(codes), 400):
        few = codes[at : at + 400]
        while few:
            # One that ends the run hides those after it.
            here, reached = sets_few(engine, preamble, few)
            good |= here
            few = few[max(reached, 1) :]
    return good


def sets_few(engine, preamble, codes):
    lines = ["\\documentclass{article}", preamble, "\\tracinglostchars=2 \\tracingonline=1", "\\begin{document}"]
    for key, code in codes:
        # A box, so that what is left open ends there; a paragraph, after which TeX counts errors anew.
        lines.append("\\typeout{@@%s}\\setbox0\\hbox{\\textbf{x}%s}x\\par" % (key, code))
    lines += ["\\typeout{@@end}", "\\end{document}"]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "t.tex"
        path.write_text("\n".join(lines))
        subprocess.run([engine, "-interaction=nonstopmode", "t.tex"], cwd=folder, capture_output=True)
        log = (pathlib.Path(folder) / "t.log").read_text(errors="replace")
    pieces = re.split(r"@@([0-9a-z]+)\n", log)
    good, reached = set(), [key for key, _ in codes].index(pieces[-2]) + 1 if pieces[-2] != "end" else len(codes)
    for key, said in zip(pieces[1::2], pieces[2::2]):
        if not re.search(r"^!|Missing character|undefined", said, re.M):
            good.add(key)
    return good, reached


def main():
    wanted = []
    for point in range(0x80, 0x20000):
        char = chr(point)
        if char in UNSEEN or unicodedata.category(char) in ("Cc", "Cs", "Co", "Cn"):
            continue
        if unicodedata.category(char) == "Mn":
            # Fonts of Unicode have letters with these three only where Unicode has them as one character.
            if point in ACCENTS and point not in (0x326, 0x327, 0x328):
                text, math = ACCENTS[point]
                text = "\\%s{#}" % text if text else ""
                wanted.append((char, 0, (text, "\\%s{#}" % math if math else "")))
            continue
        seen, candidates = set(), []
        for candidate in code_of(char):
            if any(candidate) and candidate not in seen and "\x00" not in in_text(candidate):
                # Math of one source is text of another; accents alone are no characters.
                seen.add(candidate)
                candidates.append(candidate)
        wanted += [(char, n, candidate) for n, candidate in enumerate(candidates)]
    print(len(wanted), "candidates")
    all_codes = [("%xx%d" % (ord(char), n), in_text(candidate)) for char, n, candidate in wanted]
    # Braces that do not match would take the rest of the file.
    def balanced(code):
        bare = re.sub(r"\\[{}]", "", code)
        return bare.count("{") == bare.count("}")
    foreign = re.compile(r"fontencoding|Elz|ElsevierGlyph|cyrchar|\\\\cyr|hspace|rule|mathchar|kern|fbox|stackrel|\\\\char|fontfamily|begin|\\\\ding|parbox")
    all_codes = [
        (key, code) for key, code in all_codes if balanced(code) and code.isascii() and not foreign.search(code)
    ]
    needs = {}
    for name, preamble in PREAMBLES.items():
        left = [(key, code) for key, code in all_codes if key not in needs]
        good = None
        for engine in ENGINES:
            # The others have all letters in their own encoding.
            own = preamble.replace("\\usepackage[T1]{fontenc}\\usepackage{lmodern}", "")
            here = sets(engine, preamble if engine == "pdflatex" else own, left)
            good = here if good is None else good & here
            left = [(key, code) for key, code in left if key in good]
        for key in good:
            needs[key] = name
        print(repr(name), len(good))
    lines = {}
    for char, n, (text, math) in wanted:
        key = "%xx%d" % (ord(char), n)
        if key in needs and char not in lines:
            lines[char] = "\t".join([char, text, math, needs[key]])
    out = HEADER + "".join(lines[char] + "\n" for char in sorted(lines))
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(out, encoding="utf-8")
    print(len(lines), "characters")


if __name__ == "__main__":
    main()
