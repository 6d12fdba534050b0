//! Random changes, generated from a seed.

/// xorshift64*: the same numbers everywhere.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap() % limit.max(1)
    }

    pub(crate) fn choice<'a, T>(&mut self, among: &'a [T]) -> &'a T {
        &among[self.below(among.len())]
    }
}

/// Pieces that a change inserts into lines and between them.
const PIECES: [&str; 26] = [
    "\n",
    "\r\n",
    "\r",
    " ",
    "\t",
    "\u{feff}",
    "-----",
    "-----BEGIN CERTIFICATE-----\n",
    "-----END CERTIFICATE-----\n",
    "-----BEGIN PRIVATE KEY-----\n",
    "-----END PRIVATE KEY-----\n",
    "=",
    "A",
    "AAAA",
    "AAAA\n",
    ":",
    "Proc-Type: 4,ENCRYPTED\n",
    "a: b\n\n",
    "\n\n",
    "X509 ",
    "-----BEGIN ",
    "-----END ",
    "\u{0}",
    "é",
    "-----BEGIN X-----\n-----END X-----\n",
    "-----BEGIN X-----\nAA==\n-----END X-----\n",
];

/// Makes one to three changes of bytes and lines. It may insert `other` before, after or in the
/// text.
pub(crate) fn text(random: &mut Random, text: &str, other: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=random.below(3) {
        if bytes.is_empty() {
            break;
        }
        let at = random.below(bytes.len());
        match random.below(12) {
            0 => bytes[at] = u8::try_from(random.below(256)).unwrap(),
            1 => drop(bytes.remove(at)),
            2 => bytes[at] ^= 1 << random.below(8),
            3..=5 => {
                let piece = random.choice(&PIECES).as_bytes();
                // Most of the important bytes are at the ends of lines
                let ends: Vec<usize> = ends(&bytes).collect();
                let at = if random.below(3) == 0 {
                    at
                } else {
                    *random.choice(&ends)
                };
                bytes.splice(at..at, piece.iter().copied());
            }
            6 => {
                bytes = lines(&bytes, |lines| {
                    drop(lines.remove(random.below(lines.len())))
                })
            }
            7 => {
                bytes = lines(&bytes, |lines| {
                    let line = lines[random.below(lines.len())].clone();
                    lines.insert(random.below(lines.len() + 1), line);
                });
            }
            8 => {
                bytes = lines(&bytes, |lines| {
                    let (one, other) = (random.below(lines.len()), random.below(lines.len()));
                    lines.swap(one, other);
                });
            }
            9 => bytes.splice(0..0, other.bytes()).for_each(drop),
            10 => bytes.extend(other.bytes()),
            _ => bytes.truncate(at),
        }
    }
    bytes
}

fn ends(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let after = bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'\n')
        .flat_map(|(at, _)| [at, at + 1]);
    after.chain([0, bytes.len()])
}

fn lines(bytes: &[u8], change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = bytes
        .split_inclusive(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    change(&mut lines);
    lines.concat()
}

/// Makes one or two changes of elements in some DER, and corrects the lengths around them.
pub(crate) fn der(random: &mut Random, der: &[u8]) -> Vec<u8> {
    let Some(mut root) = Element::read(der) else {
        return der.to_vec();
    };
    for _ in 0..=random.below(2) {
        let index = random.below(root.count());
        root.change(&mut { index }, random);
    }
    root.written()
}

#[derive(Clone)]
struct Element {
    tag: u8,
    /// The number of extra bytes in the encoding of the length
    long: usize,
    contents: Contents,
}

#[derive(Clone)]
enum Contents {
    Bytes(Vec<u8>),
    /// Elements after some bytes, which are the unused bits of a bit string
    Elements(Vec<u8>, Vec<Element>),
}

impl Element {
    fn read(der: &[u8]) -> Option<Self> {
        let (element, rest) = Self::read_one(der)?;
        rest.is_empty().then_some(element)
    }

    fn read_one(der: &[u8]) -> Option<(Self, &[u8])> {
        let (&tag, rest) = der.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (
                bytes
                    .iter()
                    .fold(0, |length, byte| length << 8 | usize::from(*byte)),
                rest,
            )
        };
        let (contents, rest) = rest.split_at_checked(length)?;
        let prefix = match tag {
            0x03 => 1,
            0x04 => 0,
            _ if tag & 0x20 != 0 => 0,
            _ => usize::MAX,
        };
        let nested = contents
            .get(prefix.min(contents.len())..)
            .filter(|_| prefix < contents.len());
        let elements = nested.and_then(|mut rest| {
            let mut elements = Vec::new();
            while !rest.is_empty() {
                let (element, after) = Self::read_one(rest)?;
                elements.push(element);
                rest = after;
            }
            Some(elements)
        });
        let contents = match elements {
            Some(elements) => Contents::Elements(contents[..prefix].to_vec(), elements),
            None => Contents::Bytes(contents.to_vec()),
        };
        Some((
            Self {
                tag,
                long: 0,
                contents,
            },
            rest,
        ))
    }

    fn count(&self) -> usize {
        match &self.contents {
            Contents::Bytes(_) => 1,
            Contents::Elements(_, elements) => 1 + elements.iter().map(Self::count).sum::<usize>(),
        }
    }

    fn written(&self) -> Vec<u8> {
        let contents = match &self.contents {
            Contents::Bytes(bytes) => bytes.clone(),
            Contents::Elements(prefix, elements) => {
                let elements = elements.iter().map(Self::written);
                [prefix.clone(), elements.collect::<Vec<_>>().concat()].concat()
            }
        };
        let length = contents.len().to_be_bytes();
        let digits = length.iter().position(|byte| *byte != 0).unwrap_or(7);
        let from = digits.saturating_sub(self.long);
        let header = if contents.len() < 0x80 && self.long == 0 {
            vec![self.tag, length[7]]
        } else {
            [
                &[self.tag, 0x80 | u8::try_from(8 - from).unwrap()][..],
                &length[from..],
            ]
            .concat()
        };
        [header, contents].concat()
    }

    /// Changes the element with this number, counted from the outside in.
    fn change(&mut self, index: &mut usize, random: &mut Random) {
        if *index == 0 {
            self.change_itself(random);
            *index = usize::MAX;
            return;
        }
        *index -= 1;
        let Contents::Elements(_, elements) = &mut self.contents else {
            return;
        };
        for at in 0..elements.len() {
            if *index == 0 && random.below(2) == 0 {
                match random.below(4) {
                    0 => drop(elements.remove(at)),
                    1 => elements.insert(at, elements[at].clone()),
                    2 => {
                        let other = random.below(elements.len());
                        elements.swap(at, other);
                    }
                    _ => elements.truncate(at),
                }
                *index = usize::MAX;
                return;
            }
            elements[at].change(index, random);
            if *index == usize::MAX {
                return;
            }
        }
    }

    fn change_itself(&mut self, random: &mut Random) {
        const TAGS: [u8; 22] = [
            0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0a, 0x0c, 0x12, 0x13, 0x14, 0x16, 0x17, 0x18,
            0x1e, 0x1f, 0x30, 0x31, 0x80, 0x82, 0xa0, 0xa3,
        ];
        match random.below(5) {
            0 => self.tag = *random.choice(&TAGS),
            1 => self.long = 1 + random.below(2),
            2 => self.tag ^= 1 << random.below(8),
            _ => {
                let mut bytes = match &self.contents {
                    Contents::Bytes(bytes) => bytes.clone(),
                    Contents::Elements(..) => {
                        let written = Self {
                            tag: 0,
                            long: 0,
                            contents: self.contents.clone(),
                        }
                        .written();
                        let header = if written[1] < 0x80 {
                            2
                        } else {
                            2 + usize::from(written[1] & 0x7f)
                        };
                        written[header..].to_vec()
                    }
                };
                let at = random.below(bytes.len());
                match random.below(7) {
                    0 => bytes.clear(),
                    1 => bytes.insert(0, 0),
                    2 => bytes.insert(0, 0xff),
                    3 => bytes.push(*random.choice(&[0, 0x80, b'.', b'Z', 0xff])),
                    4 if !bytes.is_empty() => drop(bytes.remove(at)),
                    5 if !bytes.is_empty() => bytes[at] = u8::try_from(random.below(256)).unwrap(),
                    _ if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
                    _ => {}
                }
                self.contents = Contents::Bytes(bytes);
            }
        }
    }
}
