//! Tells the crate for which Python it is built: `Py_GIL_DISABLED` for one without the global lock.

fn main() {
    pyo3_build_config::use_pyo3_cfgs();
}
