//! Progress for a person who looks: a bar a folder on the terminal, nothing at all anywhere else (F6.5).
//!
//! It knows labels and numbers, no sync. It starts no threads: a bar is drawn when it moves.

use std::fmt;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use postrider_formats::display;

/// The longest label, in characters.
const LABEL_CHARS: usize = 32;
/// A bar whose end is known.
const BOUNDED: &str = "{prefix:32}  {bar:24}  {pos}/{len}";
/// A bar whose end is not known.
const UNBOUNDED: &str = "{prefix:32}  {spinner}  {pos}";

/// All bars of one command. Dropping it takes them off the terminal.
#[derive(Debug)]
pub struct Bars {
    multi: MultiProgress,
}

impl Bars {
    /// Bars on standard error where that is a terminal, and silence otherwise.
    pub fn new(stderr_is_terminal: bool) -> Self {
        match stderr_is_terminal {
            true => Self::drawing_to(ProgressDrawTarget::stderr()),
            false => Self::drawing_to(ProgressDrawTarget::hidden()),
        }
    }

    fn drawing_to(target: ProgressDrawTarget) -> Self {
        Self { multi: MultiProgress::with_draw_target(target) }
    }

    /// Adds a bar below the others. Without `total` its end is not known.
    pub fn add(&self, label: &str, total: Option<u64>) -> Bar {
        let bar = self.multi.add(total.map_or_else(ProgressBar::no_length, ProgressBar::new));
        bar.set_style(style(total.is_some()));
        bar.set_prefix(shortened(label));
        Bar { bar }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        // A terminal that went away has nothing to be cleared.
        let _ = self.multi.clear();
    }
}

/// One bar. Dropping it takes it off the terminal.
pub struct Bar {
    bar: ProgressBar,
}

impl fmt::Debug for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bar").field("at", &self.at()).finish_non_exhaustive()
    }
}

impl Bar {
    /// Moves the bar by so much.
    pub fn inc(&self, count: u64) {
        self.bar.inc(count);
    }

    /// How far it is.
    pub fn at(&self) -> u64 {
        self.bar.position()
    }

    /// Takes the bar off the terminal.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.finish();
    }
}

/// A template that does not parse would be a defect of this file, which a test excludes; the default bar is drawn then.
fn style(is_bounded: bool) -> ProgressStyle {
    let template = if is_bounded { BOUNDED } else { UNBOUNDED };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn shortened(label: &str) -> String {
    let label = display::escape(label);
    match label.char_indices().nth(LABEL_CHARS) {
        None => label.into_owned(),
        Some(_) => label.chars().take(LABEL_CHARS - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use indicatif::TermLike;

    use std::io;

    use super::*;

    /// A terminal that remembers what was written.
    #[derive(Debug, Clone, Default)]
    struct Recorder(Arc<Mutex<String>>);

    impl Recorder {
        fn text(&self) -> String {
            self.0.lock().unwrap().clone()
        }
    }

    impl TermLike for Recorder {
        fn width(&self) -> u16 {
            80
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, line: &str) -> io::Result<()> {
            self.write_str(line)?;
            self.write_str("\n")
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push_str(text);
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn templates_parse() {
        for template in [BOUNDED, UNBOUNDED] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn a_bar_shows_label_and_numbers() {
        let terminal = Recorder::default();
        let bars = Bars::drawing_to(ProgressDrawTarget::term_like(Box::new(terminal.clone())));
        let bar = bars.add("work INBOX\u{1b}[31m", Some(10));
        bar.inc(3);
        let text = terminal.text();
        assert!(text.contains("work INBOX\\u{1b}[31m"), "{text:?}");
        assert!(text.contains("/10"), "{text:?}");
        assert_eq!(bar.at(), 3);
        bar.finish();
    }

    #[test]
    fn without_a_terminal_bars_count_in_silence() {
        let bars = Bars::new(false);
        let bar = bars.add("work", None);
        bar.inc(2);
        bar.inc(3);
        assert_eq!(bar.at(), 5);
        assert!(bars.multi.is_hidden());
    }

    #[test]
    fn a_long_label_is_cut() {
        assert_eq!(shortened(&"é".repeat(33)), format!("{}…", "é".repeat(31)));
        assert_eq!(shortened(&"é".repeat(32)), "é".repeat(32));
    }
}
