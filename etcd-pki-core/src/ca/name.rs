//! Common names of CAs. The CA of a rotation has the name of the first CA, `@` and its time:
//! `etcd-ca@1796000000`.

use std::time::{SystemTime, UNIX_EPOCH};

/// The character between the name and the time
const SEPARATOR: char = '@';

/// The name without the time of a rotation.
pub(crate) fn base_name(name: &str) -> &str {
    match name.rsplit_once(SEPARATOR) {
        Some((base, time)) if is_time(time) => base,
        _ => name,
    }
}

/// Whether a CA with this common name is the desired CA, or replaced it in a rotation.
pub(crate) fn is_same_name(desired: Option<&str>, current: Option<&str>) -> bool {
    let base = |name: Option<&str>| base_name(name.unwrap_or_default()).to_owned();
    desired == current || base(desired) == base(current)
}

/// The name of the next CA of a rotation. `is_taken` returns whether another CA has a name.
pub(crate) fn next_name(name: &str, now: SystemTime, is_taken: impl Fn(&str) -> bool) -> String {
    let base = base_name(name);
    let mut seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    loop {
        let name = format!("{base}{SEPARATOR}{seconds}");
        if !is_taken(&name) {
            return name;
        }
        seconds += 1;
    }
}

fn is_time(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_name_without_its_time() {
        for (name, base) in [
            ("etcd-ca", "etcd-ca"),
            ("etcd-ca@1796000000", "etcd-ca"),
            ("etcd-ca@", "etcd-ca@"),
            ("etcd@ca", "etcd@ca"),
            ("a@1@2", "a@1"),
            ("@1", ""),
            ("", ""),
        ] {
            assert_eq!(base_name(name), base, "{name}");
        }
    }

    #[test]
    fn names_of_one_ca() {
        for (desired, current, expected) in [
            (Some("etcd-ca"), Some("etcd-ca"), true),
            (Some("etcd-ca"), Some("etcd-ca@1796000000"), true),
            (Some("etcd-ca@1"), Some("etcd-ca@2"), true),
            (Some("etcd-ca"), Some("etcd-ca2"), false),
            (Some("etcd-ca"), Some("other@1796000000"), false),
            (Some("etcd-ca"), None, false),
            (None, None, true),
            (None, Some("@1796000000"), true),
            (None, Some("etcd-ca"), false),
        ] {
            assert_eq!(is_same_name(desired, current), expected, "{current:?}");
        }
    }

    #[test]
    fn the_next_name_is_new() {
        let now = UNIX_EPOCH + Duration::from_secs(1_796_000_000);
        let next = |name| next_name(name, now, |name| name == "taken@1796000000");
        assert_eq!(next("etcd-ca"), "etcd-ca@1796000000");
        assert_eq!(next("etcd-ca@12"), "etcd-ca@1796000000");
        assert_eq!(next("taken@12"), "taken@1796000001");
    }
}
