//! Certificates with one extension that is unusual or wrong.

use super::{Certificates, Parts, seq, tlv};

pub(super) fn extensions(all: &mut Certificates) {
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
            "a name that is cut off",
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

pub(super) fn alternative_names(all: &mut Certificates) {
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
    all.extension("alternative names: cut off", 17, &[0x30, 2, 0x82, 1]);
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

pub(super) fn constraints(all: &mut Certificates) {
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
