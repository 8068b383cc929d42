//! Keeps the library mapped for the life of the VM: its threads and thread-locals
//! must not outlive their code.
fn main() {
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo::rustc-link-arg-cdylib=-Wl,-z,nodelete");
    }
}
