//! Private keys, element by element, each with one unusual or wrong element.

use super::der::{seq, tlv};

/// Private keys in PKCS#8 with parameters of the algorithm that Go skips: any element, in every
/// form of a tag and of a length. `key` is an RSA key in PKCS#1.
pub(crate) fn private_keys(key: &[u8]) -> Vec<(String, Vec<u8>)> {
    const RSA: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
    let long = |header: &[u8], length: usize| [header, &vec![7; length]].concat();
    let mut elements = vec![
        ("no parameters", Vec::new()),
        ("NULL", vec![5, 0]),
        ("a tag of 30", vec![0x1e, 0]),
        ("a long tag of 30", vec![0x1f, 0x1e, 0]),
        ("a long tag of 31", vec![0x1f, 0x1f, 0]),
        ("a long tag of 31, with contents", vec![0x1f, 0x1f, 1, 0]),
        ("a constructed long tag", vec![0xbf, 0x1f, 0]),
        ("a long tag of 127", vec![0x1f, 0x7f, 0]),
        ("a long tag of 128", vec![0x1f, 0x81, 0, 0]),
        ("a long tag of 5000", vec![0x1f, 0xa7, 8, 2, 1, 2]),
        (
            "a long tag with a zero before it",
            vec![0x1f, 0x80, 0x1f, 0],
        ),
        ("a long tag of 1 in two bytes", vec![0x1f, 0x80, 1, 0]),
        (
            "a tag of 31 bits",
            vec![0x1f, 0x87, 0xff, 0xff, 0xff, 0x7f, 0],
        ),
        ("a tag of 32 bits", vec![0x1f, 0x88, 0x80, 0x80, 0x80, 0, 0]),
        (
            "a tag of six bytes",
            vec![0x1f, 0x81, 0x80, 0x80, 0x80, 0x80, 0, 0],
        ),
        ("a long tag without an end", vec![0x1f, 0x81]),
        ("a length of 127", long(&[4, 0x7f], 127)),
        ("a long length of 127", long(&[4, 0x81, 0x7f], 127)),
        ("a length of 128", long(&[4, 0x81, 0x80], 128)),
        (
            "a length of 128 in two bytes",
            long(&[4, 0x82, 0, 0x80], 128),
        ),
        ("a length of 256", long(&[4, 0x82, 1, 0], 256)),
        ("a length of 770", long(&[4, 0x82, 3, 2], 770)),
        ("a length of 65536", long(&[4, 0x83, 1, 0, 0], 65_536)),
        ("a length of five bytes", vec![4, 0x85, 0, 0, 0, 0, 0x80]),
        ("a length that is not known", vec![4, 0x80, 0, 0]),
        ("a length beyond the end", vec![4, 5, 1]),
        (
            "a length beyond every end",
            vec![4, 0x84, 0x7f, 0xff, 0xff, 0xff],
        ),
        ("two elements", vec![5, 0, 5, 0]),
    ];
    elements.push(("a tag alone", vec![4]));
    let all = elements.into_iter().map(|(what, element)| {
        let algorithm = seq(&[RSA, &element]);
        let der = seq(&[&[2, 1, 0], &algorithm, &tlv(4, &[key])]);
        (what.to_owned(), der)
    });
    let mut all: Vec<_> = all.collect();
    let mut add = |what: &str, der: Vec<u8>| all.push((what.to_owned(), der));
    let algorithm = |parts: &[&[u8]]| seq(&[ED25519_OID, &parts.concat()]);
    for (what, parameters, length) in [
        ("Ed25519", &[][..], 32),
        ("Ed25519 with NULL", &[5, 0], 32),
        ("Ed25519 of 31 bytes", &[], 31),
        ("Ed25519 of 33 bytes", &[], 33),
    ] {
        let seed = tlv(4, &[&vec![7; length]]);
        let algorithm = algorithm(&[parameters]);
        add(what, seq(&[&[2, 1, 0], &algorithm, &tlv(4, &[&seed])]));
    }
    elliptic_keys(&mut add);
    rsa_keys(&mut add, key);
    all
}

const ED25519_OID: &[u8] = &[6, 3, 0x2b, 0x65, 0x70];

/// SEC 1 keys on P-256, with and without the fields that may be absent.
fn elliptic_keys(add: &mut impl FnMut(&str, Vec<u8>)) {
    const CURVE: &[u8] = &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    const VERSION: &[u8] = &[2, 1, 1];
    let curve = tlv(0xa0, &[CURVE]);
    let scalar = tlv(4, &[&[7; 32]]);
    let point = tlv(0xa1, &[&tlv(3, &[&[0; 66]])]);
    for (what, parts) in [
        ("SEC 1", &[VERSION, &scalar, &curve, &point][..]),
        ("SEC 1 without a point", &[VERSION, &scalar, &curve]),
        ("SEC 1 without a curve", &[VERSION, &scalar]),
        ("a point without a curve", &[VERSION, &scalar, &point]),
        ("version 0", &[&[2, 1, 0], &scalar, &curve]),
        ("version 2", &[&[2, 1, 2], &scalar, &curve]),
        ("an empty curve", &[VERSION, &scalar, &[0xa0, 0], &point]),
        ("an empty curve at the end", &[VERSION, &scalar, &[0xa0, 0]]),
        (
            "a primitive empty curve",
            &[VERSION, &scalar, &[0x80, 0], &point],
        ),
        (
            "a primitive curve",
            &[VERSION, &scalar, &tlv(0x80, &[CURVE]), &point],
        ),
        (
            "a curve of another type",
            &[VERSION, &scalar, &tlv(0xa0, &[&[5, 0]]), &point],
        ),
        ("NULL after the curve", &[VERSION, &scalar, &curve, &[5, 0]]),
        (
            "NULL after the curve, and more",
            &[VERSION, &scalar, &curve, &[5, 0, 5, 0]],
        ),
        ("an empty point", &[VERSION, &scalar, &curve, &[0xa1, 0]]),
        (
            "an empty point, and more",
            &[VERSION, &scalar, &curve, &[0xa1, 0, 5, 0]],
        ),
        (
            "a primitive point",
            &[VERSION, &scalar, &curve, &[0x81, 0, 5, 0]],
        ),
        (
            "a point of unused bits",
            &[VERSION, &scalar, &curve, &[0xa1, 4, 3, 2, 1, 1]],
        ),
        (
            "a point of another type",
            &[VERSION, &scalar, &curve, &[0xa1, 2, 5, 0]],
        ),
        (
            "a point and more",
            &[VERSION, &scalar, &curve, &point, &[5, 0]],
        ),
        (
            "a scalar of 31 bytes",
            &[VERSION, &tlv(4, &[&[7; 31]]), &curve],
        ),
        (
            "a scalar of 33 bytes",
            &[VERSION, &tlv(4, &[&[7; 33]]), &curve],
        ),
        (
            "a scalar with zeros",
            &[VERSION, &tlv(4, &[&[0; 3], &[7; 32]]), &curve],
        ),
        ("a scalar of zero", &[VERSION, &tlv(4, &[&[0; 32]]), &curve]),
        (
            "a scalar beyond the order",
            &[VERSION, &tlv(4, &[&[0xff; 32]]), &curve],
        ),
    ] {
        add(what, seq(parts));
    }
}

/// RSA keys in PKCS#1 with fields that are missing, changed or additional.
fn rsa_keys(add: &mut impl FnMut(&str, Vec<u8>), key: &[u8]) {
    const NULL: &[u8] = &[5, 0];
    let mut fields = Vec::new();
    let mut rest = &key[4..];
    while !rest.is_empty() {
        // A header of two, three or four bytes
        let length = match rest[1] {
            0x82 => 4 + usize::from(rest[2]) * 256 + usize::from(rest[3]),
            0x81 => 3 + usize::from(rest[2]),
            short => 2 + usize::from(short),
        };
        let (field, next) = rest.split_at(length);
        fields.push(field.to_vec());
        rest = next;
    }
    assert_eq!(fields.len(), 9);
    let mut with = |what: &str, change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let mut changed = fields.clone();
        change(&mut changed);
        let parts: Vec<&[u8]> = changed.iter().map(Vec::as_slice).collect();
        add(&format!("PKCS#1, {what}"), seq(&parts));
    };
    with("whole", &|_| ());
    for version in [1, 2, 0xff] {
        let what = format!("version {version}");
        with(&what, &|fields| fields[0] = vec![2, 1, version]);
    }
    for (place, name) in ["n", "e", "d", "p", "q", "dp", "dq", "inverse"]
        .into_iter()
        .enumerate()
    {
        let place = place + 1;
        with(&format!("without {name}"), &|fields| {
            drop(fields.remove(place))
        });
        with(&format!("nothing from {name} on"), &|fields| {
            fields.truncate(place)
        });
        with(&format!("NULL for {name}"), &|fields| {
            fields[place] = NULL.to_vec()
        });
        for value in [0, 1, 3, 0x80] {
            let what = format!("{value} for {name}");
            with(&what, &|fields| fields[place] = vec![2, 1, value]);
        }
        // The next number and the one after it, so that odd numbers stay odd
        for more in [1, 2] {
            with(&format!("{name} and {more}"), &|fields| {
                if let Some(last) = fields[place].last_mut() {
                    *last = last.wrapping_add(more);
                }
            });
        }
    }
    with("p for q", &|fields| fields[5] = fields[4].clone());
    with("p and q exchanged", &|fields| fields.swap(4, 5));
    with("dp and dq exchanged", &|fields| fields.swap(6, 7));
    with("p and q exchanged alone", &|fields| {
        fields.swap(4, 5);
        fields.truncate(6);
    });
    with("n for p, without the rest", &|fields| {
        fields[4] = fields[1].clone();
        fields.truncate(6);
    });
    with("NULL at the end", &|fields| fields.push(NULL.to_vec()));
    with("no other primes", &|fields| fields.push(vec![0x30, 0]));
    add("PKCS#1 and more", [key, NULL].concat());
}

/// RSA keys in PKCS#1 with a few bits, with numbers that match and numbers that do not, and keys
/// with primes that are close to each other. Go loads small keys, and does not use them.
pub(crate) fn small_rsa_keys() -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    // 9, 15, 21 and 341 are composite. To some bases, 15 and 341 look like primes
    let primes = [1, 2, 3, 4, 5, 7, 9, 11, 13, 15, 17, 21, 31, 61, 251, 341];
    for p in primes {
        for q in primes {
            for e in [1, 2, 3, 4, 5, 7, 17] {
                for (d, n) in [
                    (0, p * q),
                    (1, p * q),
                    (2, p * q),
                    (0, 2 * p * q),
                    (0, p),
                    (0, q),
                ] {
                    let Some(exponent) = private_exponent(p, q, e, d) else {
                        continue;
                    };
                    let numbers = [n, e, exponent, p, q];
                    all.push((format!("{numbers:?}"), pkcs1(&numbers)));
                    if d > 0 || n != p * q {
                        continue;
                    }
                    let (dp, dq) = (exponent % (p - 1).max(1), exponent % (q - 1).max(1));
                    let inverse = (1..=p).find(|one| one * q % p == 1 % p).unwrap_or(1);
                    for computed in [
                        [dp, dq, inverse],
                        [dp, dq, inverse + p],
                        [dp + p - 1, dq, inverse],
                        [dp, dq + q - 1, inverse],
                        [dp, dq, inverse + 1],
                    ] {
                        let numbers = [&numbers[..], &computed].concat();
                        all.push((format!("{numbers:?}"), pkcs1(&numbers)));
                    }
                }
            }
        }
    }
    // 17 and 31 with exponents at the limit of 31 bits
    for e in [
        (1u64 << 31) - 1,
        (1 << 31) + 1,
        (1 << 31) + 7,
        1 << 31,
        65_537,
    ] {
        if let Some(exponent) = private_exponent(17, 31, e, 0) {
            let numbers = [17 * 31, e, exponent, 17, 31];
            all.push((format!("{numbers:?}"), pkcs1(&numbers)));
        }
    }
    for (name, numbers) in [
        (
            "primes that differ in 156 bits",
            [
                "c453c78cf1c07e6cfc3ab50e8b20a3dfbfd67bd846a9b8d51fe33a8e8f6af136ce0856ce12347dba5a8533000df44606cd4de3b145d8b2526f4a9757461ec683",
                "010001",
                "846a6e683701d05c442cf8bc54a76ebae25a53f4e825254bad633c0573289b8954ac2cf205bd8457aab8016804a93e07757a5c41ada46561f2f5cc74a9e505",
                "e02fdaa1ad864c44e049548e8a0a8c9632ea6928f6236bf2504b74ba4a0fe75d",
                "e02fdaa1ad864c44e049548e920a8c9632ea6928f6236bf2504b74ba4a0fe75f",
            ],
        ),
        (
            "primes that differ in 157 bits",
            [
                "c453c78cf1c07e6cfc3ab50e922222b4cd42ae3a6dac037994338ef34102463eb50f00455642ca96feec2631f6f859403c4b634ba069bf0e659d2276d1cdb1c9",
                "010001",
                "c86a134b237eb2e5e3eb5f938044add3e3b5837b772421bd503751b655fbfc623d6609d6a69b572783292c86c01691530446050e382abe7a8ffbca367f6b01",
                "e02fdaa1ad864c44e049548e8a0a8c9632ea6928f6236bf2504b74ba4a0fe75d",
                "e02fdaa1ad864c44e049548e9a0a8c9632ea6928f6236bf2504b74ba4a0fe95d",
            ],
        ),
    ] {
        let fields = numbers.map(|text| {
            let digits = (0..text.len()).step_by(2);
            let bytes = digits.map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap());
            let bytes: Vec<u8> = bytes.collect();
            let sign: &[u8] = if bytes[0] & 0x80 == 0 { &[] } else { &[0] };
            tlv(2, &[sign, &bytes])
        });
        all.push((name.to_owned(), seq(&[&[2, 1, 0], &fields.concat()])));
    }
    all
}

/// Returns the solution number `place`, counted from 0, of `d * e = 1` modulo both p-1 and q-1.
fn private_exponent(p: u64, q: u64, e: u64, place: usize) -> Option<u64> {
    let (p, q) = ((p - 1).max(1), (q - 1).max(1));
    let is_inverse = |d: &u64| d * e % p == 1 % p && d * e % q == 1 % q;
    (1..3 * p * q + 3).filter(is_inverse).nth(place)
}

fn pkcs1(numbers: &[u64]) -> Vec<u8> {
    let fields = numbers.iter().map(|number| {
        let bytes = number.to_be_bytes();
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let bytes = &bytes[zeros.min(7)..];
        let sign: &[u8] = if bytes[0] & 0x80 == 0 { &[] } else { &[0] };
        tlv(2, &[sign, bytes])
    });
    seq(&[&[2, 1, 0], &fields.flatten().collect::<Vec<u8>>()])
}
