//! Creates the certificates of a cluster with three members in a directory.
//!
//! `cargo run --example three_members -- DIR`

use std::{error::Error, net::Ipv4Addr};

use etcd_pki_core::{
    CaKind, CertificateAuthority, Identity, Layout, Role, Store, settings::Settings,
};

fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::args()
        .nth(1)
        .unwrap_or("three-members".to_owned());
    let store = Store::new(directory, Layout::Kubespray);
    let ca = CertificateAuthority::create("etcd-ca")?;

    let files = store.lock()?;
    files.write_ca(CaKind::Client, &ca, None)?;
    for number in 1..=3 {
        let address = Ipv4Addr::new(127, 0, 0, number).to_string();
        let member = Identity::new(&format!("etcd-{number}"))?.with_names([address])?;
        files.write(&ca.issue(Role::Member, member)?)?;
    }
    files.write(&ca.issue(Role::Client, Identity::new("root")?)?)?;

    println!("{}", Settings::etcd(&store, "etcd-1")?);
    println!("{}", Settings::etcdctl(&store, Role::Client, "root")?);
    Ok(())
}
