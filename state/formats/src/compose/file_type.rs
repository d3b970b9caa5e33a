//! From a file's name to its content type, by the extension.
//!
//! A guess for attachments whose type nobody gave. Contents are not looked at: a file is not run or shown here, and its receiver
//! decides by the name anyway.

/// What nothing is known of (RFC 2046 section 4.5.1).
pub const OCTET_STREAM: &str = "application/octet-stream";

/// The content type that the extension of `name` stands for, [`OCTET_STREAM`] where it stands for none. Case does not count.
///
/// The types are those of the IANA's registry where it has one.
#[must_use]
pub fn content_type_of(name: &str) -> &'static str {
    let Some((stem, extension)) = name.rsplit_once('.') else { return OCTET_STREAM };
    if stem.is_empty() {
        return OCTET_STREAM;
    }
    let extension = extension.to_ascii_lowercase();
    TYPES.iter().find(|(known, _)| known.contains(&extension.as_str())).map_or(OCTET_STREAM, |(_, kind)| kind)
}

/// Extensions and what they stand for.
const TYPES: &[(&[&str], &str)] = &[
    (&["txt", "log", "text", "ini", "conf"], "text/plain"),
    (&["md", "markdown"], "text/markdown"),
    (&["csv"], "text/csv"),
    (&["tsv"], "text/tab-separated-values"),
    (&["html", "htm"], "text/html"),
    (&["css"], "text/css"),
    (&["js", "mjs"], "text/javascript"),
    (&["ics", "ifb"], "text/calendar"),
    (&["vcf", "vcard"], "text/vcard"),
    (&["rtf"], "application/rtf"),
    (&["xml", "xsd"], "application/xml"),
    (&["json"], "application/json"),
    (&["pdf"], "application/pdf"),
    (&["ps", "eps", "ai"], "application/postscript"),
    (&["epub"], "application/epub+zip"),
    (&["doc", "dot"], "application/msword"),
    (&["docx"], "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (&["xls", "xlt"], "application/vnd.ms-excel"),
    (&["xlsx"], "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (&["ppt", "pps"], "application/vnd.ms-powerpoint"),
    (&["pptx"], "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    (&["odt"], "application/vnd.oasis.opendocument.text"),
    (&["ods"], "application/vnd.oasis.opendocument.spreadsheet"),
    (&["odp"], "application/vnd.oasis.opendocument.presentation"),
    (&["odg"], "application/vnd.oasis.opendocument.graphics"),
    (&["zip"], "application/zip"),
    (&["gz", "tgz"], "application/gzip"),
    (&["bz2"], "application/x-bzip2"),
    (&["xz"], "application/x-xz"),
    (&["zst"], "application/zstd"),
    (&["tar"], "application/x-tar"),
    (&["7z"], "application/x-7z-compressed"),
    (&["rar"], "application/vnd.rar"),
    (&["sqlite", "db"], "application/vnd.sqlite3"),
    (&["p7m", "p7c"], "application/pkcs7-mime"),
    (&["p7s"], "application/pkcs7-signature"),
    (&["asc", "sig"], "application/pgp-signature"),
    (&["eml"], "message/rfc822"),
    (&["png"], "image/png"),
    (&["jpg", "jpeg", "jpe"], "image/jpeg"),
    (&["gif"], "image/gif"),
    (&["webp"], "image/webp"),
    (&["svg"], "image/svg+xml"),
    (&["avif"], "image/avif"),
    (&["heic"], "image/heic"),
    (&["bmp"], "image/bmp"),
    (&["ico"], "image/vnd.microsoft.icon"),
    (&["tif", "tiff"], "image/tiff"),
    (&["mp3"], "audio/mpeg"),
    (&["m4a"], "audio/mp4"),
    (&["ogg", "oga", "opus"], "audio/ogg"),
    (&["flac"], "audio/flac"),
    (&["wav"], "audio/vnd.wave"),
    (&["mp4", "m4v"], "video/mp4"),
    (&["webm"], "video/webm"),
    (&["mov", "qt"], "video/quicktime"),
    (&["mpg", "mpeg"], "video/mpeg"),
    (&["mkv"], "video/matroska"),
    (&["avi"], "video/vnd.avi"),
];

#[cfg(test)]
mod tests {
    use super::super::part::check_type;
    use super::*;

    #[test]
    fn by_the_last_extension() {
        for (name, kind) in [
            ("Отчёт.PDF", "application/pdf"),
            ("archive.tar.gz", "application/gzip"),
            ("letter.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
            ("mail.eml", "message/rfc822"),
            ("none", OCTET_STREAM),
            (".pdf", OCTET_STREAM),
            ("name.", OCTET_STREAM),
            ("name.unheard-of", OCTET_STREAM),
            ("", OCTET_STREAM),
        ] {
            assert_eq!(content_type_of(name), kind, "{name}");
        }
    }

    #[test]
    fn every_type_is_one_and_no_extension_stands_twice() {
        let mut seen = std::collections::BTreeSet::new();
        for (extensions, kind) in TYPES {
            assert_eq!(check_type("x", kind), Ok(()), "{kind}");
            for extension in *extensions {
                assert!(seen.insert(extension), "{extension}");
            }
        }
    }
}
