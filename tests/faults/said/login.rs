//! Passwords that are wrong, missing or kept badly.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use postrider_test_support::Dovecot;

use super::teller::{PASSWORD, Told, USER, home, tell};

const HINT: &str = "hint: check login name and password; many providers want an app password, or IMAP to be switched on in their settings\n";

#[test]
fn a_wrong_password_needs_a_login_and_is_not_repeated_by_the_message() {
    let server = Dovecot::builder().user(USER, "another").start().unwrap();
    let port = server.imap_addr().port().to_string();
    let names = [(&*port, "PORT")];
    let home = home(server.imap_addr(), "none", None);
    let why = "cannot log in to 127.0.0.1:PORT: the server answered NO [AUTHENTICATIONFAILED]: Authentication failed.\n";
    assert_eq!(
        tell(&home, &["--sync-now"], &names),
        Told::new(3, "work: a login is needed\n", &format!("error: work: {why}{HINT}"))
    );
    assert_eq!(
        tell(&home, &["account", "test", "work"], &names),
        Told::new(3, "", &format!("error: {why}{HINT}"))
    );
    assert_eq!(
        tell(&home, &["doctor"], &names),
        Told::new(
            1,
            &format!(
                "ok: configuration: HOME/.config/postrider reads well\n\
                 ok: store: HOME/.local/share/postrider is sound\n\
                 error: account work: {why}  {HINT}"
            ),
            ""
        )
    );
}

#[test]
fn a_password_file_that_others_can_read_is_refused() {
    let server = Dovecot::builder().user(USER, PASSWORD).start().unwrap();
    let home = home(server.imap_addr(), "none", None);
    let file = home.config().join("secrets/work");
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    let path = "HOME/.config/postrider/secrets/work";
    assert_eq!(
        tell(&home, &["--sync-now"], &[]),
        Told::new(
            2,
            "work: its configuration is wrong\n",
            &format!(
                "error: work: cannot read the password file {path}: its mode is 0644, so that others can read or write it\n\
                 hint: `chmod go= {path}`, and change the password if others may have read it\n"
            )
        )
    );
    fs::remove_file(&file).unwrap();
    assert_eq!(
        tell(&home, &["--sync-now"], &[]),
        Told::new(
            2,
            "work: its configuration is wrong\n",
            &format!(
                "error: work: cannot read the password file {path}: there is no such file\n\
                 hint: write the password there, mode 0600, or name another place in [credentials]\n"
            )
        )
    );
}
