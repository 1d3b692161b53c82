//! What was measured: a table for people, JSON for programs.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

/// Everything measured so far.
#[derive(Default)]
pub struct Report {
    rows: Vec<Row>,
}

struct Row {
    what: String,
    figure: String,
    value: f64,
    unit: String,
    goal: Option<String>,
}

impl Report {
    /// Adds a figure.
    pub fn add(&mut self, what: &str, figure: &str, value: f64, unit: &str, goal: Option<&str>) {
        self.rows.push(Row {
            what: what.to_owned(),
            figure: figure.to_owned(),
            value,
            unit: unit.to_owned(),
            goal: goal.map(str::to_owned),
        });
    }

    /// The table.
    pub fn table(&self) -> String {
        let mut out = String::new();
        let mut last = "";
        for row in &self.rows {
            if row.what != last {
                let _ = writeln!(out, "\n{}", row.what);
                last = &row.what;
            }
            let value = if row.value.abs() >= 100.0 {
                format!("{:.0}", row.value)
            } else {
                format!("{:.2}", row.value)
            };
            let goal = row
                .goal
                .as_ref()
                .map_or(String::new(), |g| format!("  (goal {g})"));
            let (figure, unit) = (&row.figure, &row.unit);
            let _ = writeln!(out, "  {figure:<28} {value:>10} {unit}{goal}");
        }
        out
    }

    /// Writes the JSON.
    pub fn write(&self, path: &Path) {
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|r| json!({"what": r.what, "figure": r.figure, "value": r.value, "unit": r.unit, "goal": r.goal}))
            .collect();
        let text = serde_json::to_string_pretty(&rows).unwrap();
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text + "\n").unwrap();
    }
}

/// The middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
