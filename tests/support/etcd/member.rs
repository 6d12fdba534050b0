//! The settings with which a member is started.

use std::collections::BTreeMap;

use etcd_pki_core::layout::PairPaths;

use crate::{
    credentials::Credentials,
    etcd::{environment, ports::free_port},
};

/// A member's name and settings, as variables of etcd. The cluster adds its URLs and directories.
#[derive(Clone, Debug)]
pub struct Member {
    name: String,
    settings: BTreeMap<String, String>,
}

impl Member {
    /// A member without any settings, for an EnvironmentFile.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            settings: BTreeMap::new(),
        }
    }

    /// A member that requires certificates of `ca` from clients and peers, and presents `pair` to
    /// both.
    #[must_use]
    pub fn with_pair(name: &str, credentials: &Credentials) -> Self {
        let member = Self::new(name);
        member
            .serving("ETCD_", credentials)
            .serving("ETCD_PEER_", credentials)
    }

    /// Presents other files to peers.
    #[must_use]
    pub fn with_peer(self, credentials: &Credentials) -> Self {
        self.serving("ETCD_PEER_", credentials)
    }

    /// Adds the settings of an EnvironmentFile.
    #[must_use]
    pub fn with_environment_file(mut self, text: &str) -> Self {
        self.settings.extend(environment::parse(text));
        self
    }

    /// Adds one setting.
    #[must_use]
    pub fn with(mut self, variable: &str, value: impl Into<String>) -> Self {
        self.settings.insert(variable.to_owned(), value.into());
        self
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// A client URL and a peer URL on free ports. Without certificates they have plain HTTP.
    pub(crate) fn free_urls(&self) -> (String, String) {
        let url = |certificate| {
            let is_tls = self.settings.contains_key(certificate);
            let scheme = if is_tls { "https" } else { "http" };
            format!("{scheme}://127.0.0.1:{}", free_port())
        };
        (url("ETCD_CERT_FILE"), url("ETCD_PEER_CERT_FILE"))
    }

    pub(crate) fn settings(&self) -> &BTreeMap<String, String> {
        &self.settings
    }

    fn serving(self, prefix: &str, credentials: &Credentials) -> Self {
        let text = |path: &std::path::Path| path.to_str().expect("a path in UTF-8").to_owned();
        let PairPaths { certificate, key } = credentials
            .pair
            .as_ref()
            .expect("a member has a certificate");
        self.with(&format!("{prefix}CERT_FILE"), text(certificate))
            .with(&format!("{prefix}KEY_FILE"), text(key))
            .with(&format!("{prefix}TRUSTED_CA_FILE"), text(&credentials.ca))
            .with(&format!("{prefix}CLIENT_CERT_AUTH"), "true")
    }
}
