//! Certificates, element by element, each with one unusual or wrong element. Their signatures are
//! not checked.

use std::fmt::Display;

/// Encodes an element: its tag, its length and its parts.
pub(crate) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let contents = parts.concat();
    let length = contents.len().to_be_bytes();
    let digits = &length[length.iter().position(|byte| *byte != 0).unwrap_or(7)..];
    let header = if contents.len() < 0x80 {
        vec![tag, digits[0]]
    } else {
        [
            &[tag, 0x80 | u8::try_from(digits.len()).unwrap()][..],
            digits,
        ]
        .concat()
    };
    [header, contents].concat()
}

pub(crate) fn seq(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, parts)
}

fn name(tag: u8, value: &[u8]) -> Vec<u8> {
    seq(&[&tlv(
        0x31,
        &[&seq(&[&[6, 3, 0x55, 4, 3], &tlv(tag, &[value])])],
    )])
}

fn validity(tag: u8, start: &str) -> Vec<u8> {
    seq(&[
        &tlv(tag, &[start.as_bytes()]),
        &tlv(0x18, &[b"20990101000000Z"]),
    ])
}

/// Encodes an extension with the identifier 2.5.29.`id`.
fn extension(id: u8, is_critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if is_critical { &[1, 1, 0xff] } else { &[] };
    seq(&[&[6, 3, 0x55, 0x1d, id], critical, &tlv(4, &[value])])
}

const ED25519: &[u8] = &[0x30, 5, 6, 3, 0x2b, 0x65, 0x70];

/// The parts of a certificate.
#[derive(Clone)]
struct Parts {
    version: Vec<u8>,
    serial: Vec<u8>,
    inner: Vec<u8>,
    issuer: Vec<u8>,
    validity: Vec<u8>,
    subject: Vec<u8>,
    key: Vec<u8>,
    identifiers: Vec<u8>,
    extensions: Vec<u8>,
    outer: Vec<u8>,
    signature: Vec<u8>,
    end: Vec<u8>,
}

impl Parts {
    fn good() -> Self {
        Self {
            version: vec![0xa0, 3, 2, 1, 2],
            serial: vec![2, 1, 5],
            inner: ED25519.to_vec(),
            issuer: name(0x0c, b"etcd-ca"),
            validity: validity(0x17, "260101000000Z"),
            subject: name(0x0c, b"etcd-1"),
            key: seq(&[ED25519, &tlv(3, &[&[0; 33]])]),
            identifiers: Vec::new(),
            extensions: Vec::new(),
            outer: ED25519.to_vec(),
            signature: tlv(3, &[&[0; 65]]),
            end: Vec::new(),
        }
    }

    fn der(&self) -> Vec<u8> {
        let content = seq(&[
            &self.version,
            &self.serial,
            &self.inner,
            &self.issuer,
            &self.validity,
            &self.subject,
            &self.key,
            &self.identifiers,
            &self.extensions,
        ]);
        [
            seq(&[&content, &self.outer, &self.signature]),
            self.end.clone(),
        ]
        .concat()
    }

    fn with_extensions(extensions: &[&[u8]]) -> Self {
        Self {
            extensions: tlv(0xa3, &[&seq(extensions)]),
            ..Self::good()
        }
    }
}

pub(crate) struct Certificates(Vec<(String, Vec<u8>)>);

impl Certificates {
    fn add(&mut self, what: impl Display, change: impl FnOnce(&mut Parts)) {
        let mut parts = Parts::good();
        change(&mut parts);
        self.0.push((what.to_string(), parts.der()));
    }

    /// Adds the certificate with only this extension, critical and not critical.
    fn extension(&mut self, what: impl Display, id: u8, value: &[u8]) {
        for is_critical in [false, true] {
            let parts = Parts::with_extensions(&[&extension(id, is_critical, value)]);
            self.0
                .push((format!("{what}, critical: {is_critical}"), parts.der()));
        }
    }
}

pub(crate) fn certificates() -> Vec<(String, Vec<u8>)> {
    let mut all = Certificates(Vec::new());
    all.add("nothing", |_| ());
    frames(&mut all);
    times(&mut all);
    strings(&mut all);
    keys(&mut all);
    extensions(&mut all);
    alternative_names(&mut all);
    constraints(&mut all);
    all.0
}

fn frames(all: &mut Certificates) {
    for (what, version) in [
        ("none", &[][..]),
        ("1", &[0xa0, 3, 2, 1, 0]),
        ("2", &[0xa0, 3, 2, 1, 1]),
        ("4", &[0xa0, 3, 2, 1, 3]),
        ("below zero", &[0xa0, 3, 2, 1, 0xff]),
        ("too long", &[0xa0, 4, 2, 2, 0, 2]),
        ("with more", &[0xa0, 4, 2, 1, 2, 0]),
        ("huge", &[0xa0, 11, 2, 9, 1, 0, 0, 0, 0, 0, 0, 0, 2]),
        ("primitive", &[0x80, 3, 2, 1, 2]),
    ] {
        all.add(format!("version {what}"), |parts| {
            parts.version = version.to_vec()
        });
        all.add(format!("version {what}, with extensions"), |parts| {
            *parts = Parts::with_extensions(&[&extension(19, true, &[0x30, 0])]);
            parts.version = version.to_vec();
        });
        all.add(format!("version {what}, with bad extensions"), |parts| {
            *parts = Parts::with_extensions(&[&extension(19, true, &[0x31, 0])]);
            parts.version = version.to_vec();
        });
        all.add(format!("version {what}, with identifiers"), |parts| {
            parts.version = version.to_vec();
            parts.identifiers = vec![0x81, 2, 0, 1, 0x82, 2, 0, 1];
        });
        all.add(format!("version {what}, with a bad identifier"), |parts| {
            parts.version = version.to_vec();
            parts.identifiers = vec![0x81, 20, 0, 1];
        });
    }
    for serial in [
        &[2, 1, 0][..],
        &[2, 1, 0xff],
        &[2, 2, 0xff, 0x7f],
        &[2, 2, 0xff, 0x80],
        &[2, 2, 0, 0x80],
        &[2, 2, 0, 1],
        &[2, 0],
        &[0x82, 1, 1],
        &[4, 1, 1],
        &[],
    ] {
        all.add(format!("serial {serial:?}"), |parts| {
            parts.serial = serial.to_vec()
        });
    }
    all.add("a serial of 20 bytes", |parts| {
        parts.serial = tlv(2, &[&[0x7f; 20]])
    });
    all.add("a serial of 21 bytes", |parts| {
        parts.serial = tlv(2, &[&[0x7f; 21]])
    });
    all.add("a serial of 300 bytes", |parts| {
        parts.serial = tlv(2, &[&[0x7f; 300]])
    });
    for (what, identifier) in [
        ("empty", vec![0x30, 0]),
        ("with NULL", seq(&[&ED25519[2..], &[5, 0]])),
        ("with bad parameters", seq(&[&ED25519[2..], &[5, 1]])),
        ("with more", seq(&[&ED25519[2..], &[5, 0], &[9, 9]])),
        ("with a bad identifier", seq(&[&[6, 2, 0x80, 1]])),
        ("with an empty identifier", seq(&[&[6, 0]])),
        ("with a truncated identifier", seq(&[&[6, 1, 0x81]])),
        (
            "with a large identifier",
            seq(&[&[6, 6, 0x2a, 0x87, 0xff, 0xff, 0xff, 0x7f]]),
        ),
        (
            "with too large an identifier",
            seq(&[&[6, 6, 0x2a, 0x88, 0x80, 0x80, 0x80, 0]]),
        ),
        ("unknown", seq(&[&[6, 3, 0x2a, 3, 4]])),
        ("a set", tlv(0x31, &[&ED25519[2..]])),
    ] {
        all.add(format!("signature algorithm {what}"), |parts| {
            parts.inner.clone_from(&identifier);
            parts.outer.clone_from(&identifier);
        });
        all.add(format!("signature algorithm {what} outside"), |parts| {
            parts.outer = identifier
        });
    }
    for signature in [
        &[3, 1, 0][..],
        &[3, 0],
        &[3, 2, 7, 0x80],
        &[3, 2, 7, 0x40],
        &[3, 2, 8, 0],
        &[3, 1, 1],
        &[4, 1, 0],
        &[],
    ] {
        all.add(format!("signature {signature:?}"), |parts| {
            parts.signature = signature.to_vec()
        });
    }
    all.add("a byte after the end", |parts| parts.end = vec![0]);
    all.add("more inside", |parts| parts.signature.extend([5, 0]));
    all.add("a certificate of nothing", |parts| parts.signature.clear());
}

fn times(all: &mut Certificates) {
    for time in [
        "260101000000Z",
        "491231235959Z",
        "500101000000Z",
        "000229000000Z",
        "2601010000Z",
        "260101000000+0100",
        "260101000000-2400",
        "260101000000+0001",
        "961231000000Z",
        "",
        "260101000000",
        "260101000060Z",
        "260101006000Z",
        "260101240000Z",
        "260001000000Z",
        "261301000000Z",
        "260100000000Z",
        "260230000000Z",
        "260229000000Z",
        "260431000000Z",
        "260132000000Z",
        "260101000000+0000",
        "260101000000-0000",
        "260101000000+0160",
        "260101000000+0159",
        "260101000000+2500",
        "260101000000+2460",
        "260101000000.5Z",
        "20260101000000Z",
        "26010100000Z",
        "260101000000Z ",
        "26010100Z",
        "260101000000+01:0",
        "260101000000+010",
        "2601010000000Z",
        "260101000000z",
        "+60101000000Z",
        "2601010000+0130",
        "26 101000000Z",
        "240229000000Z",
    ] {
        all.add(format!("UTCTime {time}"), |parts| {
            parts.validity = validity(0x17, time)
        });
    }
    for time in [
        "20500101000000Z",
        "99991231235959Z",
        "00000101000000Z",
        "20000229000000Z",
        "19000229000000Z",
        "21000229000000Z",
        "205001010000Z",
        "2050010100000Z",
        "20500101000000.0Z",
        "20500101000000.5Z",
        "Z",
        "2Z",
        "20500101000000+0000",
        "20500101000000+0130",
        "260101000000Z",
        "-0010101000000Z",
        "20260101000000Z",
        "19700101000000Z",
        "19691231235959Z",
        "20261231235960Z",
    ] {
        all.add(format!("GeneralizedTime {time}"), |parts| {
            parts.validity = validity(0x18, time)
        });
    }
    all.add("a date of another type", |parts| {
        parts.validity = validity(0x13, "260101000000Z")
    });
    for tag in [0x13, 0x0c, 0x04] {
        all.add(format!("a whole date of the type {tag}"), |parts| {
            parts.validity = validity(tag, "20260101000000Z")
        });
    }
    all.add("one date", |parts| {
        parts.validity = seq(&[&tlv(0x17, &[b"260101000000Z"])])
    });
    all.add("three dates", |parts| {
        parts.validity = seq(&[
            &tlv(0x17, &[b"260101000000Z"]),
            &tlv(0x17, &[b"260101000000Z"]),
            &[9],
        ]);
    });
    all.add("an end before the start", |parts| {
        parts.validity = validity(0x18, "29990101000000Z")
    });
}

fn strings(all: &mut Certificates) {
    for (tag, value) in [
        (0x0c, &b"etcd"[..]),
        (0x0c, "é".as_bytes()),
        (0x0c, &[0xc3]),
        (0x0c, &[0xed, 0xa0, 0x80]),
        (0x0c, b""),
        (0x13, b"A-z 09'()+,./:=?*&"),
        (0x13, b"a_b"),
        (0x13, b"a@b"),
        (0x13, &[0xe9]),
        (0x13, b"a;b"),
        (0x13, b"a\"b"),
        (0x14, &[0xe9]),
        (0x14, b"etcd"),
        (0x16, b"a@b"),
        (0x16, &[0xe9]),
        (0x12, b"12 3"),
        (0x12, b"12a"),
        (0x1e, &[0, 0x61]),
        (0x1e, &[0, 0x61, 0, 0]),
        (0x1e, &[0, 0x61, 0]),
        (0x1e, &[0xd8, 0]),
        (0x1e, &[0xff, 0xfe]),
        (0x1e, &[0xfd, 0xd0]),
        (0x1e, &[0xfd, 0xef]),
        (0x1e, &[0xfd, 0xf0]),
        (0x1e, &[0xe0, 0]),
        (0x1e, &[0xdf, 0xff]),
        (0x1a, b"etcd"),
        (0x1c, &[0, 0, 0, 0x61]),
        (0x03, &[0, 1]),
        (0x02, &[1]),
        (0x30, &[]),
        (0x19, b"a"),
        (0x1b, b"a"),
    ] {
        all.add(format!("subject {tag:#x} {value:?}"), |parts| {
            parts.subject = name(tag, value)
        });
        all.add(format!("issuer {tag:#x} {value:?}"), |parts| {
            parts.issuer = name(tag, value)
        });
    }
    for (what, name) in [
        ("empty", vec![0x30, 0]),
        ("a set", vec![0x31, 0]),
        ("an empty part", seq(&[&[0x31, 0]])),
        ("an empty attribute", seq(&[&[0x31, 2, 0x30, 0]])),
        (
            "no value",
            seq(&[&tlv(0x31, &[&seq(&[&[6, 3, 0x55, 4, 3]])])]),
        ),
        (
            "two values",
            seq(&[&tlv(
                0x31,
                &[&seq(&[&[6, 3, 0x55, 4, 3], &[12, 1, 65], &[12, 1, 65]])],
            )]),
        ),
        (
            "a bad identifier",
            seq(&[&tlv(0x31, &[&seq(&[&[6, 2, 0x55, 0x84], &[12, 1, 65]])])]),
        ),
        (
            "a part of two attributes",
            seq(&[&tlv(
                0x31,
                &[
                    &seq(&[&[6, 3, 0x55, 4, 3], &[12, 1, 65]]),
                    &seq(&[&[6, 3, 0x55, 4, 10], &[12, 1, 65]]),
                ],
            )]),
        ),
    ] {
        all.add(format!("subject: {what}"), |parts| parts.subject = name);
    }
}

fn keys(all: &mut Certificates) {
    let oid_rsa: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
    let oid_ec: &[u8] = &[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
    let oid_dsa: &[u8] = &[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1];
    let null: &[u8] = &[5, 0];
    let mut key = |what: String, algorithm: &[&[u8]], bits: &[u8]| {
        all.add(format!("key {what}"), |parts| {
            parts.key = seq(&[&seq(algorithm), &tlv(3, &[bits])])
        });
    };
    let rsa = |parts: &[&[u8]]| [vec![0], seq(parts)].concat();
    for (what, bits) in [
        ("good", rsa(&[&[2, 1, 35], &[2, 1, 3]])),
        ("even", rsa(&[&[2, 1, 34], &[2, 1, 2]])),
        ("zero", rsa(&[&[2, 1, 0], &[2, 1, 3]])),
        ("below zero", rsa(&[&[2, 1, 0x80], &[2, 1, 3]])),
        ("exponent zero", rsa(&[&[2, 1, 35], &[2, 1, 0]])),
        ("exponent below zero", rsa(&[&[2, 1, 35], &[2, 1, 0xff]])),
        (
            "large exponent",
            rsa(&[&[2, 1, 35], &[2, 8, 0x7f, 0, 0, 0, 0, 0, 0, 1]]),
        ),
        (
            "too large an exponent",
            rsa(&[&[2, 1, 35], &[2, 9, 0, 0x80, 0, 0, 0, 0, 0, 0, 1]]),
        ),
        ("not the shortest", rsa(&[&[2, 2, 0, 35], &[2, 1, 3]])),
        ("with more", rsa(&[&[2, 1, 35], &[2, 1, 3], &[5, 0]])),
        ("one number", rsa(&[&[2, 1, 35]])),
        ("none", vec![0]),
    ] {
        key(format!("RSA {what}"), &[oid_rsa, null], &bits);
    }
    let good = rsa(&[&[2, 1, 35], &[2, 1, 3]]);
    key("RSA without parameters".to_owned(), &[oid_rsa], &good);
    key(
        "RSA with other parameters".to_owned(),
        &[oid_rsa, &[5, 1, 0]],
        &good,
    );
    key(
        "RSA with more parameters".to_owned(),
        &[oid_rsa, null, null],
        &good,
    );
    key(
        "RSA and more after it".to_owned(),
        &[oid_rsa, null],
        &[&good[..], &[0]].concat(),
    );
    key(
        "Ed25519 with NULL".to_owned(),
        &[&ED25519[2..], null],
        &[0; 33],
    );
    key("Ed25519, short".to_owned(), &[&ED25519[2..]], &[0; 32]);
    key("Ed25519, long".to_owned(), &[&ED25519[2..]], &[0; 34]);
    let unused: Vec<u8> = [&[1][..], &[0; 32]].concat();
    key(
        "Ed25519 with unused bits".to_owned(),
        &[&ED25519[2..]],
        &unused,
    );
    key("X25519".to_owned(), &[&[6, 3, 0x2b, 0x65, 0x6e]], &[0; 33]);
    key("unknown".to_owned(), &[&[6, 2, 0x2a, 3]], &[0, 1, 2]);
    key(
        "unknown with unused bits".to_owned(),
        &[&[6, 2, 0x2a, 3]],
        &[7, 0x80],
    );
    key(
        "with bad unused bits".to_owned(),
        &[&[6, 2, 0x2a, 3]],
        &[7, 0x81],
    );
    let p256: &[u8] = &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    let base = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296\
                4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
    let base: Vec<u8> = (0..64)
        .map(|at| u8::from_str_radix(&base[2 * at..2 * at + 2], 16).unwrap())
        .collect();
    let point = [&[0, 4][..], &base].concat();
    let (mut compressed, mut hybrid, mut wrong) =
        (point[..34].to_vec(), point.clone(), point.clone());
    compressed[1] = 3;
    hybrid[1] = 7;
    wrong[20] ^= 1;
    for (what, bits) in [
        ("good", point.clone()),
        ("compressed", compressed),
        ("hybrid", hybrid),
        ("not on the curve", wrong),
        ("zero", vec![0; 66]),
        ("infinity", vec![0, 0]),
        ("short", point[..65].to_vec()),
        ("long", [&point[..], &[0]].concat()),
        ("empty", vec![0]),
    ] {
        key(format!("P-256 {what}"), &[oid_ec, p256], &bits);
    }
    key("EC without curve".to_owned(), &[oid_ec], &point);
    key("EC with NULL".to_owned(), &[oid_ec, null], &point);
    key("EC explicit".to_owned(), &[oid_ec, &[0x30, 0]], &point);
    key(
        "secp256k1".to_owned(),
        &[oid_ec, &[6, 5, 0x2b, 0x81, 4, 0, 0x0a]],
        &point,
    );
    key(
        "P-384 with a point of P-256".to_owned(),
        &[oid_ec, &[6, 5, 0x2b, 0x81, 4, 0, 0x22]],
        &point,
    );
    key(
        "P-521 with a point of P-256".to_owned(),
        &[oid_ec, &[6, 5, 0x2b, 0x81, 4, 0, 0x23]],
        &point,
    );
    key(
        "P-224 with a point of P-256".to_owned(),
        &[oid_ec, &[6, 5, 0x2b, 0x81, 4, 0, 0x21]],
        &point,
    );
    for (what, p, y) in [
        ("good", 7, 3),
        ("zero", 0, 3),
        ("below zero", 0x80, 3),
        ("zero y", 7, 0),
    ] {
        let parameters = seq(&[&[2, 1, p], &[2, 1, 5], &[2, 1, 2]]);
        key(
            format!("DSA {what}"),
            &[oid_dsa, &parameters],
            &[0, 2, 1, y],
        );
    }
    key(
        "DSA without parameters".to_owned(),
        &[oid_dsa],
        &[0, 2, 1, 3],
    );
    key(
        "DSA with two parameters".to_owned(),
        &[oid_dsa, &seq(&[&[2, 1, 7], &[2, 1, 5]])],
        &[0, 2, 1, 3],
    );
    all.add("key with more", |parts| {
        parts.key = seq(&[ED25519, &tlv(3, &[&[0; 33]]), &[5, 0]])
    });
}

fn extensions(all: &mut Certificates) {
    let oid: &[u8] = &[6, 3, 0x55, 0x1d, 15];
    for (what, extension) in [
        (
            "critical is false",
            seq(&[oid, &[1, 1, 0], &[4, 4, 3, 2, 7, 0x80]]),
        ),
        (
            "critical is 1",
            seq(&[oid, &[1, 1, 1], &[4, 4, 3, 2, 7, 0x80]]),
        ),
        (
            "critical is empty",
            seq(&[oid, &[1, 0], &[4, 4, 3, 2, 7, 0x80]]),
        ),
        (
            "more after it",
            seq(&[oid, &[4, 4, 3, 2, 7, 0x80], &[5, 0]]),
        ),
        ("no value", seq(&[oid])),
        ("another value", seq(&[oid, &[3, 4, 3, 2, 7, 0x80]])),
        ("a bad identifier", seq(&[&[6, 1, 0x80], &[4, 0]])),
        ("empty", vec![0x30, 0]),
        ("no sequence", vec![0x31, 0]),
    ] {
        all.add(format!("extension: {what}"), |parts| {
            *parts = Parts::with_extensions(&[&extension])
        });
    }
    let unknown = |last: u8| seq(&[&[6, 3, 0x2a, 3, last], &[4, 1, 9]]);
    all.add("two unknown extensions", |parts| {
        *parts = Parts::with_extensions(&[&unknown(1), &unknown(2)])
    });
    all.add("an unknown extension twice", |parts| {
        *parts = Parts::with_extensions(&[&unknown(1), &unknown(1)])
    });
    all.add("no extension", |parts| *parts = Parts::with_extensions(&[]));
    all.add("extensions without a list", |parts| {
        parts.extensions = vec![0xa3, 0]
    });
    all.add("primitive extensions", |parts| {
        parts.extensions = vec![0x83, 2, 0x30, 0]
    });
    all.add("more after the extensions", |parts| {
        parts.extensions = vec![0xa3, 4, 0x30, 0, 5, 0]
    });
    let access: &[u8] = &[6, 8, 0x2b, 6, 1, 5, 5, 7, 1, 1];
    for (what, value) in [
        ("empty", vec![0x30, 0]),
        ("a method", seq(&[&seq(&[&[6, 1, 0x2a], &[0x86, 1, b'a']])])),
        (
            "another name",
            seq(&[&seq(&[&[6, 1, 0x2a], &[0x82, 1, b'a']])]),
        ),
        (
            "a truncated name",
            seq(&[&seq(&[&[6, 1, 0x2a], &[0x86, 9, b'a']])]),
        ),
        ("no method", seq(&[&seq(&[&[0x86, 1, b'a']])])),
        ("no sequence", vec![5, 0]),
    ] {
        for critical in [&[][..], &[1, 1, 0xff]] {
            let extension = seq(&[access, critical, &tlv(4, &[&value])]);
            all.add(
                format!("authorityInfoAccess: {what}, {critical:?}"),
                |parts| {
                    *parts = Parts::with_extensions(&[&extension]);
                },
            );
        }
    }
    for (id, value) in [
        (14, &[4, 1, 9][..]),
        (14, &[4, 0]),
        (14, &[3, 1, 9]),
        (14, &[]),
        (14, &[4, 1, 9, 9]),
        (15, &[3, 2, 7, 0x80]),
        (15, &[3, 2, 6, 0x80]),
        (15, &[3, 1, 0]),
        (15, &[3, 2, 0, 0]),
        (15, &[3, 2, 7, 0xc0]),
        (15, &[3, 0]),
        (15, &[3, 4, 0, 0xff, 0xff, 0xff]),
        (15, &[4, 2, 7, 0x80]),
        (15, &[]),
        (19, &[0x30, 0]),
        (19, &[0x30, 3, 1, 1, 0xff]),
        (19, &[0x30, 3, 1, 1, 0]),
        (19, &[0x30, 3, 1, 1, 1]),
        (19, &[0x30, 6, 1, 1, 0xff, 2, 1, 0]),
        (19, &[0x30, 6, 1, 1, 0xff, 2, 1, 0xff]),
        (19, &[0x30, 3, 2, 1, 3]),
        (19, &[0x30, 7, 1, 1, 0xff, 2, 2, 1, 0]),
        (19, &[0x30, 7, 1, 1, 0xff, 2, 2, 0, 1]),
        (19, &[0x30, 8, 1, 1, 0xff, 2, 1, 0, 5, 0]),
        (19, &[0x31, 0]),
        (19, &[0x30, 2, 1, 0]),
        (19, &[0x30, 2, 5, 0]),
        (19, &[0x30, 13, 1, 1, 0xff, 2, 8, 0x7f, 0, 0, 0, 0, 0, 0, 0]),
        (
            19,
            &[0x30, 14, 1, 1, 0xff, 2, 9, 0, 0x80, 0, 0, 0, 0, 0, 0, 0],
        ),
        (31, &[0x30, 0]),
        (31, &[0x30, 2, 0x30, 0]),
        (31, &[0x30, 9, 0x30, 7, 0xa0, 5, 0xa0, 3, 0x86, 1, b'a']),
        (31, &[0x30, 9, 0x30, 7, 0xa0, 5, 0xa1, 3, 0x86, 1, b'a']),
        (31, &[0x30, 9, 0x30, 7, 0xa0, 5, 0xa0, 3, 0x82, 1, b'a']),
        (31, &[0x30, 9, 0x30, 7, 0xa0, 5, 0xa0, 3, 0x86, 4, b'a']),
        (31, &[0x30, 4, 0x30, 2, 0xa0, 0]),
        (31, &[5, 0]),
        (31, &[0x30, 4, 0x30, 2, 0x81, 0]),
        (31, &[0x30, 2, 5, 0]),
        (31, &[0x30, 6, 0x30, 4, 0xa0, 2, 0xa0, 0]),
        (32, &[0x30, 0]),
        (32, &[0x30, 5, 0x30, 3, 6, 1, 0x2a]),
        (32, &[0x30, 10, 0x30, 3, 6, 1, 0x2a, 0x30, 3, 6, 1, 0x2a]),
        (32, &[0x30, 10, 0x30, 3, 6, 1, 0x2a, 0x30, 3, 6, 1, 0x2b]),
        (32, &[0x30, 4, 0x30, 2, 6, 0]),
        (32, &[0x30, 5, 0x30, 3, 6, 1, 0x80]),
        (32, &[0x30, 6, 0x30, 4, 6, 2, 0x80, 1]),
        (32, &[0x30, 2, 0x30, 0]),
        (32, &[5, 0]),
        (32, &[0x30, 5, 0x30, 3, 6, 1, 0x81]),
        (
            32,
            &[
                0x30, 12, 0x30, 10, 6, 8, 0x2a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
            ],
        ),
        (32, &[0x30, 7, 0x30, 5, 6, 3, 0x2a, 0x80, 1]),
        (33, &[0x30, 0]),
        (33, &[0x30, 8, 0x30, 6, 6, 1, 0x2a, 6, 1, 0x2b]),
        (33, &[0x30, 5, 0x30, 3, 6, 1, 0x2a]),
        (33, &[5, 0]),
        (33, &[0x30, 6, 0x30, 4, 6, 0, 6, 0]),
        (33, &[0x30, 2, 5, 0]),
        (35, &[0x30, 0]),
        (35, &[0x30, 3, 0x80, 1, 9]),
        (35, &[0x30, 3, 0x80, 2, 9]),
        (35, &[0x30, 3, 0x82, 1, 9]),
        (35, &[0x30, 2, 5, 0]),
        (35, &[5, 0]),
        (36, &[0x30, 0]),
        (36, &[0x30, 3, 0x80, 1, 0]),
        (36, &[0x30, 6, 0x80, 1, 0, 0x81, 1, 0]),
        (36, &[0x30, 3, 0x80, 1, 0xff]),
        (36, &[0x30, 2, 0x80, 0]),
        (36, &[0x30, 4, 0x81, 2, 0, 1]),
        (36, &[0x30, 11, 0x80, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
        (36, &[5, 0]),
        (37, &[0x30, 0]),
        (37, &[0x30, 3, 6, 1, 0x2a]),
        (37, &[0x30, 3, 6, 1, 0x80]),
        (37, &[0x30, 2, 6, 0]),
        (37, &[5, 0]),
        (37, &[0x30, 2, 5, 0]),
        (37, &[0x30, 8, 6, 6, 0x2a, 0x88, 0x80, 0x80, 0x80, 0]),
        (54, &[2, 1, 0]),
        (54, &[2, 1, 0xff]),
        (54, &[2, 0]),
        (54, &[2, 2, 0, 1]),
        (54, &[4, 1, 0]),
        (54, &[2, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
        (99, &[]),
        (18, &[9]),
    ] {
        all.extension(format!("2.5.29.{id} {value:02x?}"), id, value);
    }
}

fn alternative_names(all: &mut Certificates) {
    let mut name = |tag: u8, value: &[u8]| {
        let list = seq(&[&tlv(tag, &[value])]);
        let text = String::from_utf8_lossy(value).into_owned();
        all.extension(
            format!("alternative name {tag:#x} {text:?} {value:02x?}"),
            17,
            &list,
        );
    };
    for value in [
        &b"a.b"[..],
        b"",
        b"a b",
        b"*",
        &[0xc3, 0xa9],
        b"a.",
        b"10.0.0.1",
    ] {
        name(0x82, value);
        name(0x81, value);
        name(0xa2, value);
        name(0x83, value);
        name(0x88, value);
    }
    for length in [0, 3, 4, 5, 8, 15, 16, 17, 32] {
        name(0x87, &vec![1; length]);
    }
    name(0x1f, b"a");
    name(0xa4, &[0x30, 0]);
    name(0xa0, &[6, 1, 0x2a, 0xa0, 2, 5, 0]);
    for uri in [
        "",
        "*",
        "a",
        "/a",
        "//a",
        "///a",
        "////a",
        "a:b",
        "a:",
        ":a",
        "1a:b",
        "a+b-c.d:e",
        "a_b:c",
        "é:a",
        "http://a",
        "http://a:80",
        "http://a:",
        "http://a:b",
        "http://a:80:90",
        "mongodb://a:80,b:90",
        "x://a:80:b",
        "https://a:1:2",
        "HTTP://a:1:2",
        "http://[::1]",
        "http://[::1]:80",
        "http://[::1]80",
        "http://[::1",
        "http://[::1]:x",
        "http://[::1%25eth0]",
        "http://[::1%25]",
        "http://[::1%eth0]",
        "http://[1.2.3.4]",
        "http://[::ffff:1.2.3.4]",
        "http://[a]",
        "http://a[::1]",
        "http://[::1%25a%20b]",
        "http://[::1%25a%2fb]",
        "http://[::1%25%25]",
        "http://a]",
        "http://a%20b",
        "http://a%25b",
        "http://a%c3%a9",
        "http://a%",
        "http://a%2",
        "http://a%zz",
        "http://a b",
        "http://a\"b",
        "http://a\\b",
        "http://a^b",
        "http://a`b",
        "http://a{b",
        "http://a|b",
        "http://a~b",
        "http://a!b",
        "http://a<b>",
        "http://a'b",
        "http://a(b)",
        "http://a;b=c&d",
        "http://a,b",
        "http://a_b",
        "http://a*b",
        "http://a.",
        "http://.a",
        "http://a..b",
        "http://.",
        "http://@a",
        "http://u@a",
        "http://u:p@a",
        "http://u:p:q@a",
        "http://u@v@a",
        "http://u%@a",
        "http://u%41@a",
        "http://u:%@a",
        "http://u/p@a",
        "http://u[@a",
        "http://u p@a",
        "http://u\"@a",
        "http://a/%",
        "http://a/%2",
        "http://a/%zz",
        "http://a/%41",
        "http://a/b c",
        "http://a?%",
        "http://a?b#%",
        "http://a#%41",
        "http://a#b#c",
        "http://a?b?c",
        "http://a/?",
        "http://a?",
        "#",
        "#%",
        "?",
        "?%",
        "a/b:c",
        "a:b%",
        "a%",
        "%",
        "%41",
        "a b:c",
        "a\u{1}",
        "\u{7f}",
        "a\tb",
        "http://a\n",
        "http:///a",
        "http://",
        "http:/a",
        "http:a/b",
        "spiffe://a/b",
        "urn:a:b",
        "http:\\\\a",
        "//a:b",
        "//a:80:90",
        "//[::1]",
        "//u@",
        "http://a@",
        "//",
        "a//b",
        "a?b:c",
        "a#b:c",
        "http://a:80/b:c",
        "file:///a",
        "mailto:a@b",
        "http://127.0.0.1",
        "http://0",
        "http://a:８0",
        "http://a/é",
    ] {
        name(0x86, uri.as_bytes());
    }
    all.extension("alternative names: empty", 17, &[0x30, 0]);
    all.extension("alternative names: no list", 17, &[5, 0]);
    all.extension("alternative names: truncated", 17, &[0x30, 2, 0x82, 1]);
    all.extension(
        "alternative names: more after it",
        17,
        &[0x30, 3, 0x82, 1, b'a', 5, 0],
    );
    all.extension(
        "alternative names: two",
        17,
        &[0x30, 6, 0x82, 1, b'a', 0x83, 1, 9],
    );
}

fn constraints(all: &mut Certificates) {
    let mut subtree = |what: String, tree: &[u8]| {
        for field in [0xa0, 0xa1] {
            let value = seq(&[&tlv(field, &[tree])]);
            all.extension(format!("nameConstraints {field:#x} {what}"), 30, &value);
        }
    };
    for text in [
        "",
        "a",
        ".a",
        "a.",
        ".",
        "..a",
        "a..b",
        "a b",
        "é",
        "*.a",
        "1.2.3.4",
        "::1",
        "a@b",
        "@b",
        "a@",
        "a@b.",
        "a@.b",
        "a.@b",
        ".a@b",
        "a..b@c",
        "\"a b\"@c",
        "\"a@c",
        "a b@c",
        "a\\@b@c",
        "a@b@c",
        "\"\\\u{0}\"@c",
        "a,b",
    ] {
        for tag in [0x81, 0x82, 0x86] {
            subtree(
                format!("{tag:#x} {text}"),
                &seq(&[&tlv(tag, &[text.as_bytes()])]),
            );
        }
    }
    for (address, mask) in [
        (vec![10, 0, 0, 0], vec![255, 0, 0, 0]),
        (vec![10, 0, 0, 5], vec![255, 0, 0, 0]),
        (vec![10, 0, 0, 0], vec![0, 0, 0, 0]),
        (vec![10, 0, 0, 0], vec![255, 255, 255, 255]),
        (vec![10, 0, 0, 0], vec![255, 0, 255, 0]),
        (vec![10, 0, 0, 0], vec![254, 0, 0, 0]),
        (vec![10, 0, 0, 0], vec![253, 0, 0, 0]),
        (vec![10, 0, 0, 0], vec![0, 0, 0, 1]),
        (vec![0; 16], vec![255; 16]),
        (vec![0; 16], vec![0; 16]),
        (vec![10, 0, 0, 0], vec![]),
        (vec![10, 0, 0], vec![255, 0, 0]),
        (vec![0; 16], vec![0; 15]),
    ] {
        subtree(
            format!("{address:?}/{mask:?}"),
            &seq(&[&tlv(0x87, &[&address, &mask])]),
        );
    }
    subtree(
        "of another kind".to_owned(),
        &seq(&[&tlv(0xa4, &[&[0x30, 0]])]),
    );
    subtree("of an identifier".to_owned(), &seq(&[&[0x88, 1, 0x2a]]));
    subtree(
        "with a minimum".to_owned(),
        &seq(&[&[0x82, 1, b'a'], &[0x80, 1, 0]]),
    );
    subtree(
        "with a maximum".to_owned(),
        &seq(&[&[0x82, 1, b'a'], &[0x81, 1, 5]]),
    );
    subtree("empty".to_owned(), &[]);
    subtree("without a base".to_owned(), &[0x30, 0]);
    subtree("no sequence".to_owned(), &[5, 0]);
    for value in [
        &[0x30, 0][..],
        &[5, 0],
        &[0x30, 2, 0xa0, 0],
        &[0x30, 4, 0xa0, 0, 0xa1, 0],
        &[0x30, 7, 0xa1, 5, 0x30, 3, 0x82, 1, b'a', 5, 0],
        &[0x30, 9, 0xa1, 5, 0x30, 3, 0x82, 1, b'a', 5, 0],
        &[0x30, 9, 0xa1, 5, 0x30, 3, 0x82, 1, b'a', 0xa0, 0],
        &[0x30, 9, 0xa0, 0, 0xa1, 5, 0x30, 3, 0x82, 1, b'a'],
        &[0x30, 2, 0x80, 0],
    ] {
        all.extension(format!("nameConstraints {value:02x?}"), 30, value);
    }
}
