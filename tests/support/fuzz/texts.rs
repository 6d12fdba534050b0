//! Targets for texts: names, the specification of a cluster, Kubespray's openssl.conf.

use std::{collections::HashSet, path::Component};

use etcd_pki_core::{
    Cluster, Identity,
    internal::{parse_rfc3339, rfc3339},
    kubespray::KubesprayScript,
    verify::Host,
    x509::AlternativeName,
};

use super::bounds::{check_text, check_visible, read};

/// Names, as users write them in options and specifications.
pub(super) fn names(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Some(name) = read(text.parse::<AlternativeName>()) {
        let shown = name.to_string();
        check_visible(&shown);
        let written = match &name {
            AlternativeName::Uri(_) => format!("URI:{shown}"),
            AlternativeName::Dns(_) | AlternativeName::Ip(_) => shown,
        };
        assert_eq!(read(written.parse::<AlternativeName>()), Some(name));
    }
    if let Some(all) = read(AlternativeName::list(text)) {
        assert!(all.len() <= text.len());
    }
    if let Some(identity) = read(Identity::new(text)) {
        let name = identity.name().unwrap();
        assert_eq!(Identity::new(name).unwrap(), identity);
    }
    let _ = read(Identity::from_common_name(text));
    let _ = read(Identity::anonymous().with_names([text]));
    if let Some(host) = read(text.parse::<Host>()) {
        assert_eq!(read(host.to_string().parse::<Host>()), Some(host));
    }
    if let Some(instant) = parse_rfc3339(text) {
        assert_eq!(parse_rfc3339(&rfc3339(instant)).unwrap(), instant);
    }
}

/// The specification of a cluster: if it is read, each pair has separate files, all below the
/// directory.
pub(super) fn specification(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Some(cluster) = read(Cluster::from_yaml(text)) else {
        return;
    };
    assert!(
        read(Cluster::from_yaml(text)).is_some(),
        "the second answer differs"
    );
    let desired = cluster.desired().unwrap();
    let mut files = HashSet::new();
    for paths in desired
        .cas
        .iter()
        .map(|ca| &ca.paths)
        .chain(desired.pairs.iter().map(|pair| &pair.paths))
    {
        for path in [&paths.certificate, &paths.key] {
            let is_below = path
                .components()
                .all(|part| matches!(part, Component::Normal(_)));
            assert!(is_below, "{} is not below the directory", path.display());
            assert!(
                files.insert(path.clone()),
                "{} is the file of two pairs",
                path.display()
            );
        }
    }
    for pair in &desired.pairs {
        let names = pair.alternative_names().unwrap();
        names.iter().for_each(check_visible);
    }
    for host in cluster.hosts() {
        assert!(
            !cluster.desired_on(host).unwrap().pairs.is_empty(),
            "{host}"
        );
    }
}

/// Kubespray's openssl.conf: if it is read, its names can be those of a cluster.
pub(super) fn openssl_conf(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Some(script) = read(KubesprayScript::from_openssl_conf(text)) else {
        return;
    };
    script.names().iter().for_each(check_visible);
    script.misplaced_addresses().iter().for_each(check_text);
    let script = script.with_masters("etcd-1 etcd-2").with_hosts("kube-1");
    if let Some(cluster) = read(script.cluster()) {
        assert!(cluster.desired().unwrap().pairs.len() >= 5);
    }
}
