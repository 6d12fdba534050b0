//! Inputs from the corpus with changes: changed bytes, changed DER with matching lengths, changed
//! text, parts of two files.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::der::{Content, Node};

/// The maximum length of an input.
const LONGEST: usize = 64 * 1024;

/// One change. All values of its three numbers are valid, and a failing input can be simplified
/// with smaller numbers.
#[derive(Clone, Copy, Debug)]
pub struct Mutation {
    /// The kind of change
    pub kind: u8,
    /// Its position
    pub at: u32,
    /// The new value
    pub with: u32,
}

/// Texts that parsers treat in a special way.
const WORDS: &[&str] = &[
    "-----BEGIN CERTIFICATE-----\n",
    "-----END CERTIFICATE-----\n",
    "-----BEGIN ",
    "-----END ",
    "-----",
    "\n",
    "\r\n",
    "\r",
    "\t",
    " ",
    "\u{feff}",
    "\0",
    "\u{202e}",
    "\u{200b}",
    "\u{1b}[31m",
    "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n",
    "=",
    "==",
    "&a ",
    "*a",
    "<<: *a",
    "- ",
    ": ",
    "? ",
    "|\n",
    ">-\n",
    "!!binary ",
    "!!python/object:x ",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "#",
    "%YAML 1.2\n",
    "---\n",
    "...\n",
    "~",
    "null",
    "true",
    "1e9",
    "0x7fffffff",
    "-1",
    "99999999999999999999",
    "..",
    "../../etc/passwd",
    "/",
    "\\",
    "$a",
    "${a}",
    "${ENV::PATH}",
    "$(a)",
    ".include /etc/passwd\n",
    ".pragma = dollarid:on\n",
    "[alt_names]\n",
    "DNS.1 = ",
    "IP.1 = ",
    "DNS:",
    "IP:",
    "URI:",
    "email:",
    "*",
    "*.",
    ".",
    "xn--",
    "xn--a",
    "ß",
    "İ",
    "\u{ad}",
    "\u{3002}",
    "\u{ffff}",
    "0.0.0.0",
    "255.255.255.256",
    "::",
    "fe80::1%eth0",
    "[::1]:2379",
    "0x7f.1",
    "127.1",
];

/// Numbers at which lengths and counts often fail.
const NUMBERS: [u8; 12] = [
    0, 1, 2, 0x7f, 0x80, 0x81, 0x82, 0x84, 0x88, 0xa0, 0xfe, 0xff,
];

/// Tags of DER.
const TAGS: [u8; 20] = [
    0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0a, 0x0c, 0x13, 0x14, 0x16, 0x17, 0x18, 0x1e, 0x30, 0x31,
    0x80, 0x82, 0xa0, 0xa3,
];

/// Returns a file of the corpus with these changes.
pub fn mutated(corpus: &[Vec<u8>], base: usize, mutations: &[Mutation]) -> Vec<u8> {
    let mut input = corpus[base % corpus.len()].clone();
    for mutation in mutations {
        mutation.apply(&mut input, corpus);
        input.truncate(LONGEST);
    }
    input
}

impl Mutation {
    fn apply(self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let other = &corpus[self.with as usize % corpus.len()];
        match self.kind % 12 {
            0..=2 => self.change_bytes(input, other),
            3 | 4 => self.change_words(input),
            5 => self.change_lines(input, other),
            // In a file without DER, its bytes are changed
            _ => {
                if !self.change_der(input, other) {
                    self.change_bytes(input, other);
                }
            }
        }
    }

    /// A position up to and including this length.
    fn place(self, length: usize) -> usize {
        self.at as usize % (length + 1)
    }

    fn change_bytes(self, input: &mut Vec<u8>, other: &[u8]) {
        let at = self.place(input.len());
        let length = (self.with >> 4) as usize % 40;
        let end = (at + length).min(input.len());
        match self.with % 8 {
            0 if at < input.len() => input[at] ^= 1 << (self.with >> 4 & 7),
            1 if at < input.len() => input[at] = NUMBERS[(self.with >> 4) as usize % NUMBERS.len()],
            2 => drop(input.drain(at..end)),
            3 => {
                let copy = input[at..end].to_vec();
                input.splice(at..at, copy);
            }
            4 => input.truncate(at),
            5 => {
                let from = (self.with >> 4) as usize % (other.len() + 1);
                let until = (from + 200).min(other.len());
                input.splice(at..end, other[from..until].iter().copied());
            }
            6 => {
                let copy = input[at..end].repeat(50);
                input.splice(at..at, copy);
            }
            _ => input.insert(at, (self.with >> 8).to_le_bytes()[0]),
        }
    }

    fn change_words(self, input: &mut Vec<u8>) {
        let at = self.place(input.len());
        let word = WORDS[self.with as usize % WORDS.len()];
        let count = if self.with >> 16 & 15 == 0 { 300 } else { 1 };
        let word = word.repeat(count);
        let replaced = if self.with >> 20 & 1 == 0 {
            0
        } else {
            word.len()
        };
        let end = (at + replaced).min(input.len());
        input.splice(at..end, word.into_bytes());
    }

    /// Removes, repeats or moves a line, or inserts one of another file.
    fn change_lines(self, input: &mut Vec<u8>, other: &[u8]) {
        let mut lines: Vec<Vec<u8>> = input
            .split_inclusive(|byte| *byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect();
        let at = self.at as usize % lines.len().max(1);
        let others: Vec<&[u8]> = other.split_inclusive(|byte| *byte == b'\n').collect();
        match (self.with >> 8) % 4 {
            _ if lines.is_empty() => {}
            0 => drop(lines.remove(at)),
            1 => {
                let copies = vec![lines[at].clone(); 1 + (self.with >> 12) as usize % 30];
                lines.splice(at..at, copies);
            }
            2 => {
                let to = (self.with >> 12) as usize % lines.len();
                lines.swap(at, to);
            }
            _ if others.is_empty() => {}
            _ => lines.insert(
                at,
                others[(self.with >> 12) as usize % others.len()].to_vec(),
            ),
        }
        *input = lines.concat();
    }

    /// Changes the DER of a file, or of one PEM block in it. Returns whether it contains DER.
    fn change_der(self, input: &mut Vec<u8>, other: &[u8]) -> bool {
        if let Some(changed) = self.changed_der(input, other) {
            *input = changed;
            return true;
        }
        let blocks = blocks(input);
        let Some(&(begin, end)) = blocks.get(self.at as usize % blocks.len().max(1)) else {
            return false;
        };
        let text: Vec<u8> = input[begin..end]
            .iter()
            .copied()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect();
        let changed = STANDARD
            .decode(text)
            .ok()
            .and_then(|der| self.changed_der(&der, other));
        let Some(changed) = changed else { return false };
        let text = STANDARD.encode(changed);
        let lines = text
            .as_bytes()
            .chunks(64)
            .flat_map(|line| [line, b"\n"].concat());
        let lines: Vec<u8> = lines.collect();
        input.splice(begin..end, lines);
        true
    }

    fn changed_der(self, der: &[u8], other: &[u8]) -> Option<Vec<u8>> {
        let mut nodes = Node::read_all(der).filter(|nodes| !nodes.is_empty())?;
        let count: usize = nodes.iter().map(Node::count).sum();
        let mut left = self.at as usize / 7 % count;
        let from_other = Node::read_all(&first_der(other)).unwrap_or_default();
        self.change_nodes(&mut nodes, &mut left, &from_other);
        Some(Node::write_all(&nodes))
    }

    /// Changes the element with this number, counted from the root.
    fn change_nodes(self, nodes: &mut Vec<Node>, left: &mut usize, other: &[Node]) -> bool {
        for index in 0..nodes.len() {
            if *left == 0 {
                self.change_node(nodes, index, other);
                return true;
            }
            *left -= 1;
            if let Some(children) = nodes[index].children()
                && self.change_nodes(children, left, other)
            {
                return true;
            }
        }
        false
    }

    fn change_node(self, nodes: &mut Vec<Node>, index: usize, other: &[Node]) {
        let value = (self.with >> 4) as usize;
        match self.with % 10 {
            0 => drop(nodes.remove(index)),
            1 => {
                let copies = vec![nodes[index].clone(); 1 + value % 3];
                nodes.splice(index..index, copies);
            }
            2 => {
                let copies = vec![nodes[index].clone(); 1 + value % 200];
                nodes.splice(index..index, copies);
            }
            3 => nodes[index].tag = TAGS[value % TAGS.len()],
            4 => {
                let to = value % nodes.len();
                nodes.swap(index, to);
            }
            5 => nodes[index].content = Content::Bytes(Vec::new()),
            6 => {
                let word = WORDS[value % WORDS.len()].repeat(1 + (value >> 10) % 20);
                nodes[index].content = Content::Bytes(word.into_bytes());
            }
            7 => {
                let wrapped = Content::Nodes(vec![nodes[index].clone()]);
                nodes[index] = Node {
                    tag: if value.is_multiple_of(2) { 0x30 } else { 0xa0 },
                    content: wrapped,
                };
            }
            8 if !other.is_empty() => {
                let mut from = other[value % other.len()].clone();
                let mut steps = value / 3;
                while let Some(children) = from
                    .children()
                    .filter(|children| !children.is_empty() && !steps.is_multiple_of(5))
                {
                    let next = children.swap_remove(steps % children.len());
                    from = next;
                    steps /= 2;
                }
                nodes.insert(index, from);
            }
            _ => match &mut nodes[index].content {
                Content::Bytes(bytes) if !bytes.is_empty() => {
                    let at = value % bytes.len();
                    bytes[at] ^= 1 << (value >> 8 & 7);
                }
                Content::Bytes(bytes) => bytes.push(NUMBERS[value % NUMBERS.len()]),
                Content::Nodes(nodes) => nodes.reverse(),
            },
        }
    }
}

/// The start and end of the base64 of each PEM block.
fn blocks(pem: &[u8]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut begin = None;
    let mut at = 0;
    for line in pem.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b"-----BEGIN ") {
            begin = Some(at + line.len());
        } else if line.starts_with(b"-----END ")
            && let Some(begin) = begin.take()
        {
            found.push((begin, at));
        }
        at += line.len();
    }
    found
}

/// The first DER of a file: the file itself, or its first block.
fn first_der(file: &[u8]) -> Vec<u8> {
    let Some(&(begin, end)) = blocks(file).first() else {
        return file.to_vec();
    };
    let text: Vec<u8> = file[begin..end]
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    STANDARD.decode(text).unwrap_or_default()
}
