//! How a server's folders are nested, and so what a new one is called there.

use postrider_model::{ErrorClass, Fault};
use postrider_remote::FolderKey;

use super::with_folder;
use crate::{
    codec::{
        command::Command,
        listing::{ListRow, Namespaces},
        response::Data,
    },
    connection::{Connection, done, passing},
    fault::{During, Failure},
    name,
};

/// The form of folder names on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hierarchy {
    /// What separates levels; `None` where there are none.
    pub(super) delimiter: Option<char>,
    namespaces: Namespaces,
}

impl Hierarchy {
    /// Asks for it: an empty LIST tells the delimiter (RFC 3501, section 6.3.8).
    pub(super) async fn ask(connection: &mut Connection) -> Result<Self, Failure> {
        let action = connection.action("ask how folders are nested");
        let mut commands = Vec::new();
        if connection.has("NAMESPACE") {
            commands.push(Command::new(action.clone(), "NAMESPACE"));
        }
        commands.push(Command::new(action.clone(), "LIST \"\" \"\""));
        let (mut root, mut namespaces): (Option<ListRow>, _) = (None, Namespaces::default());
        let mut on = |_: usize, data: Data| match data {
            Data::List(row) => root = root.take().or(Some(row)),
            Data::Namespace(told) => namespaces = told,
            _ => {}
        };
        let statuses = connection.run(&commands, &mut on).await?;
        if let Some(status) = statuses.last() {
            done(&action, status, During::Command)?;
        }
        match root {
            Some(root) => Ok(Self { delimiter: root.delimiter, namespaces }),
            None => Err(passing(action, "the server said OK without an answer")),
        }
    }

    /// The key of a folder of that name for people. It goes into the personal namespace, unless it begins as a namespace does.
    pub(super) fn key(&self, action: &str, shown: &str) -> Result<FolderKey, Failure> {
        let key = name::from_shown(shown, self.delimiter).map_err(|why| {
            let fault = Fault::new(ErrorClass::Permanent, action, why).hint("choose another name");
            Failure::answered(fault)
        })?;
        let as_key = |prefix: &Vec<u8>| name::key(prefix, false).0;
        let personal = self.namespaces.personal.as_ref().map(as_key).unwrap_or_default();
        let others = self.namespaces.others.iter().map(as_key);
        let begins = |prefix: &String| !prefix.is_empty() && begins_with(&key.0, prefix);
        let is_placed =
            key.0 == "INBOX" || begins(&personal) || others.into_iter().any(|prefix| begins(&prefix));
        Ok(if is_placed { key } else { FolderKey(personal + &key.0) })
    }

    /// The keys of the folders above, outermost first.
    pub(super) fn above(&self, key: &FolderKey) -> Vec<FolderKey> {
        let Some(delimiter) = self.delimiter else { return Vec::new() };
        let ends = key.0.match_indices(delimiter).map(|(at, _)| at);
        ends.filter_map(|at| key.0.get(..at))
            .filter(|above| !above.is_empty())
            .map(|above| FolderKey(above.to_owned()))
            .collect()
    }

    /// The key of `key`, which is `from` or below it, once `from` is `to`; `None` where it is neither.
    pub(super) fn renamed(&self, key: &FolderKey, from: &FolderKey, to: &FolderKey) -> Option<FolderKey> {
        let rest = key.0.strip_prefix(&from.0)?;
        let is_within =
            rest.is_empty() || self.delimiter.is_some_and(|delimiter| rest.starts_with(delimiter));
        is_within.then(|| FolderKey(format!("{}{rest}", to.0)))
    }
}

/// `INBOX` is one name in any case (RFC 3501, section 5.1).
fn begins_with(key: &str, prefix: &str) -> bool {
    let start = key.get(..prefix.len()).unwrap_or_default();
    start == prefix
        || prefix.get(..5).is_some_and(|inbox| inbox.eq_ignore_ascii_case("INBOX"))
            && start.eq_ignore_ascii_case(prefix)
}

/// Whether a folder of that key is listed, and can hold messages.
pub(super) async fn is_listed(connection: &mut Connection, key: &FolderKey) -> Result<bool, Failure> {
    let action = connection.action(&format!("look for folder {:?}", name::shown(key, Some('/'))));
    let command = with_folder(connection, action.clone(), "LIST \"\"", key);
    let is_utf8 = connection.enabled.utf8;
    let mut is_found = false;
    let mut on = |_: usize, data: Data| {
        if let Data::List(row) = data
            && name::key(&row.name, is_utf8) == *key
        {
            is_found = !row.has("\\Noselect") && !row.has("\\NonExistent");
        }
    };
    let statuses = connection.run(&[command], &mut on).await?;
    statuses.iter().try_for_each(|status| done(&action, status, During::Command))?;
    Ok(is_found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hierarchy(delimiter: Option<char>, personal: &str, others: &[&str]) -> Hierarchy {
        let others = others.iter().map(|prefix| prefix.as_bytes().to_vec()).collect();
        Hierarchy {
            delimiter,
            namespaces: Namespaces { personal: Some(personal.as_bytes().to_vec()), others },
        }
    }

    #[test]
    fn new_folders_go_where_a_persons_own_folders_are() {
        let dotted = hierarchy(Some('.'), "INBOX.", &["shared.", ""]);
        let plain = hierarchy(Some('/'), "", &["#shared/"]);
        let flat = hierarchy(None, "", &[]);
        let table = [
            (&dotted, "Work/2026", Ok("INBOX.Work.2026")),
            (&dotted, "INBOX/Work", Ok("INBOX.Work")),
            (&dotted, "Inbox/Work", Ok("Inbox.Work")),
            (&dotted, "inbox", Ok("INBOX")),
            (&dotted, "shared/Work", Ok("shared.Work")),
            (&dotted, "a%2Fb/c", Ok("INBOX.a/b.c")),
            (&dotted, "a.b", Err("a level of it holds \".\", by which the server separates levels")),
            (&plain, "Отпуск/R&D", Ok("&BB4EQgQ,BEMEQQQ6-/R&-D")),
            (&plain, "a//b", Err("a level of it has no name")),
            (&plain, "", Err("a level of it has no name")),
            (&plain, "a\u{7}", Err("it holds a control character")),
            (&flat, "Work", Ok("Work")),
            (&flat, "Work/2026", Err("the server has no folders within folders")),
        ];
        for (hierarchy, name, expected) in table {
            let key = hierarchy.key("create it", name).map_err(|failure| failure.fault.cause);
            let expected = expected
                .map(|key| FolderKey(key.to_owned()))
                .map_err(|why| format!("its name cannot be {name:?}: {why}"));
            assert_eq!(key, expected, "{name}");
        }
    }

    #[test]
    fn what_is_below_is_renamed_with_it() {
        let dotted = hierarchy(Some('.'), "", &[]);
        let key = |name: &str| FolderKey(name.to_owned());
        let renamed = |name| dotted.renamed(&key(name), &key("a"), &key("b.c"));
        assert_eq!((renamed("a"), renamed("a.x")), (Some(key("b.c")), Some(key("b.c.x"))));
        assert_eq!((renamed("ab"), renamed("x.a")), (None, None));
        assert_eq!(dotted.above(&key("a.b.c")), [key("a"), key("a.b")]);
    }
}
