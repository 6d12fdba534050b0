//! Tests the rules with certificates that rcgen generates.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType,
    ExtendedKeyUsagePurpose as Purpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, SanType,
    SerialNumber, date_time_ymd,
};

use super::*;

const CLIENT: &[Purpose] = &[Purpose::ClientAuth];
const SERVER: &[Purpose] = &[Purpose::ServerAuth];
const BOTH: &[Purpose] = &[Purpose::ServerAuth, Purpose::ClientAuth];

fn params(usages: &[Purpose], names: &[&str]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.extended_key_usages = usages.to_vec();
    let names = names.iter().map(|name| match name.split_once('=') {
        Some(("IP", address)) => SanType::IpAddress(address.parse().unwrap()),
        _ => SanType::DnsName((*name).try_into().unwrap()),
    });
    params.subject_alt_names = names.collect();
    params
}

fn make(params: &CertificateParams) -> Certificate {
    let key = KeyPair::generate().unwrap();
    Certificate::from_der(params.self_signed(&key).unwrap().der()).unwrap()
}

fn leaf(usages: &[Purpose], names: &[&str]) -> Certificate {
    make(&params(usages, names))
}

fn ca_params() -> CertificateParams {
    let mut params = params(&[], &[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

/// The names of the findings' kinds.
fn kinds<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Vec<String> {
    let words = findings.into_iter().map(|finding| {
        let text = format!("{finding:?}");
        let end = text.find(|letter: char| !letter.is_alphanumeric());
        text[..end.unwrap_or(text.len())].to_owned()
    });
    words.collect()
}

fn instant(year: i32, month: u8, day: u8) -> SystemTime {
    date_time_ymd(year, month, day).into()
}

#[test]
fn usages_and_names_of_a_leaf() {
    const MEMBER: &str = "member-etcd-1.pem";
    const PEER: &str = "etcd/peer.crt";
    const NODE: &str = "node-kube-1.pem";
    const OTHER: &str = "other.pem";
    let other = &[Purpose::CodeSigning][..];
    for (usages_of, names, path, expected) in [
        (BOTH, &["a"][..], MEMBER, &[][..]),
        (&[Purpose::Any], &["a"], MEMBER, &[]),
        (&[], &["a"], MEMBER, &[]),
        (SERVER, &["a"], MEMBER, &["MemberWithoutClientAuth"]),
        (SERVER, &["a"], PEER, &["MemberWithoutClientAuth"]),
        (SERVER, &["a"], OTHER, &["MemberWithoutClientAuth"]),
        (CLIENT, &["a"], MEMBER, &["Usage"]),
        (CLIENT, &["a"], PEER, &["Usage"]),
        (other, &["a"], MEMBER, &["Usage"]),
        (other, &["a"], NODE, &["Usage"]),
        (other, &["a"], OTHER, &[]),
        (CLIENT, &["a"], NODE, &[]),
        (SERVER, &["a"], NODE, &["MemberWithoutClientAuth"]),
        (CLIENT, &["a"], OTHER, &[]),
        // A member needs a DNS name or an IP address
        (BOTH, &[], MEMBER, &["MemberWithoutNames"]),
        (BOTH, &["IP=0.0.0.0"], MEMBER, &["MemberWithoutNames"]),
        (BOTH, &["IP=::"], MEMBER, &["MemberWithoutNames"]),
        (BOTH, &["https://a:2379"], MEMBER, &["MemberWithoutNames"]),
        (BOTH, &["a b"], OTHER, &["MemberWithoutNames"]),
        (BOTH, &["a b", "*.a"], MEMBER, &[]),
        (BOTH, &["IP=0.0.0.0", "IP=10.0.0.1"], MEMBER, &[]),
        (BOTH, &["IP=0.0.0.0"], NODE, &[]),
        (&[], &["IP=0.0.0.0"], OTHER, &[]),
        (&[], &["IP=0.0.0.0"], MEMBER, &["MemberWithoutNames"]),
        (CLIENT, &["IP=0.0.0.0"], OTHER, &[]),
        // Go does not compare an IP address with DNS names
        (BOTH, &["10.0.0.1"], MEMBER, &["AddressAsDnsName"]),
        (
            BOTH,
            &["[fd00::1]:2379", "[fd00::1]"],
            OTHER,
            &["AddressAsDnsName", "AddressAsDnsName"],
        ),
        (BOTH, &["10.0.0.1:2379", "IP=10.0.0.1"], MEMBER, &[]),
        (BOTH, &["10.0.0.1"], NODE, &[]),
        (CLIENT, &["10.0.0.1"], OTHER, &[]),
        (BOTH, &[], "ca.pem", &[]),
    ] {
        let findings = usages(&leaf(usages_of, names), Path::new(path));
        assert_eq!(kinds(&findings), expected, "{usages_of:?} {names:?} {path}");
    }
    assert_eq!(usages(&make(&ca_params()), Path::new(MEMBER)), []);
}

#[test]
fn who_passes_the_peer_port() {
    let (none, some) = (&["ClientWithoutNames"][..], &["ClientWithNames"][..]);
    for (usages, names, path, expected) in [
        (CLIENT, &[][..], Some("node-kube-1.pem"), none),
        (CLIENT, &["IP=0.0.0.0"], Some("node-kube-1.pem"), &[]),
        (CLIENT, &["a"], Some("node-kube-1.pem"), some),
        (CLIENT, &["IP=10.0.0.1"], Some("client-a.pem"), some),
        (&[], &["a"], Some("client-a.pem"), some),
        (&[Purpose::Any], &["a"], Some("client-a.pem"), some),
        (SERVER, &[], Some("client-a.pem"), &[]),
        (CLIENT, &[], Some("member-etcd-1.pem"), &[]),
        (CLIENT, &[], Some("etcd/peer.crt"), &[]),
        (CLIENT, &[], Some("ca.pem"), &[]),
        (BOTH, &["a"], Some("client-a.pem"), some),
        // Kubespray gives every certificate the names of all members
        (BOTH, &["a", "LocalHost"], Some("client-a.pem"), &[]),
        (CLIENT, &["a", "localhost"], Some("client-a.pem"), some),
        // If the file's name shows nothing, the usages decide
        (BOTH, &["a"], Some("other.pem"), &[]),
        (BOTH, &["IP=10.0.0.1"], Some("other.pem"), &[]),
        (CLIENT, &["a"], Some("other.pem"), some),
        (BOTH, &[], Some("other.pem"), none),
        (BOTH, &["a"], None, &[]),
        (BOTH, &[], None, &[]),
        (CLIENT, &[], None, none),
    ] {
        let found = peer_port(&leaf(usages, names), path.map(Path::new));
        assert_eq!(kinds(&found), expected, "{usages:?} {names:?} {path:?}");
    }
    assert_eq!(peer_port(&make(&ca_params()), None), None);
    // Nothing connects from 0.0.0.0
    let certificate = leaf(CLIENT, &["a", "IP=0.0.0.0", "IP=10.0.0.1"]);
    let names = vec!["a".to_owned(), "10.0.0.1".to_owned()];
    assert_eq!(
        peer_port(&certificate, None),
        Some(Finding::ClientWithNames { names })
    );
}

#[test]
fn times() {
    let mut params = params(CLIENT, &[]);
    params.not_before = date_time_ymd(2030, 1, 1);
    params.not_after = date_time_ymd(2030, 2, 1);
    let leaf = make(&params);
    let second = Duration::from_secs(1);
    let (begin, end) = (leaf.not_before(), leaf.not_after());
    assert_eq!(kinds(&validity(&leaf, begin - second)), ["NotYetValid"]);
    assert_eq!(validity(&leaf, begin), None);
    assert_eq!(validity(&leaf, end), None);
    assert_eq!(kinds(&validity(&leaf, end + second)), ["Expired"]);
    assert_eq!(kinds(&expired(&leaf, end + second)), ["Expired"]);
    assert_eq!(expired(&leaf, end), None);
    // Remaining whole days
    for (before, expected) in [(0, 0), (86_399, 0), (86_400, 1), (3 * 86_400 - 1, 2)] {
        match expires(end, None, true, end - Duration::from_secs(before)) {
            Finding::Expires { days, .. } => assert_eq!(days, expected),
            other => panic!("{other:?}"),
        }
    }
    let late = expires(end, None, false, end + second);
    assert_eq!(kinds([&late]), ["Expired"]);
    // A leaf may expire a day after its CA
    params.not_after = date_time_ymd(2030, 1, 10);
    let ca = make(&params);
    for (day, outlives_ca) in [(8, false), (9, false), (10, false), (11, false), (12, true)] {
        params.not_after = date_time_ymd(2030, 1, day);
        let found = outlives(&make(&params), &ca, Path::new("ca.pem"));
        assert_eq!(found.is_some(), outlives_ca, "{day}");
    }
}

/// The critical threshold takes precedence over the warning threshold.
#[test]
fn thresholds() {
    let mut params = params(CLIENT, &[]);
    params.not_before = date_time_ymd(2030, 1, 1);
    params.not_after = date_time_ymd(2030, 3, 2);
    let leaf = make(&params);
    let both = [
        ("7d".parse().unwrap(), true),
        ("30d".parse().unwrap(), false),
    ];
    for (month, day, expected) in [
        (1, 30, None),
        (1, 31, Some(false)),
        (2, 22, Some(false)),
        (2, 23, Some(true)),
        (3, 2, Some(true)),
    ] {
        let found = expiry(&leaf, &both, instant(2030, month, day));
        let is_critical = found.map(|finding| match finding {
            Finding::Expires { critical, .. } => critical,
            other => panic!("{other:?}"),
        });
        assert_eq!(is_critical, expected, "{month} {day}");
    }
}

#[test]
fn cas_that_cannot_sign() {
    let mut params = ca_params();
    params.not_before = date_time_ymd(2030, 1, 1);
    params.not_after = date_time_ymd(2031, 1, 1);
    let now = instant(2030, 6, 1);
    let judge = |params: &CertificateParams, path: &str, now| {
        let ca = make(params);
        cannot_sign(&ca, &[], Path::new(path), now)
    };
    assert_eq!(judge(&params, "ca.pem", now), None);
    // Expiry and start of validity are separate findings
    assert_eq!(judge(&params, "ca.pem", instant(2032, 1, 1)), None);
    assert_eq!(judge(&params, "ca.pem", instant(2029, 1, 1)), None);
    // etcd's CA needs both usages, and other CAs do not
    params.extended_key_usages = vec![Purpose::ServerAuth];
    assert_eq!(kinds(&judge(&params, "ca.pem", now)), ["Usage"]);
    assert_eq!(judge(&params, "other.pem", now), None);
    params
        .distinguished_name
        .push(DnType::CommonName, "kubernetes");
    assert_eq!(judge(&params, "ca.pem", now), None);
    params.key_usages = vec![KeyUsagePurpose::CrlSign];
    assert_eq!(kinds(&judge(&params, "other.pem", now)), ["NotCa"]);
    params.is_ca = IsCa::ExplicitNoCa;
    assert_eq!(judge(&params, "ca.pem", now), None);
}

#[test]
fn cas_of_a_file() {
    let (leaf, ca) = (leaf(CLIENT, &[]), make(&ca_params()));
    assert_eq!(no_ca(&[]), None);
    assert_eq!(no_ca(std::slice::from_ref(&ca)), None);
    assert_eq!(no_ca(&[leaf.clone(), ca.clone()]), None);
    assert_eq!(kinds(&no_ca(std::slice::from_ref(&leaf))), ["NotCa"]);
    let mut params = ca_params();
    params.key_usages = Vec::new();
    let plain = make(&params);
    assert_eq!(kinds(&key_usage_of_ca(&plain)), ["NoKeyUsage"]);
    assert_eq!(key_usage_of_ca(&ca), None);
    assert_eq!(key_usage_of_ca(&leaf), None);
}

#[test]
fn keys_of_cas_and_leaves() {
    let key = KeyPair::generate().unwrap();
    let of_key = |params: &CertificateParams| {
        Certificate::from_der(params.self_signed(&key).unwrap().der()).unwrap()
    };
    let (ca, own) = (of_key(&ca_params()), of_key(&params(CLIENT, &[])));
    let other = leaf(CLIENT, &[]);
    let path = Path::new("ca.pem");
    let cas = [(path, &ca)];
    assert_eq!(kinds(&ca_key(&own, cas)), ["CaKey"]);
    assert_eq!(ca_key(&other, cas), None);
    assert_eq!(ca_key(&ca, cas), None);
    assert_eq!(ca_key(&own, [(path, &own)]), None);
    let key = own.public_key();
    assert_eq!(key_match(&own, Some(key), None), None);
    assert_eq!(key_match(&other, None, None), None);
    assert_eq!(kinds(&key_match(&other, Some(key), None)), ["KeyMismatch"]);
    for (certificate, key, exists, expected) in [
        (&own, Some(key), true, KeyMatch::Yes),
        (&other, Some(key), true, KeyMatch::No),
        (&own, None, true, KeyMatch::Unknown),
        (&own, None, false, KeyMatch::Absent),
    ] {
        assert_eq!(matches(certificate, key, exists), expected);
    }
}

/// A leaf names its CA by key identifier, by serial number, by both or not at all.
#[test]
fn certificates_of_a_renewed_ca() {
    let (key, serial) = ([1; 20], 7);
    let mut ca = ca_params();
    ca.key_identifier_method = KeyIdMethod::PreSpecified(key.to_vec());
    ca.serial_number = Some(SerialNumber::from(vec![serial]));
    let ca = make(&ca);
    for (named_key, named_serial, is_earlier) in [
        (None, None, false),
        (Some(key), None, false),
        (Some([2; 20]), None, true),
        (None, Some(serial), false),
        (None, Some(8), true),
        (Some(key), Some(serial), false),
        (Some([2; 20]), Some(serial), true),
        (Some(key), Some(8), true),
    ] {
        let mut fields = Vec::new();
        if let Some(key) = named_key {
            fields.extend([0x80, 20]);
            fields.extend(key);
        }
        if let Some(serial) = named_serial {
            // The issuer field contains no name
            fields.extend([0xa1, 4, 0xa4, 2, 0x30, 0, 0x82, 1, serial]);
        }
        let length = u8::try_from(fields.len()).unwrap();
        let value = [&[0x30, length][..], &fields].concat();
        let mut params = params(CLIENT, &[]);
        let extension = CustomExtension::from_oid_content(&[2, 5, 29, 35], value);
        params.custom_extensions = vec![extension];
        let found = earlier_ca_certificate(&make(&params), &ca);
        assert_eq!(
            found.is_some(),
            is_earlier,
            "{named_key:?} {named_serial:?}"
        );
    }
}

#[test]
fn files_that_cannot_be_used() {
    let in_file = |error| Error::File {
        path: PathBuf::from("a.pem"),
        error: Box::new(error),
    };
    let missing = |what, found: &str| Error::MissingBlock {
        what,
        found: vec![found.to_owned()],
    };
    let unsupported = || Error::unsupported("Ed448", "use another");
    let io = |kind: io::ErrorKind| Error::Io {
        action: "read",
        path: "a.pem".into(),
        error: kind.into(),
    };
    for (error, expected) in [
        (
            in_file(missing("certificate", "EC private key")),
            "Misplaced",
        ),
        (in_file(missing("private key", "certificate")), "Misplaced"),
        (
            in_file(missing("certificate", "certificate request")),
            "Unreadable",
        ),
        (
            in_file(missing("private key", "certificate request")),
            "Unreadable",
        ),
        (
            in_file(missing("certificate request", "certificate")),
            "Unreadable",
        ),
        (missing("certificate", "private key"), "Unreadable"),
        (in_file(unsupported()), "NotSupported"),
        (unsupported(), "NotSupported"),
        (io(io::ErrorKind::PermissionDenied), "Unreadable"),
    ] {
        let text = error.to_string();
        assert_eq!(kinds([&unusable(error)]), [expected], "{text}");
    }
    assert!(is_denied(&io(io::ErrorKind::PermissionDenied)));
    assert!(!is_denied(&io(io::ErrorKind::NotFound)));
    assert!(!is_denied(&unsupported()));
    match unusable(in_file(unsupported())) {
        Finding::NotSupported { what, .. } => assert_eq!(what, "a.pem: Ed448"),
        other => panic!("{other:?}"),
    }
    for (error, is_damage) in [
        (io(io::ErrorKind::PermissionDenied), false),
        (in_file(missing("certificate", "")), true),
    ] {
        match unusable(error) {
            Finding::Unreadable { damaged, .. } => assert_eq!(damaged, is_damage),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn empty_files_count_as_missing() {
    let path = Path::new("a.pem");
    let of = |bytes: &[u8]| empty(path, bytes);
    let finding = |is_zeros| Finding::EmptyFile {
        path: path.to_owned(),
        is_zeros,
    };
    assert_eq!(of(b""), Some(finding(false)));
    assert_eq!(of(&[0; 3]), Some(finding(true)));
    assert_eq!(of(&[0, 1]), None);
    let all = [finding(true)];
    let absent = || Finding::MissingKey;
    assert_eq!(missing(&all, path, absent()), finding(true));
    assert_eq!(missing(&all, Path::new("b.pem"), absent()), absent());
}

#[test]
fn links_below_a_directory() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    fs::create_dir_all(root.join("real/inner")).unwrap();
    for name in ["file", "real/file", "real/inner/file"] {
        fs::write(root.join(name), "").unwrap();
    }
    let to = |target: &str, link: &str| {
        std::os::unix::fs::symlink(target, root.join(link)).unwrap();
    };
    to("real", "folder");
    to("file", "link");
    for (path, below, is_linked) in [
        ("file", "file", false),
        ("link", "link", true),
        ("nothing", "nothing", false),
        ("real/inner/file", "real/inner/file", false),
        ("folder/inner/file", "folder/inner/file", true),
        // Symbolic links above the directory are followed
        ("folder/inner/file", "inner/file", false),
        ("folder/file", "file", false),
    ] {
        let found = link(&root.join(path), Path::new(below));
        assert_eq!(found.is_some(), is_linked, "{path} {below}");
    }
}

#[test]
fn modes_and_owners_of_files() {
    let scratch = tempfile::NamedTempFile::new().unwrap();
    let path = scratch.path();
    let none = Attributes::default();
    let specified = Attributes {
        key_mode: Some(0o400),
        certificate_mode: Some(0o640),
        ..Attributes::default()
    };
    let judge = |mode: u32, secret: bool, desired: &Attributes| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        let stamp = Stamp::of(path).unwrap().unwrap();
        kinds(&permissions(path, &stamp, secret, desired))
    };
    for (mode, secret, desired, expected) in [
        (0o600, true, &none, &[][..]),
        (0o640, true, &none, &[]),
        (0o644, true, &none, &["KeyReadable"]),
        (0o644, false, &none, &[]),
        (0o646, false, &none, &["Writable"]),
        (0o600, true, &specified, &["Mode"]),
        (0o644, true, &specified, &["KeyReadable"]),
        (0o400, true, &specified, &[]),
        (0o644, false, &specified, &["Mode"]),
        (0o666, false, &specified, &["Writable"]),
    ] {
        assert_eq!(judge(mode, secret, desired), expected, "{mode:o} {secret}");
    }
    let stamp = Stamp::of(path).unwrap().unwrap();
    let other = Attributes {
        owner: Some(stamp.account().owner + 70_000),
        ..Attributes::default()
    };
    assert_eq!(judge(0o600, true, &other), ["Owner"]);
    // The user of this process may own keys
    let owner = stamp.account().owner;
    assert_eq!(key_owner(path, &stamp, &none, owner), None);
    assert_eq!(ca_key_owner(path, &stamp, &none), None);
    let writable = directory(path, 0o777);
    let desired = match writable {
        Finding::Writable { desired, .. } => desired,
        other => panic!("{other:?}"),
    };
    assert_eq!(desired, 0o775);
}

#[test]
fn cas_of_kubernetes() {
    for name in [
        "kubernetes",
        "kubernetes-ca",
        "front-proxy-ca",
        "k3s-client-ca@1",
        "rke2-a",
    ] {
        assert!(is_named_as_kubernetes_ca(Some(name)), "{name}");
    }
    for name in [
        Some("etcd-ca"),
        Some("my-kubernetes"),
        Some("k3"),
        Some(""),
        None,
    ] {
        assert!(!is_named_as_kubernetes_ca(name), "{name:?}");
    }
}

/// The directory of a store, from the path of a file in it.
#[test]
fn directories_of_files() {
    for (path, below, expected) in [
        ("a/ca.pem", "ca.pem", "a"),
        ("a/etcd/ca.crt", "etcd/ca.crt", "a"),
        ("ca.pem", "ca.pem", "."),
        ("etcd/ca.crt", "etcd/ca.crt", "."),
        ("/ca.pem", "ca.pem", "/"),
    ] {
        let found = directory_of(Path::new(path), Path::new(below));
        assert_eq!(found, Path::new(expected), "{path}");
    }
}

/// The mode without the permission that is wrong: that of others, or else that of the group.
#[test]
fn modes_of_directories() {
    for (mode, expected) in [
        (0o777, 0o775),
        (0o1777, 0o1775),
        (0o702, 0o700),
        (0o775, 0o755),
    ] {
        let Finding::Writable { desired, .. } = directory(Path::new("a"), mode) else {
            panic!("{mode:o}");
        };
        assert_eq!(desired, expected, "{mode:o}");
    }
}
