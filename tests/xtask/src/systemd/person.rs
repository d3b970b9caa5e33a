//! A person's own daemon, under a service manager without privileges.

use anyhow::{Result, ensure};

use super::Tale;
use super::machine::wait_for;
use super::running::SOON;
use super::scene::Scene;

/// A service manager of a person's own, as a session would start it, without all else of a session.
const MANAGER: &str = "useradd --create-home --shell /bin/sh vera
    uid=$(id -u vera)
    install -d -m 0700 -o vera -g vera /run/user/$uid
    systemd-run --quiet --unit=manager-of-vera --property=User=vera --property=Delegate=yes \
        --setenv=XDG_RUNTIME_DIR=/run/user/$uid /usr/lib/systemd/systemd --user";

/// All of it. Afterwards the person's daemon is stopped.
pub(super) fn all(tale: &mut Tale, scene: &Scene) {
    tale.fact("a person's own daemon starts, is READY and stops", || own_daemon(scene));
}

fn own_daemon(scene: &Scene) -> Result<String> {
    let machine = &scene.machine;
    machine.shell(MANAGER)?;
    let ask = |words: &str| {
        machine.shell(&format!(
            "exec setpriv --reuid=vera --regid=vera --init-groups env HOME=/home/vera \
             XDG_RUNTIME_DIR=/run/user/$(id -u vera) {words}"
        ))
    };
    wait_for(SOON, || ask("systemctl --user list-units").ok())?;
    ask("systemctl --user start postrider.service")?;
    let status = ask("systemctl --user show --value --property=StatusText postrider.service")?;
    ensure!(status.starts_with("following 0 accounts"), "its status is {status:?}");
    let store = machine.say(&["stat", "-c", "%a %U", "/home/vera/.local/share/postrider"])?;
    ensure!(store.trim() == "700 vera", "its store is {store}");
    ask("systemctl --user stop postrider.service")?;
    let result = ask("systemctl --user show --value --property=Result postrider.service")?;
    ensure!(result.trim() == "success", "it ended by {result}");
    machine.say(&["systemctl", "stop", "manager-of-vera.service"])?;
    Ok(format!("{:?}", status.trim()))
}
