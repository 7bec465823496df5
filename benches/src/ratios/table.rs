//! A table of numbers with geometric means.

use crate::timing::geomean;

/// Rows of numbers under a heading; a number that there is not is a dash.
pub(super) struct Table {
    columns: Vec<&'static str>,
    /// Which of the columns a mean makes sense of.
    means: Vec<bool>,
    rows: Vec<(String, Vec<Option<f64>>)>,
}

impl Table {
    pub(super) fn new(columns: &[(&'static str, bool)]) -> Self {
        Self {
            columns: columns.iter().map(|(name, _)| *name).collect(),
            means: columns.iter().map(|(_, mean)| *mean).collect(),
            rows: Vec::new(),
        }
    }

    pub(super) fn row(&mut self, name: &str, numbers: Vec<Option<f64>>) {
        self.rows.push((name.to_owned(), numbers));
    }

    pub(super) fn print(&self) {
        println!("{:16}{}", "", self.columns.iter().map(|c| format!("{c:>9}")).collect::<String>());
        for (name, numbers) in &self.rows {
            line(name, numbers);
        }
        let means = (0..self.columns.len()).map(|i| {
            let column: Vec<f64> = self.rows.iter().filter_map(|(_, row)| row[i]).collect();
            geomean(&column).filter(|_| self.means[i])
        });
        line("geometric mean", &means.collect::<Vec<_>>());
        let count = |i: usize| Some(self.rows.iter().filter(|(_, row)| row[i].is_some()).count() as f64);
        line("of so many", &(0..self.columns.len()).map(count).collect::<Vec<_>>());
        println!();
    }
}

fn line(name: &str, numbers: &[Option<f64>]) {
    let digits = |n: f64| {
        if n < 10.0 {
            3
        } else if n < 1000.0 {
            1
        } else {
            0
        }
    };
    let shown = |n: &Option<f64>| n.map_or("-".into(), |n| format!("{n:.*}", digits(n)));
    println!("{name:16}{}", numbers.iter().map(|n| format!("{:>9}", shown(n))).collect::<String>());
}
