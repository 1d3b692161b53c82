//! Whose an account is that bears nobody's mark: every answer there is.

use super::*;
use crate::domain::account::{AttributeValue, Attributes};
use crate::domain::cel::Subject;
use crate::domain::clues;
use crate::domain::facts::Facts;
use crate::domain::fixtures;
use crate::domain::ids::{AccountId, Username};
use crate::domain::mark::Scope;
use crate::domain::policy::{Adopt, Connector, MatchingSpec};

struct Target {
    accounts: Vec<ObservedAccount>,
    rivals: Vec<EmployeeId>,
    namers: Vec<EmployeeId>,
    elsewhere: Vec<ConnectorName>,
    linked: Option<&'static str>,
}

impl<'a> Sight<'a> for &'a Target {
    fn marked(&self) -> Vec<&'a ObservedAccount> {
        self.with(|a| a.mark.as_deref() == Some("acme/people/1"))
    }
    fn linked(&self) -> Option<&'a ObservedAccount> {
        let linked = self.linked?;
        self.with(|a| a.id.as_str() == linked).pop()
    }
    fn meant_by(&self, said: &str) -> Vec<&'a ObservedAccount> {
        self.with(|a| is_meant(said, a))
    }
    fn candidates(&self, clue: &Clue) -> Vec<&'a ObservedAccount> {
        self.with(|a| {
            a.mark.is_none()
                && match &clue.attribute {
                    Some(name) => clues::values(a, name).any(|value| value == clue.value),
                    None => a.username == Username::new(&clue.value),
                }
        })
    }
    fn rivals(&self, _: &ObservedAccount) -> Vec<&'a EmployeeId> {
        self.rivals.iter().collect()
    }
    fn namers(&self, _: &ObservedAccount) -> Vec<&'a EmployeeId> {
        self.namers.iter().collect()
    }
    fn elsewhere(&self, _: &ObservedAccount, by_rules: bool) -> Vec<&'a ConnectorName> {
        self.elsewhere.iter().filter(|_| by_rules).collect()
    }
}

impl Target {
    fn with(&self, fits: impl Fn(&ObservedAccount) -> bool) -> Vec<&ObservedAccount> {
        self.accounts.iter().filter(|a| fits(a)).collect()
    }
}

fn account(id: &str, mail: &str, mark: Option<&str>) -> ObservedAccount {
    let mut attributes = Attributes::new();
    attributes.insert("mail".into(), AttributeValue::Text(mail.to_owned()));
    ObservedAccount {
        id: AccountId::new(id),
        username: Username::new(format!("u-{id}")),
        mark: mark.map(str::to_owned),
        activity: Activity::Active,
        attributes,
        unfinished: false,
    }
}

fn ada() -> Facts {
    Facts {
        email: "Ada@Example.com".into(),
        ..fixtures::person("1")
    }
}

fn matching(adopt: Adopt) -> MatchingSpec {
    MatchingSpec {
        rules: vec![
            (None, "employee.attributes['login']".to_owned()),
            (Some("mail".into()), "employee.email".to_owned()),
        ],
        adopt,
        listed: vec!["u-a*".to_owned()],
    }
}

struct Case {
    matching: MatchingSpec,
    target: Target,
    link: Option<Link>,
    stage: Stage,
    complete: bool,
    login: Option<&'static str>,
}

impl Case {
    fn new(accounts: Vec<ObservedAccount>) -> Self {
        Self {
            matching: matching(Adopt::WhenUnique),
            target: Target {
                accounts,
                rivals: Vec::new(),
                namers: Vec::new(),
                elsewhere: Vec::new(),
                linked: None,
            },
            link: None,
            stage: Stage::Active,
            complete: true,
            login: Some(""),
        }
    }

    fn link(mut self, account: Option<&str>, not: &[&str]) -> Self {
        self.link = Some(Link {
            connector: "dir".into(),
            account: account.map(Box::from),
            not: not.iter().map(|said| Box::from(*said)).collect(),
        });
        self
    }

    fn found(&self) -> Match {
        let mut spec = fixtures::connector("dir");
        spec.matching = self.matching.clone();
        spec.protected_accounts = vec!["u-root".to_owned()];
        let connector = Connector::compile(spec);
        let mut facts = ada();
        if let Some(login) = self.login {
            facts
                .attributes
                .insert("login".to_owned(), login.to_owned());
        }
        let desired = DesiredAccount {
            clues: clues::of(&connector, &Subject::new(&facts)),
            ..DesiredAccount::default()
        };
        let scope = Scope::new("acme", "people");
        let terms = Terms {
            scope: &scope,
            employee: &facts.employee_id,
            connector: &connector,
            complete: self.complete,
        };
        let person = Person {
            stage: self.stage,
            desired: Some(&desired),
            link: self.link.as_ref(),
        };
        find(&terms, &person, &&self.target)
    }

    /// What was found, in one word; a conflict names its candidates.
    fn told(&self) -> String {
        match self.found() {
            Match::Absent => "absent".to_owned(),
            Match::Unknown => "unknown".to_owned(),
            Match::One(account) => format!("one {}", account.id),
            Match::Adoptable(account) => format!("adopt {}", account.id),
            Match::Disowned(account) => format!("disown {}", account.id),
            Match::Conflict(conflict) => {
                for id in &conflict.candidates {
                    assert!(
                        conflict.message.contains(id.as_str()),
                        "{}",
                        conflict.message
                    );
                }
                let ids = conflict.candidates.iter().map(AccountId::as_str);
                let ids: Vec<&str> = ids.collect();
                format!("{} {}", conflict.reason, ids.join(" "))
                    .trim_end()
                    .to_owned()
            }
        }
    }
}

fn hers(id: &str) -> ObservedAccount {
    account(id, "ada@example.COM", None)
}

#[test]
fn what_is_as_well_the_accounts_of_another_connector_is_nobodys_yet() {
    let mut case = Case::new(vec![hers("a")]);
    case.target.elsewhere = vec!["dir-admins".into()];
    assert_eq!(case.told(), "AmbiguousMatch a");
    let Match::Conflict(conflict) = case.found() else {
        panic!("it is taken over");
    };
    assert!(
        conflict.message.contains("dir-admins"),
        "{}",
        conflict.message
    );
    // What is said by hand decides.
    assert_eq!(case.link(Some("u-a"), &[]).told(), "adopt a");
}

#[test]
fn rules_are_tried_in_order_and_the_first_that_fits_decides() {
    assert_eq!(
        Case::new(vec![hers("a"), account("b", "bob@example.com", None)]).told(),
        "adopt a"
    );
    assert_eq!(
        Case::new(vec![account("b", "bob@example.com", None)]).told(),
        "absent"
    );
    assert_eq!(
        Case::new(vec![hers("a"), hers("b")]).told(),
        "AmbiguousMatch a b"
    );
    // The user name fits one, whatever the mail says.
    let by_name = Case {
        login: Some("U-B"),
        ..Case::new(vec![hers("a"), account("b", "", None)])
    };
    assert_eq!(by_name.told(), "adopt b");
    // One that is ours already is hers; one of somebody else's never is.
    let marked = account("m", "x@example.com", Some("acme/people/1"));
    assert_eq!(Case::new(vec![hers("a"), marked]).told(), "one m");
    for foreign in ["acme/people/2", "other/people/1"] {
        let others = account("o", "ada@example.com", Some(foreign));
        assert_eq!(Case::new(vec![others]).told(), "absent");
    }
    let no_rules = Case {
        matching: MatchingSpec::default(),
        ..Case::new(vec![hers("a")])
    };
    assert_eq!(no_rules.told(), "absent");
}

#[test]
fn what_is_not_certain_is_not_taken_over() {
    let mut rival = Case::new(vec![hers("a")]);
    rival.target.rivals = vec!["7".into()];
    assert_eq!(rival.told(), "AmbiguousMatch a");
    let Match::Conflict(conflict) = rival.found() else {
        panic!("it was taken over");
    };
    assert!(
        conflict.message.contains("fits 7 as well"),
        "{}",
        conflict.message
    );
    for accounts in [vec![], vec![hers("a")]] {
        let partial = Case {
            complete: false,
            ..Case::new(accounts.clone())
        };
        assert!(
            partial.told().starts_with("MatchUncertain"),
            "{}",
            partial.told()
        );
    }
    let failed = Case {
        login: None,
        ..Case::new(vec![hers("a")])
    };
    assert_eq!(failed.told(), "MatchingFailed");
    let of = |adopt, id: &str| Case {
        matching: matching(adopt),
        ..Case::new(vec![hers(id)])
    };
    assert_eq!(of(Adopt::Never, "a").told(), "NotAdopted a");
    assert_eq!(of(Adopt::WhenListed, "b").told(), "NotAdopted b");
    assert_eq!(of(Adopt::WhenListed, "a").told(), "adopt a");
    assert_eq!(
        of(Adopt::WhenUnique, "root").told(),
        "ProtectedAccount root"
    );
}

#[test]
fn what_is_said_by_hand_counts_before_rules() {
    let both = || vec![hers("a"), hers("b")];
    assert_eq!(Case::new(both()).link(Some("u-B"), &[]).told(), "adopt b");
    assert_eq!(Case::new(both()).link(Some("a"), &[]).told(), "adopt a");
    assert_eq!(Case::new(both()).link(None, &["a"]).told(), "adopt b");
    assert_eq!(Case::new(both()).link(None, &["a", "U-B"]).told(), "absent");
    assert_eq!(
        Case::new(both()).link(Some("c"), &[]).told(),
        "LinkedAccountMissing"
    );
    let never = Case {
        matching: MatchingSpec::default(),
        ..Case::new(both())
    };
    assert_eq!(never.link(Some("a"), &[]).told(), "NotAdopted a");
    let others = account("o", "", Some("acme/people/2"));
    let case = Case::new(vec![others]).link(Some("o"), &[]);
    assert_eq!(case.told(), "LinkedAccountTaken o");

    let marked = || account("m", "", Some("acme/people/1"));
    let all = || vec![hers("a"), marked()];
    assert_eq!(Case::new(all()).link(Some("m"), &[]).told(), "one m");
    assert_eq!(
        Case::new(all()).link(Some("a"), &[]).told(),
        "LinkDisagrees m"
    );
    assert_eq!(Case::new(all()).link(Some("a"), &["m"]).told(), "disown m");
    assert_eq!(Case::new(all()).link(None, &["u-m"]).told(), "disown m");
    // Also where it is only remembered: somebody took the mark off already.
    let mut bare = Case::new(vec![hers("a"), account("m", "", None)]).link(None, &["m"]);
    bare.target.linked = Some("m");
    assert_eq!(bare.told(), "adopt a");
}

#[test]
fn before_the_first_day_nothing_is_taken_over_and_after_the_last_only_what_is_open_matters() {
    let at = |stage, activity| {
        let account = ObservedAccount {
            activity,
            ..hers("a")
        };
        let case = Case {
            stage,
            ..Case::new(vec![account])
        };
        case.told()
    };
    for stage in [Stage::Upcoming, Stage::Preboarding] {
        assert_eq!(at(stage, Activity::Active), "absent");
    }
    for stage in [
        Stage::Departed,
        Stage::Retired,
        Stage::Suspended,
        Stage::OnLeave,
    ] {
        assert_eq!(at(stage, Activity::Active), "adopt a");
        assert_eq!(at(stage, Activity::Unknown), "adopt a");
        assert_eq!(at(stage, Activity::Disabled), "absent");
    }
    assert_eq!(at(Stage::Active, Activity::Disabled), "adopt a");
}

#[test]
fn whoever_may_write_an_employee_takes_over_no_account_that_no_rule_fits() {
    let strangers = || vec![hers("a"), account("x", "svc@example.com", None)];
    let case = |adopt, listed: &[&str]| {
        let mut case = Case::new(strangers()).link(Some("u-x"), &[]);
        case.matching.adopt = adopt;
        case.matching.listed = listed.iter().map(|name| (*name).to_owned()).collect();
        case.told()
    };
    assert_eq!(case(Adopt::WhenUnique, &[]), "NotAdopted x");
    assert_eq!(case(Adopt::WhenUnique, &["u-x"]), "adopt x");
    assert_eq!(case(Adopt::WhenListed, &["u-x"]), "adopt x");
    // Nor one that another person's links name.
    let mut both = Case::new(strangers()).link(Some("a"), &[]);
    both.target.namers = vec!["7".into()];
    assert_eq!(both.told(), "AmbiguousMatch a");
}

#[test]
fn what_somebody_else_put_where_the_mark_would_stand_is_left_there() {
    let linked = ObservedAccount {
        mark: Some("00u1-of-another-provisioner".to_owned()),
        ..hers("a")
    };
    let mut case = Case::new(vec![linked]).link(Some("a"), &[]);
    assert_eq!(case.told(), "NotAdopted a");
    case.matching.listed = vec!["*".to_owned()];
    assert_eq!(case.told(), "NotAdopted a");
}

#[test]
fn a_link_neither_outlives_a_rename_nor_keeps_a_leaver_in() {
    let renamed = || account("m", "", Some("acme/people/1"));
    let case = Case::new(vec![renamed()]).link(Some("before"), &[]);
    assert_eq!(case.told(), "one m");
    for stage in [Stage::Departed, Stage::Suspended] {
        let leaver = Case {
            stage,
            ..Case::new(vec![renamed(), hers("a")]).link(Some("a"), &[])
        };
        assert_eq!(leaver.told(), "one m");
    }
}

#[test]
fn what_could_not_be_read_proves_nothing_of_a_leaver() {
    let leaver = |complete, matching| Case {
        stage: Stage::Departed,
        complete,
        matching,
        ..Case::new(Vec::new())
    };
    assert_eq!(leaver(true, matching(Adopt::Never)).told(), "absent");
    assert_eq!(
        leaver(false, matching(Adopt::Never)).told(),
        "MatchUncertain"
    );
    let mut broken = matching(Adopt::WhenUnique);
    broken.rules[0].1 = "employee.".to_owned();
    let mut case = leaver(true, broken);
    case.target.accounts = vec![hers("a")];
    assert_eq!(case.told(), "MatchUncertain");
}
