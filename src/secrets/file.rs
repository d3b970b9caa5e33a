//! A password from a file: one that nobody but its owner can read, or a credential that systemd keeps for the service.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

use postrider_model::{ErrorClass, Fault};
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::config::trust::open_regular;

/// The longest file with a secret, in octets.
const MAX_SECRET: usize = 64 * 1024;
/// Every permission of group and others.
const FOREIGN: u32 = 0o077;

/// The password in a file, without the newline at its end. The file is read anew each time, and it is small, so it is read in
/// place.
///
/// # Errors
/// The file cannot be read, is another user's, may be read by others, or holds no single line of UTF-8.
pub(super) fn password_from_file(path: &Path, owner_uid: u32) -> Result<SecretString, Fault> {
    let action = format!("read the password file {}", path.display());
    one_line(read_private(path, owner_uid, &action)?.as_slice(), &action)
}

/// The secret of an OAuth client in a file, judged and read as a password is.
///
/// # Errors
/// As [`password_from_file`].
pub(super) fn client_secret_from_file(path: &Path, owner_uid: u32) -> Result<SecretString, Fault> {
    let action = format!("read the client secret in {}", path.display());
    one_line(read_private(path, owner_uid, &action)?.as_slice(), &action)
}

/// The octets of a file that nobody but its owner can read.
pub(super) fn read_private(path: &Path, owner_uid: u32, action: &str) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let fault = |cause: String| Fault::new(ErrorClass::Config, action, cause);
    let (file, metadata) = open_regular(path).map_err(|error| unreadable(action, path, &error))?;
    let (uid, mode) = (metadata.uid(), metadata.permissions().mode() & 0o7777);
    if uid != 0 && uid != owner_uid {
        return Err(fault(format!(
            "it belongs to uid {uid}, neither root nor the owner of the store (uid {owner_uid})"
        ))
        .hint(format!("`chown {owner_uid} {}`", path.display())));
    }
    if mode & FOREIGN != 0 {
        return Err(fault(format!("its mode is {mode:04o}, so that others can read or write it")).hint(
            format!("`chmod go= {}`, and change the password if others may have read it", path.display()),
        ));
    }
    read_limited(file, action)
}

/// The password in a systemd credential. systemd itself sees to it that only the service can read it, by an access list that
/// the mode shows as a permission of the group, so the mode is not judged here.
///
/// # Errors
/// There are no credentials, none of that name, or it holds no single line of UTF-8.
pub(super) fn password_from_credential(folder: Option<&Path>, name: &str) -> Result<SecretString, Fault> {
    let action = credential_action(name);
    one_line(read_credential(folder, name)?.as_slice(), &action)
}

fn credential_action(name: &str) -> String {
    format!("read the systemd credential {name}")
}

/// The octets of a systemd credential.
pub(super) fn read_credential(folder: Option<&Path>, name: &str) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let action = credential_action(name);
    let hint = format!(
        "add LoadCredential={name}:/path/of/the/file to the unit (`systemctl edit postrider`), and restart it"
    );
    let Some(folder) = folder else {
        let cause = "this process was started without credentials";
        return Err(Fault::new(ErrorClass::Config, action, cause).hint(hint));
    };
    match open_regular(&folder.join(name)) {
        Ok((file, _)) => read_limited(file, &action),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(Fault::new(ErrorClass::Config, action, "the unit passes no credential of that name")
                .hint(hint))
        }
        Err(error) => Err(Fault::new(ErrorClass::Config, action, error.to_string())),
    }
}

fn unreadable(action: &str, path: &Path, error: &io::Error) -> Fault {
    let (cause, hint) = match error.kind() {
        io::ErrorKind::NotFound => (
            "there is no such file".to_owned(),
            "write the password there, mode 0600, or name another place in [credentials]".to_owned(),
        ),
        io::ErrorKind::PermissionDenied => {
            ("this user may not read it".to_owned(), format!("`ls -l {}` shows who may", path.display()))
        }
        io::ErrorKind::InvalidInput => {
            ("it is not a regular file".to_owned(), "name a regular file".to_owned())
        }
        _ => return Fault::new(ErrorClass::Config, action, error.to_string()),
    };
    Fault::new(ErrorClass::Config, action, cause).hint(hint)
}

/// Reads into a buffer that never grows, since growing would leave copies behind that are not wiped.
fn read_limited(file: File, action: &str) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let mut octets = Zeroizing::new(Vec::with_capacity(MAX_SECRET + 1));
    let read = file.take(MAX_SECRET as u64 + 1).read_to_end(&mut octets);
    read.map_err(|error| Fault::new(ErrorClass::Config, action, error.to_string()))?;
    match octets.len() > MAX_SECRET {
        true => Err(Fault::new(ErrorClass::Config, action, "it is larger than 64 KiB")),
        false => Ok(octets),
    }
}

/// The one line that the octets hold, with or without a newline at its end.
pub(super) fn one_line(octets: &[u8], action: &str) -> Result<SecretString, Fault> {
    let line = octets.strip_suffix(b"\n").map_or(octets, |line| line.strip_suffix(b"\r").unwrap_or(line));
    let fault = |cause: &str| Fault::new(ErrorClass::Config, action, cause);
    if line.is_empty() {
        return Err(fault("it is empty"));
    }
    if line.iter().any(|octet| matches!(octet, b'\n' | b'\r' | 0)) {
        return Err(fault("it holds more than one line").hint("leave nothing there but the password"));
    }
    let text = str::from_utf8(line).map_err(|_| fault("it is not UTF-8"))?;
    Ok(SecretString::from(text))
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use secrecy::ExposeSecret;

    use super::*;

    fn uid() -> u32 {
        rustix::process::geteuid().as_raw()
    }

    fn file(octets: &[u8], mode: u32) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("work");
        fs::write(&path, octets).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (dir, path)
    }

    #[test]
    fn the_newline_at_the_end_is_no_part_of_the_password() {
        let table: [(&[u8], &str); 5] = [
            (b"pw", "pw"),
            (b"pw\n", "pw"),
            (b"pw\r\n", "pw"),
            (b" p w ", " p w "),
            ("\u{e9}\n".as_bytes(), "\u{e9}"),
        ];
        for (octets, expected) in table {
            let (_dir, path) = file(octets, 0o600);
            assert_eq!(password_from_file(&path, uid()).unwrap().expose_secret(), expected);
        }
    }

    #[test]
    fn what_holds_no_password_is_refused_without_quoting_it() {
        let table: [(&[u8], &str); 6] = [
            (b"", "it is empty"),
            (b"\n", "it is empty"),
            (b"hunter2\nuser: me\n", "it holds more than one line"),
            (b"hunter2\n\n", "it holds more than one line"),
            (b"hunter2\xff", "it is not UTF-8"),
            (b"hunter2\0", "it holds more than one line"),
        ];
        for (octets, cause) in table {
            let (_dir, path) = file(octets, 0o600);
            let fault = password_from_file(&path, uid()).unwrap_err();
            assert_eq!(fault.cause, cause);
            assert_eq!(fault.class, ErrorClass::Config);
            assert!(!format!("{fault:?}").contains("hunter2"));
        }
        let (_dir, path) = file(&vec![b'x'; MAX_SECRET + 1], 0o600);
        assert_eq!(password_from_file(&path, uid()).unwrap_err().cause, "it is larger than 64 KiB");
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_the_remedy() {
        for mode in [0o640, 0o604, 0o620] {
            let (_dir, path) = file(b"pw", mode);
            let fault = password_from_file(&path, uid()).unwrap_err();
            assert_eq!(
                fault.message(),
                format!(
                    "cannot read the password file {}: its mode is {mode:04o}, so that others can read or write it",
                    path.display()
                )
            );
            let hint =
                format!("`chmod go= {}`, and change the password if others may have read it", path.display());
            assert_eq!(fault.hint, Some(hint));
        }
    }

    #[test]
    fn a_file_of_another_user_is_refused() {
        let (_dir, path) = file(b"pw", 0o600);
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&path, Some(4_321), None).unwrap();
        }
        let fault = password_from_file(&path, u32::MAX - 1).unwrap_err();
        assert!(fault.cause.starts_with("it belongs to uid "), "{fault}");
        assert!(fault.cause.ends_with("neither root nor the owner of the store (uid 4294967294)"), "{fault}");
    }

    #[test]
    fn an_absent_file_is_told() {
        let (dir, path) = file(b"pw", 0o600);
        let absent = dir.path().join("absent");
        let fault = password_from_file(&absent, uid()).unwrap_err();
        assert_eq!(
            fault.message(),
            format!("cannot read the password file {}: there is no such file", absent.display())
        );
        assert_eq!(
            fault.hint.as_deref(),
            Some("write the password there, mode 0600, or name another place in [credentials]")
        );
        fs::remove_file(&path).unwrap();
        assert_eq!(password_from_file(dir.path(), uid()).unwrap_err().cause, "it is not a regular file");
    }

    #[test]
    fn a_credential_is_read_whatever_its_mode() {
        let (dir, _path) = file(b"pw\n", 0o440);
        let read = |name| password_from_credential(Some(dir.path()), name);
        assert_eq!(read("work").unwrap().expose_secret(), "pw");
        let absent = read("home").unwrap_err();
        assert_eq!(
            absent.message(),
            "cannot read the systemd credential home: the unit passes no credential of that name"
        );
        assert_eq!(
            absent.hint.as_deref(),
            Some(
                "add LoadCredential=home:/path/of/the/file to the unit (`systemctl edit postrider`), and restart it"
            )
        );
        let none = password_from_credential(None, "work").unwrap_err();
        assert_eq!(none.cause, "this process was started without credentials");
    }
}
