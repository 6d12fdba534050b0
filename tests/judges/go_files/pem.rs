//! PEM, and every kind of damage to it.

/// Writes correct PEM.
pub(crate) fn encode(label: &str, contents: &[u8]) -> Vec<u8> {
    pem_rfc7468::encode_string(label, pem_rfc7468::LineEnding::LF, contents)
        .unwrap()
        .into_bytes()
}

/// The contents of correct PEM with one block.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    Some(pem_rfc7468::decode_vec(text.as_bytes()).ok()?.1)
}

/// The body of a block: its lines of base64.
fn body(pem: &str) -> String {
    let is_body = |line: &&str| !line.starts_with("-----");
    pem.lines().filter(is_body).collect::<Vec<_>>().join("\n")
}

fn each_line(pem: &str, change: impl Fn(&str) -> String) -> String {
    pem.lines().map(|line| change(line) + "\n").collect()
}

/// Every kind of damage, with its name. `other` is a block of another kind.
pub(crate) fn damages(pem: &str, other: &str) -> Vec<(&'static str, Vec<u8>)> {
    let body = body(pem);
    let one_line: String = body.split_whitespace().collect();
    let label = pem
        .split("-----")
        .nth(1)
        .unwrap_or("BEGIN X")
        .trim_start_matches("BEGIN ");
    let begin = format!("-----BEGIN {label}-----");
    let end = format!("-----END {label}-----");
    let last = body.trim_end_matches('=').chars().last().unwrap_or('A');
    let next = char::from(u8::try_from(last).unwrap_or(b'A') + 1);
    let padded =
        |padding: &str| format!("{begin}\n{}{padding}\n{end}\n", body.trim_end_matches('='));
    let texts = [
        ("nothing", pem.to_owned()),
        (
            "headers alone before it",
            format!("{begin}\nA: b\n{end}\n{pem}"),
        ),
        (
            "headers and an empty line before it",
            format!("{begin}\nA: b\n\n{end}\n{pem}"),
        ),
        (
            "headers with the END line before it",
            format!("{begin}\nA: b\n-----END {label}: c-----\n{pem}"),
        ),
        (
            "headers with an END line and more before it",
            format!("{begin}\nA: b\n{end}: c\n{pem}"),
        ),
        (
            "headers up to the END line of another block",
            format!("{begin}\nA: b\n{pem}"),
        ),
        (
            "headers that do not end before another block",
            format!("{begin}\nA: b\n-----END: c\nD: e\n{pem}"),
        ),
        ("a byte order mark", format!("\u{feff}{pem}")),
        (
            "a byte order mark on a line before",
            format!("\u{feff}\n{pem}"),
        ),
        ("a blank line before", format!("\n{pem}")),
        ("a space before", format!(" {pem}")),
        ("text before", format!("Certificate:\n    Data: 1\n{pem}")),
        ("text after", format!("{pem}the end")),
        ("a colon in the text before", format!("subject: a\n{pem}")),
        ("indented", each_line(pem, |line| format!("  {line}"))),
        (
            "a tab before each line",
            each_line(pem, |line| format!("\t{line}")),
        ),
        (
            "an indented body",
            format!(
                "{begin}\n{}{end}\n",
                each_line(&body, |line| format!("  {line}"))
            ),
        ),
        ("an indented END line", format!("{begin}\n{body}\n {end}\n")),
        (
            "spaces at the ends",
            each_line(pem, |line| format!("{line}  \t")),
        ),
        ("CRLF", pem.replace('\n', "\r\n")),
        ("two CRs", pem.replace('\n', "\r\r\n")),
        ("CR alone", pem.replace('\n', "\r")),
        (
            "CR at the end of the END line",
            pem.trim_end().to_owned() + "\r",
        ),
        ("one line with spaces", pem.replace('\n', " ")),
        (
            "a body of one line",
            format!("{begin}\n{one_line}\n{end}\n"),
        ),
        (
            "a body of long and short lines",
            format!(
                "{begin}\n{}\n{}\n{end}\n",
                &one_line[..one_line.len().min(100)],
                &one_line[one_line.len().min(100)..]
            ),
        ),
        (
            "body and BEGIN on one line",
            format!("{begin}{one_line}\n{end}\n"),
        ),
        (
            "body and END on one line",
            format!("{begin}\n{one_line}{end}\n"),
        ),
        ("no line end at the end", pem.trim_end().to_owned()),
        ("blank lines in the body", pem.replace('\n', "\n\n")),
        ("two blocks", format!("{pem}{pem}")),
        ("another block before", format!("{other}{pem}")),
        ("another block after", format!("{pem}{other}")),
        (
            "END and BEGIN on one line",
            format!("{}{pem}", pem.trim_end()),
        ),
        (
            "END and BEGIN of another kind on one line",
            format!("{}{other}", pem.trim_end()),
        ),
        (
            "END and BEGIN with a space between",
            format!("{} {other}", pem.trim_end()),
        ),
        ("no END line", format!("{begin}\n{body}\n")),
        (
            "no END line, and another block",
            format!("{begin}\n{body}\n{other}"),
        ),
        (
            "no END line, and the block again",
            format!("{begin}\n{body}\n{pem}"),
        ),
        ("no BEGIN line", format!("{body}\n{end}\n")),
        (
            "no BEGIN line, and the block again",
            format!("{body}\n{end}\n{pem}"),
        ),
        ("two BEGIN lines", format!("{begin}\n{pem}")),
        ("two END lines", format!("{pem}{end}\n")),
        (
            "another END line",
            format!("{begin}\n{body}\n-----END X-----\n"),
        ),
        (
            "another END line, and the block again",
            format!("{begin}\n{body}\n-----END X-----\n{pem}"),
        ),
        (
            "a shorter label at the end",
            format!("{begin}\n{body}\n-----END {}-----\n", &label[1..]),
        ),
        ("text after END", format!("{begin}\n{body}\n{end} # done\n")),
        (
            "text after BEGIN",
            format!("{begin} # start\n{body}\n{end}\n"),
        ),
        (
            "spaces after BEGIN and END",
            format!("{begin} \t\n{body}\n{end} \t\n"),
        ),
        ("four dashes", pem.replace("-----", "----")),
        ("six dashes", pem.replace("-----", "------")),
        ("no label", pem.replace(label, "")),
        ("lower case", pem.replace(label, &label.to_lowercase())),
        ("X509 CERTIFICATE", pem.replace(label, "X509 CERTIFICATE")),
        (
            "TRUSTED CERTIFICATE",
            pem.replace(label, "TRUSTED CERTIFICATE"),
        ),
        (
            "CERTIFICATE REQUEST",
            pem.replace(label, "CERTIFICATE REQUEST"),
        ),
        ("CERTIFICATE", pem.replace(label, "CERTIFICATE")),
        ("PRIVATE KEY", pem.replace(label, "PRIVATE KEY")),
        ("MYPRIVATE KEY", pem.replace(label, "MYPRIVATE KEY")),
        ("MY PRIVATE KEY", pem.replace(label, "MY PRIVATE KEY")),
        ("PRIVATE KEY 2", pem.replace(label, "PRIVATE KEY 2")),
        ("a header", format!("{begin}\na: b\n\n{body}\n{end}\n")),
        (
            "a header without a blank line",
            format!("{begin}\na: b\n{body}\n{end}\n"),
        ),
        ("headers alone", format!("{begin}\na: b\n{end}\n")),
        (
            "a header that goes on",
            format!("{begin}\na: b\n c\n\n{body}\n{end}\n"),
        ),
        (
            "Proc-Type",
            format!("{begin}\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n{body}\n{end}\n"),
        ),
        (
            "a colon in the END line",
            format!("{begin}\n{body}\n-----END {label}: -----\n"),
        ),
        ("an empty block", format!("{begin}\n{end}\n")),
        (
            "an empty block, and the block",
            format!("{begin}\n{end}\n{pem}"),
        ),
        (
            "an empty block of another kind, and the block",
            format!("-----BEGIN X-----\n-----END X-----\n{pem}"),
        ),
        ("a block of blank lines", format!("{begin}\n\n\n{end}\n")),
        ("an exclamation mark", pem.replacen('A', "!", 2)),
        (
            "a symbol less",
            format!(
                "{begin}\n{}\n{end}\n",
                &body[..body.len().saturating_sub(1)]
            ),
        ),
        ("no padding", padded("")),
        ("one sign of padding", padded("=")),
        ("two signs of padding", padded("==")),
        ("three signs of padding", padded("===")),
        ("padding on two lines", padded("=\n=")),
        (
            "bits left over",
            pem.replace(&format!("{last}="), &format!("{next}=")),
        ),
        ("more after the padding", padded("==\nAAAA")),
        ("url-safe base64", pem.replace('+', "-").replace('/', "_")),
        ("zero bytes after", format!("{pem}\0\0\0")),
        ("zero bytes before", format!("\0\0\n{pem}")),
        (
            "a line twice",
            pem.replacen(
                body.lines().next().unwrap_or("x"),
                &body.lines().next().unwrap_or("x").repeat(2),
                1,
            ),
        ),
        ("an ellipsis", format!("{begin}\n...\n{end}\n")),
        (
            "a wrong block, and the block",
            format!("-----BEGIN X-----\n!\n-----END X-----\n{pem}"),
        ),
        ("quoted", each_line(pem, |line| format!("\"{line}\""))),
        ("escaped line ends", pem.replace('\n', "\\n")),
        (
            "YAML",
            format!("key: |\n{}", each_line(pem, |line| format!("  {line}"))),
        ),
        ("vertical tabs", pem.replace('\n', "\u{b}\n")),
        (
            "a form feed in the body",
            format!("{begin}\n\u{c}{body}\n{end}\n"),
        ),
        ("no-break spaces", format!("{begin}\n{body}\n{end}\u{a0}\n")),
    ];
    let mut damages: Vec<_> = texts
        .into_iter()
        .map(|(name, text)| (name, text.into_bytes()))
        .collect();
    let utf16: Vec<u8> = format!("\u{feff}{pem}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    damages.push(("UTF-16", utf16));
    damages.push(("DER", decode(pem).unwrap_or_default()));
    damages.push(("empty", Vec::new()));
    damages.push(("zeros", vec![0; 300]));
    damages
}
