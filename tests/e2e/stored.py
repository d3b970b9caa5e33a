"""What is in a store, read by Python's own SQLite, as JSON.

Usage: stored.py FOLDER tables|mail

`tables`: every table of both databases but `run`, as sorted lists of rows in words; blobs as their hash.
`mail`: one object a message where it stands, deleted ones too. Both fail where SQLite finds the file damaged.
"""

import hashlib
import json
import pathlib
import sqlite3
import sys


def database(path):
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    return connection


def check(connection):
    for pragma in ("integrity_check", "foreign_key_check"):
        found = [tuple(row) for row in connection.execute(f"PRAGMA {pragma}")]
        if found not in ([("ok",)], []):
            raise SystemExit(f"{pragma}: {found}")


def word(value):
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    return repr(value)


def tables(folder):
    dump = {}
    for name in ("store.db", "search.db"):
        if not (folder / name).exists():
            continue
        connection = database(folder / name)
        listed = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"
        )
        for (table,) in listed.fetchall():
            if table != "run":
                rows = connection.execute(f'SELECT * FROM "{table}"').fetchall()
                dump[f"{name}/{table}"] = sorted(" ".join(map(word, row)) for row in rows)
    return dump


def mail(folder):
    connection = database(folder / "store.db")
    check(connection)
    chunks = {}
    for row in connection.execute("SELECT id, zstd FROM body_chunk ORDER BY id"):
        chunks.setdefault(row["id"] // 65536, hashlib.sha256()).update(row["zstd"])
    rows = connection.execute(
        """
        SELECT 'm' || p.id AS id, a.name AS account, c.name AS folder, c.id AS collection, c.gone_why AS frozen, p.uid AS uid,
               p.flags, p.keywords, p.base_flags, p.base_keywords, p.internal_us, p.deleted_us IS NOT NULL AS deleted,
               p.held IS NOT NULL AS held, m.subject, m.message_id, m.thread, m.snippet, m.structure, m.date_us,
               p.message, m.body, b.size, hex(b.hash) AS hash
        FROM placement p JOIN message m ON m.id = p.message JOIN body b ON b.id = m.body
        JOIN collection c ON c.id = p.collection JOIN account a ON a.id = c.account
        ORDER BY p.id
        """
    )
    return [dict(row) | {"stored": chunks[row["body"]].hexdigest() if row["body"] in chunks else None} for row in rows]


def main():
    folder = pathlib.Path(sys.argv[1])
    answer = {"tables": tables, "mail": mail}[sys.argv[2]](folder)
    json.dump(answer, sys.stdout)


main()
