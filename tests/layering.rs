//! Which part may use which: the tables below are the rule (ARCHITECTURE.md, "The house"), and every crate of the workspace
//! is held against them.
//!
//! A crate that is in no table is an error, so that a new one cannot come in unjudged. What Cargo cannot see, the reading of the
//! environment and the modules of the root package, is held by a look at the sources.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// A crate's folder, and the folders of the crates that it may use. `*` stands for one name. The first row that fits holds.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("state/model", &[]),
    ("state/formats", &["state/model"]),
    ("state/reconcile", &["state/model"]),
    ("state/journal", &["state/model"]),
    ("state/store", &["state/model", "state/journal"]),
    ("providers/api", &["state/model"]),
    ("providers/net", &["state/model", "providers/api"]),
    ("providers/fake", &["state/model", "providers/api", "providers/net"]),
    ("providers/contract", &["state/model", "providers/api"]),
    // A provider knows no other provider, neither the store nor what is decided over it.
    ("providers/*", &["providers/api", "providers/net", "providers/oauth", "state/model", "state/formats"]),
    (ROOT, &["state/*", "providers/*"]),
    // What tests stand on is built on nothing of the product, so that a mistake there cannot hide here.
    ("tests/support", &[]),
    ("tests/*", &[ROOT, "state/*", "providers/*", "tests/support"]),
];

/// Crates that are for tests alone: no part of the product uses them.
const TESTS_ONLY: &[&str] = &["providers/fake", "providers/contract", "tests/support"];

/// Crates that only tests and the root package may use, be it for their own tests.
const TOP: &[&str] = &[ROOT, "state/store"];

/// Libraries that have one home. Tests may use them for themselves.
const ONE_HOME: &[(&str, &str)] = &[
    ("rusqlite", "state/store"),
    ("libsqlite3-sys", "state/store"),
    ("rustls", "providers/net"),
    ("tokio-rustls", "providers/net"),
    ("rustls-native-certs", "providers/net"),
    ("hyper", "providers/net"),
    ("hyper-util", "providers/net"),
    ("oauth2", "providers/oauth"),
    ("mail-parser", "state/formats"),
];

/// What a source folder must not say. Comments are passed over.
const MUST_NOT_SAY: &[(&str, &[&str])] = &[
    ("providers/*/src", OUTSIDE_WORLD),
    ("state/*/src", OUTSIDE_WORLD),
    ("src/cli", &["std::env", "SystemTime", "postrider_imap", "postrider_smtp", "postrider_net"]),
    // Rights are read out of the configuration alone: who enforces them and what they are about is others'.
    (
        "src/access",
        &["crate::cli", "crate::service", "crate::sync", "postrider_store", "println!", "std::env"],
    ),
    ("src/config", &["crate::cli", "crate::service", "crate::sync", "postrider_store", "postrider_imap"]),
    ("src/secrets", &["crate::cli", "crate::service", "crate::sync", "postrider_store", "postrider_imap"]),
    ("src/service", &["crate::cli", "println!", "std::env", "SystemTime"]),
    (
        "src/sync",
        &[
            "crate::cli",
            "crate::config",
            "crate::service",
            "postrider_imap",
            "postrider_smtp",
            "println!",
            "std::env",
        ],
    ),
];

/// Output, environment, wall time and chance are handed in from above.
const OUTSIDE_WORLD: &[&str] = &["print!", "println!", "dbg!", "std::env", "SystemTime::now", "getrandom"];

/// The folder of the root package, by which the tables call it.
const ROOT: &str = ".";

/// A member of the workspace, as the checks see it.
#[derive(Debug, Clone)]
struct Member {
    folder: String,
    uses: Vec<Use>,
}

/// One dependency of a member.
#[derive(Debug, Clone)]
struct Use {
    /// The crate's name, as the registry has it.
    name: String,
    /// The folder, where it is a member too.
    folder: Option<String>,
    /// Whether it is for the member's own tests, benchmarks and examples alone.
    dev: bool,
}

fn metadata() -> Metadata {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    MetadataCommand::new().manifest_path(manifest).no_deps().exec().unwrap()
}

fn members(metadata: &Metadata) -> Vec<Member> {
    let root = &metadata.workspace_root;
    let folder_of = |path: &Path| -> Option<String> {
        let below = path.strip_prefix(root).ok()?.to_str()?;
        Some(if below.is_empty() { ROOT.to_owned() } else { below.to_owned() })
    };
    let member = |package: &cargo_metadata::Package| Member {
        folder: package.manifest_path.parent().and_then(|at| folder_of(at.as_std_path())).unwrap(),
        uses: package
            .dependencies
            .iter()
            .map(|one| Use {
                name: one.name.clone(),
                folder: one.path.as_ref().and_then(|path| folder_of(path.as_std_path())),
                dev: one.kind == DependencyKind::Development,
            })
            .collect(),
    };
    metadata.workspace_packages().into_iter().map(member).collect()
}

/// Whether a folder is what a pattern means. `*` stands for one name and never for the root package.
fn fits(pattern: &str, folder: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == folder,
        Some((before, after)) => folder
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after))
            .is_some_and(|name| !name.is_empty() && !name.contains('/')),
    }
}

fn fits_any(patterns: &[&str], folder: &str) -> bool {
    patterns.iter().any(|pattern| fits(pattern, folder))
}

fn is_test(folder: &str) -> bool {
    fits("tests/*", folder) || TESTS_ONLY.contains(&folder)
}

/// Every edge that the tables do not allow, in words.
fn wrong_edges(members: &[Member]) -> Vec<String> {
    let mut wrong = Vec::new();
    for member in members {
        let from = member.folder.as_str();
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(pattern, _)| fits(pattern, from)) else {
            wrong.push(format!("{from} is in no row of MAY_IMPORT"));
            continue;
        };
        for edge in &member.uses {
            wrong.extend(wrong_edge(from, edge, allowed));
        }
    }
    wrong
}

fn wrong_edge(from: &str, edge: &Use, allowed: &[&str]) -> Option<String> {
    let edge_in_words =
        |why: &str| Some(format!("{from} → {}: {why}", edge.folder.as_ref().unwrap_or(&edge.name)));
    let Some(to) = edge.folder.as_deref() else {
        let home = ONE_HOME.iter().find(|(name, _)| *name == edge.name).map(|(_, home)| *home);
        let elsewhere = home.is_some_and(|home| home != from && !edge.dev && !is_test(from));
        return elsewhere.then(|| edge_in_words("this library has one home")).flatten();
    };
    if TOP.contains(&to) && from != ROOT && !fits("tests/*", from) {
        return edge_in_words("only the root package and tests may");
    }
    if edge.dev {
        return None;
    }
    if TESTS_ONLY.contains(&to) && !is_test(from) {
        return edge_in_words("it is for tests alone");
    }
    if !fits_any(allowed, to) {
        return edge_in_words("it is not in its row of MAY_IMPORT");
    }
    None
}

/// What a table of the manifest says.
fn manifest(path: &Path) -> toml::Table {
    fs::read_to_string(path).unwrap().parse().unwrap()
}

/// The Rust files below a folder, sorted.
fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Every line of a source that says what it must not. `use std::{env, …}` is read as `std::env`.
fn wrong_lines(label: &str, source: &str, forbidden: &[&str]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut in_std = false;
    for (number, line) in (1..).zip(source.lines()) {
        let code = line.split("//").next().unwrap_or_default().trim();
        in_std = code.starts_with("use std::{") || in_std && !code.is_empty() && !code.starts_with("use ");
        let names_env =
            in_std && code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "env");
        for word in forbidden {
            if says(code, word) || *word == "std::env" && names_env {
                wrong.push(format!("{label}:{number}: says {word}"));
            }
        }
        in_std &= !code.ends_with(';');
    }
    wrong
}

/// Whether the word stands in the line, and not as the end of a longer name.
fn says(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        !code
            .get(..at)
            .unwrap_or_default()
            .ends_with(|before: char| before.is_alphanumeric() || before == '_')
    })
}

/// The folders below the workspace that a pattern means.
fn folders(root: &Path, pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else { return vec![root.join(pattern)] };
    let mut found: Vec<PathBuf> = fs::read_dir(root.join(before))
        .unwrap()
        .map(|entry| entry.unwrap().path().join(after.trim_start_matches('/')))
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found
}

fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn every_crate_uses_only_what_it_may() {
    none(&wrong_edges(&members(&metadata())));
}

#[test]
fn every_row_is_of_a_crate_that_is_there() {
    let members = members(&metadata());
    let edges = members.iter().flat_map(|member| &member.uses).filter(|edge| edge.folder.is_some()).count();
    assert!(edges > members.len(), "the edges between members are not seen: {edges}");
    for (pattern, _) in MAY_IMPORT {
        assert!(members.iter().any(|member| fits(pattern, &member.folder)), "no crate is {pattern}");
    }
    for (library, home) in ONE_HOME {
        let used =
            |member: &Member| member.folder == *home && member.uses.iter().any(|one| one.name == *library);
        let indirect = *library == "libsqlite3-sys";
        assert!(indirect || members.iter().any(used), "{home} does not use {library}");
    }
}

#[test]
fn a_wrong_edge_is_found() {
    let edge = |to: &str, dev: bool| Use { name: "some-crate".to_owned(), folder: Some(to.to_owned()), dev };
    let library = |name: &str, dev: bool| Use { name: name.to_owned(), folder: None, dev };
    let table = [
        // from, what it uses, whether that is wrong
        ("state/model", edge("state/formats", false), true),
        ("state/model", edge("state/formats", true), false),
        ("state/reconcile", edge("state/store", false), true),
        ("state/reconcile", edge("state/store", true), true),
        ("state/store", edge("state/journal", false), false),
        ("state/store", edge("state/reconcile", false), true),
        ("providers/imap", edge("providers/net", false), false),
        ("providers/imap", edge("providers/smtp", false), true),
        ("providers/imap", edge("providers/fake", false), true),
        ("providers/imap", edge("providers/fake", true), false),
        ("providers/a-new-one", edge("state/store", false), true),
        ("providers/a-new-one", edge("state/reconcile", false), true),
        ("providers/a-new-one", edge(ROOT, true), true),
        ("providers/fake", edge("state/formats", false), true),
        (ROOT, edge("state/store", false), false),
        (ROOT, edge("providers/fake", false), true),
        (ROOT, edge("providers/fake", true), false),
        (ROOT, edge("tests/support", false), true),
        ("tests/sim", edge(ROOT, false), false),
        ("tests/sim", edge("providers/fake", false), false),
        ("tests/support", edge("state/model", false), true),
        ("state/formats", library("rusqlite", false), true),
        ("state/formats", library("rusqlite", true), false),
        ("state/store", library("rusqlite", false), false),
        ("providers/imap", library("tokio-rustls", false), true),
        ("tests/support", library("rustls", false), false),
        (ROOT, library("mail-parser", false), true),
        (ROOT, library("serde", false), false),
        ("elsewhere/x", library("serde", false), true),
    ];
    for (from, used, expected) in table {
        let wrong = wrong_edges(&[Member { folder: from.to_owned(), uses: vec![used.clone()] }]);
        assert_eq!(!wrong.is_empty(), expected, "{from} uses {used:?}: {wrong:?}");
        assert!(wrong.iter().all(|told| told.contains(from)), "the edge is not named: {wrong:?}");
    }
}

#[test]
fn every_crate_takes_the_workspaces_lints_and_none_allows_unsafe_code() {
    let metadata = metadata();
    let root = manifest(metadata.workspace_root.join("Cargo.toml").as_std_path());
    let unsafe_code = root["workspace"]["lints"]["rust"]["unsafe_code"].as_str();
    assert_eq!(unsafe_code, Some("forbid"));
    let packages = metadata.workspace_packages();
    assert!(packages.len() > 10, "the workspace has {} members", packages.len());
    for package in packages {
        let lints = manifest(package.manifest_path.as_std_path()).get("lints").cloned();
        let expected = toml::Table::from_iter([("workspace".to_owned(), toml::Value::Boolean(true))]);
        assert_eq!(lints, Some(toml::Value::Table(expected)), "[lints] of {}", package.manifest_path);
    }
}

#[test]
fn sources_say_nothing_that_is_not_theirs_to_say() {
    let root = metadata().workspace_root.into_std_path_buf();
    let mut wrong = Vec::new();
    let mut read: BTreeMap<&str, usize> = BTreeMap::new();
    for (pattern, forbidden) in MUST_NOT_SAY {
        for folder in folders(&root, pattern) {
            let mut files = Vec::new();
            rust_files(&folder, &mut files);
            *read.entry(pattern).or_default() += files.len();
            for file in files {
                let label = file.strip_prefix(&root).unwrap().display().to_string();
                wrong.extend(wrong_lines(&label, &fs::read_to_string(&file).unwrap(), forbidden));
            }
        }
    }
    none(&wrong);
    assert!(read.values().all(|files| *files > 2), "something was not read: {read:?}");
}

#[test]
fn only_main_reads_the_environment() {
    let root = metadata().workspace_root.into_std_path_buf();
    let mut files = Vec::new();
    rust_files(&root.join("src"), &mut files);
    let reads =
        |path: &PathBuf| !wrong_lines("", &fs::read_to_string(path).unwrap(), &["std::env"]).is_empty();
    let readers: Vec<PathBuf> = files.into_iter().filter(reads).collect();
    assert_eq!(readers, [root.join("src/main.rs")]);
}

#[test]
fn a_wrong_line_is_found() {
    let table = [
        ("println!(\"x\");", true),
        ("    std::println!(\"x\");", true),
        ("// println!(\"x\")", false),
        ("/// Prints by `println!`.", false),
        ("let a = 1; // std::env", false),
        ("my_println!(1)", false),
        ("let dir = std::env::temp_dir();", true),
        ("use std::env;", true),
        ("use std::{env, fs};", true),
        ("use std::{\n    collections::BTreeMap,\n    env,\n};", true),
        ("use std::{fs, io};\nlet env = 1;", false),
        ("let version = env!(\"CARGO_PKG_VERSION\");", false),
        ("std::environment()", true),
    ];
    for (source, expected) in table {
        let wrong = wrong_lines("x.rs", source, &["println!", "std::env"]);
        assert_eq!(!wrong.is_empty(), expected, "{source}: {wrong:?}");
    }
}
