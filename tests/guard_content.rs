//! When the guard must look at what a push carries: what it needs to know for that, and what it
//! does when it does not know.

use std::fs;

use crate::support::{CAN, SEC, World, each_git};

/// A clone with a feature of its own next to the embargoed fix, and a fork to push to.
fn feature(world: &World) -> String {
    world.with_fix();
    world.git(&["switch", "--quiet", "--create", "feature", "origin/main"]).ok();
    world.commit("feature", "feature\n");
    world.fork()
}

#[test]
fn without_canonical_it_cannot_tell() {
    let world = World::new();
    let fork = feature(&world);
    world.git(&["push", &fork, "feature"]).ok();
    let refs = world.git(&["for-each-ref", "--format=delete %(refname)", "refs/remotes/origin/"]).ok().stdout;
    world.run_with_input(world.command("git", &["update-ref", "--stdin", "--no-deref"]), refs.as_bytes()).ok();
    world.git(&["push", &fork, "feature:again"]).refused().warns("ever fetched").warns("use: git fetch origin");
    world.git(&["push", "security", "feature"]).ok();
    world.git(&["remote", "remove", "origin"]).ok();
    world.git(&["push", &fork, "feature:again"]).refused().warns("cannot be told");
}

#[test]
fn a_shallow_clone_cannot_tell() {
    each_git(|world| {
        fs::remove_dir_all(world.work()).unwrap();
        world
            .git_in(
                world.root(),
                &["clone", "--quiet", "--depth=1", "--no-single-branch", &format!("git@gitlab.com:{CAN}.git"), "work"],
            )
            .ok();
        let fork = feature(world);
        world.git(&["push", &fork, "feature"]).refused().warns("shallow").warns("use: git fetch --unshallow");
        world.secfix(&["push", "prompt-injection"]).ok();
    });
}

#[test]
fn a_partial_clone_can_tell() {
    each_git(|world| {
        fs::remove_dir_all(world.work()).unwrap();
        world.git_in(&world.server(CAN), &["config", "uploadpack.allowFilter", "true"]).ok();
        world
            .git_in(
                world.root(),
                &["clone", "--quiet", "--filter=blob:none", &format!("git@gitlab.com:{CAN}.git"), "work"],
            )
            .ok();
        let fork = feature(world);
        world.git(&["push", &fork, "feature"]).ok();
        world.git(&["push", &fork, "security-prompt-injection:x"]).refused().warns("embargoed");
    });
}

#[test]
fn objects_that_are_no_commits_cannot_be_told() {
    let world = World::new();
    let fork = feature(&world);
    for object in ["security-prompt-injection:fixed", "security-prompt-injection^{tree}"] {
        let id = world.git(&["rev-parse", object]).ok().line();
        world.git(&["push", &fork, &format!("{id}:refs/tags/x")]).refused().warns("no commit");
    }
}

#[test]
fn replaced_objects_are_read_as_they_are_pushed() {
    let world = World::new();
    let fork = feature(&world);
    world.git(&["switch", "--quiet", "--create", "innocent", "security-prompt-injection"]).ok();
    let tip = world.commit("more", "more\n");
    // With this, git shows the branch as if it came from main alone.
    world.git(&["replace", "--graft", &tip, "origin/main"]).ok();
    world.git(&["push", &fork, "innocent"]).refused().warns("embargoed");
}

#[test]
fn a_commit_graph_and_wrong_dates_change_nothing() {
    each_git(|world| {
        let fork = feature(world);
        let push = |branch: &str| world.git(&["push", &fork, &format!("{branch}:refs/heads/{branch}-x")]);
        for date in ["1980-01-01T00:00:00Z", "2037-01-01T00:00:00Z"] {
            world.set("GIT_COMMITTER_DATE", date);
            world.git(&["switch", "--quiet", "security-prompt-injection"]).ok();
            world.commit("fixed", date);
            world.git(&["switch", "--quiet", "--create", &format!("other-{}", &date[..4])]).ok();
            world.commit("other", date);
            push(&format!("other-{}", &date[..4])).refused().warns("embargoed");
        }
        push("feature").ok();
        world.git(&["commit-graph", "write", "--reachable"]).ok();
        push("other-1980").refused();
        push("feature").ok();
    });
}

#[test]
fn merges_carry_what_they_merge() {
    let world = World::new();
    let fork = feature(&world);
    world.git(&["merge", "--quiet", "--no-edit", "security-prompt-injection"]).ok();
    world.git(&["push", &fork, "feature"]).refused().warns("embargoed");
}

#[test]
fn another_team_s_work_in_security_is_embargoed_as_well() {
    let world = World::new();
    feature(&world);
    let fork = world.fork();
    let other = world.path("other");
    world.git_in(world.root(), &["clone", "--quiet", &format!("git@gitlab.com:{SEC}.git"), "other"]).ok();
    world.write("other/secret", "x");
    world.git_in(&other, &["add", "."]).ok();
    world.git_in(&other, &["commit", "--quiet", "--message", "Secret"]).ok();
    world.git_in(&other, &["push", "--quiet", "origin", "HEAD:main"]).ok();
    world.git(&["fetch", "--quiet", "security"]).ok();
    world.git(&["push", &fork, "security/main:refs/heads/x"]).refused().warns("security/main");
    world.git(&["push", &fork, "feature"]).ok();
}

#[test]
fn a_renamed_or_repointed_remote_deceives_nobody() {
    let world = World::new();
    let fork = feature(&world);
    world.secfix(&["push", "prompt-injection"]).ok();
    world.git(&["branch", "-D", "security-prompt-injection"]).ok();
    // Security's branches under canonical's URL are still security's.
    world.git(&["remote", "set-url", "security", &format!("git@gitlab.com:{CAN}.git")]).ok();
    world.git(&["push", &fork, "security/security-prompt-injection:refs/heads/x"]).refused();
    world.git(&["remote", "set-url", "security", &format!("git@gitlab.com:{SEC}.git")]).ok();
    // Canonical is known by its URL under any name.
    world.git(&["remote", "rename", "origin", "upstream"]).ok();
    world.git(&["push", &fork, "feature"]).ok();
    world.git(&["remote", "set-url", "upstream", &format!("gl:{CAN}.git")]).ok();
    world.git(&["push", &fork, "feature:alias"]).ok();
    // A fix branch in canonical's name publishes nothing.
    world
        .git(&["update-ref", "refs/remotes/upstream/security-prompt-injection", "security/security-prompt-injection"])
        .ok();
    world.git(&["push", &fork, "security/security-prompt-injection:refs/heads/x"]).refused();
}

/// A small generator of random numbers (xorshift), so that a failing seed can be run again.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

/// Random histories, with random dates: the guard's answer is that of `git rev-list`. With dates
/// that are wrong it may refuse more, and must never allow more.
#[test]
fn random_histories_are_judged_as_git_judges_them() {
    const SEED: u64 = 0x5eed_2026;
    const COMMITS: usize = 60;
    let mut asked = 0;
    let mut refusals = 0;
    for round in 0..12_u64 {
        let mut random = Random(SEED + round);
        let wrong_dates = round % 3 == 2;
        let world = World::new();
        world.secfix(&["init"]).ok();
        let mut stream = String::new();
        for mark in 1..=COMMITS {
            let time = 1_700_000_000 + if wrong_dates { random.below(100_000) } else { mark * 10 };
            stream += &format!("commit refs/test/c{mark}\nmark :{mark}\ncommitter A <a@b> {time} +0000\ndata 1\nx\n");
            // Mostly long lines, some merges, and now and then a second root.
            if mark > 1 && random.below(20) > 0 {
                let parent = mark - 1 - random.below(3.min(mark - 1));
                stream += &format!("from :{parent}\n");
                if random.below(4) == 0 {
                    let other = 1 + random.below(mark - 1);
                    if other != parent {
                        stream += &format!("merge :{other}\n");
                    }
                }
            }
            stream += &format!("M 100644 inline f{}\ndata 2\n{}\n\n", random.below(9), random.below(9));
        }
        for place in ["origin", "security"] {
            for number in 0..4 {
                stream += &format!("reset refs/remotes/{place}/b{number}\nfrom :{}\n\n", 1 + random.below(COMMITS));
            }
        }
        stream += "done\n";
        world
            .run_with_input(world.command("git", &["fast-import", "--quiet", "--force", "--done"]), stream.as_bytes())
            .ok();
        let list = |what: &str| {
            let text = world.git(&["rev-list", &format!("refs/test/{what}"), "--not", "--remotes=origin"]).ok().stdout;
            text.lines().map(str::to_owned).collect::<std::collections::BTreeSet<_>>()
        };
        let embargoed: std::collections::BTreeSet<String> = world
            .git(&["rev-list", "--remotes=security", "--not", "--remotes=origin"])
            .ok()
            .stdout
            .lines()
            .map(str::to_owned)
            .collect();
        if round % 2 == 1 {
            // Some commits in the graph, some newer than it, as after a fetch.
            world.git(&["commit-graph", "write", "--reachable"]).ok();
        }
        for _ in 0..12 {
            let pushed = format!("c{}", 1 + random.below(COMMITS));
            let leaks = !list(&pushed).is_disjoint(&embargoed);
            let ran = world.secfix(&["guard", "check", "/srv/fork.git", &format!("refs/test/{pushed}:refs/heads/x")]);
            asked += 1;
            refusals += usize::from(leaks);
            if leaks || !wrong_dates {
                assert_eq!(ran.code, if leaks { 3 } else { 0 }, "seed {SEED} round {round} {pushed}: {ran}");
            }
        }
    }
    println!("{asked} pushes, {refusals} of them with embargoed work, seed {SEED:#x}");
    assert!(refusals > asked / 10 && refusals < asked * 9 / 10, "{refusals} of {asked} is no fair mix");
}
