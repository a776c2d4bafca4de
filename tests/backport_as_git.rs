//! `git secfix backport` beside `git cherry-pick`: attributes, submodules and line ends are merged as git merges
//! them, and a commit stays what it is.

use crate::support::{SEC, World, each_git};

const FIX: &str = "security-prompt-injection";

use crate::backport::{branch, json, refs, rev, states, with_lines};

#[test]
fn attributes_are_those_of_the_line() {
    each_git(|world| {
        world.secfix(&["init"]).ok();
        // On the stable branch, `app` is merged by keeping its own side; on the default branch it is not.
        world.git(&["switch", "--quiet", "--create", "stable", "security/stable-18-4-ee"]).ok();
        world.write("work/.gitattributes", "app merge=keep\n");
        world.git(&["add", ".gitattributes"]).ok();
        world.commit("app", "app\nolder\n");
        world
            .git_in(&world.server(SEC), &["fetch", "--quiet", &world.work().to_string_lossy(), "stable:stable-18-4-ee"])
            .ok();
        world.git(&["config", "merge.keep.driver", "true"]).ok();
        world.git(&["switch", "--quiet", "main"]).ok();
        world.secfix(&["branch", "prompt-injection", "-b", "18-4"]).ok();
        world.write("work/app", "app\nfixed\n");
        world.write("work/other", "fixed\n");
        world.git(&["add", "app", "other"]).ok();
        world.git(&["commit", "--quiet", "--message", "Fix"]).ok();
        world.secfix(&["backport"]).ok().says("picked 1 commit");
        assert_eq!(world.git(&["show", &format!("{}:app", branch("18-4"))]).line(), "app\nolder");
        assert_eq!(world.git(&["show", &format!("{}:other", branch("18-4"))]).line(), "fixed");
        // And the other way round: what this work tree has says nothing of the line.
        world.write("work/.gitattributes", "app merge=keep\n");
        world.git(&["config", "core.attributesFile", "/dev/null"]).ok();
        world.git(&["switch", "--quiet", "--create", "plain", "security/stable-18-3-ee"]).ok();
        world.commit("app", "app\nolder\n");
        world
            .git_in(&world.server(SEC), &["fetch", "--quiet", &world.work().to_string_lossy(), "plain:stable-18-3-ee"])
            .ok();
        world.git(&["fetch", "--quiet", "security"]).ok();
        world.git(&["switch", "--quiet", FIX]).ok();
        world.secfix(&["backport", "--predict", "--to", "18-3"]).ends(6);
    });
}

#[test]
fn submodules_move_as_git_moves_them() {
    each_git(|world| {
        with_lines(world, &["18-4"]);
        let [one, two] = ["1", "2"].map(|digit| digit.repeat(40));
        for id in [&one, &two] {
            world.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{id},module")]).ok();
            world.git(&["commit", "--quiet", "--message", &format!("Module at {}", &id[..4])]).ok();
        }
        world.git(&["reset", "--quiet", "--hard"]).ok();
        world.secfix(&["backport"]).ok().says("picked 4 commits");
        world.git(&["ls-tree", &branch("18-4"), "module"]).ok().says(&two);
    });
}

/// What `git cherry-pick` makes of the fix's last commit on a line, in the clone's own work tree: an outcome, and
/// the tree of a pick.
fn by_git(world: &World, line: &str) -> (&'static str, String) {
    world.git(&["switch", "--quiet", "--detach", &format!("security/stable-{line}-ee")]).ok();
    let picked = world.git(&["cherry-pick", "-x", FIX]).code == 0;
    let outcome = match (picked, world.git(&["ls-files", "-u"]).line().is_empty()) {
        (true, _) => ("picked", rev(world, "HEAD^{tree}")),
        (false, true) => ("empty", String::new()),
        (false, false) => ("conflict", String::new()),
    };
    let _ = world.git(&["cherry-pick", "--abort"]);
    world.git(&["switch", "--quiet", FIX]).ok();
    outcome
}

/// A commit on a branch of security, made of what is staged.
fn publish(world: &World, branch: &str, stage: &dyn Fn()) {
    world.git(&["fetch", "--quiet", "security"]).ok();
    world.git(&["switch", "--quiet", "--create", "made", &format!("security/{branch}")]).ok();
    stage();
    world.git(&["commit", "--quiet", "--message", "Published"]).ok();
    let from = world.work().to_string_lossy().into_owned();
    world.git_in(&world.server(SEC), &["fetch", "--quiet", &from, &format!("made:{branch}")]).ok();
    world.git(&["fetch", "--quiet", "security"]).ok();
    world.git(&["switch", "--quiet", "main"]).ok();
    world.git(&["branch", "--quiet", "-D", "made"]).ok();
}

#[test]
fn submodules_in_conflict_are_merged_as_git_merges_them() {
    each_git(|world| {
        world.secfix(&["init"]).ok();
        // A history of one commit, two on top of it, and another one beside those.
        let module = world.path("work/module");
        world.git(&["init", "--quiet", "module"]).ok();
        let commit = |name: &str| {
            world.git_in(&module, &["commit", "--quiet", "--allow-empty", "--message", name]).ok();
            world.git_in(&module, &["rev-parse", "HEAD"]).line()
        };
        let (one, two, three) = (commit("one"), commit("two"), commit("three"));
        world.git_in(&module, &["checkout", "--quiet", &one]).ok();
        let beside = commit("beside");
        let at = |id: &str| world.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{id},module")]).ok();
        for (branch, id) in [("main", &one), ("stable-18-4-ee", &beside), ("stable-18-3-ee", &three)] {
            publish(world, branch, &|| drop(at(id)));
        }
        publish(world, "stable-18-2-ee", &|| drop(at(&one)));
        world.secfix(&["branch", "prompt-injection", "--backport=all"]).ok();
        at(&two);
        world.git(&["commit", "--quiet", "--message", "Move the module"]).ok();
        // With the module at hand, git sees that three holds two; without, it cannot tell.
        for (is_at_hand, states_expected) in
            [(true, ["conflict", "empty", "picked"]), (false, ["conflict", "conflict", "picked"])]
        {
            if !is_at_hand {
                std::fs::rename(&module, world.path("elsewhere")).unwrap();
                std::fs::create_dir(&module).unwrap();
            }
            let by_git = ["18-4", "18-3", "18-2"].map(|line| by_git(world, line));
            let answer = json(world, &["--predict"], 6);
            assert_eq!(states(&answer), by_git.each_ref().map(|(state, _)| *state), "{answer}");
            assert_eq!(states(&answer), states_expected, "at hand: {is_at_hand}");
            assert_eq!(answer["lines"][0]["commits"][0]["paths"][0], "module");
        }
        world.secfix(&["backport"]).ends(6).says("18-2  picked 1 commit");
        assert_eq!(rev(world, &format!("{}^{{tree}}", branch("18-2"))), by_git(world, "18-2").1);
        world.secfix(&["backport", "--continue"]).ends(6).warns("unresolved in");
        for line in ["18-4", "18-3"] {
            let place = world.path(&format!("work-backport-prompt-injection-{line}"));
            world.git_in(&place, &["update-index", "--cacheinfo", &format!("160000,{two},module")]).ok();
        }
        world.secfix(&["backport", "--continue"]).ok().says("18-4  picked, with the conflict resolved");
        world.git(&["ls-tree", &branch("18-4"), "module"]).ok().says(&two);
    });
}

#[test]
fn line_ends_are_merged_as_git_merges_them() {
    each_git(|world| {
        world.secfix(&["init"]).ok();
        let lines = |end: &str| ["one", "two", "three", "four", "five"].map(|line| format!("{line}{end}")).concat();
        let stage = |text: &str, attributes: Option<&str>| {
            world.write("work/text", text);
            if let Some(attributes) = attributes {
                world.write("work/.gitattributes", attributes);
                world.git(&["add", ".gitattributes"]).ok();
            }
            // As it is, whatever the attributes say.
            let id = world.git(&["hash-object", "-w", "--no-filters", "text"]).line();
            world.git(&["update-index", "--add", "--cacheinfo", &format!("100644,{id},text")]).ok();
        };
        publish(world, "main", &|| stage(&lines("\n"), None));
        publish(world, "stable-18-4-ee", &|| stage(&lines("\r\n"), Some("* text=auto\n")));
        publish(world, "stable-18-3-ee", &|| stage(&lines("\r\n"), None));
        publish(world, "stable-18-2-ee", &|| stage(&lines("\n").replace("five", "5"), Some("text eol=crlf\n")));
        world.git(&["reset", "--quiet", "--hard"]).ok();
        world.secfix(&["branch", "prompt-injection", "--backport=all"]).ok();
        world.commit("text", &lines("\n").replace("two", "2"));
        // With it, the line whose attributes say that it is text is no conflict any more.
        for (renormalize, first) in [("false", "conflict"), ("true", "picked")] {
            world.git(&["config", "merge.renormalize", renormalize]).ok();
            let by_git = ["18-4", "18-3", "18-2"].map(|line| by_git(world, line));
            assert_eq!(by_git[0].0, first);
            let answer = json(world, &["--predict"], 6);
            assert_eq!(states(&answer), by_git.each_ref().map(|(state, _)| *state), "{renormalize}: {answer}");
            for (line, (state, tree)) in ["18-4", "18-3", "18-2"].iter().zip(&by_git) {
                if *state == "picked" {
                    world.secfix(&["backport", "--to", line]).ok();
                    assert_eq!(rev(world, &format!("{}^{{tree}}", branch(line))), *tree, "{renormalize} {line}");
                    let name = format!("refs/heads/{}", branch(line));
                    world.git(&["update-ref", &name, &format!("security/stable-{line}-ee")]).ok();
                }
            }
        }
    });
}

#[test]
fn commits_keep_what_they_are() {
    each_git(|world| {
        with_lines(world, &["18-4"]);
        world.write("work/odd", "x\n");
        world.git(&["add", "odd"]).ok();
        let message = "Tïtle\n\n#123 is no comment\n\n\nChangelog: security\nSigned-off-by: A <a@b>\n";
        let mut command = world.command(
            "git",
            &["-c", "i18n.commitEncoding=ISO-8859-1", "commit", "--quiet", "--cleanup=verbatim", "--file=-"],
        );
        command.env("GIT_AUTHOR_NAME", "Ünï Cödé").env("GIT_AUTHOR_DATE", "@1234567 +0345");
        world.run_with_input(command, message.as_bytes()).ok();
        // A mode alone, a link, a rename, line ends, and a binary file.
        world.git(&["update-index", "--chmod=+x", "app"]).ok();
        world.git(&["mv", "lib", "renamed"]).ok();
        std::fs::write(world.path("work/crlf"), b"a\r\nb\r\n").unwrap();
        std::fs::write(world.path("work/binary"), [0u8, 159, 146, 150]).unwrap();
        std::os::unix::fs::symlink("app", world.path("work/link")).unwrap();
        world.git(&["add", "--all"]).ok();
        world.git(&["update-index", "--chmod=+x", "app"]).ok();
        world.git(&["commit", "--quiet", "--message", "All kinds"]).ok();
        world.git(&["reset", "--quiet", "--hard"]).ok();
        world.secfix(&["backport"]).ok().says("picked 4 commits");
        let original = world.run(world.command("git", &["cat-file", "commit", &format!("{FIX}~1")])).ok().stdout;
        let picked =
            world.run(world.command("git", &["cat-file", "commit", &format!("{}~1", branch("18-4"))])).ok().stdout;
        let kept = |text: &str| {
            let lines = text
                .lines()
                .filter(|line| line.starts_with("author ") || line.starts_with("encoding "))
                .map(str::to_owned);
            (lines.collect::<Vec<_>>(), text.split_once("\n\n").unwrap().1.to_owned())
        };
        let (headers, body) = kept(&original);
        let (picked_headers, picked_body) = kept(&picked);
        assert_eq!(headers, picked_headers);
        assert!(headers[0].ends_with("1234567 +0345") && headers[1] == "encoding ISO-8859-1", "{headers:?}");
        assert_eq!(picked_body, format!("{body}(cherry picked from commit {})\n", rev(world, &format!("{FIX}~1"))));
        // The same as git makes of it.
        world.git(&["switch", "--quiet", "--detach", "security/stable-18-4-ee"]).ok();
        world.git(&["cherry-pick", "-x", &format!("security/main..{FIX}")]).ok();
        assert_eq!(rev(world, "HEAD^{tree}"), rev(world, &format!("{}^{{tree}}", branch("18-4"))));
    });
}

#[test]
fn commits_are_signed_when_the_user_signs() {
    if which::which("ssh-keygen").is_err() {
        return crate::support::skip("signatures, which need ssh-keygen");
    }
    each_git(|world| {
        with_lines(world, &["18-4"]);
        let key = world.path("home/.ssh/key");
        let words = ["-q", "-t", "ed25519", "-N", "", "-f", &key.to_string_lossy()].map(str::to_owned);
        world.run(world.command("ssh-keygen", &words.each_ref().map(String::as_str))).ok();
        let public = world.read("home/.ssh/key.pub");
        world.write("home/.ssh/allowed", &format!("person@example.com {public}"));
        for (name, value) in [
            ("gpg.format", "ssh"),
            ("user.signingKey", &key.to_string_lossy()),
            ("gpg.ssh.allowedSignersFile", &world.path("home/.ssh/allowed").to_string_lossy()),
        ] {
            world.git(&["config", name, value]).ok();
        }
        // The signature of an original says nothing of the pick.
        world.write("work/third", "x\n");
        world.git(&["add", "third"]).ok();
        world.git(&["commit", "--quiet", "--gpg-sign", "--message", "Signed ünd good"]).ok();
        world.secfix(&["backport"]).ok();
        world.git(&["cat-file", "commit", FIX]).ok().says("gpgsig");
        world.git(&["cat-file", "commit", &branch("18-4")]).ok().never_says("gpgsig").never_says("BEGIN SSH");
        world.git(&["branch", "--quiet", "-D", &branch("18-4")]).ok();
        world.git(&["config", "commit.gpgSign", "true"]).ok();
        world.secfix(&["backport", "--predict", "--to", "18-4"]).ok();
        world.secfix(&["backport", "--to", "18-4"]).ok();
        for commit in ["", "~1", "~2"] {
            world.git(&["verify-commit", &format!("{}{commit}", branch("18-4"))]).ok();
        }
        let author = |name: &str| world.git(&["log", "-1", "--format=%an %ae %ad %B", name]).ok().stdout;
        assert!(author(&branch("18-4")).starts_with(author(FIX).trim_end()));
        // A key that is gone stops everything, and nothing is half done.
        world.commit("fourth", "x\n");
        std::fs::remove_file(&key).unwrap();
        let before = refs(world);
        world.secfix(&["backport"]).ends(1).warns("commit-tree");
        assert_eq!(refs(world), before);
    });
}
