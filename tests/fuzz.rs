//! Every parser accepts arbitrary bytes: the fuzz targets of `etcd_pki_tests::fuzz`, on stable
//! Rust, with a limited number of inputs.
//!
//! Each target gets the files of its corpus, then inputs that a fixed seed generates from them,
//! then inputs of a random seed. A failure prints the seed and keeps the input:
//! `ETCD_PKI_TEST_FUZZ_SEED=N` generates the same inputs again. `ETCD_PKI_TEST_FUZZ_INPUTS=N` sets
//! the number of inputs for each seed, for a longer run. `ETCD_PKI_TEST_FUZZ_CORPUS=write` writes
//! the corpus again.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a failing step fails the test"
)]

use std::{
    env, fs,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use etcd_pki_tests::fuzz::{
    TARGETS, bounded, corpus,
    mutate::{Mutation, mutated},
    target,
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner},
};

/// The inputs that a seed generates for a target with the whole share.
const INPUTS: u32 = 1_500;
const FIXED_SEED: u64 = 12;

fn number(variable: &str) -> Option<u64> {
    let value = env::var(variable).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{variable} is a number, not {value}")),
    )
}

/// Runs a target with its corpus, and with inputs that the seeds generate from it.
fn fuzz(name: &str) {
    let target = target(name);
    let corpus = corpus::load(name);
    assert!(!corpus.is_empty(), "{name} has no corpus");
    for input in &corpus {
        bounded(target.run, input);
    }
    bounded(target.run, b"");
    let inputs =
        number("ETCD_PKI_TEST_FUZZ_INPUTS").map_or(INPUTS, |inputs| u32::try_from(inputs).unwrap());
    let cases = (inputs * target.share / 100).max(1);
    let seeds = match number("ETCD_PKI_TEST_FUZZ_SEED") {
        Some(seed) => vec![seed],
        None => vec![FIXED_SEED, random_seed()],
    };
    for seed in seeds {
        run(name, target.run, &corpus, seed, cases);
    }
}

fn random_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::from(now.subsec_nanos()) ^ now.as_secs().rotate_left(32)
}

fn run(name: &str, target: fn(&[u8]), corpus: &[Vec<u8>], seed: u64, cases: u32) {
    let config = Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..Config::default()
    };
    let mutation = (any::<u8>(), any::<u32>(), any::<u32>())
        .prop_map(|(kind, at, with)| Mutation { kind, at, with });
    let inputs = (
        any::<prop::sample::Index>(),
        prop::collection::vec(mutation, 1..8),
    );
    let outcome = TestRunner::new(config).run(&inputs, |(base, mutations)| {
        bounded(
            target,
            &mutated(corpus, base.index(corpus.len()), &mutations),
        );
        Ok::<(), TestCaseError>(())
    });
    if let Err(TestError::Fail(reason, (base, mutations))) = outcome {
        let input = mutated(corpus, base.index(corpus.len()), &mutations);
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/fuzz-failures");
        fs::create_dir_all(&folder).unwrap();
        let kept = folder.join(format!("{name}-{seed}"));
        fs::write(&kept, &input).unwrap();
        panic!(
            "{name}: {reason}\nETCD_PKI_TEST_FUZZ_SEED={seed} makes it again; the input is in {}:\n{}",
            kept.display(),
            input.escape_ascii()
        );
    }
    outcome.unwrap();
}

macro_rules! targets {
    ($($name:ident),+ $(,)?) => {
        $(#[test]
        fn $name() {
            fuzz(stringify!($name));
        })+

        #[test]
        fn every_target_runs() {
            let listed: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(listed, [$(stringify!($name)),+]);
        }
    };
}

targets!(
    certificate,
    constraints,
    exchange,
    names,
    openssl_conf,
    pem,
    private_key,
    request,
    revocation_list,
    specification,
    strict,
);

/// Checks that cargo-fuzz runs the same functions.
#[test]
fn every_target_is_one_of_cargo_fuzz() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    for target in TARGETS {
        let program = fs::read_to_string(root.join(format!("targets/{}.rs", target.name))).unwrap();
        assert!(
            program.contains(&format!("target(\"{}\")", target.name)),
            "{}",
            target.name
        );
        assert!(
            manifest.contains(&format!("path = \"targets/{}.rs\"", target.name)),
            "{}",
            target.name
        );
    }
}

/// Writes the corpus, if the variable requests it.
#[test]
fn corpus_is_written_on_request() {
    if env::var("ETCD_PKI_TEST_FUZZ_CORPUS").as_deref() == Ok("write") {
        corpus::write();
    }
}
