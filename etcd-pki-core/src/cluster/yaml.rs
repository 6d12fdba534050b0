//! Reads a specification from YAML, and writes it.

mod position;

use serde_saphyr::{
    Error as YamlError, ExternalMessageSource, Location, MergeKeyPolicy, MessageFormatter as _,
    NonFiniteFloatPolicy, Options, UserMessageFormatter, budget::BudgetBreach,
};

use self::position::{Kind, Place};
use super::{
    Cluster, ClusterSpec,
    fault::Fault,
    plain::{TEXT, kind},
    values::{ADMIN, HINT, MODE, PORT, WORD},
};
use crate::{
    error::{Error, Position, Result},
    limits, text,
};

impl Cluster {
    /// Reads a cluster's specification. JSON is YAML too.
    ///
    /// ```
    /// use etcd_pki_core::Cluster;
    ///
    /// let cluster = Cluster::from_yaml(
    ///     r#"
    /// layout: kubespray
    /// directory: /etc/ssl/etcd/ssl
    /// ca: {common_name: etcd-ca, validity: 10y, peers: shared}
    /// defaults: {algorithm: ec-p256, validity: 1y, renew_before: 30d, profile: strict}
    /// shared_names: [etcd.kube-system.svc.cluster.local, etcd]
    /// members:
    ///   - {name: etcd-1, names: [etcd-1.lan], addresses: [10.0.0.11, "fd00::11"]}
    ///   - {name: etcd-2, addresses: [10.0.0.12]}
    /// nodes: [kube-1, kube-2]
    /// clients:
    ///   - root
    ///   - {name: backup, validity: 90d}
    /// files: {owner: etcd, group: root, key_mode: "0600", certificate_mode: "0644", directory_mode: "0700"}
    /// "#,
    /// )?;
    /// let files: Vec<_> = cluster.desired()?.pairs.into_iter().map(|pair| pair.paths.certificate).collect();
    /// assert_eq!(files[0].to_str(), Some("member-etcd-1.pem"));
    /// assert_eq!(files.len(), 8);
    ///
    /// let error = Cluster::from_yaml("members:\n  - {name: etcd-1, adresses: [10.0.0.11]}\n").unwrap_err();
    /// assert_eq!(error.to_string(), "line 2, column 20: members[0].adresses: there is no such field");
    /// assert_eq!(error.hint().as_deref(), Some("did you mean addresses?"));
    /// # Ok::<(), etcd_pki_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Specification`] with line, column and field: for text that is not YAML, for a field
    /// that is unknown, repeated or of another type, and for values that `Cluster::try_from`
    /// refuses.
    pub fn from_yaml(text: &str) -> Result<Self> {
        Self::try_from(ClusterSpec::from_yaml(text)?).map_err(|error| located(error, text))
    }

    /// Writes the specification without default values. Reading the result gives an equal cluster
    /// if the name of its directory is valid UTF-8.
    ///
    /// ```
    /// use etcd_pki_core::{Cluster, cluster::{ClusterSpec, EntrySpec}};
    ///
    /// let cluster = Cluster::try_from(ClusterSpec {
    ///     members: vec![EntrySpec::new("etcd-1").with_names(["etcd-1.lan", "10.0.0.11"])?],
    ///     clients: vec!["root".into()],
    ///     ..ClusterSpec::default()
    /// })?;
    /// let yaml = "\
    /// layout: kubespray
    /// ca:
    ///   common_name: etcd-ca
    /// members:
    ///   - name: etcd-1
    ///     names:
    ///       - etcd-1.lan
    ///     addresses:
    ///       - 10.0.0.11
    /// clients:
    ///   - root
    /// ";
    /// assert_eq!(cluster.to_yaml(), yaml);
    /// assert_eq!(Cluster::from_yaml(yaml)?, cluster);
    /// # Ok::<(), etcd_pki_core::Error>(())
    /// ```
    #[must_use]
    pub fn to_yaml(&self) -> String {
        self.spec.to_yaml()
    }
}

impl ClusterSpec {
    /// Reads a specification without checking it. `Cluster::try_from` checks it.
    ///
    /// # Errors
    ///
    /// [`Error::Specification`] with line, column and field: for text that is not YAML, and for a
    /// field that is unknown, repeated or of another type.
    pub fn from_yaml(text: &str) -> Result<Self> {
        let spec: Option<Self> = serde_saphyr::from_str_with_options(text, options())
            .map_err(|error| shape(&error, text))?;
        spec.ok_or_else(|| Fault::new("", "the specification is empty").into())
    }

    /// Writes the specification without default values.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        let options = serde_saphyr::ser_options! {
            compact_list_indent: false,
            prefer_block_scalars: false,
            // Addresses need no quotes. Text that YAML 1.1 reads as another type already has quotes
            yaml_12: true,
            no_lang_directive: true,
        };
        // A string accepts all text, and every field can be written as YAML
        let yaml = serde_saphyr::to_string_with_options(self, options).unwrap_or_default();
        visible(yaml)
    }
}

/// The parser's options: unquoted values as in YAML 1.2, and limits that allow 10,000 hosts.
fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_nodes: limits::YAML_VALUES,
            max_events: 3 * limits::YAML_VALUES,
            max_depth: limits::YAML_NESTING,
            flow_nesting_limit: limits::YAML_NESTING,
            max_documents: 1,
            max_anchors: limits::YAML_ALIASED,
            max_aliases: limits::YAML_ALIASED,
            max_recorded_anchor_events: limits::YAML_ALIASED,
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: limits::YAML_ALIASED,
        },
        merge_keys: MergeKeyPolicy::AsOrdinary,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        no_schema: true,
        strict_booleans: true,
        underscored_numbers_as_strings: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    }
}

/// Adds the position of its field to an error of `Cluster::try_from`.
fn located(error: Error, text: &str) -> Error {
    let Error::Specification {
        position: None,
        field,
        reason,
        hint,
    } = error
    else {
        return error;
    };
    Error::Specification {
        position: position::of_field(text, &field).map(|place| place.value),
        field,
        reason,
        hint,
    }
}

/// Converts an error of the parser, or of a value's type, to an error about a field of the
/// specification.
fn shape(error: &YamlError, text: &str) -> Error {
    // The position where an alias is used, not the one where its value is defined
    let mut at = error.location().map(position_of);
    let error = match error {
        YamlError::AliasError { error, .. } => error,
        error => error,
    };
    let value = at.and_then(|at| position::of_value(text, at));
    let name = move || at.and_then(|at| position::of_name(text, at));
    let (place, reason, hint) = match error {
        YamlError::SerdeUnknownField {
            field, expected, ..
        } => {
            let place = name();
            let section = place.as_ref().map_or("", |place| place.field.as_str());
            let hint = nearest(field, &fields_of(section, expected));
            (place, "there is no such field".to_owned(), Some(hint))
        }
        YamlError::DuplicateMappingKey { .. } => {
            let place = name();
            let first = place
                .as_ref()
                .and_then(|place| position::of_field(text, &place.field));
            let line = first
                .and_then(|first| first.name)
                .map_or(0, |first| first.line);
            (
                place,
                format!("it is here twice, first on line {line}"),
                None,
            )
        }
        error => {
            let value = match error {
                // Serde's visitors know no position, so this is the position of the field's name
                YamlError::SerdeInvalidType { expected, .. }
                    if [WORD, ADMIN, PORT].contains(&&**expected) =>
                {
                    name().or(value)
                }
                _ => value,
            };
            at = value.as_ref().map(|value| value.value).or(at);
            let (reason, hint) = words(error, value.as_ref());
            let is_syntax = matches!(error, YamlError::ExternalMessage { .. });
            (value.filter(|_| !is_syntax), reason, hint)
        }
    };
    Error::Specification {
        position: at,
        field: place.map(|place| place.field).unwrap_or_default(),
        reason,
        hint,
    }
}

/// The fields that an entry of this role can have.
fn fields_of<'a>(section: &str, fields: &[&'a str]) -> Vec<&'a str> {
    let others: &[&str] = match section.split('[').next() {
        Some("members") => &["san", "allow_member_common_name"],
        Some("nodes" | "clients") => &["peer_common_name", "ports"],
        _ => &[],
    };
    let fields = fields.iter().copied();
    fields.filter(|field| !others.contains(field)).collect()
}

/// The reason and the hint for an error at a value.
fn words(error: &YamlError, value: Option<&Place>) -> (String, Option<String>) {
    let wrong_type = |required: &str| wrong_type(required, value);
    let reason = match error {
        YamlError::Message { msg, .. } => {
            return match msg.split_once(HINT) {
                Some((reason, hint)) => (reason.to_owned(), Some(hint.to_owned())),
                None => (msg.clone(), None),
            };
        }
        YamlError::SerdeInvalidType { expected, .. } => match expected.as_str() {
            "field identifier" => "a field's name is text".to_owned(),
            required => return wrong_type(required),
        },
        YamlError::QuotingRequired { .. } if value.is_some_and(Place::is_mode) => {
            let reason = "a number can be read as octal or as decimal";
            return (reason.to_owned(), Some(MODE.to_owned()));
        }
        YamlError::QuotingRequired { .. } | YamlError::NullIntoString { .. } => {
            return wrong_type("text");
        }
        YamlError::Unexpected { expected, .. } => match *expected {
            "sequence start" => return wrong_type("a list"),
            "mapping start" => return wrong_type("a mapping"),
            _ => return wrong_type("text"),
        },
        YamlError::InvalidBooleanStrict { .. } => return wrong_type("true or false"),
        YamlError::ExternalMessage { source, msg, .. } => match source.as_ref() {
            ExternalMessageSource::Parser(error) => format!("this is not YAML: {}", error.info()),
            _ => format!("this is not YAML: {msg}"),
        },
        YamlError::MultipleDocuments { .. }
        | YamlError::Budget {
            breach: BudgetBreach::Documents { .. },
            ..
        } => "a second document begins, and one is a specification".to_owned(),
        YamlError::Budget {
            breach: BudgetBreach::Nodes { .. } | BudgetBreach::Events { .. },
            ..
        } => format!("it has more than {} values", limits::YAML_VALUES),
        YamlError::Budget {
            breach: BudgetBreach::Depth { .. },
            ..
        } => format!("it has more than {} levels", limits::YAML_NESTING),
        YamlError::Budget { .. } | YamlError::AliasReplayLimitExceeded { .. } => format!(
            "anchors and aliases repeat more than {} values",
            limits::YAML_ALIASED
        ),
        YamlError::RecursiveReferencesRequireWeakTypes { .. } => {
            "an alias is inside of what it repeats".to_owned()
        }
        YamlError::UnsupportedTag { tag, .. } => {
            format!("the tag {} means nothing here", text::excerpt(tag))
        }
        error => {
            let message = UserMessageFormatter.format_message(error).into_owned();
            format!("this is not YAML: {message}")
        }
    };
    (reason, None)
}

/// The reason and the hint for a value of the wrong type.
fn wrong_type(required: &str, value: Option<&Place>) -> (String, Option<String>) {
    let is = match value.map(|value| &value.kind) {
        None => "something else",
        Some(Kind::List) => "a list",
        Some(Kind::Mapping) => "a mapping",
        Some(Kind::Scalar(text, true)) => kind(text),
        Some(Kind::Scalar(_, false)) => TEXT,
    };
    (
        format!("{required} is expected, and this is {is}"),
        hint(required, value),
    )
}

/// The hint to write a scalar with the required type.
fn hint(required: &str, value: Option<&Place>) -> Option<String> {
    let Kind::Scalar(text, _) = &value?.kind else {
        return None;
    };
    let text = text::excerpt(text);
    match required {
        "text" | "a name or a mapping" => Some(format!("in quotes it is text: \"{text}\"")),
        "a list" => Some(format!("a list of one is [{text}]")),
        _ => None,
    }
}

/// The most similar field, or all fields.
fn nearest(name: &str, known: &[&str]) -> String {
    let folded = |text: &str| text.to_lowercase().replace('-', "_");
    // The work for the distance grows with the product of both lengths
    let by_distance = known.iter().filter(|_| name.len() <= 100).map(|known| {
        let distance = strsim::levenshtein(&folded(name), &folded(known));
        (distance, known)
    });
    match by_distance.min() {
        Some((distance, known)) if distance <= 1 + name.chars().count() / 4 => {
            format!("did you mean {known}?")
        }
        _ => format!("the fields here are {}", known.join(", ")),
    }
}

fn position_of(location: Location) -> Position {
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    Position {
        line: number(location.line()),
        column: number(location.column()),
    }
}

/// Escapes invisible characters. They are in double quotes (see [`is_plain`]).
fn visible(yaml: String) -> String {
    let is_hidden = |letter: char| letter != '\n' && !text::is_printable(letter);
    if !yaml.contains(is_hidden) {
        return yaml;
    }
    let mut visible = String::with_capacity(yaml.len() + 16);
    for letter in yaml.chars() {
        if is_hidden(letter) {
            visible.push_str(&format!("\\U{:08X}", u32::from(letter)));
        } else {
            visible.push(letter);
        }
    }
    visible
}

#[cfg(test)]
mod tests;
