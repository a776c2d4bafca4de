//! What many tests begin with is made once, and copied: a clone with a fix, a fix in review, a fix that is deployed.

use std::{
    collections::HashMap,
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock},
};

use git_secfix::rehearsal::State;

use super::{GitLab, World, world::copy_folder};

/// Everything of a world beside its programs.
const FOLDERS: [&str; 3] = ["srv", "work", "home"];

/// A world that was prepared, with its server where it has one.
struct Prepared {
    world: World,
    server: Option<(GitLab, State)>,
}

/// Each preparation is made by the first who asks, and the others wait for that.
type Slot = Arc<OnceLock<Prepared>>;

fn slot(name: &'static str, git: PathBuf) -> Slot {
    static SLOTS: OnceLock<Mutex<HashMap<(&str, PathBuf), Slot>>> = OnceLock::new();
    let mut slots = SLOTS.get_or_init(Mutex::default).lock().unwrap();
    Arc::clone(slots.entry((name, git)).or_default())
}

/// Copies what lies in the world of a preparation, unless somebody has been at work in this one.
fn copy(prepared: &Prepared, world: &World) {
    for part in FOLDERS {
        let _ = fs::remove_dir_all(world.path(part));
        copy_folder(&prepared.world.path(part), &world.path(part)).unwrap();
    }
}

/// Prepares a world without a server.
pub(crate) fn world(world: &World, name: &'static str, prepare: fn(&World)) {
    // What a test has changed or set before makes a difference.
    if !world.is_new() {
        return prepare(world);
    }
    let slot = slot(name, world.git_program().to_owned());
    let prepared = slot.get_or_init(|| {
        let world = world.another();
        prepare(&world);
        Prepared { world, server: None }
    });
    copy(prepared, world);
}

/// Prepares a world with a server; `token` is whose it is at its end.
pub(crate) fn gitlab(world: &World, name: &'static str, token: &str, prepare: fn(&World) -> GitLab) -> GitLab {
    if !world.is_new() {
        return prepare(world);
    }
    let slot = slot(name, world.git_program().to_owned());
    let prepared = slot.get_or_init(|| {
        let world = world.another();
        let gitlab = prepare(&world);
        let state = gitlab.server.change(|state| state.clone());
        Prepared { world, server: Some((gitlab, state)) }
    });
    copy(prepared, world);
    let (known, state) = prepared.server.as_ref().expect("it was prepared with a server");
    let gitlab = known.again(world, state.clone());
    world.set("SECFIX_TOKEN", token);
    gitlab
}
