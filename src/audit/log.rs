//! The audit as log lines.

use super::{AuditEvent, AuditSink};

/// Writes each event as one line of JSON through `tracing`, with the target `rollcall::audit`, so
/// that a subscriber can send it where audits are kept.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogSink;

impl AuditSink for LogSink {
    fn record(&self, event: AuditEvent) {
        match serde_json::to_string(&event) {
            Ok(line) => tracing::info!(target: "rollcall::audit", "{line}"),
            Err(error) => {
                tracing::error!(target: "rollcall::audit", call = event.call, %error, "audit event can't be written");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Change, Difference, Phase, Subject};
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn one_line_of_json_with_stable_names() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            LogSink.record(AuditEvent {
                at: "2026-11-23T08:00:00Z".parse().unwrap(),
                phase: Phase::Outcome,
                call: "2-17".into(),
                namespace: "people".into(),
                connector: "directory".into(),
                employee: "1042".into(),
                verb: "Update",
                account: Some("u1".into()),
                cause: "RoleTemplate marketing".into(),
                revision: 9,
                difference: vec![Difference {
                    subject: Subject::Attribute,
                    name: "title".into(),
                    change: Change::Set,
                }],
                duration_ms: Some(12),
                result: Some("Succeeded"),
            });
        });
        let written = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(written.lines().count(), 1);
        let (head, json) = written.split_once(" rollcall::audit: ").unwrap();
        assert!(head.contains("INFO"));
        let expected = r#"{"at":"2026-11-23T08:00:00Z","phase":"Outcome","call":"2-17","namespace":"people","connector":"directory","employee":"1042","verb":"Update","account":"u1","cause":"RoleTemplate marketing","revision":9,"difference":[{"subject":"Attribute","name":"title","change":"Set"}],"durationMs":12,"result":"Succeeded"}"#;
        assert_eq!(json.trim_end(), expected);
    }
}
