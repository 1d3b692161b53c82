//! What is wrong with a policy is said where it is wrong.

use super::*;
use crate::domain::fixtures::{connector, policy, template};
use crate::domain::problem::Cure;

#[test]
fn problems_of_a_template() {
    for (templates, expected) in [
        (vec![template("a").giving("dir", &["x"])], vec![]),
        (
            vec![template("a").matching("employee.jobTtle == ''")],
            vec![("CelUnknownField", Cure::EditThis, "jobTitle")],
        ),
        (
            vec![template("a").including(&["a"])],
            vec![("IncludesCycle", Cure::EditThis, "a includes a")],
        ),
        (
            vec![
                template("a").including(&["b"]),
                template("b").including(&["c"]),
                template("c").including(&["a"]),
            ],
            vec![(
                "IncludesCycle",
                Cure::EditThis,
                "a includes b includes c includes a",
            )],
        ),
        (
            vec![template("a").including(&["z"])],
            vec![("RoleMissing", Cure::Elsewhere, "z")],
        ),
        (
            vec![template("a").giving("nowhere", &[])],
            vec![("ConnectorMissing", Cure::Elsewhere, "nowhere")],
        ),
        // Beside a circle, not in it.
        (
            vec![
                template("a").including(&["b"]),
                template("b").including(&["b"]),
            ],
            vec![],
        ),
    ] {
        let policy = policy(templates, [connector("dir")]);
        let found = policy.template_problems(&"a".into());
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (problem, (reason, cure, word)) in found.iter().zip(expected) {
            assert_eq!((problem.reason, problem.cure), (reason, cure));
            assert!(problem.message.contains(word), "{}", problem.message);
        }
    }
}

#[test]
fn a_template_is_sound_unless_it_is_broken_or_in_a_circle() {
    let policy = policy(
        [
            template("good").including(&["ring", "nowhere"]),
            template("ring").including(&["round"]),
            template("round").including(&["ring"]),
            template("broken").matching("1 +"),
        ],
        [],
    );
    for (name, sound) in [
        ("good", true),
        ("ring", false),
        ("round", false),
        ("broken", false),
        ("nowhere", false),
    ] {
        assert_eq!(policy.is_sound(&name.into()), sound, "{name}");
    }
}

#[test]
fn each_fault_of_a_connector_names_its_field() {
    let mut spec = connector("dir");
    spec.usernames.push("employee.nick".to_owned());
    spec.attributes
        .insert("title".into(), "employee.".to_owned());
    spec.faults
        .push(Problem::edit("Earlier", "spec.scim.baseUrl: no host"));
    let found = Connector::compile(spec);
    let messages: Vec<&str> = found.faults.iter().map(|f| f.message.as_str()).collect();
    assert_eq!(messages.len(), 3, "{messages:?}");
    assert!(messages[0].starts_with("spec.scim.baseUrl"));
    assert!(messages[1].starts_with("spec.account.username[1]: "));
    assert!(messages[2].starts_with("spec.account.attributes[title]: "));
    assert_eq!((found.usernames.len(), found.attributes.len()), (1, 1));
}
