//! The pages, and as much of Markdown as they use.

use std::collections::BTreeMap;

use regex::Regex;

use crate::support::process::repository;

/// One page.
pub struct Page {
    /// Path from the root.
    pub path: String,
    /// Its Markdown.
    pub text: String,
}

/// A fenced block of code.
pub struct Block {
    /// The word after the fence.
    pub language: String,
    /// What stands in it.
    pub text: String,
}

/// The README and every page in `docs/`.
pub fn pages() -> Vec<Page> {
    let docs = std::fs::read_dir(repository("docs")).unwrap();
    let mut paths: Vec<String> = docs
        .map(|entry| format!("docs/{}", entry.unwrap().file_name().to_string_lossy()))
        .collect();
    paths.push("README.md".to_owned());
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(repository(&path)).unwrap();
            Page { path, text }
        })
        .collect()
}

impl Page {
    /// Fenced blocks.
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut open: Option<Block> = None;
        for line in self.text.lines() {
            match (line.strip_prefix("```"), &mut open) {
                (Some(language), None) => {
                    open = Some(Block {
                        language: language.trim().to_owned(),
                        text: String::new(),
                    });
                }
                (Some(_), Some(_)) => blocks.extend(open.take()),
                (None, Some(block)) => {
                    block.text.push_str(line);
                    block.text.push('\n');
                }
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "{}: a block does not end", self.path);
        blocks
    }

    /// What stands outside of blocks. An indented block begins after an empty line; without one, the
    /// line goes on with an item of a list.
    fn prose(&self) -> String {
        let (mut fenced, mut indented) = (false, false);
        let mut after_empty = true;
        let mut prose = String::new();
        for line in self.text.lines() {
            indented = line.starts_with("    ") && (indented || after_empty);
            if line.starts_with("```") {
                fenced = !fenced;
            } else if !fenced && !indented {
                prose.push_str(line);
                prose.push('\n');
            }
            after_empty = line.is_empty();
        }
        prose
    }

    /// Code within sentences.
    pub fn spans(&self) -> Vec<String> {
        let span = Regex::new(r"`([^`\n]+)`").unwrap();
        let prose = self.prose();
        span.captures_iter(&prose)
            .map(|found| found[1].to_owned())
            .collect()
    }

    /// Links within the repository.
    pub fn links(&self) -> Vec<String> {
        let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
        let prose = self.prose();
        link.captures_iter(&prose)
            .map(|found| found[1].to_owned())
            .filter(|target| !target.contains("://"))
            .collect()
    }

    /// A table of two columns, the second of which has this heading: the code in both, row by row.
    pub fn table(&self, heading: &str) -> BTreeMap<String, Vec<String>> {
        let span = Regex::new(r"`([^`]+)`").unwrap();
        let codes = |cell: &str| -> Vec<String> {
            let found = span.captures_iter(cell);
            found.map(|m| m[1].to_owned()).collect()
        };
        let cells = |line: &str| -> Vec<String> {
            let inner = line.trim_matches('|');
            inner
                .split('|')
                .map(|cell| cell.trim().to_owned())
                .collect()
        };
        self.text
            .lines()
            .skip_while(|line| cells(line).get(1).is_none_or(|cell| cell != heading))
            .skip(2)
            .take_while(|line| line.starts_with('|'))
            .flat_map(|line| {
                let cells = cells(line);
                let allowed = codes(&cells[1]);
                let rows = codes(&cells[0]).into_iter();
                rows.map(move |row| (row, allowed.clone()))
            })
            .collect()
    }
}
