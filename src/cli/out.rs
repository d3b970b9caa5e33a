//! What is said, and where: answers to standard output, all else to standard error.
//!
//! Every text from outside passes through `escape` here or in `table`, so that no subject can move a terminal's cursor.

use std::io::{self, IsTerminal, Write};

use postrider_formats::display::{escape, escape_json};
use postrider_model::Fault;
use serde::Serialize;

use super::table::Table;
use crate::report::Exit;

/// Where a command's words go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Out {
    /// Answer in JSON.
    pub json: bool,
    /// Say only what went wrong.
    pub quiet: bool,
    /// The terminal's width, where standard output is one.
    pub width: Option<usize>,
}

impl Out {
    pub fn new(json: bool, quiet: bool) -> Self {
        let width = io::stdout().is_terminal().then(|| terminal_width().unwrap_or(100));
        Self { json, quiet, width }
    }

    /// A line of the answer.
    pub fn line(self, text: impl AsRef<str>) {
        // A reader that went away (`| head`) is no failure of ours, and there is nobody left to tell.
        let _ = writeln!(io::stdout().lock(), "{}", escape(text.as_ref()));
    }

    /// A remark beside the answer, for a person.
    pub fn note(self, text: impl AsRef<str>) {
        if !self.quiet && !self.json {
            self.warn(text);
        }
    }

    /// Something a person should hear of in any case.
    pub fn warn(self, text: impl AsRef<str>) {
        let _ = writeln!(io::stderr().lock(), "{}", escape(text.as_ref()));
    }

    pub fn table(self, table: &Table) {
        let _ = io::stdout().lock().write_all(table.render(self.width).as_bytes());
    }

    /// Makes room for an answer that takes the place of the one before it, where a person looks.
    pub fn clear(self) {
        if self.width.is_some() {
            // To the first line, and nothing below it (ECMA-48, CUP and ED).
            let _ = io::stdout().lock().write_all(b"\x1b[H\x1b[J");
        }
    }

    /// The answer as one JSON value on one line.
    pub fn value(self, value: &impl Serialize) -> Result<(), Fault> {
        let text = serde_json::to_string(value).map_err(|error| {
            Fault::new(postrider_model::ErrorClass::Permanent, "answer in JSON", error.to_string())
        })?;
        let _ = writeln!(io::stdout().lock(), "{}", escape_json(&text));
        Ok(())
    }

    /// Bytes as they are.
    pub fn bytes(self, bytes: &[u8]) {
        let _ = io::stdout().lock().write_all(bytes);
    }

    /// What went wrong, with what to do, and the exit code that goes with it.
    pub fn fault(self, fault: &Fault) -> Exit {
        if self.json {
            let error = serde_json::json!({ "error": postrider_model::ErrorReport::from(fault) });
            let _ = self.value(&error);
            return Exit::of_fault(fault);
        }
        self.told(fault)
    }

    /// The same beside an answer.
    pub fn told(self, fault: &Fault) -> Exit {
        self.warn(format!("error: {}", fault.message()));
        if let Some(hint) = &fault.hint {
            self.warn(format!("hint: {hint}"));
        }
        Exit::of_fault(fault)
    }
}

fn terminal_width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col > 0).then_some(usize::from(size.ws_col))
}

/// `2.5 MB`: decimal units, as disks are sold.
pub(super) fn octets(count: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    let mut value = count as f64;
    let mut unit = "B";
    for next in UNITS {
        if value < 1000.0 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    if unit == "B" { format!("{count} B") } else { format!("{value:.1} {unit}") }
}

/// `1 message`, `2 messages`.
pub(super) fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        let table = [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (2_540_000, "2.5 MB"),
            (7_000_000_000_000_000, "7000.0 TB"),
        ];
        for (count, text) in table {
            assert_eq!(octets(count), text);
        }
        assert_eq!(
            (counted(1, "message"), counted(2, "message")),
            ("1 message".to_owned(), "2 messages".to_owned())
        );
    }
}
