//! Shows an address in the person's browser. It does not wait for the browser, and accepts any address.

use std::process::Stdio;

use tokio::process::Command;

#[cfg(target_os = "macos")]
const OPEN: &[&str] = &["open"];
#[cfg(windows)]
const OPEN: &[&str] = &["rundll32", "url.dll,FileProtocolHandler"];
#[cfg(not(any(target_os = "macos", windows)))]
const OPEN: &[&str] = &["xdg-open"];

/// Asks the desktop to open the address.
///
/// # Errors
/// Why no browser was opened.
pub async fn open(url: &str) -> Result<(), String> {
    let (program, arguments) = OPEN.split_first().ok_or("nothing here opens addresses")?;
    // Its own messages about displays and settings would only disturb the reader of our lines.
    let mut command = Command::new(program);
    command.args(arguments).arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // Ctrl-C ends the collector, not the browser.
    #[cfg(unix)]
    command.process_group(0);
    let ended = match command.spawn() {
        Ok(mut child) => child.wait().await,
        Err(error) => return Err(format!("{program}: {error}")),
    };
    match ended {
        Ok(status) if !status.success() => Err(format!("{program}: {status}")),
        _ => Ok(()),
    }
}
