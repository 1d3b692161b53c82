//! Reads what OpenLDAP's overlay `auditlog` notes of each change that was carried out.

/// Attributes that the directory sets itself with each change.
const ITS_OWN: [&str; 3] = ["entryCSN", "modifiersName", "modifyTimestamp"];

/// Every single change that somebody has made, in their order: `DN add`, `DN modrdn uid=ada`, `DN delete`, and for
/// each value `DN add member: cn=…`.
pub fn changes(log: &str, by: &str) -> Vec<String> {
    // Long lines go on after a space.
    let log = log.replace("\n ", "");
    let mut changes = Vec::new();
    let mut lines = log.lines();
    while let Some(line) = lines.next() {
        // # modify 1700000000 dc=example,dc=org cn=rollcall,dc=example,dc=org IP=127.0.0.1:40000 conn=1003
        if !line.starts_with("# ") || !line.contains(&format!(" {by} ")) {
            continue;
        }
        let record = lines.by_ref().take_while(|line| !line.starts_with("# end"));
        changes.extend(of_record(&record.collect::<Vec<_>>()));
    }
    changes
}

fn of_record(lines: &[&str]) -> Vec<String> {
    let field = |name: &str| {
        let mut values = lines.iter().filter_map(|line| line.strip_prefix(name));
        values.next().unwrap_or_default()
    };
    let dn = field("dn: ");
    let kind = field("changetype: ");
    if kind != "modify" {
        let what = format!("{dn} {kind} {}", field("newrdn: "));
        return vec![what.trim_end().to_owned()];
    }
    let body = lines
        .iter()
        .skip_while(|line| !line.starts_with("changetype: "));
    let body: Vec<&str> = body.skip(1).copied().collect();
    let parts = body
        .split(|line| *line == "-")
        .filter(|part| !part.is_empty());
    let parts = parts.flat_map(|part| {
        let (how, attribute) = part[0].split_once(": ").unwrap();
        let is_own = ITS_OWN.contains(&attribute);
        let values = if part.len() == 1 {
            vec![format!("{attribute}:")]
        } else {
            part[1..].iter().map(|line| (*line).to_owned()).collect()
        };
        values
            .into_iter()
            .filter(move |_| !is_own)
            .map(move |value| format!("{dn} {how} {value}"))
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn each_value_is_a_change_and_what_others_did_is_left_out() {
        let log = "# add 1 dc=x cn=me,dc=x IP=127.0.0.1:1 conn=1\ndn: uid=ada,dc=x\nchangetype: add\nuid: ada\n\
                   # end add 1\n\n# modify 1 dc=x cn=me,dc=x IP=127.0.0.1:1 conn=1\ndn: cn=staff,dc=x\n\
                   changetype: modify\nadd: member\nmember: uid=ada,\n dc=x\nmember: uid=eve,dc=x\n-\nreplace: lock\n\
                   -\nreplace: entryCSN\nentryCSN: 1\n-\n# end modify 1\n\n\
                   # modrdn 1 dc=x cn=me,dc=x conn=1\ndn: uid=ada,dc=x\nchangetype: modrdn\nnewrdn: uid=eva\n\
                   deleteoldrdn: 1\n# end modrdn 1\n\n# delete 1 dc=x cn=other,dc=x conn=1\ndn: uid=eve,dc=x\n\
                   changetype: delete\n# end delete 1\n";
        let wanted = [
            "uid=ada,dc=x add",
            "cn=staff,dc=x add member: uid=ada,dc=x",
            "cn=staff,dc=x add member: uid=eve,dc=x",
            "cn=staff,dc=x replace lock:",
            "uid=ada,dc=x modrdn uid=eva",
        ];
        assert_eq!(super::changes(log, "cn=me,dc=x"), wanted);
    }
}
