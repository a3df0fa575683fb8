//! Compiles the kernels for a card to PTX, where the program is built for one; the driver does the rest for its card.

use std::env;
use std::path::PathBuf;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=src/learn/kernel/card");
    println!("cargo::rerun-if-env-changed=CUDA_COMPUTE_CAP");
    if env::var_os("CARGO_FEATURE_CUDA").is_none() {
        return;
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("kernels.ptx");
    let capability = env::var("CUDA_COMPUTE_CAP").unwrap_or_else(|_| "80".into());
    let nvcc = ["CUDA_HOME", "CUDA_PATH"]
        .iter()
        .filter_map(|name| Some(PathBuf::from(env::var_os(name)?).join("bin/nvcc")))
        .find(|path| path.exists())
        .unwrap_or_else(|| "nvcc".into());
    let status = Command::new(&nvcc)
        .args(["-ptx", "-O3", &format!("-arch=compute_{capability}"), "-o"])
        .arg(&out)
        .arg("src/learn/kernel/card/kernels.cu")
        .status();
    match status {
        Ok(status) if status.success() => {}
        Ok(status) => panic!("{} failed on the kernels: {status}", nvcc.display()),
        Err(error) => panic!(
            "the feature `cuda` needs CUDA's compiler: {} cannot be run: {error}",
            nvcc.display()
        ),
    }
}
