//! A PDF with its objects in a settled order.
//!
//! The converter numbers fonts and lists resources in the order of a hash map,
//! which differs from run to run. Here references within a dictionary are
//! sorted and objects are numbered in the order they are reached from the
//! root, so that one drawing always gives the same bytes. Knows the plain files
//! the converter writes, not PDF at large.

use std::collections::BTreeMap;

/// One numbered object: the text before a stream, and the stream if it has one.
struct Object<'a> {
    head: String,
    stream: Option<&'a [u8]>,
}

/// The same document with settled numbers; nothing if it is not as expected.
pub(super) fn settled(pdf: &[u8]) -> Option<Vec<u8>> {
    let (version, objects, trailer) = parsed(pdf)?;
    let root: u32 = references(&trailer_root(&trailer)?).first().copied()?;

    let mut order: Vec<u32> = Vec::new();
    let mut waiting = vec![root];
    while let Some(number) = waiting.pop() {
        if order.contains(&number) {
            continue;
        }
        order.push(number);
        let mut next = references(&objects.get(&number)?.head);
        next.reverse();
        waiting.extend(next);
    }
    let numbers: BTreeMap<u32, usize> = order
        .iter()
        .enumerate()
        .map(|(place, number)| (*number, place + 1))
        .collect();

    let mut file = version.to_vec();
    let mut offsets = Vec::new();
    for (place, number) in order.iter().enumerate() {
        let object = objects.get(number)?;
        offsets.push(file.len());
        file.extend(format!("{} 0 obj\n", place + 1).bytes());
        file.extend(renumbered(&object.head, &numbers)?.bytes());
        if let Some(stream) = object.stream {
            file.extend(b"stream\n");
            file.extend(stream);
            file.extend(b"\nendstream\n");
        }
        file.extend(b"endobj\n\n");
    }
    let start = file.len();
    file.extend(format!("xref\n0 {}\n0000000000 65535 f\r\n", offsets.len() + 1).bytes());
    for offset in &offsets {
        file.extend(format!("{offset:010} 00000 n\r\n").bytes());
    }
    file.extend(
        format!(
            "trailer\n<<\n  /Size {}\n  /Root {} 0 R\n>>\nstartxref\n{start}\n%%EOF",
            offsets.len() + 1,
            numbers.get(&root)?
        )
        .bytes(),
    );
    Some(file)
}

fn trailer_root(trailer: &str) -> Option<String> {
    let (_, rest) = trailer.split_once("/Root ")?;
    Some(rest.split('R').next()?.to_owned() + "R")
}

type Parts<'a> = (&'a [u8], BTreeMap<u32, Object<'a>>, String);

fn parsed(pdf: &[u8]) -> Option<Parts<'_>> {
    let first = find(pdf, b" 0 obj\n", 0)?;
    let begin = pdf[..first].iter().rposition(|byte| *byte == b'\n')? + 1;
    let mut objects = BTreeMap::new();
    let mut place = begin;
    loop {
        if pdf[place..].starts_with(b"xref") {
            break;
        }
        let head = find(pdf, b" 0 obj\n", place)?;
        let number: u32 = std::str::from_utf8(&pdf[place..head]).ok()?.parse().ok()?;
        let body = head + b" 0 obj\n".len();
        let end = find(pdf, b"endobj", body)?;
        let stream = find(pdf, b"stream\n", body).filter(|stream| *stream < end);
        let (text, data, end) = match stream {
            Some(stream) => {
                let text = std::str::from_utf8(&pdf[body..stream]).ok()?;
                let (_, length) = text.split_once("/Length ")?;
                let length: usize = length
                    .split(|c: char| !c.is_ascii_digit())
                    .next()?
                    .parse()
                    .ok()?;
                let from = stream + b"stream\n".len();
                let to = from.checked_add(length)?;
                (text, Some(pdf.get(from..to)?), find(pdf, b"endobj", to)?)
            }
            None => (std::str::from_utf8(&pdf[body..end]).ok()?, None, end),
        };
        objects.insert(
            number,
            Object {
                head: sorted(text),
                stream: data,
            },
        );
        place = end + b"endobj".len();
        while pdf.get(place).is_some_and(u8::is_ascii_whitespace) {
            place += 1;
        }
    }
    let trailer = String::from_utf8_lossy(&pdf[place..]).into_owned();
    Some((&pdf[..begin], objects, trailer))
}

fn find(bytes: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    bytes
        .get(from..)?
        .windows(wanted.len())
        .position(|window| window == wanted)
        .map(|place| place + from)
}

/// Sorts neighbouring lines of the form `/name 7 0 R`.
fn sorted(head: &str) -> String {
    let mut lines: Vec<&str> = head.split_inclusive('\n').collect();
    let entry = |line: &str| {
        let mut words = line.split_whitespace();
        words.next().is_some_and(|name| name.starts_with('/'))
            && words.next().is_some_and(|word| word.parse::<u32>().is_ok())
            && words.next() == Some("0")
            && words.next() == Some("R")
            && words.next().is_none()
    };
    lines
        .chunk_by_mut(|a, b| entry(a) && entry(b))
        .for_each(<[&str]>::sort_unstable);
    lines.concat()
}

/// The places of references in text: where each starts, ends and its number.
fn reference_spans(text: &str) -> Vec<(usize, usize, u32)> {
    let mut spans = Vec::new();
    for (end, _) in text.match_indices(" 0 R") {
        let digits = text[..end]
            .bytes()
            .rev()
            .take_while(u8::is_ascii_digit)
            .count();
        if let Ok(number) = text[end - digits..end].parse() {
            spans.push((end - digits, end, number));
        }
    }
    spans
}

fn references(text: &str) -> Vec<u32> {
    reference_spans(text)
        .into_iter()
        .map(|(_, _, number)| number)
        .collect()
}

fn renumbered(text: &str, numbers: &BTreeMap<u32, usize>) -> Option<String> {
    let mut out = String::new();
    let mut done = 0;
    for (start, end, number) in reference_spans(text) {
        out.push_str(&text[done..start]);
        out.push_str(&numbers.get(&number)?.to_string());
        done = end;
    }
    out.push_str(&text[done..]);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(font: u32, other: u32, flip: bool) -> Vec<u8> {
        let entries = [format!("/f0 {font} 0 R"), format!("/f1 {other} 0 R")];
        let (a, b) = if flip { (1, 0) } else { (0, 1) };
        format!(
            "%PDF-1.7\n%x\n\n1 0 obj\n<<\n  {}\n  {}\n>>\nendobj\n\n{font} 0 obj\n<<\n  /Length 6\n>>\nstream\nendobj\nendstream\nendobj\n\n{other} 0 obj\n(two)\nendobj\n\nxref\n0 1\ntrailer\n<<\n  /Root 1 0 R\n>>\nstartxref\n0\n%%EOF",
            entries[a], entries[b]
        )
        .into_bytes()
    }

    #[test]
    fn numbers_and_order_do_not_reach_the_file() {
        let one = settled(&document(2, 3, false)).unwrap();
        assert_eq!(one, settled(&document(7, 4, true)).unwrap());
        assert_eq!(one, settled(&one).unwrap());
    }

    #[test]
    fn what_is_no_such_file_is_refused() {
        let good = document(2, 3, false);
        for length in 0..good.len() - 20 {
            let _ = settled(&good[..length]);
        }
        assert!(settled(b"").is_none());
        assert!(settled(b"%PDF-1.7\n1 0 obj\n").is_none());
    }
}
