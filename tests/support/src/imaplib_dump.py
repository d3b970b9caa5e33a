"""Reads every folder of an IMAP account with Python's imaplib and writes what it read to standard output.

Usage: imaplib_dump.py HOST PORT USER PASSWORD

For each folder a line `F <name, UTF-8 in hexadecimal> <UIDVALIDITY>`, then for each message a line
`M <uid> <flags in hexadecimal> <internal date in hexadecimal> <size>` and `size` bytes. At the end `E`.
Levels of a name are separated by `/`, whatever the server's separator is.
"""

import base64
import imaplib
import re
import sys

WINDOW = 200

imaplib._MAXLINE = 50_000_000


def decode_name(raw):
    """Modified UTF-7 (RFC 3501, section 5.1.3) to text."""

    def shifted(match):
        body = match.group(1)
        if not body:
            return "&"
        padded = body.replace(",", "/") + "=" * (-len(body) % 4)
        return base64.b64decode(padded).decode("utf-16-be")

    return re.sub("&([^-]*)-", shifted, raw.decode("ascii"))


def quote(raw):
    return b'"' + raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def folders(client):
    """The selectable folders as (raw name, separator)."""
    status, lines = client.list()
    if status != "OK":
        raise SystemExit(f"LIST: {status}")
    for line in lines:
        if line is None:
            continue
        literal = None
        if isinstance(line, tuple):
            line, literal = line
        if not line.strip():
            continue
        match = re.fullmatch(rb'\((.*?)\) (NIL|"(?:\\.|[^"])*") (.*)', line, re.S)
        attributes, separator, name = match.groups()
        if literal is not None:
            name = literal
        elif name.startswith(b'"'):
            name = re.sub(rb"\\(.)", rb"\1", name[1:-1])
        if b"\\noselect" in attributes.lower() or b"\\nonexistent" in attributes.lower():
            continue
        separator = "" if separator == b"NIL" else re.sub(r"\\(.)", r"\1", separator[1:-1].decode("ascii"))
        yield name, separator


def messages(client, uids):
    """The messages as (uid, flags, internal date, bytes)."""
    for start in range(0, len(uids), WINDOW):
        wanted = b",".join(uids[start : start + WINDOW]).decode("ascii")
        status, parts = client.uid("FETCH", wanted, "(UID FLAGS INTERNALDATE BODY.PEEK[])")
        if status != "OK":
            raise SystemExit(f"FETCH: {status}")
        for index, part in enumerate(parts):
            if isinstance(part, tuple):
                line, body = part
                # Attributes may follow the literal.
                if index + 1 < len(parts) and isinstance(parts[index + 1], bytes):
                    line += parts[index + 1]
            elif part is not None and b'BODY[] ""' in part:
                line, body = part, b""
            else:
                continue
            uid = re.search(rb"\bUID (\d+)", line).group(1)
            flags = re.search(rb"\bFLAGS \(([^)]*)\)", line).group(1)
            date = re.search(rb'\bINTERNALDATE "([^"]*)"', line).group(1)
            yield uid, flags, date, body


def main():
    host, port, user, password = sys.argv[1:]
    out = sys.stdout.buffer
    client = imaplib.IMAP4(host, int(port))
    client.login(user, password)
    for raw, separator in folders(client):
        status, _ = client.select(quote(raw).decode("ascii"), readonly=True)
        if status != "OK":
            raise SystemExit(f"EXAMINE {raw!r}: {status}")
        (validity,) = client.response("UIDVALIDITY")[1]
        name = decode_name(raw)
        if separator:
            name = name.replace(separator, "/")
        out.write(b"F %s %s\n" % (name.encode().hex().encode(), validity))
        status, found = client.uid("SEARCH", "ALL")
        if status != "OK":
            raise SystemExit(f"SEARCH: {status}")
        uids = b" ".join(part for part in found if part).split()
        for uid, flags, date, body in messages(client, uids):
            out.write(b"M %s %s %s %d\n" % (uid, flags.hex().encode() or b"-", date.hex().encode(), len(body)))
            out.write(body)
        client.close()
    out.write(b"E\n")
    out.flush()
    client.logout()


main()
