//! What an input may cost, and how long what is printed about it may be.

use std::{fmt::Display, fs, time::Duration};

use etcd_pki_core::{Error, finding::Finding, internal::printable};
use rustix::time::{ClockId, clock_gettime};

/// The processor time for an input without a byte, in a build without optimisation, and for each
/// byte. One input of 16 MiB would have two minutes; work by the square of the size would take days
/// for it.
const TIME: Duration = Duration::from_millis(1_500);
const TIME_OF_BYTE: Duration = Duration::from_micros(20);

/// The memory for an input without a byte, and for each byte.
const MEMORY: usize = 64 << 20;
const MEMORY_OF_BYTE: usize = 200;

/// The characters of an error. A path or a name in it has at most a few hundred.
const LONGEST: usize = 2_000;

/// Runs a target, and panics if it takes more time or memory than is linear in the input. Time is
/// that of this thread's processor, so a busy machine changes nothing.
///
/// # Panics
///
/// If the target does, or takes too much.
pub fn bounded(run: impl Fn(&[u8]), input: &[u8]) {
    let (began, before) = (processor_time(), peak_memory());
    run(input);
    let (took, after) = (processor_time() - began, peak_memory());
    let length = u32::try_from(input.len()).unwrap_or(u32::MAX);
    let time = TIME + TIME_OF_BYTE * length;
    assert!(
        took <= time,
        "{length} bytes took {took:?}, which is more than {time:?}"
    );
    let memory = MEMORY + MEMORY_OF_BYTE * input.len();
    let grown = after.saturating_sub(before);
    assert!(
        grown <= memory,
        "{length} bytes took {grown} bytes of memory, which is more than {memory}"
    );
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

/// The most memory that this process has had, in bytes (`VmHWM` in proc(5)); 0 where the system
/// does not report it.
fn peak_memory() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| {
        line.trim()
            .trim_end_matches("kB")
            .trim()
            .parse::<usize>()
            .ok()
    });
    kibibytes.unwrap_or(0) * 1024
}

/// An error is short, and nothing in it is obeyed by a terminal or hidden from a reader; nor in its
/// hint.
pub(super) fn check_error(error: &Error) {
    check_text(error);
    check_text(error.hint().unwrap_or_default());
}

/// The same of a finding, and of the way to fix it.
pub(super) fn check_finding(finding: &Finding) {
    check_text(finding);
    check_text(finding.fix());
}

/// The same of a text.
pub(super) fn check_text(text: impl Display) {
    let text = text.to_string();
    let length = text.chars().count();
    assert!(
        length <= LONGEST,
        "a message has {length} characters: {text:.200}"
    );
    check_visible(text);
}

/// A reader sees each character of the text.
pub(super) fn check_visible(text: impl Display) {
    let text = text.to_string();
    assert_eq!(
        printable(&text),
        text,
        "a text has characters that nobody sees"
    );
}

/// What was read, after a look at the error.
pub(super) fn read<T>(result: Result<T, Error>) -> Option<T> {
    result.inspect_err(check_error).ok()
}
