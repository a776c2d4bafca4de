//! A real Secret Service, GNOME's, in a D-Bus session of its own; and sessions without one.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Stdio},
};

use super::{World, skip};

/// No program is started by the session itself: what is not started by the test is not there.
const SESSION: &str = r#"<busconfig>
<type>session</type><listen>unix:dir=RUNTIME</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy>
</busconfig>"#;

/// A D-Bus session in a world, with a Secret Service or without one.
pub(crate) struct Session<'a> {
    world: &'a World,
    bus: Child,
    daemon: Option<Child>,
}

impl<'a> Session<'a> {
    /// A session with nothing in it. `None` where that cannot be had, which is reported.
    pub(crate) fn start(world: &'a World) -> Option<Self> {
        for program in ["dbus-daemon", "gnome-keyring-daemon"] {
            if which::which(program).is_err() {
                skip(&format!("keyrings, which need {program}"));
                return None;
            }
        }
        let runtime = world.path("run");
        fs::create_dir_all(&runtime).unwrap();
        fs::set_permissions(&runtime, fs::Permissions::from_mode(0o700)).unwrap();
        world.set("XDG_RUNTIME_DIR", &runtime.to_string_lossy());
        world.write("session.conf", &SESSION.replace("RUNTIME", &runtime.to_string_lossy()));
        let config = format!("--config-file={}", world.path("session.conf").display());
        let mut bus = Command::new("dbus-daemon")
            .args(["--nofork", "--print-address=1", &config])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(bus.stdout.take().unwrap()).read_line(&mut address).unwrap();
        world.set("DBUS_SESSION_BUS_ADDRESS", address.trim());
        Some(Self { world, bus, daemon: None })
    }

    /// Starts the Secret Service unlocked, which makes its default keyring when there is none.
    pub(crate) fn unlock(&mut self) {
        self.run_daemon(&["--unlock"], b"a password");
    }

    /// Starts the Secret Service again, locked, and with nobody to ask for its password.
    pub(crate) fn lock(&mut self) {
        self.run_daemon(&[], b"");
    }

    fn run_daemon(&mut self, arguments: &[&str], password: &[u8]) {
        self.stop_daemon();
        let mut command = self.world.command_in(
            self.world.root(),
            Path::new("/usr/bin/gnome-keyring-daemon"),
            &[&["--foreground", "--components=secrets"], arguments].concat(),
        );
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut daemon = command.spawn().unwrap();
        daemon.stdin.take().unwrap().write_all(password).unwrap();
        // It says where it can be controlled once it stands.
        let mut said = String::new();
        BufReader::new(daemon.stdout.take().unwrap()).read_line(&mut said).unwrap();
        self.daemon = Some(daemon);
    }

    fn stop_daemon(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        self.stop_daemon();
        let _ = self.bus.kill();
        let _ = self.bus.wait();
    }
}
