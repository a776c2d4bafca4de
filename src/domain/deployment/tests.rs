//! Every status that a job, a trigger job and the pipelines behind it may have.

use super::*;

const STAGE: &str = "runway_production";
const NAME: &str = "🛫 [duo-workflow-svc] Trigger runway deployment production";

fn wanted() -> DeployTarget {
    DeployTarget {
        stage: STAGE.to_owned(),
        services: vec!["[duo-workflow-svc]".to_owned()],
        optional: vec!["rollback".to_owned()],
        hidden: Hidden::Refuse,
    }
}

fn job(id: u64, name: &str, status: &str) -> Job {
    Job {
        id,
        project: 1,
        name: name.to_owned(),
        stage: STAGE.to_owned(),
        status: status.into(),
        failure: None,
        web_url: None,
        is_trigger: false,
        downstream: None,
    }
}

fn trigger(id: u64, status: &str, downstream: Option<Downstream>) -> Job {
    Job { is_trigger: true, downstream, ..job(id, NAME, status) }
}

fn pipeline(id: u64, status: &str, jobs: Vec<Job>) -> Pipeline {
    Pipeline { id, sha: "a".repeat(40), status: status.into(), web_url: None, jobs }
}

fn started(status: &str, jobs: Vec<Job>) -> Option<Downstream> {
    let seen = Some(Box::new(pipeline(90, status, jobs)));
    Some(Downstream { id: 90, status: status.into(), web_url: None, seen })
}

fn hidden(status: &str) -> Option<Downstream> {
    Some(Downstream { id: 90, status: status.into(), web_url: None, seen: None })
}

fn judged(jobs: Vec<Job>) -> Service {
    judge(&wanted(), &[pipeline(1, "success", jobs)]).remove(0)
}

const STATUSES: [(&str, State); 12] = [
    ("success", State::Deployed),
    ("failed", State::Failed),
    ("canceled", State::Canceled),
    ("canceling", State::Canceled),
    ("skipped", State::Skipped),
    ("manual", State::Waiting),
    ("created", State::Running),
    ("waiting_for_resource", State::Running),
    ("preparing", State::Running),
    ("pending", State::Running),
    ("running", State::Running),
    ("scheduled", State::Running),
];

#[test]
fn a_job_is_what_its_status_says_and_nothing_new_is_good() {
    for (status, state) in STATUSES {
        assert_eq!(judged(vec![job(1, NAME, status)]).state, state, "{status}");
    }
    assert_eq!(judged(vec![job(1, NAME, "glorious")]).state, State::Unknown);
}

#[test]
fn a_trigger_is_what_it_started() {
    let deploy = |status: &str| vec![job(2, "deploy", status)];
    for (status, state) in STATUSES {
        // The pipeline as a whole, whatever its job says.
        let whole = judged(vec![trigger(1, "success", started(status, deploy("success")))]).state;
        assert_eq!(whole, state, "pipeline {status}");
        // The job in a pipeline that GitLab counts as a success.
        let both = vec![job(2, "deploy", "success"), job(3, "canary", status)];
        assert_eq!(judged(vec![trigger(1, "success", started("success", both))]).state, state, "job {status}");
        // A trigger that has not succeeded itself is no better for its pipeline, unless that was tried again.
        let own = judged(vec![trigger(1, status, started("success", deploy("success")))]).state;
        let expected = if status == "failed" { State::Deployed } else { state };
        assert_eq!(own, expected, "trigger {status}");
        assert_eq!(judged(vec![trigger(1, "failed", started(status, deploy(status)))]).state, state, "again {status}");
    }
    assert_eq!(judged(vec![trigger(1, "success", None)]).state, State::Unknown);
    assert_eq!(judged(vec![trigger(1, "success", started("success", vec![]))]).state, State::Unknown);
    assert_eq!(judged(vec![trigger(1, "success", started("glorious", deploy("success")))]).state, State::Unknown);
}

#[test]
fn pipelines_are_followed_further_down() {
    let deepest = |status: &str| started(status, vec![job(4, "deploy", status)]);
    for (status, state) in &STATUSES {
        let middle = Job { name: "next".to_owned(), ..trigger(3, "success", deepest(status)) };
        let found = judged(vec![trigger(1, "success", started("success", vec![middle]))]).state;
        assert_eq!(found, *state, "{status}");
    }
    let unseen = Job { name: "next".to_owned(), ..trigger(3, "success", hidden("success")) };
    assert_eq!(judged(vec![trigger(1, "success", started("success", vec![unseen]))]).state, State::Unknown);
}

#[test]
fn what_waits_further_down_is_what_somebody_has_to_start() {
    let found = judged(vec![trigger(1, "running", started("running", vec![job(7, "go", "manual")]))]);
    assert_eq!(found.state, State::Waiting);
    assert_eq!(found.waiting.iter().map(|job| job.id).collect::<Vec<_>>(), [7]);
    // In a pipeline that GitLab calls a success as well: a job that may be left out may be the deployment.
    let found = judged(vec![trigger(1, "success", started("success", vec![job(7, "go", "manual")]))]);
    assert_eq!((found.state, found.waiting.len()), (State::Waiting, 1));
    assert!(!found.waiting[0].is_of_gate && found.text.contains("`deploy.optional`"), "{found:?}");
    assert!(judged(vec![job(7, NAME, "manual")]).waiting[0].is_of_gate);
}

#[test]
fn what_is_named_as_optional_need_not_have_run() {
    let rollback = |status: &str| job(8, "rollback production", status);
    for (whole, status) in [("success", "manual"), ("manual", "manual"), ("success", "failed")] {
        let jobs = vec![job(7, "deploy", "success"), rollback(status)];
        assert_eq!(
            judged(vec![trigger(1, "success", started(whole, jobs))]).state,
            State::Deployed,
            "{whole} {status}"
        );
    }
    let jobs = vec![job(7, "deploy", "manual"), rollback("manual")];
    assert_eq!(judged(vec![trigger(1, "success", started("manual", jobs))]).state, State::Waiting);
    // At the gate itself as well, where something must remain.
    let at_gate = vec![job(1, NAME, "success"), job(2, "[duo-workflow-svc] rollback", "manual")];
    assert_eq!(judged(at_gate).state, State::Deployed);
    assert_eq!(judged(vec![job(2, "[duo-workflow-svc] rollback", "success")]).state, State::Absent);
    let only = vec![rollback("success")];
    assert_eq!(judged(vec![trigger(1, "success", started("success", only))]).state, State::Unknown);
}

#[test]
fn hidden_pipelines_count_only_where_the_project_says_so() {
    let jobs = |status: &str| vec![pipeline(1, "success", vec![trigger(1, "success", hidden(status))])];
    let trusting = DeployTarget { hidden: Hidden::Status, ..wanted() };
    assert_eq!(judge(&wanted(), &jobs("success"))[0].state, State::Unknown);
    assert_eq!(judge(&trusting, &jobs("success"))[0].state, State::Deployed);
    assert_eq!(judge(&trusting, &jobs("running"))[0].state, State::Unknown);
}

#[test]
fn the_newest_run_of_a_job_counts() {
    assert_eq!(judged(vec![job(1, NAME, "success"), job(2, NAME, "failed")]).state, State::Failed);
    assert_eq!(judged(vec![job(2, NAME, "success"), job(1, NAME, "failed")]).state, State::Deployed);
}

#[test]
fn every_job_of_every_service_must_have_succeeded() {
    let parallel = vec![job(1, "[duo-workflow-svc] 1/2", "success"), job(2, "[duo-workflow-svc] 2/2", "running")];
    assert_eq!(judged(parallel).state, State::Running);
    let two = DeployTarget { services: vec!["[duo-workflow-svc]".to_owned(), "[ai-gateway]".to_owned()], ..wanted() };
    let found = judge(&two, &[pipeline(1, "success", vec![job(1, NAME, "success")])]);
    assert_eq!(found.iter().map(|service| service.state).collect::<Vec<_>>(), [State::Deployed, State::Absent]);
    assert_eq!(missing(&found).len(), 1);
}

#[test]
fn what_is_absent_is_told_with_what_there_is() {
    let other_name = judged(vec![job(1, "deploy [other]", "success")]);
    assert_eq!(
        other_name.text,
        "no job in stage `runway_production` has `[duo-workflow-svc]` in its name, only `deploy [other]`"
    );
    let other_stage = judged(vec![Job { stage: "test".to_owned(), ..job(1, NAME, "success") }]);
    assert_eq!(other_stage.text, "the pipeline has no stage `runway_production`, only `test`");
    assert_eq!((other_name.state, other_stage.state), (State::Absent, State::Absent));
    assert_eq!(judged(vec![]).text, "its pipeline has no job");
    let none = judge(&wanted(), &[]).remove(0);
    assert_eq!((none.state, none.text.as_str(), none.sha), (State::Absent, "no pipeline ran on the merge yet", None));
}

#[test]
fn any_pipeline_that_holds_the_merge_may_have_deployed_it() {
    let at = |id: u64, status: &str| pipeline(id, "success", vec![job(id, NAME, status)]);
    let state = |pipelines: &[Pipeline]| judge(&wanted(), pipelines).remove(0).state;
    assert_eq!(state(&[at(2, "failed"), at(1, "success")]), State::Deployed);
    assert_eq!(state(&[at(2, "success"), at(1, "failed")]), State::Deployed);
    assert_eq!(state(&[at(2, "running"), at(1, "failed")]), State::Running);
    assert_eq!(state(&[at(2, "failed"), at(1, "canceled")]), State::Canceled);
}
