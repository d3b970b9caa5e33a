//! Plain aligned tables: columns side by side, two blanks between them, one line a row.
//!
//! On a terminal rows are cut to its width, with `…` where something is missing; into a pipe everything is printed whole. Every
//! cell is made harmless first, since most of them come from outside. Widths are those of terminals, where a character may
//! take two places or none.

use postrider_formats::display;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The blanks between two columns.
const GAP: usize = 2;
/// The least width to which a column is cut.
const LEAST: usize = 8;
/// What stands for what was cut.
const CUT: char = '…';

/// To which side a column's cells are pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    title: &'static str,
    align: Align,
    may_be_cut: bool,
}

impl Column {
    /// A column of words that are always whole: ids, names, states.
    pub const fn whole(title: &'static str) -> Self {
        Self { title, align: Align::Left, may_be_cut: false }
    }

    /// A column of numbers.
    pub const fn number(title: &'static str) -> Self {
        Self { title, align: Align::Right, may_be_cut: false }
    }

    /// A column of text that is cut where the terminal is narrow: subjects, people, messages.
    pub const fn text(title: &'static str) -> Self {
        Self { title, align: Align::Left, may_be_cut: true }
    }
}

/// A table: titles and rows.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Self { columns: columns.into_iter().collect(), rows: Vec::new() }
    }

    /// Adds a row. Cells that are missing are empty, cells too many are left out.
    pub fn row<C: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = C>) {
        let mut cells = cells.into_iter().map(|cell| display::escape(cell.as_ref()).into_owned());
        let row = self.columns.iter().map(|_| cells.next().unwrap_or_default()).collect();
        self.rows.push(row);
    }

    /// The table as lines, each with its newline: titles first, then the rows. With `width`, the columns of the terminal, rows
    /// are cut to fit, as far as there are columns that may be cut.
    pub fn render(&self, width: Option<usize>) -> String {
        let widths = self.widths(width);
        let titles: Vec<String> = self.columns.iter().map(|column| column.title.to_owned()).collect();
        let mut out = String::new();
        for row in std::iter::once(&titles).chain(&self.rows) {
            self.render_row(row, &widths, &mut out);
        }
        out
    }

    fn render_row(&self, row: &[String], widths: &[usize], out: &mut String) {
        let mut line = String::new();
        for ((cell, column), width) in row.iter().zip(&self.columns).zip(widths) {
            let cell = cut(cell, *width);
            let blanks = " ".repeat(width.saturating_sub(cell.width()));
            match column.align {
                Align::Left => line.extend([cell.as_str(), blanks.as_str()]),
                Align::Right => line.extend([blanks.as_str(), cell.as_str()]),
            }
            line.extend(std::iter::repeat_n(' ', GAP));
        }
        out.push_str(line.trim_end_matches(' '));
        out.push('\n');
    }

    fn widths(&self, terminal: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> = self.columns.iter().map(|column| column.title.width()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.width().max(*width);
            }
        }
        if let Some(terminal) = terminal {
            self.fit(&mut widths, terminal);
        }
        widths
    }

    /// Takes from the widest column that may be cut, place by place, until the row fits or nothing more can be taken.
    fn fit(&self, widths: &mut [usize], terminal: usize) {
        // A cell of a thousand places is as good as one of the terminal's, and is dealt with sooner.
        for (width, column) in widths.iter_mut().zip(&self.columns) {
            if column.may_be_cut {
                *width = (*width).min(terminal.max(LEAST));
            }
        }
        let gaps = GAP * self.columns.len().saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > terminal {
            let cuttable = widths
                .iter_mut()
                .zip(&self.columns)
                .filter(|(width, column)| column.may_be_cut && **width > LEAST.max(column.title.width()));
            match cuttable.max_by_key(|(width, _)| **width) {
                Some((width, _)) => *width -= 1,
                None => return,
            }
        }
    }
}

/// The text, cut to so many places of a terminal.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut room = width.saturating_sub(1);
    let mut kept = String::new();
    for c in text.chars() {
        let Some(rest) = room.checked_sub(c.width().unwrap_or(0)) else { break };
        room = rest;
        kept.push(c);
    }
    kept.truncate(kept.trim_end().len());
    kept.push(CUT);
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mail() -> Table {
        let mut table = Table::new([Column::whole("ID"), Column::number("SIZE"), Column::text("SUBJECT")]);
        table.row(["m7", "1024", "Quarterly figures, second draft"]);
        table.row(["m12", "5", "日本語の件名"]);
        table.row(["m13", "77"]);
        table
    }

    #[test]
    fn a_pipe_gets_everything() {
        assert_eq!(
            mail().render(None),
            "ID   SIZE  SUBJECT\nm7   1024  Quarterly figures, second draft\nm12     5  日本語の件名\nm13    77\n"
        );
    }

    #[test]
    fn a_terminal_gets_what_fits() {
        assert_eq!(
            mail().render(Some(22)),
            "ID   SIZE  SUBJECT\nm7   1024  Quarterly…\nm12     5  日本語の件…\nm13    77\n"
        );
    }

    #[test]
    fn the_widest_column_gives_way_first() {
        let mut table = Table::new([Column::text("FROM"), Column::text("SUBJECT")]);
        table.row(["a short name", &"s".repeat(500)]);
        let rendered = table.render(Some(40));
        assert!(rendered.contains("a short name  sssssssssssssssssssssssss…\n"), "{rendered}");
    }

    #[test]
    fn what_could_move_the_cursor_is_shown() {
        let mut table = Table::new([Column::text("SUBJECT")]);
        table.row(["\u{1b}[2Jred\u{202e}\n"]);
        assert_eq!(table.render(None), "SUBJECT\n\\u{1b}[2Jred\\u{202e}\\u{a}\n");
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_terminal(
            cells in proptest::collection::vec(("\\PC{0,30}", "\\PC{0,90}"), 0..6),
            width in 30_usize..100,
        ) {
            let mut table = Table::new([Column::text("FROM"), Column::text("SUBJECT")]);
            for (from, subject) in &cells {
                table.row([from, subject]);
            }
            let rendered = table.render(Some(width));
            prop_assert_eq!(rendered.lines().count(), cells.len() + 1);
            for line in rendered.lines() {
                prop_assert!(line.width() <= width, "{} places: {}", line.width(), line);
            }
        }
    }
}
