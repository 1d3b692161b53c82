//! The report as a page to print and to file.

use maud::{DOCTYPE, PreEscaped, html as markup};

use super::LeaverReport;
use super::clean::line;
use super::model::AccountReport;
use super::sentences::{self, HEADINGS};
use crate::api::employee::StepState;

/// Nothing is loaded from anywhere, and nothing runs.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

const STYLE: &str = "
body { font: 11pt/1.4 sans-serif; color: #111; background: #fff; max-width: 60em; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 16pt; } h2 { font-size: 12pt; margin: 1.5em 0 .3em; }
dl { display: grid; grid-template-columns: 9em 1fr; gap: .2em .8em; } dt { font-weight: bold; } dd { margin: 0; }
ul { margin: .2em 0; padding-left: 1.2em; }
table { border-collapse: collapse; width: 100%; }
th, td { border: 1px solid #999; padding: .2em .5em; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
th { background: #eee; } td.open { font-weight: bold; }
@page { margin: 18mm; }
@media print { body { max-width: none; margin: 0; font-size: 10pt; } section, tr { break-inside: avoid; }
thead { display: table-header-group; } h2 { break-after: avoid; } }
";

/// The report as one page that needs nothing else. Every text is escaped.
#[must_use]
pub fn html(report: &LeaverReport) -> String {
    let page = markup! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width";
                title { (sentences::subject(report)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Leaver report" }
                dl {
                    @for point in sentences::points(report) {
                        dt { (point.label) }
                        dd {
                            (line(&point.said))
                            @if !point.items.is_empty() {
                                ul { @for item in &point.items { li { (line(item)) } } }
                            }
                        }
                    }
                }
                @for account in &report.accounts { (of_account(account)) }
            }
        }
    };
    page.into_string() + "\n"
}

fn of_account(account: &AccountReport) -> maud::Markup {
    markup! {
        section {
            h2 { "Account in " (line(&account.connector)) }
            p { (line(&sentences::account(account))) }
            @for note in sentences::notes(account) { p { (line(&note)) } }
            @if account.steps.is_empty() {
                p { "No step was begun." }
            } @else {
                table {
                    thead { tr { @for heading in HEADINGS { th { (heading) } } } }
                    tbody {
                        @for step in &account.steps {
                            tr {
                                @for cell in sentences::cells(step) {
                                    td class=[open(step.state)] { (line(&cell)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What is not shown to be done stands out.
fn open(state: StepState) -> Option<&'static str> {
    (state != StepState::Verified).then_some("open")
}
