//! Creates the specification that describes an existing directory.

mod admin;
mod ca;
mod describer;
mod description;
mod files;
mod habits;
mod host;
mod misplaced;
mod names;
mod pair;
mod recognize;
mod signers;

use std::{
    fmt,
    path::{Path, PathBuf},
};

use self::{
    description::{describe, into_cluster},
    pair::Pair,
    signers::Signers,
};
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    inspect::Directory,
    layout::{CaKind, Layout},
    store::{Store, is_directory},
};

/// The specification that describes an existing directory, created by Kubespray, kubeadm, cfssl,
/// etcd-pki or another tool.
///
/// A plan for this specification shows the real faults of the directory and nothing else. Remarks
/// report facts that are not in the specification, and certificates with content that is not used
/// because they are in the wrong place.
///
/// ```
/// use etcd_pki_core::{Cluster, Layout, Store, adopt::Adoption, cluster::ClusterSpec};
///
/// # let parent = tempfile::tempdir()?;
/// # let directory = parent.path().join("ssl");
/// let store = Store::new(&directory, Layout::Kubespray);
/// let members = vec!["etcd-1".into()];
/// let cluster = Cluster::try_from(ClusterSpec { members, ..ClusterSpec::default() })?;
/// let _ = cluster.plan(&store)?.apply()?;
///
/// let adoption = Adoption::read(&directory, None)?;
/// assert_eq!(adoption.cluster().spec().members, cluster.spec().members);
/// assert!(adoption.remarks().is_empty());
/// assert_eq!(adoption.cluster().plan(&store)?.changes().count(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Adoption {
    cluster: Cluster,
    remarks: Vec<Remark>,
}

/// Something that the specification of a directory lacks: no field exists for it, or no file
/// contains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    path: PathBuf,
    text: String,
}

impl Adoption {
    /// Reads a directory. Recognizes its layout from the names of the files unless a layout is
    /// given.
    ///
    /// # Errors
    ///
    /// [`Error::NotAdoptable`] for a directory of no known layout,
    /// without a CA's certificate, or with a CA that signed none of its certificates;
    /// [`Error::Io`]; [`Error::File`] if the CA's certificate
    /// is invalid.
    pub fn read(directory: impl AsRef<Path>, layout: Option<Layout>) -> Result<Self> {
        let directory = directory.as_ref();
        if !is_directory(directory)? {
            return Err(Error::NotAdoptable {
                directory: directory.to_owned(),
                reason: "it is no directory".to_owned(),
                hint: "name the directory with the CA's certificate".to_owned(),
            });
        }
        let state = Directory::read(directory, layout)?;
        let is_by_chance = layout.is_none() && recognize::is_of_other_tool(&state);
        let Some(recognized) = state.layout().filter(|_| !is_by_chance) else {
            return Err(recognize::no_layout(directory, &recognize::files(&state)));
        };
        match Signers::of(&state, recognized) {
            Ok(signers) => Self::describe(&state, recognized, &signers),
            Err(stranger) => {
                // File names fit several layouts, and another layout may have the right CA
                let of_signer = stranger.layout().filter(|_| layout.is_none());
                let Some(of_signer) = of_signer else {
                    return Err(stranger.error(&state, recognized));
                };
                let other = Directory::read(directory, Some(of_signer))?;
                match Signers::of(&other, of_signer) {
                    Ok(signers) => Self::describe(&other, of_signer, &signers),
                    Err(_) => Err(stranger.error(&state, recognized)),
                }
            }
        }
    }

    fn describe(state: &Directory, layout: Layout, signers: &Signers<'_>) -> Result<Self> {
        let store = Store::new(state.path(), layout);
        let ca = layout.ca(CaKind::Client).below(state.path());
        if !ca.certificate.exists() {
            let below = recognize::directory_of_ca(state.other_files());
            return Err(ca::missing(&store, below.as_deref()));
        }
        let mut remarks = Vec::new();
        let mut pairs = Pair::all(state, signers, layout, &mut remarks);
        misplaced::take_out(layout, &mut pairs, &mut remarks);
        remarks.extend(pairs.iter().filter_map(Pair::more_of_subject));
        let spec = describe(&store, &pairs, &mut remarks)?;
        remarks.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(Self {
            cluster: into_cluster(spec, &store)?,
            remarks,
        })
    }

    /// The specification.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The remarks, each about one file.
    #[must_use]
    pub fn remarks(&self) -> &[Remark] {
        &self.remarks
    }
}

impl Remark {
    fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            text: text.into(),
        }
    }

    /// The path of the file, relative to the directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The text of the remark.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.text)
    }
}
