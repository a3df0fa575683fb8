//! Compiles the kernels for a card to PTX, where the program is built for one; the driver does the rest for its card.
#![allow(
    clippy::print_stdout,
    reason = "that is how a build script speaks to cargo"
)]

use std::env;
use std::path::PathBuf;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=src/learn/kernel/card/build.rs");
    if env::var_os("CARGO_FEATURE_CUDA").is_none() {
        return;
    }
    println!("cargo::rerun-if-changed=src/learn/kernel/card/kernels.cu");
    for name in ["CUDA_COMPUTE_CAP", "NVCC", "CUDA_HOME", "CUDA_PATH"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("kernels.ptx");
    let capability = env::var("CUDA_COMPUTE_CAP").unwrap_or_else(|_| "75".into());
    let nvcc = nvcc();
    let status = Command::new(&nvcc)
        .args(["-ptx", "-O3", &format!("-arch=compute_{capability}"), "-o"])
        .arg(&out)
        .arg("src/learn/kernel/card/kernels.cu")
        .status();
    match status {
        Ok(status) if status.success() => {}
        Ok(status) => panic!("{} failed on the kernels: {status}", nvcc.display()),
        Err(error) => panic!(
            "the feature `cuda` needs CUDA's compiler: {} cannot be run: {error}; put nvcc on PATH or set CUDA_HOME (`.ci/cuda` fetches one)",
            nvcc.display()
        ),
    }
}

/// CUDA's compiler, looked for where candle looks: `NVCC`, `PATH`, CUDA's folder, and where it is installed by itself.
fn nvcc() -> PathBuf {
    if let Some(named) = env::var_os("NVCC") {
        return named.into();
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let homes = ["CUDA_HOME", "CUDA_PATH"].map(env::var_os);
    let homes = homes.into_iter().flatten().map(PathBuf::from);
    env::split_paths(&path)
        .chain(
            homes
                .chain(["/usr/local/cuda".into()])
                .map(|home| home.join("bin")),
        )
        .map(|folder| folder.join("nvcc"))
        .find(|nvcc| nvcc.exists())
        .unwrap_or_else(|| "nvcc".into())
}
