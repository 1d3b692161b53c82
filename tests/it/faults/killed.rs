//! The operator is killed (SIGKILL) while people join, move and leave: at random instants, and right
//! before and right after each kind of write. Afterwards everything is as declared, by no write more
//! than that takes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use kube::api::ListParams;
use rollcall::api::Employee;
use serde_json::{Value, json};

use super::kinds::{effects, kind};
use crate::stories::kit::{Story, connector_to, cycles, is, template};
use crate::support::operator::OperatorProcess;
use crate::support::process::kill;
use crate::support::proxy::{Asked, Proxy, Verdict};
use crate::support::targets::ScimServer;
use crate::support::wait::eventually;

/// Where the operator writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Site {
    Application,
    Kubernetes,
}

/// A write at which the operator is killed.
struct Point {
    site: Site,
    /// Whether a kind of write is the one.
    is_it: Box<dyn Fn(&str) -> bool + Send>,
    /// Whether requests that only read count as well: those of a start, and of a listing.
    reads: bool,
    /// After the server has carried it out, and before the operator knows.
    after: bool,
}

/// What the proxies share with the test.
#[derive(Default)]
struct Control {
    armed: Mutex<Option<Point>>,
    operator: AtomicU32,
    /// Every effect that the application was asked for, and that reached it.
    effects: Mutex<Vec<String>>,
}

impl Control {
    fn judge(&self, site: Site, asked: &Asked) -> Verdict {
        // A watch has no end that a kill could come after.
        let is_watch = asked.path.contains("watch=");
        let counts = |point: &Point| asked.is_write() || (point.reads && !is_watch);
        let what = match site {
            Site::Application => kind(asked),
            Site::Kubernetes => subject(asked),
        };
        let hit = {
            let mut armed = self.armed.lock().unwrap();
            let hit = armed.take_if(|p| p.site == site && counts(p) && (p.is_it)(&what));
            hit.map(|point| point.after)
        };
        if hit != Some(false) && site == Site::Application && asked.is_write() {
            self.effects.lock().unwrap().extend(effects(asked));
        }
        let operator = self.operator.load(Ordering::SeqCst);
        match hit {
            None => Verdict::Pass,
            Some(false) => {
                kill(operator);
                Verdict::Refuse
            }
            Some(true) => Verdict::LoseAfter(Box::new(move |_| kill(operator))),
        }
    }
}

/// `PATCH employees/status`
fn subject(asked: &Asked) -> String {
    let path = asked.path.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path.rsplit('/').collect();
    match parts.as_slice() {
        ["status", _, kind, ..] => format!("{} {kind}/status", asked.method),
        _ => format!("{} {path}", asked.method),
    }
}

/// What is declared of one person.
#[derive(Clone)]
struct Declared {
    id: String,
    department: String,
    title: &'static str,
    gone: bool,
}

impl Declared {
    fn new(id: String, department: &str) -> Self {
        let department = department.to_owned();
        Self {
            id,
            department,
            title: "Clerk",
            gone: false,
        }
    }

    fn moved(mut self, department: &str) -> Self {
        department.clone_into(&mut self.department);
        self.title = "Director";
        self
    }

    fn left(mut self) -> Self {
        self.gone = true;
        self
    }

    fn name(&self) -> String {
        format!("person-{}", self.id)
    }

    fn manifest(&self) -> Value {
        let mut spec = json!({
            "employeeId": self.id,
            "name": {"given": "Pat", "family": format!("N{}", self.id)},
            "department": self.department,
            "jobTitle": self.title,
            "startDate": "2020-01-01",
        });
        if self.gone {
            spec["endDate"] = json!("2021-01-01");
        }
        json!({"metadata": {"name": self.name()}, "spec": spec})
    }

    /// The groups that the person is to be in.
    fn groups(&self) -> BTreeSet<String> {
        if self.gone {
            return BTreeSet::new();
        }
        ["staff".to_owned(), self.department.clone()].into()
    }
}

struct Town {
    story: Story,
    server: ScimServer,
    control: Arc<Control>,
    kubernetes: Proxy,
    _application: Proxy,
    people: BTreeMap<String, Declared>,
}

impl Town {
    async fn new(name: &str, server: ScimServer, departments: &[String]) -> Self {
        let control = Arc::new(Control::default());
        let judge = |site| {
            let control = Arc::clone(&control);
            move |asked: &Asked| control.judge(site, asked)
        };
        let application = Proxy::before(&server.base_url(), judge(Site::Application)).await;
        let kubernetes = Proxy::before_api_server(judge(Site::Kubernetes)).await;
        let story = Story::new(name).await;
        let token = server.token();
        story
            .ns
            .credential("directory", token, &application.host())
            .await;
        let mut connector = connector_to("directory", application.base_url().as_str());
        // Slow enough that each kill meets work in flight.
        connector["spec"]["sync"] =
            json!({"interval": "2s", "concurrency": 4, "membershipBatch": 10});
        story.apply_connector(connector).await;
        let staff: &[(&str, &[&str])] = &[("directory", &["staff"])];
        story.apply_role(template("everyone", "true", staff)).await;
        for department in departments {
            let rule = format!("employee.department == '{department}'");
            let group: &[(&str, &[&str])] = &[("directory", &[department])];
            story.apply_role(template(department, &rule, group)).await;
        }
        Self {
            story,
            server,
            control,
            kubernetes,
            _application: application,
            people: BTreeMap::new(),
        }
    }

    async fn declare(&mut self, person: Declared) {
        self.story.apply_person(person.manifest()).await;
        self.people.insert(person.id.clone(), person);
    }

    async fn start(&self) -> OperatorProcess {
        let mut operator = OperatorProcess::start_through(&self.story.ns, &self.kubernetes).await;
        self.control.operator.store(operator.id(), Ordering::SeqCst);
        operator
    }

    /// Everything is as it should be so far: what follows is counted.
    async fn begins(&self, mut operator: OperatorProcess) {
        self.settled().await;
        operator.kill();
        self.control.effects.lock().unwrap().clear();
    }

    /// Starts the operator, which is killed at a point.
    async fn start_to_be_killed(&self, point: Point) {
        *self.control.armed.lock().unwrap() = Some(point);
        // It may be killed before it says that it is ready.
        let mut operator = OperatorProcess::launch_through(&self.story.ns, &self.kubernetes);
        self.control.operator.store(operator.id(), Ordering::SeqCst);
        operator.ended().await;
        assert!(
            self.control.armed.lock().unwrap().is_none(),
            "{}",
            operator.log()
        );
    }

    /// Waits until everyone's status says that all is as declared.
    async fn settled(&self) {
        let api = self.story.ns.api::<Employee>();
        eventually("everyone is as declared", async || {
            let people = api.list(&ListParams::default()).await.unwrap().items;
            let open: Vec<_> = people.into_iter().filter(|p| !is_done(p)).collect();
            if open.is_empty() { Ok(()) } else { Err(open) }
        })
        .await;
    }

    /// Whoever's status says that all is as declared has exactly that.
    async fn statuses_tell_the_truth(&self) -> usize {
        let people = self
            .story
            .ns
            .api::<Employee>()
            .list(&ListParams::default())
            .await;
        let done: Vec<Employee> = people.unwrap().items.into_iter().filter(is_done).collect();
        let users = self.server.users().await;
        let groups = self.server.groups().await;
        for person in &done {
            let declared = &self.people[&person.spec.employee_id];
            let account = &person.status.as_ref().unwrap().accounts[0];
            let id = account.account_id.as_deref().unwrap();
            let user = users.iter().find(|u| u["id"] == id).unwrap();
            let mark = format!("it/{}/{}", self.story.ns.name, declared.id);
            assert_eq!(user["externalId"], mark.as_str());
            assert_eq!(user["active"], !declared.gone, "{user:#}");
            if !declared.gone {
                assert_eq!(user["title"], declared.title, "{user:#}");
            }
            let held: BTreeSet<String> = groups
                .iter()
                .filter(|g| members(g).any(|m| m == id))
                .map(|g| g["displayName"].as_str().unwrap().to_owned())
                .collect();
            assert_eq!(held, declared.groups(), "{user:#}");
            let told = account.entitlements.iter().map(|e| e.name.clone());
            assert_eq!(told.collect::<BTreeSet<_>>(), declared.groups());
        }
        done.len()
    }

    /// Everything in the application is as declared, by so many effects and no other, none of them asked for twice.
    async fn all_is_right(&self, effects: usize) {
        self.settled().await;
        cycles(&self.server, 2).await;
        self.settled().await;
        assert_eq!(self.statuses_tell_the_truth().await, self.people.len());
        let users = self.server.users().await;
        assert_eq!(
            users.len(),
            self.people.len(),
            "an account was lost or doubled"
        );
        for group in self.server.groups().await {
            let all: Vec<String> = members(&group).map(str::to_owned).collect();
            let each: BTreeSet<_> = all.iter().collect();
            assert_eq!(all.len(), each.len(), "{group:#}");
        }
        let mut counts = BTreeMap::<String, usize>::new();
        for effect in self.control.effects.lock().unwrap().iter() {
            *counts.entry(effect.clone()).or_default() += 1;
        }
        let again: BTreeMap<_, _> = counts.iter().filter(|(_, n)| **n > 1).collect();
        assert_eq!(again, BTreeMap::new(), "asked for more than once");
        assert_eq!(
            counts.len(),
            effects,
            "asked for what nobody needs: {counts:#?}"
        );
    }
}

fn members(group: &Value) -> impl Iterator<Item = &str> {
    let members = group["members"].as_array().into_iter().flatten();
    members.map(|m| m["value"].as_str().unwrap())
}

/// Whether a status says of the newest spec that all is as declared: in, or out and proven.
fn is_done(person: &Employee) -> bool {
    let Some(status) = &person.status else {
        return false;
    };
    let left = person.spec.end_date.is_some();
    Some(status.observed_generation) == person.metadata.generation
        && is(&status.conditions, "Ready", "True")
        && (!left || is(&status.conditions, "AccessRevoked", "True"))
}

const PEOPLE: usize = 200;
const KILLS: usize = 20;

#[tokio::test]
async fn twenty_kills_at_random_instants() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let departments: Vec<String> = (0..5).map(|n| format!("dep{n}")).collect();
    let server = ScimServer::scimmy().await;
    let mut town = Town::new("random-kills", server, &departments).await;
    let department = |n: usize| departments[n % departments.len()].as_str();
    // A third joins later; of the others one half is to move, the other to leave.
    for n in (0..PEOPLE).filter(|n| n % 3 != 0) {
        town.declare(Declared::new(n.to_string(), department(n)))
            .await;
    }
    let operator = town.start().await;
    town.begins(operator).await;
    for n in 0..PEOPLE {
        let person = match n % 3 {
            0 => Declared::new(n.to_string(), department(n)),
            1 => town.people[&n.to_string()].clone().moved(department(n + 1)),
            _ => town.people[&n.to_string()].clone().left(),
        };
        town.declare(person).await;
    }
    let mut done = Vec::new();
    for _ in 0..KILLS {
        let site = if rng.bool() {
            Site::Application
        } else {
            Site::Kubernetes
        };
        // One of the next writes, or of the next requests of any kind, as it starts and lists.
        let reads = rng.bool();
        let left = Mutex::new(rng.usize(0..8));
        let is_it = move |_: &str| {
            let mut left = left.lock().unwrap();
            let now = *left == 0;
            *left = left.saturating_sub(1);
            now
        };
        let after = rng.bool();
        let point = Point {
            site,
            is_it: Box::new(is_it),
            reads,
            after,
        };
        town.start_to_be_killed(point).await;
        done.push(town.statuses_tell_the_truth().await);
    }
    println!("done at each kill: {done:?}");
    assert!(
        done[0] < PEOPLE / 2,
        "hardly anything was left to do: {done:?}"
    );
    assert!(
        done[KILLS - 1] < PEOPLE,
        "all was done before the last kill: {done:?}"
    );
    let _operator = town.start().await;
    // Who joins is made and put into two groups; who moves gets a title, a group, and loses one; who leaves is
    // disabled and loses two.
    town.all_is_right(3 * PEOPLE).await;
}

/// Kinds of writes, by how their names begin and by a part of them: some travel together.
const KINDS: [(Site, &str, &str); 10] = [
    (Site::Application, "POST Users", ""),
    (Site::Application, "POST Groups", ""),
    (Site::Application, "PATCH Groups", "\"add\" members"),
    (Site::Application, "PATCH Groups", "\"remove\" members"),
    (Site::Application, "PATCH Users", "\"replace\" title"),
    (Site::Application, "PATCH Users", "\"replace\" active false"),
    (Site::Application, "PATCH Users", "\"replace\" active true"),
    (Site::Kubernetes, "PATCH employees/status", ""),
    (Site::Kubernetes, "PATCH roletemplates/status", ""),
    (Site::Kubernetes, "PATCH appconnectors/status", ""),
];

/// At each point somebody joins, moves, leaves and comes back, so that each kind of write comes about.
async fn kills_around_each_kind_of_write(name: &str, server: ScimServer) {
    let points: Vec<(usize, bool)> = (0..KINDS.len())
        .flat_map(|kind| [(kind, false), (kind, true)])
        .collect();
    let times = points.len();
    let departments: Vec<String> = (0..=times).map(|n| format!("dep{n}")).collect();
    let mut town = Town::new(name, server, &departments).await;
    for n in 0..points.len() {
        for who in ["mover", "leaver", "returner"] {
            town.declare(Declared::new(format!("{who}{n}"), "dep0"))
                .await;
        }
    }
    let operator = town.start().await;
    town.settled().await;
    for n in 0..points.len() {
        let away = town.people[&format!("returner{n}")].clone().left();
        town.declare(away).await;
    }
    town.begins(operator).await;
    for (n, (index, after)) in points.into_iter().enumerate() {
        let (site, begins, part) = KINDS[index];
        let department = format!("dep{}", n + 1);
        let mover = town.people[&format!("mover{n}")].clone().moved(&department);
        let leaver = town.people[&format!("leaver{n}")].clone().left();
        let returner = Declared::new(format!("returner{n}"), "dep0");
        for person in [
            Declared::new(format!("joiner{n}"), "dep0"),
            mover,
            leaver,
            returner,
        ] {
            town.declare(person).await;
        }
        let is_it = move |what: &str| what.starts_with(begins) && what.contains(part);
        town.start_to_be_killed(Point {
            site,
            is_it: Box::new(is_it),
            reads: false,
            after,
        })
        .await;
        town.statuses_tell_the_truth().await;
    }
    let _operator = town.start().await;
    // Of each of the four three effects, and the mover's new group is made.
    town.all_is_right(13 * times).await;
}

#[tokio::test]
async fn kills_around_each_kind_of_write_to_scimmy() {
    kills_around_each_kind_of_write("points-a", ScimServer::scimmy().await).await;
}

#[tokio::test]
async fn kills_around_each_kind_of_write_to_scim2_server() {
    kills_around_each_kind_of_write("points-b", ScimServer::scim2_server().await).await;
}
