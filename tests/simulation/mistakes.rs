//! Edits of many people or of templates, what is done about them, and approvals.

use serde_json::json;

use crate::company::{Company, Person, Template, Text};
use crate::held;
use crate::world::World;
use rollcall::runtime::clock::Clock as _;

impl World {
    pub fn template(&self, number: usize, edit: impl FnOnce(&mut Template)) {
        let (name, manifest) = {
            let mut company = self.judge.company();
            company.policy_edited = self.wall.now();
            let Some((name, template)) = company.templates.iter_mut().nth(number) else {
                return;
            };
            edit(template);
            let is_there = !matches!(template.text, Text::Gone(_));
            (name.clone(), is_there.then(|| template.manifest()))
        };
        self.judge.remember_due();
        match manifest {
            Some(manifest) => self.cluster.apply("roletemplates", &name, &manifest),
            None => {
                self.cluster.delete("roletemplates", &name);
            }
        }
    }

    /// Whom templates are for, and how that is written down, is as it was then.
    pub fn rewrite(&self, then: &Company) {
        for (number, (name, was)) in then.templates.iter().enumerate() {
            let same = |t: &Template| (&t.rule, t.text) == (&was.rule, was.text);
            let is_same = self.judge.company().templates.get(name).is_some_and(same);
            if !is_same {
                self.template(number, |t| {
                    (t.rule, t.text) = (was.rule.clone(), was.text);
                });
            }
        }
    }

    pub fn remember_mistake(&mut self) {
        let company = self.judge.company().clone();
        self.mistake.get_or_insert(company);
    }

    /// Whoever and whatever a mistake changed is as it was before.
    pub fn revert(&mut self) {
        let Some(before) = self.mistake.take() else {
            return;
        };
        self.rewrite(&before);
        for (who, was) in &before.people {
            let changed = {
                let mut company = self.judge.company();
                company.people.get_mut(who).is_some_and(|person| {
                    // What Kubernetes was told to delete can't be had back.
                    let fits = was.end.is_none_or(|end| end >= person.start);
                    let changed = person.there && fits && person.end != was.end;
                    if changed {
                        (person.end, person.told) = (was.end, self.wall.now());
                    }
                    changed
                })
            };
            if changed {
                self.write(*who);
            }
        }
    }

    /// Whom a status calls so: an Employee, or whoever had an account that is nobody's.
    fn called(&self, app: &'static str, name: &str) -> Vec<String> {
        let state = self.places[app].state();
        let accounts = state.accounts.values().filter(|a| a.username == name);
        let marks = accounts.filter_map(|a| a.mark.as_deref()?.strip_prefix("acme/people/"));
        marks.chain([name]).map(str::to_owned).collect()
    }

    /// Somebody approves what is held, whatever it is.
    pub fn approve(&mut self, app: &'static str) {
        let Some(held) = held::held(self, app).pop() else {
            return;
        };
        let people = held.names.iter().flat_map(|name| self.called(app, name));
        let people: Vec<String> = people.collect();
        self.judge.approve(app, people);
        let annotations = json!({"metadata": {"annotations":
            {"rollcall.dev/approved-removals": held.digest}}});
        self.cluster.apply("appconnectors", app, &annotations);
        // From here on it is no mistake any more.
        self.mistake = None;
    }

    pub fn many(&mut self, who: impl Fn(usize, &Person) -> bool, edit: impl Fn(&mut Person)) {
        self.remember_mistake();
        let chosen: Vec<u32> = {
            let company = self.judge.company();
            let there = company.people.iter().filter(|(_, p)| p.there).enumerate();
            let chosen = there.filter(|(n, (_, p))| who(*n, p));
            chosen.map(|(_, (id, _))| *id).collect()
        };
        for id in chosen {
            self.edit(id, &edit);
        }
    }
}
