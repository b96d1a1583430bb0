//! How the shared library is linked. Decided by the target, never by the host; writes nothing.

use std::env::var;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let major = var("CARGO_PKG_VERSION_MAJOR").unwrap_or_default();
    let os = var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    let family = var("CARGO_CFG_TARGET_FAMILY").unwrap_or_default();
    let arguments = match (os.as_str(), family.as_str()) {
        ("macos" | "ios", _) => {
            let version = var("CARGO_PKG_VERSION").unwrap_or_default();
            let plain = version.split('-').next().unwrap_or_default();
            vec![
                format!("-Wl,-install_name,@rpath/libpact_telemetry.{major}.dylib"),
                format!("-Wl,-compatibility_version,{major}"),
                format!("-Wl,-current_version,{plain}"),
            ]
        }
        // As there, the library itself sees to it that it stays loaded (src/platform/process.rs).
        (_, "unix") if var("CARGO_CFG_PACT_LIKE_MACOS").is_ok() => vec![],
        (_, "unix") => vec![
            format!("-Wl,-soname,libpact_telemetry.so.{major}"),
            // dlclose leaves it in place: its thread, its exit handler and its thread-local values need their code.
            "-Wl,-z,nodelete".into(),
        ],
        _ => vec![],
    };
    for argument in arguments {
        println!("cargo:rustc-cdylib-link-arg={argument}");
    }
}
