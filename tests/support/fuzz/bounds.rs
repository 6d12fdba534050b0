//! Limits for the cost of an input, and for the length of the messages about it.

use std::{fmt::Display, fs, time::Duration};

use etcd_pki_core::{Error, finding::Finding, internal::printable};
use rustix::time::{ClockId, clock_gettime};

/// The processor time for an empty input, in a build without optimisation, and for each byte. An
/// input of 16 MiB may take two minutes; work proportional to the square of its size would take
/// days.
const TIME: Duration = Duration::from_millis(1_500);
const TIME_OF_BYTE: Duration = Duration::from_micros(20);

/// The memory for an empty input, and for each byte.
const MEMORY: usize = 64 << 20;
const MEMORY_OF_BYTE: usize = 200;

/// The maximum number of characters of an error. A path or a name in it has at most a few hundred.
const LONGEST: usize = 2_000;

/// Runs a target, and panics if it takes more time or memory than is linear in the input. The time
/// is the processor time of this thread, so other load on the machine does not matter.
///
/// # Panics
///
/// If the target panics, or takes too much.
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

/// The peak memory of this process, in bytes (`VmHWM` in proc(5)); 0 if the system does not report
/// it.
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

/// Checks that an error and its hint are short, and contain no hidden or terminal control
/// characters.
pub(super) fn check_error(error: &Error) {
    check_text(error);
    check_text(error.hint().unwrap_or_default());
}

/// Checks the same for a finding and its hint.
pub(super) fn check_finding(finding: &Finding) {
    check_text(finding);
    check_text(finding.fix());
}

/// Checks the same for a text.
pub(super) fn check_text(text: impl Display) {
    let text = text.to_string();
    let length = text.chars().count();
    assert!(
        length <= LONGEST,
        "a message has {length} characters: {text:.200}"
    );
    check_visible(text);
}

/// Checks that each character of the text is visible.
pub(super) fn check_visible(text: impl Display) {
    let text = text.to_string();
    assert_eq!(printable(&text), text, "a text has invisible characters");
}

/// Returns the value, or checks the error.
pub(super) fn read<T>(result: Result<T, Error>) -> Option<T> {
    result.inspect_err(check_error).ok()
}
