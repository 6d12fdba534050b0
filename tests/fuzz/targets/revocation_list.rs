#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| (etcd_pki_tests::fuzz::target("revocation_list").run)(data));
