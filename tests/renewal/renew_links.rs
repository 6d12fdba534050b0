//! Renewals and symbolic links: nothing is written through a link, and a key that another
//! certificate uses through a link is not replaced.
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::symlink,
    path::Path,
    time::{Duration, SystemTime},
};

use etcd_pki_core::{CertificateAuthority, Identity, PrivateKey, Profile, Role, Validity};
use etcd_pki_tests::{Scratch, command::etcd_pki_in, is_own_file};

const DAY: Duration = Duration::from_secs(86_400);

/// The files of a directory with their contents, without links.
fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    let files = entries
        .filter(|entry| entry.file_type().unwrap().is_file() && !is_own_file(entry.file_name()));
    files
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// The files that have changed.
fn changed(directory: &Path, before: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let now = contents(directory).into_iter();
    now.filter(|(name, now)| before.get(name) != Some(now))
        .map(|(name, _)| name)
        .collect()
}

/// A directory with a CA, node-b and node-c, which are both due; with `with_a` also node-a, which
/// has the key of node-b.
fn nodes(with_a: bool) -> Scratch {
    let scratch = Scratch::new("links");
    let write = |name: &str, text: &str| fs::write(scratch.path().join(name), text).unwrap();
    let then = SystemTime::now() - 20 * DAY;
    let identity = Identity::from_common_name("etcd-ca").unwrap();
    let key = PrivateKey::generate().unwrap();
    let ca = CertificateAuthority::create_for(key, &identity, Profile::ca(), then).unwrap();
    write("ca.pem", &ca.certificate().to_pem());
    write("ca-key.pem", &ca.key().unwrap().to_secret_pem());
    let profile = Role::Node.profile().with_validity(Validity::days(21));
    for name in ["b", "c"] {
        let bundle = ca.at(then).issue(profile, Identity::new(name).unwrap());
        let bundle = bundle.unwrap();
        write(&format!("node-{name}.pem"), &bundle.to_pem());
        write(&format!("node-{name}-key.pem"), &bundle.to_secret_pem());
        if with_a && name == "b" {
            let identity = Identity::new("a").unwrap();
            let key = PrivateKey::from_pem(bundle.to_secret_pem()).unwrap();
            let bundle = ca.at(then).issue_for(key, profile, identity).unwrap();
            write("node-a.pem", &bundle.to_pem());
        }
    }
    scratch
}

/// Kubespray links the pair of another control plane to the host's own pair: the target of the link
/// is renewed, once.
#[test]
fn a_link_to_what_is_renewed_under_its_own_name() {
    for (options, renewed) in [
        ("", &["node-b.pem", "node-c.pem"][..]),
        (
            " --rekey",
            &[
                "node-b-key.pem",
                "node-b.pem",
                "node-c-key.pem",
                "node-c.pem",
            ],
        ),
    ] {
        let scratch = nodes(false);
        let here = scratch.path();
        symlink("node-b.pem", here.join("node-a.pem")).unwrap();
        symlink("node-b-key.pem", here.join("node-a-key.pem")).unwrap();
        let before = contents(here);
        let line = format!("cert renew -d .{options}");
        let output = etcd_pki_in(here, &line).expect_success();
        let note =
            "note: ./node-a.pem is a link to ./node-b.pem, which is renewed under its own name\n";
        assert!(output.stderr().contains(note), "{}", output.stderr());
        assert_eq!(changed(here, &before), renewed);
        for (link, target) in [
            ("node-a.pem", "node-b.pem"),
            ("node-a-key.pem", "node-b-key.pem"),
        ] {
            assert_eq!(here.join(link).read_link().unwrap(), Path::new(target));
        }
        let line = "cert match node-a.pem node-a-key.pem";
        let _ = etcd_pki_in(here, line).expect_success();
    }
}

/// A link that leads elsewhere blocks nothing else, and its target is not changed.
#[test]
fn a_link_to_what_is_elsewhere() {
    let scratch = nodes(false);
    let here = scratch.path();
    fs::create_dir(here.join("elsewhere")).unwrap();
    for name in ["node-b.pem", "node-b-key.pem"] {
        fs::rename(here.join(name), here.join("elsewhere").join(name)).unwrap();
        symlink(Path::new("elsewhere").join(name), here.join(name)).unwrap();
    }
    symlink("elsewhere/node-b.pem", here.join("node-z.pem")).unwrap();
    let before = contents(&here.join("elsewhere"));
    let (own, line) = (contents(here), "cert renew -d .");
    // One hint for both
    let refusal = "etcd-pki: ./node-b.pem is a link to ./elsewhere/node-b.pem\n\
                   etcd-pki: ./node-z.pem is a link to ./elsewhere/node-b.pem\n\
                   hint: both were left as they are; renew ./elsewhere/node-b.pem";
    let output = etcd_pki_in(here, line);
    assert!(
        !output.success() && output.stderr().contains(refusal),
        "{}",
        output.stderr()
    );
    assert!(
        output.stderr().contains("1 of 3 renewed"),
        "{}",
        output.stderr()
    );
    assert!(!output.stderr().contains("own name"), "{}", output.stderr());
    assert_eq!(changed(here, &own), ["node-c.pem"]);
    // The command in the hint
    let line = "cert renew elsewhere/node-b.pem -d .";
    assert!(changed(&here.join("elsewhere"), &before).is_empty());
    let _ = etcd_pki_in(here, line).expect_success();
    assert_eq!(changed(&here.join("elsewhere"), &before), ["node-b.pem"]);
}

/// A key that another certificate uses through a link is not replaced, neither in the place of the
/// link nor in its target.
#[test]
fn a_key_that_is_a_link_to_another_certificates() {
    let scratch = nodes(true);
    let here = scratch.path();
    symlink("node-b-key.pem", here.join("node-a-key.pem")).unwrap();
    let before = contents(here);
    let shared =
        "node-b-key.pem is also the key of ./node-a.pem, through the link ./node-a-key.pem";
    for (line, said, expected) in [
        (
            "cert renew node-a.pem -d . --rekey",
            "node-a-key.pem is a link to ./node-b-key.pem\nhint: both were left as they are; renew without --rekey",
            &[][..],
        ),
        ("cert renew node-b.pem -d . --rekey", shared, &[]),
        (
            "cert renew -d . --rekey",
            "node-a-key.pem is a link to ./node-b-key.pem",
            &["node-c-key.pem", "node-c.pem"],
        ),
    ] {
        let output = etcd_pki_in(here, line);
        assert!(!output.success(), "{line}");
        assert!(
            output.stderr().contains(said),
            "{line}: {}",
            output.stderr()
        );
        assert_eq!(changed(here, &before), expected, "{line}");
    }
    // With the existing keys
    let before = contents(here);
    let _ = etcd_pki_in(here, "cert renew node-a.pem node-b.pem -d .").expect_success();
    assert_eq!(changed(here, &before), ["node-a.pem", "node-b.pem"]);
    // The solutions in the hints
    fs::remove_file(here.join("node-a-key.pem")).unwrap();
    for name in ["a", "b"] {
        let line = format!("cert renew node-{name}.pem -d . --rekey");
        let _ = etcd_pki_in(here, &line).expect_success();
        let line = format!("cert match node-{name}.pem node-{name}-key.pem");
        let _ = etcd_pki_in(here, &line).expect_success();
    }
}
