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

#[test]
fn what_was_pushed_through_canonical_s_remote_publishes_nothing() {
    let world = World::new();
    let fork = feature(&world);
    world.git(&["switch", "--quiet", "security-prompt-injection"]).ok();
    // A way to "protect" a clone that people do use.
    world.git(&["config", "remote.origin.pushurl", &format!("git@gitlab.com:{SEC}.git")]).ok();
    world.git(&["push", "origin", "HEAD:refs/heads/wip"]).ok();
    world
        .git(&["push", &fork, "HEAD:refs/heads/innocent"])
        .refused()
        .warns("prove nothing")
        .warns("git config --show-origin");
    world.git(&["config", "--unset", "remote.origin.pushurl"]).ok();
    world.git(&["config", &format!("url.git@gitlab.com:{SEC}.pushInsteadOf"), &format!("git@gitlab.com:{CAN}")]).ok();
    world.git(&["push", &fork, "HEAD:refs/heads/innocent"]).refused();
}

#[test]
fn security_is_known_under_any_refspec() {
    each_git(|world| {
        let fork = feature(world);
        world.secfix(&["push", "prompt-injection"]).ok();
        let security = format!("git@gitlab.com:{SEC}.git");
        world.git_in(&world.server(SEC), &["branch", "colleague-work", "security-prompt-injection"]).ok();
        world
            .git_in(&world.server(SEC), &["update-ref", "refs/merge-requests/7/head", "security-prompt-injection"])
            .ok();
        // Only what these refspecs keep may know of the work.
        world.git(&["branch", "--delete", "--force", "security-prompt-injection"]).ok();
        world.git(&["config", "remote.security.fetch", "+refs/heads/main:refs/remotes/security/main"]).ok();
        world.git(&["update-ref", "-d", "refs/remotes/security/security-prompt-injection"]).ok();
        for (name, spec, kept) in [
            ("one", "+refs/heads/colleague-work:refs/remotes/one/colleague-work", "refs/remotes/one/colleague-work"),
            ("two", "+refs/heads/colleague-*:refs/remotes/two/colleague-*", "refs/remotes/two/colleague-work"),
            ("three", "+refs/merge-requests/*/head:refs/mr/*", "refs/mr/7"),
        ] {
            world.git(&["config", &format!("remote.{name}.url"), &security]).ok();
            world.git(&["config", &format!("remote.{name}.fetch"), spec]).ok();
            world.git(&["fetch", "--quiet", name]).ok();
            fs::remove_file(world.path("work/.git/FETCH_HEAD")).unwrap();
            world.git(&["push", &fork, &format!("{kept}:refs/heads/x")]).refused().warns("embargoed");
            world.git(&["update-ref", "-d", kept]).ok();
        }
        // Fetched by URL, held by nothing.
        world.git(&["fetch", "--quiet", &security, "colleague-work"]).ok();
        world.git(&["push", &fork, "FETCH_HEAD:refs/heads/x"]).refused().warns("embargoed");
        world.git(&["push", &fork, "feature"]).ok();
    });
}

#[test]
fn branches_for_security_are_known_by_where_they_go() {
    let world = World::new();
    let fork = feature(&world);
    let security = format!("git@gitlab.com:{SEC}.git");
    world.git(&["remote", "add", "other", &security]).ok();
    world.git(&["fetch", "--quiet", "other"]).ok();
    world.git(&["switch", "--quiet", "--create", "one", "--track", "other/main"]).ok();
    world.commit("one", "x");
    world.git(&["push", &fork, "one"]).refused();
    world.git(&["switch", "--quiet", "--create", "two", "--no-track", "origin/main"]).ok();
    world.commit("two", "x");
    world.git(&["config", "branch.two.remote", &security]).ok();
    world.git(&["push", &fork, "two"]).refused();
    world.git(&["remote", "rename", "security", "renamed"]).ok();
    world.git(&["switch", "--quiet", "--create", "three", "--track", "renamed/main"]).ok();
    world.commit("three", "x");
    world.git(&["push", &fork, "three"]).refused();
    world.git(&["switch", "--quiet", "--create", "plain", "--no-track", "origin/main"]).ok();
    world.commit("plain", "x");
    world.git(&["push", &fork, "plain"]).ok();
    world.git(&["symbolic-ref", "refs/heads/security-sym", "refs/heads/plain"]).ok();
    world.git(&["push", &fork, "security-sym:again"]).refused();
}

#[test]
fn earlier_versions_of_a_fix_are_embargoed() {
    each_git(|world| {
        world.with_fix();
        let fork = world.fork();
        world.git(&["branch", "backup"]).ok();
        world.git(&["commit", "--quiet", "--amend", "--message", "Better"]).ok();
        world.git(&["push", &fork, "backup"]).refused().warns("an earlier security-prompt-injection");
        world.git(&["tag", "keep"]).ok();
        world.git(&["reset", "--quiet", "--hard", "origin/main"]).ok();
        world.git(&["push", &fork, "keep"]).refused();
    });
}

#[test]
fn a_single_branch_clone_can_tell() {
    each_git(|world| {
        fs::remove_dir_all(world.work()).unwrap();
        world
            .git_in(
                world.root(),
                &["clone", "--quiet", "--single-branch", &format!("git@gitlab.com:{CAN}.git"), "work"],
            )
            .ok();
        let fork = feature(world);
        world.git(&["push", &fork, "feature"]).ok();
        world.git(&["push", &fork, "security-prompt-injection:x"]).refused().warns("git fetch origin");
        world.secfix(&["doctor"]).ok();
    });
}

#[test]
fn a_badly_written_remote_of_security_is_still_known() {
    let world = World::new();
    let fork = feature(&world);
    world.secfix(&["push", "prompt-injection"]).ok();
    let fix = world.git(&["rev-parse", "security-prompt-injection"]).ok().line();
    world.git(&["branch", "-D", "security-prompt-injection"]).ok();
    world.git(&["update-ref", "-d", "refs/remotes/security/security-prompt-injection"]).ok();
    for url in [
        format!("http://gitlab.com/{SEC}.git"),
        format!("ssh://git@gitlab.com:2222/{SEC}.git"),
        format!("https://gitlab.com/{SEC}.git?x"),
        format!("alias-of-nobody:{SEC}.git"),
    ] {
        world.git(&["config", "remote.odd.url", &url]).ok();
        world.git(&["config", "remote.odd.fetch", "+refs/heads/*:refs/remotes/odd/*"]).ok();
        world.git(&["update-ref", "refs/remotes/odd/work", &fix]).ok();
        world.git(&["push", &fork, "odd/work:refs/heads/x"]).refused().warns("odd/work");
    }
    // One of its URLs cannot be read at all.
    world.git(&["config", "remote.odd.url", &format!("git@gitlab.com:{SEC}.git")]).ok();
    world.git(&["config", "remote.odd.pushurl", "https://"]).ok();
    world.git(&["push", &fork, "odd/work:refs/heads/x"]).refused().warns("odd/work");
    world.git(&["config", "--remove-section", "remote.odd"]).ok();
    world.git(&["update-ref", "-d", "refs/remotes/odd/work"]).ok();
    // A branch that tracks security by an alias.
    world.git(&["branch", "--no-track", "tracked", &fix]).ok();
    world.git(&["config", "branch.tracked.remote", &format!("gl:{SEC}.git")]).ok();
    world.git(&["push", &fork, "tracked"]).refused();
}

#[test]
fn a_fix_in_the_middle_of_a_rebase_is_embargoed() {
    each_git(|world| {
        world.with_fix();
        let fork = world.fork();
        world.commit("second", "x");
        world.set("GIT_SEQUENCE_EDITOR", "sed -i 2s/pick/edit/");
        world.git(&["rebase", "--quiet", "--force-rebase", "--interactive", "origin/main"]);
        world.git(&["commit", "--quiet", "--amend", "--message", "Reworded"]).ok();
        world.git(&["push", &fork, "HEAD:refs/heads/x"]).refused().warns("security-prompt-injection");
        world.git(&["branch", "tmp"]).ok();
        world.git(&["push", &fork, "tmp"]).refused();
    });
}

#[test]
fn ssh_is_not_asked_about_what_cannot_matter() {
    let world = World::new();
    let fork = feature(&world);
    world.git_in(world.root(), &["init", "--quiet", "--bare", "srv/me/fork.git"]).ok();
    world.set("GIT_SSH_COMMAND", "ssh -o \"IdentityFile=$HOME/id\"");
    world.git(&["push", "git@fork.example:me/fork.git", "feature"]).ok();
    world.secfix(&["guard", "check", &format!("git@fork.example:{SEC}.git"), "feature"]).ends(3).warns("needs a shell");
    assert!(!fork.is_empty());
}
