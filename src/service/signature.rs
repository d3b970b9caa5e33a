//! An account's signature (F2.6): the text that its settings have, or what is in its file, plain text or HTML with the pictures that it
//! shows.

use std::{fs, path::Path};

use postrider_formats::compose::{InlinePart, Signature};
use postrider_model::{ErrorClass, Fault};

use super::writing::{NewFile, picture};
use crate::config::MailSettings;

/// What stands below all that the account sends.
pub(super) fn signature(mail: &MailSettings) -> Result<Option<Signature>, Fault> {
    match (&mail.signature, &mail.signature_file) {
        (Some(text), _) => Ok(Some(Signature { plain: Some(text.clone()), ..Signature::default() })),
        (None, Some(file)) => of_file(file).map(Some),
        (None, None) => Ok(None),
    }
}

/// The signature in that file: HTML where it is named so, with the pictures that it shows from beside it; else plain text.
fn of_file(file: &Path) -> Result<Signature, Fault> {
    let text = String::from_utf8_lossy(&read_signature(file, file)?).into_owned();
    let is_html = file
        .extension()
        .is_some_and(|end| end.eq_ignore_ascii_case("html") || end.eq_ignore_ascii_case("htm"));
    if !is_html {
        return Ok(Signature { plain: Some(text), ..Signature::default() });
    }
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut pictures: Vec<InlinePart> = Vec::new();
    let mut html = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("src=\"") {
        html.push_str(before);
        html.push_str("src=\"");
        let (source, behind) = after.split_once('"').unwrap_or((after, ""));
        match beside(source) {
            Some(name) => {
                let bytes = read_signature(&folder.join(name), file)?;
                let id = format!("signature.{}", pictures.len() + 1);
                html.push_str(&format!("cid:{id}"));
                pictures.push(picture(id, NewFile { name: name.to_owned(), bytes }));
            }
            None => html.push_str(source),
        }
        html.push('"');
        rest = behind;
    }
    html.push_str(rest);
    Ok(Signature { html: Some(html), pictures, ..Signature::default() })
}

/// The name of a file beside the signature, where the source is one and no address or path.
fn beside(source: &str) -> Option<&str> {
    let is_plain = !source.is_empty() && !source.contains([':', '/', '\\']) && source != "..";
    is_plain.then_some(source)
}

fn read_signature(file: &Path, of: &Path) -> Result<Vec<u8>, Fault> {
    fs::read(file).map_err(|error| {
        Fault::new(ErrorClass::Config, format!("read {}", file.display()), error.to_string())
            .hint(format!("`signature_file` of the account names {}", of.display()))
    })
}
