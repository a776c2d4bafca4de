//! `git secfix config`: every value with its origin, and errors that name the place.

use crate::support::World;

#[test]
fn every_value_has_an_origin() {
    let world = World::new();
    world.write("home/.config/git-secfix/config.toml", "[branches]\nsupported = 5\nfix = \"sec/{name}\"\n");
    world
        .secfix(&["config"])
        .ok()
        .says("preset ai-gateway")
        .says("[world]/home/.config/git-secfix/config.toml:2")
        .warns("not prepared");
    world.secfix(&["init"]).ok();
    world.set("SECFIX_TAGS_PATTERN", "v{major}.{minor}.{patch}");
    let ran = world.secfix(&["config"]).ok();
    insta::assert_snapshot!("config", ran);
    let answer: serde_json::Value = serde_json::from_str(&world.secfix(&["config", "--json"]).ok().stdout).unwrap();
    assert_eq!(answer["settings"]["branches.supported"]["value"], 5);
    assert_eq!(answer["settings"]["branches.supported"]["origin"].as_str().unwrap().rsplit_once(':').unwrap().1, "2");
    world.secfix(&["branch", "x"]).ok().says("sec/x  tracks security/main");
}

#[test]
fn nothing_is_read_from_the_work_tree() {
    let world = World::new();
    world.secfix(&["init"]).ok();
    let before = world.secfix(&["config"]).ok().stdout;
    for file in
        ["work/secfix.toml", "work/.secfix.toml", "work/.git-secfix/config.toml", "work/.config/git-secfix/config.toml"]
    {
        world.write(file, "[canonical]\nproject = \"evil/x\"\n");
    }
    assert_eq!(world.secfix(&["config"]).ok().stdout, before);
}

#[test]
fn a_wrong_file_stops_every_command_and_names_the_line() {
    let world = World::new();
    world.secfix(&["init"]).ok();
    let before = world.state();
    world.write("home/.config/git-secfix/config.toml", "[branches]\nsuported = 5\n");
    for command in [&["config"][..], &["branch", "x"], &["init"], &["push", "x"]] {
        world
            .secfix(command)
            .ends(2)
            .warns("config.toml:2: unknown key `branches.suported`; did you mean `branches.supported`?");
    }
    assert_eq!(world.state(), before);
    // The guard listens to the clone's own file alone, and goes on.
    world.secfix(&["guard", "check", "security", "HEAD:refs/heads/x"]).ok();
    world.write("home/.config/git-secfix/config.toml", "[guard]\nmode = \"strict\"\n");
    world.secfix(&["config"]).ends(2).warns("can only be set for one clone");
}

#[test]
fn a_wrong_variable_is_named() {
    let world = World::new();
    world.set("SECFIX_BRANCHES_STABLE", "stable");
    world
        .secfix(&["config"])
        .ends(2)
        .warns("environment SECFIX_BRANCHES_STABLE: the pattern `stable` lacks the placeholder `{major}`");
}

#[test]
fn keys_are_listed_with_their_variables() {
    let world = World::new();
    world.secfix(&["config", "--keys"]).ok().says("SECFIX_BRANCHES_FIX").says("only for one clone");
}
