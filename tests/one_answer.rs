//! Random histories of a backport: `backport`, `status` and the gates agree on whether it holds the fix, and none of them
//! calls a line complete whose files lack it.

use std::collections::BTreeMap;

use crate::support::{
    GitLab, World,
    sample::{Random, is_full},
    say,
};

const LINE: &str = "security-prompt-injection-18-4";
const FILES: [&str; 2] = ["fixed", "second"];
/// Histories in every run, and in a full one.
const FEW: usize = 8;
const MANY: usize = 120;

/// One thing that people do to a backport branch; what git does not do without a question is not done.
fn change(world: &World, random: &mut Random, number: usize) -> String {
    let quietly = |arguments: &[&str]| {
        if world.git(arguments).code != 0 {
            world.git(&[arguments[0], "--abort"]);
        }
    };
    let fix = ["security-prompt-injection~1", "security-prompt-injection"][random.below(2)];
    match random.below(8) {
        0 => {
            quietly(&["cherry-pick", "-x", "security/main..security-prompt-injection"]);
            "pick all".to_owned()
        }
        1 => {
            let words: &[&str] = if random.below(4) == 0 { &["cherry-pick", fix] } else { &["cherry-pick", "-x", fix] };
            quietly(words);
            format!("pick {fix}")
        }
        2 | 3 => {
            let own = world.git(&["log", "--format=%H %P", "--first-parent", "security/stable-18-4-ee..HEAD"]);
            let own: Vec<&str> = own.stdout.lines().collect();
            let Some(commit) = own.get(random.below(own.len().max(1))) else { return "nothing".to_owned() };
            let id = commit.split(' ').next().unwrap();
            let is_merge = commit.split(' ').count() > 2;
            let style = if random.below(3) == 0 { "revert.reference=true" } else { "revert.reference=false" };
            let words: &[&str] = &["-c", style, "revert", "--no-edit", id];
            let mainline: &[&str] = if is_merge { &["--mainline", "1"] } else { &[] };
            if world.git(&[words, mainline].concat()).code != 0 {
                world.git(&["revert", "--abort"]);
            }
            format!("revert {id}")
        }
        4 => {
            world.commit(&format!("other{number}-{}", random.below(1 << 20)), "other work\n");
            "other work".to_owned()
        }
        5 | 6 => {
            world.git(&["switch", "--quiet", "--force-create", "side", "security/stable-18-4-ee"]).ok();
            world.commit(&format!("side{number}-{}", random.below(1 << 20)), "of the side\n");
            quietly(&["cherry-pick", "-x", fix]);
            world.git(&["switch", "--quiet", LINE]).ok();
            quietly(&["merge", "--no-ff", "--no-edit", "side"]);
            format!("merge {fix}")
        }
        _ => {
            quietly(&["rebase", "security/stable-18-4-ee"]);
            "rebase".to_owned()
        }
    }
}

fn json(world: &World, arguments: &[&str]) -> serde_json::Value {
    let ran = world.secfix(arguments);
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"))
}

#[test]
fn every_command_gives_the_same_one() {
    let seed = match std::env::var("SECFIX_TEST_SEED") {
        Ok(text) => text.parse().expect("a number"),
        Err(_) if is_full() => std::time::UNIX_EPOCH.elapsed().unwrap().as_secs(),
        Err(_) => 12,
    };
    let mut random = Random(seed);
    let world = World::new();
    let _gitlab = GitLab::pushed(&world);
    world.git(&["switch", "--quiet", "security-prompt-injection"]).ok();
    world.commit("second", "more of the fix\n");
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for number in 0..if is_full() { MANY } else { FEW } {
        world.git(&["switch", "--quiet", LINE]).ok();
        world.git(&["reset", "--quiet", "--hard", "security/stable-18-4-ee"]).ok();
        let steps: Vec<String> = (0..2 + random.below(5)).map(|_| change(&world, &mut random, number)).collect();
        let is_in = |file: &&str| {
            let at = |tip: &str| world.git(&["rev-parse", "--verify", "--quiet", &format!("{tip}:{file}")]).stdout;
            at(LINE) == at("security-prompt-injection")
        };
        let has_files = FILES.iter().all(is_in);
        world.git(&["switch", "--quiet", "security-prompt-injection"]).ok();
        world.secfix(&["push", "--force-with-lease"]).ok();
        let predicted = json(&world, &["backport", "--predict", "--to", "18-4", "--json"]);
        let state = predicted["lines"][0]["state"].as_str().unwrap().to_owned();
        let status = json(&world, &["status", "--json"]);
        let blockers = status["fixes"][0]["blockers"].as_array().unwrap().iter();
        let texts: Vec<&str> = blockers.filter_map(|blocker| blocker["text"].as_str()).collect();
        let lacks = texts.iter().any(|text| text.starts_with(&format!("`{LINE}`")) && !text.contains("merge request"));
        let left_out = json(&world, &["mr", "--dry-run", "--json"])["merge_requests"]
            .as_array()
            .unwrap()
            .iter()
            .any(|row| row["source"] == LINE && row["state"] == "left out");
        let graph = world
            .git(&["log", "--graph", "--format=%h %s%n%b", &format!("security/stable-18-4-ee..{LINE}")])
            .stdout
            .clone();
        let at = format!("history {number} of seed {seed}: {steps:?}, {state}, {texts:?}\n{graph}");
        let holds = matches!(state.as_str(), "contained" | "empty");
        assert_eq!(lacks, !holds, "{at}");
        assert_eq!(left_out, !holds, "{at}");
        assert!(has_files || !holds, "{at}");
        // Who has it in another way is asked, and not called wrong.
        assert!(holds || !has_files || state == "refused", "{at}");
        *counts.entry(if holds { "complete" } else { "incomplete" }).or_default() += 1;
    }
    say(&format!("counted: {} histories of one seed: {counts:?}", counts.values().sum::<usize>()));
    assert!(counts.len() == 2, "both happen: {counts:?}");
}
