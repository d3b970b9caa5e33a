//! The person at the terminal, where a consent is asked for: what they are shown, and what they paste.
//!
//! All of it goes to standard error, so that standard output has the answer alone.

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use async_trait::async_trait;
use postrider_model::{ErrorClass, Fault};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::time::sleep;

use super::{args::ConsentArgs, out::Out};
use crate::service::{DeviceCode, Person, Way};

/// The longest line that is read.
const LONGEST: usize = 64 << 10;
/// How often it is looked for something typed.
const LOOK: Duration = Duration::from_millis(50);

/// Somebody at a terminal, or a script in their place.
pub(super) struct AtTerminal {
    pub out: Out,
    /// Whether what they paste is waited for.
    pub paste: bool,
}

impl ConsentArgs {
    /// Whether a way was said.
    pub(super) const fn is_given(&self) -> bool {
        self.device || self.paste
    }

    /// The way to a consent: without a word of it a browser on this machine, and who has a terminal may paste as well.
    pub(super) fn way(&self) -> Way {
        match self.device {
            true => Way::Device,
            false => Way::Browser { paste: self.may_paste() },
        }
    }

    pub(super) fn may_paste(&self) -> bool {
        !self.device && (self.paste || io::stdin().is_terminal())
    }
}

#[async_trait]
impl Person for AtTerminal {
    fn open_link(&self, url: &str) {
        self.out.warn("open this link in a browser, and consent there:");
        self.out.warn(format!("  {url}"));
        if self.paste {
            self.out.warn(
                "if the browser is on another machine, it ends at a page that does not load: paste that page's address here",
            );
        }
    }

    fn type_code(&self, code: &DeviceCode) {
        self.out.warn(format!("open {} on any device, and type this code:", code.page));
        self.out.warn(format!("  {}", code.code));
        if let Some(page) = &code.page_with_code {
            self.out.warn("or open this link:");
            self.out.warn(format!("  {page}"));
        }
        self.out.warn(format!("the code is good for {} minutes", minutes(code.limit)));
    }

    async fn pasted(&self) -> Result<String, Fault> {
        let action = "read the address of the browser's last page";
        loop {
            let line = next_line()
                .await
                .map_err(|why| Fault::new(ErrorClass::Permanent, action, why.to_string()))?;
            match line.as_deref().map(str::trim) {
                Some("") => {}
                Some(line) => return Ok(line.to_owned()),
                None => {
                    return Err(Fault::new(ErrorClass::Login, action, "nothing was pasted")
                        .hint("ask for the link again by `postrider account login`"));
                }
            }
        }
    }
}

fn minutes(limit: Duration) -> u64 {
    limit.as_secs().div_ceil(60)
}

/// A line of standard input; `None` at its end. It is looked at again and again, and read only where something is there: a thread that
/// waits in a read could not be called back when the consent comes another way.
async fn next_line() -> io::Result<Option<String>> {
    let mut line = Vec::new();
    loop {
        while is_readable()? {
            let mut octet = [0];
            if rustix::io::read(io::stdin(), &mut octet)? == 0 {
                return Ok((!line.is_empty()).then(|| text(&line)));
            }
            match octet {
                [b'\n'] => return Ok(Some(text(&line))),
                [octet] if line.len() < LONGEST => line.push(octet),
                _ => return Err(io::Error::other("the line is too long")),
            }
        }
        sleep(LOOK).await;
    }
}

/// Whether reading would not wait.
fn is_readable() -> io::Result<bool> {
    let stdin = io::stdin();
    let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
    Ok(poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))? > 0)
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line).into_owned()
}
