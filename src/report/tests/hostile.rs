//! Texts that were meant to harm whoever reads a report.

use serde_json::json;

use super::super::clean::{cell, line, markdown as escaped};
use super::{account, formats, leaver, report, step};

/// Breaks out of a line, a table, a tag, a cell, a terminal.
const HOSTILE: &str =
    "</td><script>alert(1)</script> | ![x](http://evil) `a` =1+1 \u{1b}[2J\r\n# owned\u{202e}";

#[test]
fn no_format_obeys_a_text_of_others() {
    let mut named = account("directory", "Disabled");
    named["username"] = json!(HOSTILE);
    named["reason"] = json!("Odd");
    named["message"] = json!(HOSTILE);
    let steps = [
        step("Disable", "Verified", None, HOSTILE),
        step("Retain", "Waiting", None, HOSTILE),
    ];
    let begun = json!([{
        "connector": "directory", "since": "2026-11-20T23:00:00Z", "held": [HOSTILE], "steps": steps,
    }]);
    let mut employee = leaver(&json!([named]), &json!({"accounts": begun}));
    employee["spec"]["name"]["display"] = json!(HOSTILE);
    employee["spec"]["legalHold"] = json!({"reason": HOSTILE});
    for (format, text) in formats(&report(&employee)) {
        assert!(
            !text.contains(['\u{1b}', '\u{202e}']) || format == "json",
            "{format}: {text}"
        );
        assert!(
            text.lines().all(|l| !l.starts_with("# owned")),
            "{format}: {text}"
        );
        match format {
            "html" => assert!(
                !text.contains("<script") && text.contains("&lt;script&gt;"),
                "{text}"
            ),
            "md" => {
                assert!(!text.contains("![x]") && !text.contains(" | !"), "{text}");
                assert!(!text.replace("\\<", "").contains("<script"), "{text}");
                let rows = text.lines().filter(|l| l.starts_with('|'));
                for row in rows {
                    assert_eq!(row.replace("\\|", "").matches('|').count(), 6, "{row}");
                }
            }
            "json" => {
                let value: serde_json::Value = serde_json::from_str(&text).unwrap();
                assert_eq!(value["person"]["name"], HOSTILE);
                assert!(!text.contains('\u{1b}'), "{text}");
            }
            "csv" => {
                let mut reader = ::csv::Reader::from_reader(text.as_bytes());
                let columns = reader.headers().unwrap().len();
                for record in reader.records() {
                    assert_eq!(record.unwrap().len(), columns);
                }
            }
            _ => {}
        }
    }
}

#[test]
fn a_spreadsheet_finds_no_formula() {
    for formula in [
        "=HYPERLINK(\"http://evil\")",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r\n=1",
        "  =1",
        "\u{FF1D}1",
    ] {
        assert!(cell(formula).starts_with('\''), "{formula:?}");
    }
    assert_eq!(cell("ada.lovelace"), "ada.lovelace");
    let mut employee = leaver(&json!([]), &serde_json::Value::Null);
    employee["spec"]["name"]["display"] = json!("=cmd|' /C calc'!A0");
    let (_, text) = formats(&report(&employee))
        .into_iter()
        .find(|(f, _)| *f == "csv")
        .unwrap();
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    for record in reader.records() {
        for value in &record.unwrap() {
            assert!(!value.starts_with(['=', '+', '-', '@', '\t']), "{value}");
        }
    }
}

#[test]
fn what_a_terminal_or_a_page_would_obey_is_taken_out() {
    assert_eq!(line(" a\u{1b}[2J\nb\u{9b}c\u{2028}d "), "a [2J b c d");
    assert_eq!(line("x\u{202e}y"), "x\u{FFFD}y");
    assert_eq!(line("Zoë Ångström"), "Zoë Ångström");
    for (text, expected) in [
        ("ada_l", "ada\\_l"),
        ("a|b", "a\\|b"),
        ("see http://x and www.x", "see http\\://x and www\\.x"),
        ("<b>&amp;", "\\<b\\>\\&amp;"),
        (
            "2026-11-20T23:00:04Z, ada.lovelace",
            "2026-11-20T23:00:04Z, ada.lovelace",
        ),
        ("a@example.com", "a\\@example.com"),
    ] {
        assert_eq!(escaped(text), expected);
    }
}
