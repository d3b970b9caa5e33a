//! What a person gives a command beside its words: in a file, or on standard input.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use postrider_model::{ErrorClass, Fault};

/// A text as it stands, from a file (`@FILE`), or from standard input (`-`).
pub(super) fn text_of(text: &str) -> Result<String, Fault> {
    let bytes = match (text, text.strip_prefix('@')) {
        ("-", _) => content(Path::new("-"))?,
        (_, Some(path)) => content(Path::new(path))?,
        (text, None) => return Ok(text.to_owned()),
    };
    String::from_utf8(bytes)
        .map_err(|_| Fault::new(ErrorClass::Config, format!("read {text}"), "it is not UTF-8"))
}

/// What a file has, or standard input (`-`).
pub(super) fn content(path: &Path) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    let read = match path == Path::new("-") {
        true => io::stdin().lock().read_to_end(&mut bytes).map(drop),
        false => fs::read(path).map(|content| bytes = content),
    };
    match read {
        Ok(()) => Ok(bytes),
        Err(error) => {
            Err(Fault::new(ErrorClass::Config, format!("read {}", path.display()), error.to_string()))
        }
    }
}
