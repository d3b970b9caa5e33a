//! Where the daemon is asked: a Unix socket, and a port of this machine where the configuration says so (F6.6).
//!
//! A socket file that nobody answers at is taken away; one at which somebody does, and whatever else stands in its place, is left.
//! Everybody may connect to the socket: in whose name a request is made is told by the kernel, and what they may is decided then.

use std::{
    fs::{self, DirBuilder, Permissions},
    io,
    net::{SocketAddr, TcpListener},
    os::unix::{
        fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
};

use postrider_model::{ErrorClass, Fault};

/// One place at which the daemon listens. The file of a socket that was made here goes with it.
#[derive(Debug)]
pub enum Door {
    /// A Unix socket, and its file where it was made here.
    Socket(UnixListener, Option<SocketFile>),
    /// A port of this machine.
    Port(TcpListener),
}

/// All places at which the daemon listens.
#[derive(Debug, Default)]
pub struct Doors(pub Vec<Door>);

impl Doors {
    /// Takes the sockets that systemd has opened for this process (sd_listen_fds(3)). To be called once, at the start: they are told
    /// by the environment.
    ///
    /// # Errors
    /// A port that other machines could ask.
    pub fn handed_in() -> Result<Self, Fault> {
        let mut handed = listenfd::ListenFd::from_env();
        let mut doors = Vec::new();
        for at in 0..handed.len() {
            if let Ok(Some(listener)) = handed.take_unix_listener(at) {
                doors.push(Door::Socket(listener, None));
            } else if let Ok(Some(listener)) = handed.take_tcp_listener(at) {
                let address = listener.local_addr().map_err(|error| cannot_take(&error.to_string()))?;
                if !address.ip().is_loopback() {
                    return Err(cannot_take(&format!("{address} can be asked by other machines"))
                        .hint("let the socket unit listen on 127.0.0.1 or ::1"));
                }
                doors.push(Door::Port(listener));
            }
        }
        Ok(Self(doors))
    }

    /// Adds a socket at that path, where none was handed in.
    ///
    /// # Errors
    /// Another daemon that answers there, something else in its place, a folder that others may write to.
    pub fn with_socket(mut self, path: &Path) -> Result<Self, Fault> {
        if !self.0.iter().any(|door| matches!(door, Door::Socket(..))) {
            self.0.push(socket(path)?);
        }
        Ok(self)
    }

    /// Adds a port of this machine, where none was handed in.
    ///
    /// # Errors
    /// A port that is taken.
    pub fn with_port(mut self, address: Option<SocketAddr>) -> Result<Self, Fault> {
        if let Some(address) = address
            && !self.0.iter().any(|door| matches!(door, Door::Port(_)))
        {
            let listener = TcpListener::bind(address).map_err(|error| {
                Fault::new(ErrorClass::Config, format!("listen on {address}"), error.to_string())
                    .hint("choose another port for [api] listen in postrider.toml")
            })?;
            self.0.push(Door::Port(listener));
        }
        Ok(self)
    }
}

fn cannot_take(cause: &str) -> Fault {
    Fault::new(ErrorClass::Config, "take a socket from systemd", cause)
}

/// A socket's file, taken away with the door.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    inode: u64,
}

impl Drop for SocketFile {
    /// Only what was made here: another daemon may have put its own there since.
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|found| found.ino() == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn socket(path: &Path) -> Result<Door, Fault> {
    let failed = |error: io::Error| cannot_listen(path, &error.to_string());
    check_folder(path)?;
    make_way(path)?;
    let listener = UnixListener::bind(path).map_err(failed)?;
    fs::set_permissions(path, Permissions::from_mode(0o666)).map_err(failed)?;
    let inode = fs::symlink_metadata(path).map_err(failed)?.ino();
    Ok(Door::Socket(listener, Some(SocketFile { path: path.to_owned(), inode })))
}

/// Makes the socket's folder where there is none. In one that others may write to, they could put a socket of their own in this one's
/// place.
fn check_folder(path: &Path) -> Result<(), Fault> {
    let Some(folder) = path.parent() else { return Err(cannot_listen(path, "it is no path of a file")) };
    let found = DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(folder)
        .and_then(|()| fs::metadata(folder))
        .map_err(|error| cannot_listen(path, &format!("{}: {error}", folder.display())))?;
    let own = rustix::process::geteuid().as_raw();
    if found.uid() != own && found.uid() != 0 || found.mode() & 0o022 != 0 {
        let cause = format!("others may write to {}", folder.display());
        return Err(cannot_listen(path, &cause).hint(format!("run: chmod go-w {}", folder.display())));
    }
    Ok(())
}

/// Takes a socket away at which nobody answers.
fn make_way(path: &Path) -> Result<(), Fault> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(cannot_listen(path, &error.to_string())),
    };
    if !found.file_type().is_socket() {
        return Err(cannot_listen(path, "a file that is no socket is there").hint("move it away"));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(|error| cannot_listen(path, &error.to_string()))
        }
        Err(error) => Err(cannot_listen(path, &error.to_string())),
        Ok(_) => {
            let cause = "another process answers there";
            Err(Fault::new(ErrorClass::Busy, format!("listen on {}", path.display()), cause)
                .hint("a postrider is running already; stop it, or give this one another [api] socket"))
        }
    }
}

fn cannot_listen(path: &Path, cause: &str) -> Fault {
    Fault::new(ErrorClass::Config, format!("listen on {}", path.display()), cause)
        .hint("[api] socket in postrider.toml names the place")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_open_to_all_and_goes_with_its_door() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("run/api.sock");
        let doors = Doors::default().with_socket(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o666);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o022, 0);
        let refused = Doors::default().with_socket(&path).unwrap_err();
        assert_eq!(refused.class, ErrorClass::Busy, "{refused}");
        drop(doors);
        assert!(!path.exists());
    }

    #[test]
    fn a_socket_that_was_left_is_taken_away_and_nothing_else_is() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("api.sock");
        drop(UnixListener::bind(&path).unwrap());
        drop(Doors::default().with_socket(&path).unwrap());
        fs::write(&path, "mine").unwrap();
        assert!(Doors::default().with_socket(&path).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    }

    #[test]
    fn a_folder_that_others_may_write_to_is_refused() {
        let home = tempfile::tempdir().unwrap();
        fs::set_permissions(home.path(), Permissions::from_mode(0o777)).unwrap();
        let refused = Doors::default().with_socket(&home.path().join("api.sock")).unwrap_err();
        assert!(refused.cause.contains("others may write"), "{refused}");
    }
}
