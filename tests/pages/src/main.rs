//! Writes what is made from the definition of the command line (`postrider::cli::Cli`) and is in the Debian package: a manual page
//! for each command, and completions for bash, zsh and fish. A program of its own, so that chores which need none of this need not
//! be built with all of Postrider. Reads nothing, and writes into the folder that it is told alone.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{CommandFactory, Parser};
use clap_complete::Shell;
use postrider::cli::Cli;

/// Writes manual pages into DIR/man and completions into DIR/completions.
#[derive(Parser)]
struct Arguments {
    /// The folder, which is made where it is not there.
    dir: PathBuf,
}

fn main() -> Result<()> {
    write_all(&Arguments::parse().dir)
}

fn write_all(dir: &Path) -> Result<()> {
    let (man, completions) = (dir.join("man"), dir.join("completions"));
    for folder in [&man, &completions] {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    clap_mangen::generate_to(Cli::command(), &man).context("cannot write manual pages")?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut Cli::command(), "postrider", &completions)
            .with_context(|| format!("cannot write completions for {shell}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_and_every_shell_its_completions() {
        let dir = tempfile::tempdir().unwrap();
        write_all(dir.path()).unwrap();
        for command in Cli::command().get_subcommands() {
            let page = dir.path().join("man").join(format!("postrider-{}.1", command.get_name()));
            let text =
                fs::read_to_string(&page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
            assert!(text.contains(".SH SYNOPSIS"), "{text}");
        }
        for (name, command) in
            [("postrider.bash", "mail"), ("_postrider", "mail"), ("postrider.fish", "mail")]
        {
            let text = fs::read_to_string(dir.path().join("completions").join(name)).unwrap();
            assert!(text.contains(command), "{name} does not complete {command}");
        }
    }
}
