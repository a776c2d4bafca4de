//! No gate opens with an earlier step undone, whatever is known of a fix.

use proptest::{option, prelude::*};

use super::*;
use crate::domain::{
    ci_status::CiStatus,
    fix::FixName,
    merge_request::{Approval, ApprovalState, MergeStatus, Mergeability, Pipeline, RoleApproval},
    policy::tests::policy,
};

fn ready(iid: u64) -> MergeRequest {
    MergeRequest {
        iid,
        web_url: format!("http://x/{iid}"),
        title: "Fix".to_owned(),
        state: State::Opened,
        is_draft: false,
        head: Some("a".repeat(40)),
        mergeability: Mergeability::Mergeable,
        has_conflicts: false,
        pipeline: Pipeline::Passed,
        pipeline_url: None,
        roles: vec![RoleApproval {
            role: "maintainer".to_owned(),
            state: ApprovalState::Approved { by: vec!["ann".to_owned()] },
        }],
        has_rules: true,
        approvals: vec![],
        pushed_at: None,
        open_threads: 0,
    }
}

fn target(iid: u64) -> Target {
    Target {
        source: format!("security-x-{iid}"),
        target: format!("stable-{iid}"),
        line: Some(ReleaseLine { major: 18, minor: 4 }),
        has_target: true,
        head: Some("a".repeat(40)),
        work: Work::Found,
        lacks: vec![],
        is_compared: true,
        pushed: Pushed::Same,
        request: Request::Found(Box::new(ready(iid))),
        taken_back_by: None,
        is_lost: false,
        exposed_by: None,
    }
}

fn facts(targets: Vec<Target>) -> Facts {
    Facts {
        process: Process::with(Choices { keep_alive: true, private_tags: true, publishing: true }),
        issue: IssueFact::Seen { reference: "g/p#1".to_owned(), is_confidential: true },
        project_problem: None,
        targets,
        uncovered: vec![],
        waivers: vec![],
        is_disclosing: false,
        progress: ByStep::tell(|_| Progress::Done),
    }
}

fn unseen() -> IssueFact {
    IssueFact::Unseen { reference: "g/p#1".to_owned(), why: "404".to_owned() }
}

fn change(facts: &mut Facts, change: impl FnOnce(&mut MergeRequest)) {
    let Request::Found(request) = &mut facts.targets[1].request else { unreachable!() };
    change(request);
}

#[test]
fn everything_ready_opens_the_merge_and_nothing_behind_it() {
    let facts = facts(vec![target(1), target(2)]);
    assert_eq!(shut_by(&facts, Gate::Merge), []);
    assert_eq!(step(&facts), Step::Merge);
    let texts: Vec<String> = shut_by(&facts, Gate::Disclose).into_iter().map(|blocker| blocker.text).collect();
    assert_eq!(texts, ["!1 is not merged", "!2 is not merged"]);
}

#[test]
fn one_thing_amiss_shuts_the_merge_and_says_so() {
    type Break = fn(&mut Facts);
    let cases: [(Break, &str); 37] = [
        (|f| f.issue = IssueFact::Seen { reference: "g/p#1".into(), is_confidential: false }, "issue g/p#1 is public"),
        (|f| f.issue = unseen(), "whether issue g/p#1 is confidential is not known: 404"),
        (|f| f.issue = IssueFact::Unlinked, "no issue is linked to the fix"),
        (|f| f.project_problem = Some("g/p is public".into()), "g/p is public"),
        (|f| f.targets[1].head = Some("b".repeat(40)), "!2 does not have the newest commit of `security-x-2`"),
        (|f| change(f, |r| r.pipeline = Pipeline::OfAnotherCommit), "pipeline of !2 ran on another commit"),
        (|f| f.targets.clear(), "the fix has no branch"),
        (|f| f.targets[1].has_target = false, "security has no branch `stable-2`"),
        (|f| f.targets[1].work = Work::Missing, "`security-x-2` holds no commit"),
        (|f| f.targets[1].work = Work::Undone, "`security-x-2` changes nothing in `stable-2`"),
        (|f| f.targets[1].lacks = vec!["c".repeat(40)], "`security-x-2` lacks cccccccccccc of the fix"),
        (|f| f.targets[1].pushed = Pushed::No, "`security-x-2` is not pushed"),
        (|f| f.targets[1].pushed = Pushed::Ahead, "`security-x-2` has commits that are not pushed"),
        (|f| f.targets[1].pushed = Pushed::Behind, "security has commits of `security-x-2`"),
        (|f| f.targets[1].pushed = Pushed::Diverged, "`security-x-2` here and in security have different"),
        (
            |f| f.targets[1].exposed_by = Some("http://x".into()),
            "what is merged into `stable-2` of security is public at",
        ),
        (|f| f.targets[1].request = Request::Missing, "`security-x-2` has no merge request to `stable-2`"),
        (|f| f.targets[1].request = Request::Several(vec![4, 7]), "!4, !7 are all open from `security-x-2`"),
        (|f| change(f, |r| r.state = State::Closed), "!2 is closed"),
        (|f| change(f, |r| r.state = State::Locked), "!2 is in the state `locked`"),
        (|f| change(f, |r| r.is_draft = true), "!2 is a draft"),
        (|f| change(f, |r| r.pipeline = Pipeline::Missing), "!2 has no pipeline"),
        (|f| change(f, |r| r.pipeline = Pipeline::Running), "pipeline of !2 is running"),
        (|f| change(f, |r| r.pipeline = Pipeline::Manual), "pipeline of !2 waits for somebody"),
        (
            |f| change(f, |r| r.pipeline = Pipeline::from(&CiStatus::from("purple"))),
            "pipeline of !2 has not passed: `purple`",
        ),
        (|f| change(f, |r| r.roles[0].state = ApprovalState::Missing), "maintainer approval of !2 is missing"),
        (
            |f| change(f, |r| r.roles[0].state = ApprovalState::CannotTell("no answer".to_owned())),
            "maintainer approval of !2 cannot be",
        ),
        (|f| change(f, |r| r.open_threads = 1), "1 open thread in !2"),
        (|f| change(f, |r| r.open_threads = 3), "3 open threads in !2"),
        (|f| change(f, |r| r.has_conflicts = true), "!2 conflicts with its target branch"),
        (
            |f| {
                f.targets[1].head = None;
                change(f, |r| r.head = None)
            },
            "!2 holds no commit",
        ),
        (
            |f| change(f, |r| r.mergeability = Mergeability::from(&MergeStatus::from("checking"))),
            "still working out whether !2",
        ),
        (
            |f| change(f, |r| r.mergeability = Mergeability::from(&MergeStatus::from("sun_must_shine"))),
            "GitLab says `sun_must_shine` of !2",
        ),
        (
            |f| change(f, |r| r.mergeability = Mergeability::from(&MergeStatus::from("not_approved"))),
            "GitLab asks for more approvals of !2",
        ),
        (
            |f| change(f, |r| r.mergeability = Mergeability::from(&MergeStatus::from("need_rebase"))),
            "!2 needs a rebase",
        ),
        (
            |f| change(f, |r| r.mergeability = Mergeability::from(&MergeStatus::from("requested_changes"))),
            "a reviewer of !2 asks for changes",
        ),
        (
            |f| change(f, |r| r.mergeability = Mergeability::from(&MergeStatus::from("title_regex"))),
            "!2: the project asks for another form",
        ),
    ];
    for (break_it, text) in cases {
        let mut facts = facts(vec![target(1), target(2)]);
        break_it(&mut facts);
        let shut = shut_by(&facts, Gate::Merge);
        assert_eq!(shut.len(), 1, "{shut:?}");
        assert!(shut[0].text.contains(text), "{} in {shut:?}", text);
        assert!(step(&facts) < Step::Merge);
    }
}

#[test]
fn a_line_that_lacks_its_backport_keeps_the_others_from_nothing_but_the_merge() {
    let mut facts = facts(vec![target(1), target(2)]);
    facts.targets[0].line = None;
    facts.targets[1].lacks = vec!["c".repeat(40)];
    facts.targets[1].pushed = Pushed::No;
    assert_eq!(shut_by(&facts, Gate::Request), []);
    let texts: Vec<String> = shut_by(&facts, Gate::Merge).into_iter().map(|blocker| blocker.text).collect();
    assert_eq!(texts, ["`security-x-2` lacks cccccccccccc of the fix", "`security-x-2` is not pushed"]);
}

#[test]
fn a_supported_line_without_a_backport_blocks_the_merge_in_words() {
    let mut facts = facts(vec![target(1), target(2)]);
    facts.uncovered = vec!["18.3".parse().unwrap()];
    assert_eq!(shut_by(&facts, Gate::Request), []);
    let texts: Vec<String> = shut_by(&facts, Gate::Merge).into_iter().map(|blocker| blocker.text).collect();
    assert_eq!(texts, ["18.3 is supported and has no backport"]);
    assert_eq!(step(&facts), Step::Backports);
}

#[test]
fn what_was_taken_back_on_a_line_is_not_disclosed() {
    let mut facts = facts(vec![target(1), target(2)]);
    for target in &mut facts.targets {
        let Request::Found(request) = &mut target.request else { unreachable!() };
        request.state = State::Merged;
    }
    assert!(is_open(&facts, Gate::Disclose));
    facts.targets[1].lacks = vec!["c".repeat(40)];
    assert_eq!(
        shut_by(&facts, Gate::Disclose)[0].text,
        "`stable-2` lacks cccccccccccc of the fix, though `security-x-2` is merged"
    );
    facts.targets[1].lacks.clear();
    facts.targets[1].taken_back_by = Some("d".repeat(40));
    assert_eq!(shut_by(&facts, Gate::Disclose)[0].text, "dddddddddddd takes the fix back on `stable-2`");
}

#[test]
fn a_conflict_behind_a_missing_approval_is_said_as_well() {
    let mut facts = facts(vec![target(1), target(2)]);
    change(&mut facts, |request| {
        request.mergeability = Mergeability::from(&MergeStatus::from("not_approved"));
        request.roles[0].state = ApprovalState::Missing;
        request.has_conflicts = true;
    });
    let texts: Vec<String> = shut_by(&facts, Gate::Merge).into_iter().map(|blocker| blocker.text).collect();
    assert_eq!(texts, ["maintainer approval of !2 is missing", "!2 conflicts with its target branch"]);
}

#[test]
fn what_is_merged_needs_nothing_more() {
    let mut facts = facts(vec![target(1), target(2)]);
    for target in &mut facts.targets {
        target.pushed = Pushed::No;
        target.work = Work::Missing;
        let Request::Found(request) = &mut target.request else { unreachable!() };
        request.state = State::Merged;
        request.mergeability = Mergeability::from(&MergeStatus::from("not_open"));
    }
    assert!(is_finished(&facts));
    facts.targets[0].head = Some("b".repeat(40));
    assert_eq!(step(&facts), Step::MergeRequests);
    assert_eq!(blockers(&facts)[0].text, "`security-x-1` has commits that !1 did not merge");
    facts.targets[0].head = None;
    facts.targets[0].is_lost = true;
    let texts: Vec<String> = shut_by(&facts, Gate::Disclose).into_iter().map(|blocker| blocker.text).collect();
    assert_eq!(texts, ["GitLab says that !1 is merged, and `stable-1` does not hold its commit"]);
    facts.targets[0].is_lost = false;
    facts.progress.set(Step::Deploy, Progress::Unknown("no pipeline was found".to_owned()));
    assert_eq!(step(&facts), Step::Deploy);
    assert_eq!(shut_by(&facts, Gate::Disclose)[0].text, "deployment is not known: no pipeline was found");
}

#[test]
fn each_thing_that_stops_a_review_has_a_step_of_its_own() {
    let policy = policy();
    let fix: FixName = policy.branches.fix_name("x").unwrap();
    type Change = fn(&mut MergeRequest);
    let steps: [(Change, &str); 7] = [
        (
            |r| r.has_conflicts = true,
            "git fetch security && git switch security-x-2 && git rebase security/stable-2 && git secfix push x --force-with-lease",
        ),
        (
            |r| r.mergeability = Mergeability::from(&MergeStatus::from("need_rebase")),
            "git fetch security && git switch security-x-2 && git rebase security/stable-2 && git secfix push x --force-with-lease",
        ),
        (
            |r| r.pipeline = Pipeline::from(&CiStatus::from("failed")),
            "run what failed again at http://x/2, or mend it on security-x-2 and git secfix push x",
        ),
        (|r| r.pipeline = Pipeline::Missing, "git secfix status x --watch"),
        (|r| r.is_draft = true, "git secfix mr x --ready"),
        (|r| r.open_threads = 1, "git secfix status x --watch"),
        (|r| r.roles[0].state = ApprovalState::Missing, "git secfix status x --watch"),
    ];
    for (make, step) in steps {
        let mut facts = facts(vec![target(1), target(2)]);
        change(&mut facts, make);
        assert_eq!(next(&facts, &fix, &policy), step);
        // A conflict comes first: a push takes approvals back.
        change(&mut facts, |request| request.has_conflicts = true);
        assert_eq!(next(&facts, &fix, &policy), steps[0].1);
    }
}

#[test]
fn outdated_approvals_are_those_before_the_newest_push() {
    let at = |text: &str| Some(text.parse().unwrap());
    let mut request = ready(1);
    request.pushed_at = at("2026-01-02T00:00:00Z");
    request.approvals = vec![
        Approval { by: "ann".to_owned(), at: at("2026-01-01T00:00:00Z") },
        Approval { by: "bob".to_owned(), at: at("2026-01-03T00:00:00Z") },
        Approval { by: "eve".to_owned(), at: None },
    ];
    assert_eq!(request.outdated_approvals(), ["ann"]);
}

fn any_request() -> impl Strategy<Value = MergeRequest> {
    let state = prop::sample::select(vec!["opened", "opened", "closed", "merged", "merged", "locked", "new"]);
    let status = prop::sample::select(vec!["mergeable", "mergeable", "not_approved", "checking", "conflict", "newer"]);
    let pipeline = prop::sample::select(vec!["success", "success", "failed", "running", "manual", "newer", "skipped"]);
    let role = prop::sample::select(vec![
        ApprovalState::Approved { by: vec!["ann".to_owned()] },
        ApprovalState::NotNeeded,
        ApprovalState::Missing,
        ApprovalState::CannotTell("no answer".to_owned()),
    ]);
    let flags = (prop::bool::weighted(0.1), prop::bool::weighted(0.1), prop::bool::weighted(0.9), 0..2usize);
    (state, status, option::weighted(0.9, pipeline), prop::collection::vec(role, 0..3), flags).prop_map(
        |(state, status, pipeline, roles, (is_draft, has_conflicts, has_head, open_threads))| MergeRequest {
            state: State::from(state),
            mergeability: Mergeability::from(&MergeStatus::from(status)),
            pipeline: pipeline.map_or(Pipeline::Missing, |word| Pipeline::from(&CiStatus::from(word))),
            roles: roles.into_iter().map(|state| RoleApproval { role: "r".to_owned(), state }).collect(),
            is_draft,
            has_conflicts,
            head: has_head.then(|| "a".repeat(40)),
            open_threads,
            ..ready(1)
        },
    )
}

fn any_target() -> impl Strategy<Value = Target> {
    let pushed = prop::sample::select(vec![
        Pushed::Same,
        Pushed::Same,
        Pushed::OnlyThere,
        Pushed::No,
        Pushed::Ahead,
        Pushed::Behind,
        Pushed::Diverged,
    ]);
    let request = prop_oneof![
        8 => any_request().prop_map(|request| Request::Found(Box::new(request))),
        1 => Just(Request::Missing),
        1 => Just(Request::Several(vec![1, 2])),
    ];
    let head = prop::sample::select(vec![Some("a"), Some("a"), Some("a"), None, Some("b")]);
    let exposed = option::weighted(0.1, Just("http://x".to_owned()));
    let work =
        prop::sample::select(vec![Work::Found, Work::Found, Work::Found, Work::Unknown, Work::Missing, Work::Undone]);
    let flags = (prop::bool::weighted(0.9), work, prop::bool::weighted(0.1), exposed, prop::bool::weighted(0.9));
    (flags, pushed, request, head).prop_map(
        |((has_target, work, is_lost, exposed_by, is_compared), pushed, request, head)| Target {
            has_target,
            work,
            is_lost,
            exposed_by,
            is_compared,
            pushed,
            request,
            head: head.map(|letter| letter.repeat(40)),
            ..target(1)
        },
    )
}

fn any_progress() -> impl Strategy<Value = Progress> {
    prop_oneof![
        3 => Just(Progress::Done),
        1 => Just(Progress::Open(vec!["not yet".to_owned(), "neither".to_owned()])),
        1 => Just(Progress::Unknown("no answer".to_owned())),
    ]
}

fn any_facts() -> impl Strategy<Value = Facts> {
    let issue = prop_oneof![
        1 => Just(IssueFact::Unlinked),
        1 => Just(unseen()),
        8 => prop::bool::weighted(0.9)
            .prop_map(|is_confidential| IssueFact::Seen { reference: "g/p#1".to_owned(), is_confidential }),
    ];
    let later = prop::collection::vec(any_progress(), ByStep::steps().count());
    let project = option::weighted(0.1, Just("it is public".to_owned()));
    let choices = (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(keep_alive, private_tags, publishing)| {
        Process::with(Choices { keep_alive, private_tags, publishing })
    });
    let uncovered = prop_oneof![9 => Just(vec![]), 1 => Just(vec![ReleaseLine { major: 18, minor: 1 }])];
    let parts = (choices, issue, project, prop::collection::vec(any_target(), 0..4), later, uncovered);
    parts.prop_map(|(process, issue, project, targets, later, uncovered)| {
        let mut progress = ByStep::unknown("");
        for (step, how_far) in ByStep::steps().zip(later) {
            progress.set(step, how_far);
        }
        Facts {
            process,
            issue,
            project_problem: project,
            targets,
            uncovered,
            waivers: vec![],
            is_disclosing: false,
            progress,
        }
    })
}

/// Told apart from the runbook in other words: what must be true of a branch that may be merged.
fn is_ready_to_merge(target: &Target) -> bool {
    let Request::Found(request) = &target.request else { return false };
    let reviewed = request.state == State::Opened
        && !request.is_draft
        && request.mergeability == Mergeability::Mergeable
        && !request.has_conflicts
        && request.pipeline == Pipeline::Passed
        && request.open_threads == 0
        && request.head.is_some()
        && request
            .roles
            .iter()
            .all(|role| matches!(role.state, ApprovalState::Approved { .. } | ApprovalState::NotNeeded));
    let sent = target.has_target
        && target.exposed_by.is_none()
        && !matches!(target.work, Work::Missing | Work::Undone)
        && matches!(target.pushed, Pushed::Same | Pushed::OnlyThere);
    let is_whole = target.head.is_none() || target.head == request.head;
    let left_out = matches!(target.pushed, Pushed::Ahead | Pushed::Diverged);
    target.is_compared && ((request.state == State::Merged && !left_out && is_whole) || (reviewed && sent && is_whole))
}

fn is_triaged(facts: &Facts) -> bool {
    let has_merged = |target: &Target| matches!(&target.request, Request::Found(found) if found.state == State::Merged);
    let is_public = facts.progress.is_done(Step::Sync) && facts.targets.iter().all(has_merged);
    (is_public || matches!(facts.issue, IssueFact::Seen { is_confidential: true, .. }))
        && facts.project_problem.is_none()
}

fn is_merged(target: &Target) -> bool {
    let is_whole = |request: &MergeRequest| target.head.is_none() || target.head == request.head;
    matches!(&target.request, Request::Found(request) if request.state == State::Merged && is_whole(request))
        && !matches!(target.pushed, Pushed::Ahead | Pushed::Diverged)
        && !target.is_lost
        && target.is_compared
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn the_merge_opens_exactly_when_every_branch_is_ready(facts in any_facts()) {
        let ready = !facts.targets.is_empty()
            && facts.uncovered.is_empty()
            && is_triaged(&facts)
            && facts.targets.iter().all(is_ready_to_merge);
        prop_assert_eq!(shut_by(&facts, Gate::Merge).is_empty(), ready);
    }

    #[test]
    fn nothing_is_disclosed_before_all_is_merged_and_deployed(facts in any_facts()) {
        let deployed = !facts.targets.is_empty()
            && facts.uncovered.is_empty()
            && is_triaged(&facts)
            && facts.targets.iter().all(is_merged)
            && facts.progress.is_done(Step::Deploy);
        let has_private_tags = facts.process.has(Step::PrivateTags);
        let ready = deployed && (!has_private_tags || facts.progress.is_done(Step::PrivateTags));
        prop_assert_eq!(is_open(&facts, Gate::PrivateTag), deployed && has_private_tags);
        prop_assert_eq!(is_open(&facts, Gate::Disclose), ready);
        prop_assert_eq!(is_open(&facts, Gate::Tag), ready && facts.progress.is_done(Step::Sync));
        let published = !facts.process.has(Step::Publish) || facts.progress.is_done(Step::Publish);
        prop_assert_eq!(is_open(&facts, Gate::Finish), ready && facts.progress.is_done(Step::Sync) && facts.progress.is_done(Step::PatchTags) && published);
    }

    #[test]
    fn no_gate_opens_before_an_earlier_one_or_behind_the_step(facts in any_facts()) {
        let gates: Vec<Gate> = Gate::all().filter(|gate| facts.process.has(gate.step())).collect();
        let open: Vec<bool> = gates.iter().map(|gate| is_open(&facts, *gate)).collect();
        prop_assert!(open.windows(2).all(|pair| pair[0] || !pair[1]), "{:?}", open);
        for (gate, is_open) in gates.iter().zip(open) {
            let mut waited_for = facts.clone();
            if *gate == Gate::Request {
                waited_for.targets.retain(|target| !target.is_incomplete());
                waited_for.uncovered.clear();
            }
            let first = blockers(&waited_for).into_iter().find(|blocker| blocker.step.is_binding());
            prop_assert_eq!(is_open, first.is_none_or(|blocker| blocker.step >= gate.step()));
        }
    }

    #[test]
    fn a_line_without_the_fix_keeps_everything_from_the_merge_on_shut(facts in any_facts()) {
        let mut facts = facts;
        facts.progress.set(Step::Sync, Progress::Open(vec!["not yet".to_owned()]));
        let Some(target) = facts.targets.first_mut() else { return Ok(()) };
        target.lacks = vec!["c".repeat(40)];
        target.taken_back_by = None;
        for gate in Gate::all().filter(|gate| *gate != Gate::Request) {
            prop_assert!(!is_open(&facts, gate));
        }
    }

    #[test]
    fn steps_that_a_project_does_not_take_block_nothing(facts in any_facts()) {
        prop_assert!(blockers(&facts).iter().all(|blocker| facts.process.has(blocker.step)));
        prop_assert!(facts.process.has(step(&facts)));
    }
}
