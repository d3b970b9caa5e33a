//! What was measured, and its one table: median, spread, bar, verdict. Pure.

use std::fmt::Write;

/// One thing measured several times.
#[derive(Debug, Clone, Default)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    /// Adds a measurement.
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
        self.0.sort_by(f64::total_cmp);
    }

    /// The middle one, or the mean of the middle two; none of nothing.
    pub(crate) fn median(&self) -> Option<f64> {
        let (upper, lower) = (self.0.len() / 2, self.0.len().checked_sub(1)? / 2);
        Some((self.0.get(lower)? + self.0.get(upper)?) / 2.0)
    }

    fn spread(&self) -> Option<(f64, f64)> {
        Some((*self.0.first()?, *self.0.last()?))
    }
}

/// In what a row is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A ratio between two times.
    Times,
    /// Seconds, told for information.
    Seconds,
    /// Seconds, told in thousandths.
    Millis,
    /// Bytes.
    Bytes,
    /// Bytes, told in MiB.
    Mebibytes,
    /// A part of one, told in hundredths.
    Percent,
}

impl Unit {
    fn tell(self, value: f64) -> String {
        match self {
            Self::Times => format!("{value:.2} x"),
            Self::Seconds => format!("{value:.3} s"),
            Self::Millis => format!("{:.1} ms", value * 1_000.0),
            Self::Bytes => format!("{value:.0} B"),
            Self::Percent => format!("{:.2} %", value * 100.0),
            Self::Mebibytes => format!("{:.1} MiB", value / (1024.0 * 1024.0)),
        }
    }
}

/// A row of the table.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// What was measured.
    pub(crate) what: String,
    /// In what it is told.
    pub(crate) unit: Unit,
    /// The measurements.
    pub(crate) samples: Samples,
    /// The median is to be at most this; without, the row is information.
    pub(crate) bar: Option<f64>,
}

impl Row {
    /// An empty row.
    pub(crate) fn new(what: &str, unit: Unit, bar: Option<f64>) -> Self {
        Self { what: what.to_owned(), unit, samples: Samples::default(), bar }
    }

    /// Whether the bar is met. What could not be measured is missed.
    pub(crate) fn is_met(&self) -> bool {
        match (self.bar, self.samples.median()) {
            (Some(bar), Some(median)) => median <= bar,
            (bar, _) => bar.is_none(),
        }
    }

    fn cells(&self) -> [String; 5] {
        let tell = |value| self.unit.tell(value);
        let verdict = match (self.bar, self.is_met()) {
            (None, _) => "",
            (Some(_), true) => "met",
            (Some(_), false) => "MISSED",
        };
        [
            self.what.clone(),
            self.samples.median().map_or_else(|| "not reported".to_owned(), tell),
            self.samples
                .spread()
                .map(|(low, high)| format!("{} .. {}", tell(low), tell(high)))
                .unwrap_or_default(),
            self.bar.map(tell).unwrap_or_default(),
            verdict.to_owned(),
        ]
    }
}

/// The table, in Markdown.
pub(crate) fn render(rows: &[Row]) -> String {
    let heads = ["what", "median", "spread", "bar", "verdict"].map(str::to_owned);
    let mut lines = vec![heads];
    lines.extend(rows.iter().map(Row::cells));
    let widths: [usize; 5] = std::array::from_fn(|column| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    });
    let mut out = String::new();
    for (number, line) in lines.iter().enumerate() {
        for (cell, width) in line.iter().zip(widths) {
            let _ = write!(out, "| {cell:<width$} ");
        }
        out.push_str("|\n");
        if number == 0 {
            let rules = widths.map(|width| "-".repeat(width + 2));
            let _ = writeln!(out, "|{}|", rules.join("|"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: &[f64], bar: Option<f64>) -> Row {
        let mut row = Row::new("row", Unit::Times, bar);
        values.iter().for_each(|value| row.samples.push(*value));
        row
    }

    #[test]
    fn the_median_decides_and_what_was_not_measured_is_missed() {
        for (values, bar, met) in [
            (&[9.0, 1.0, 2.0][..], Some(2.0), true),
            (&[1.0, 3.0, 9.0], Some(2.0), false),
            (&[1.0, 3.0], Some(2.0), true),
            (&[], Some(2.0), false),
            (&[f64::INFINITY], None, true),
            (&[f64::NAN], Some(2.0), false),
        ] {
            assert_eq!(row(values, bar).is_met(), met, "{values:?} against {bar:?}");
        }
    }

    #[test]
    fn the_table_says_all_and_its_lines_are_of_one_width() {
        let text = render(&[row(&[3.0, 1.0, 2.0], Some(2.5)), row(&[], Some(1.0)), row(&[5.0], None)]);
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("| row | 2.00 x | 1.00 x .. 3.00 x | 2.50 x | met |"), "{text}");
        assert!(text.contains("not reported") && text.contains("MISSED"), "{text}");
        let widths: Vec<_> = text.lines().map(|line| line.chars().count()).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{text}");
    }
}
