-- The first schema. A migration is never edited once it was released: a change is a new file with the next number.
--
-- Times (`…_us`) are microseconds since 1970-01-01T00:00:00Z. Flags are a bit set: 1 \Seen, 2 \Answered, 4 \Flagged,
-- 8 \Deleted, 16 \Draft; keywords stand beside them, separated by spaces. AUTOINCREMENT stands where an id must never be
-- used again. There is no `record` above `message` yet: it would cost the first load one insert a message, and nothing
-- reads it before contacts and activities come.

CREATE TABLE meta (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    store_id   BLOB NOT NULL CHECK (length(store_id) = 16), -- drawn once; every mark on a server carries it
    machine_id TEXT,                                        -- the machine on which the store was made or adopted
    created_us INTEGER NOT NULL
) STRICT;

CREATE TABLE account (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    name    TEXT NOT NULL UNIQUE,
    address TEXT NOT NULL
) STRICT;

CREATE TABLE collection (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    account         INTEGER NOT NULL REFERENCES account (id),
    kind            TEXT NOT NULL CHECK (kind IN ('mail')),
    remote_key      TEXT NOT NULL,    -- as the server writes it
    name            TEXT NOT NULL,    -- decoded, levels separated by `/`
    role            TEXT,
    mailbox_id      TEXT,
    uid_validity    INTEGER,          -- the cursor: all of it NULL, or none but highest_mod_seq
    uid_next        INTEGER,
    highest_mod_seq INTEGER,
    messages        INTEGER,
    complete        INTEGER,
    window          TEXT,
    gone_us         INTEGER,          -- since when it is frozen: it vanished, or was taken off the list
    gone_why        TEXT
) STRICT;
-- A frozen folder does not stand in the way of a new one of the same name.
CREATE UNIQUE INDEX collection_live ON collection (account, kind, remote_key) WHERE gone_us IS NULL;
CREATE INDEX collection_account ON collection (account);

-- Bytes as the server gave them, each once however many messages have them. Keyed by a number: a table keyed by the hash
-- itself is several times slower to fill. The id is nowhere shown and may be used again.
CREATE TABLE body (
    id   INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,        -- BLAKE3, 32 octets
    size INTEGER NOT NULL             -- octets
) STRICT;
CREATE TABLE body_chunk (
    id   INTEGER PRIMARY KEY,         -- body * 65536 + sequence number: one b-tree, in the order of reading
    zstd BLOB NOT NULL                -- up to 1 MiB of raw octets, compressed
) STRICT;

CREATE TABLE message (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    account        INTEGER NOT NULL REFERENCES account (id),
    body           INTEGER NOT NULL REFERENCES body (id),
    date_us        INTEGER,           -- the Date header
    has_attachment INTEGER NOT NULL,
    match_key      BLOB,              -- 16 octets; NULL where the header is too poor to know the message by
    message_id     TEXT,
    thread         TEXT,              -- the Message-ID of the thread's root
    subject        TEXT NOT NULL,
    snippet        TEXT NOT NULL,
    structure      TEXT NOT NULL      -- the MIME tree, JSON
) STRICT;
CREATE UNIQUE INDEX message_body ON message (body, account);

-- What stands in headers as sender or receiver, each spelling once.
CREATE TABLE address (
    id      INTEGER PRIMARY KEY,
    email   TEXT NOT NULL,            -- lower case: the form that is compared
    written TEXT NOT NULL,            -- as the header has it
    name    TEXT NOT NULL,
    UNIQUE (email, written, name)
) STRICT;
CREATE TABLE message_address (
    message INTEGER NOT NULL REFERENCES message (id),
    pos     INTEGER NOT NULL,         -- its place in the header, from 0
    role    INTEGER NOT NULL,         -- 0 From, 1 Sender, 2 Reply-To, 3 To, 4 Cc, 5 Bcc
    address INTEGER NOT NULL REFERENCES address (id),
    PRIMARY KEY (message, pos)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_address_address ON message_address (address);

CREATE TABLE placement (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    message       INTEGER NOT NULL REFERENCES message (id),
    collection    INTEGER NOT NULL REFERENCES collection (id),
    uid           INTEGER,            -- NULL: deleted, or not on the server yet
    flags         INTEGER NOT NULL,
    keywords      TEXT NOT NULL,
    base_flags    INTEGER NOT NULL,   -- what both sides last agreed on
    base_keywords TEXT NOT NULL,
    mod_seq       INTEGER,
    internal_us   INTEGER NOT NULL,
    was_uid       INTEGER,            -- the UID it last had
    held          INTEGER REFERENCES held (id), -- its deletion waits for a person's word
    deleted_us    INTEGER,            -- a tombstone, restorable until it is purged
    deleted_why   TEXT
) STRICT;
CREATE UNIQUE INDEX placement_uid ON placement (collection, uid) WHERE uid IS NOT NULL;
CREATE INDEX placement_newest ON placement (collection, internal_us, message) WHERE deleted_us IS NULL;
CREATE INDEX placement_message ON placement (message);
CREATE INDEX placement_held ON placement (held) WHERE held IS NOT NULL;
CREATE INDEX placement_deleted ON placement (deleted_us) WHERE deleted_us IS NOT NULL;

CREATE TABLE held (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    collection INTEGER NOT NULL REFERENCES collection (id),
    created_us INTEGER NOT NULL,
    why        TEXT NOT NULL,
    total      INTEGER NOT NULL       -- how many messages the folder had then
) STRICT;
CREATE INDEX held_collection ON held (collection);

-- Remote writes, noted before they are sent.
CREATE TABLE intent (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    account    INTEGER NOT NULL REFERENCES account (id),
    placement  INTEGER REFERENCES placement (id),
    collection INTEGER REFERENCES collection (id),
    op         TEXT NOT NULL,
    mark       TEXT NOT NULL UNIQUE,  -- by which it is found again on the server; carries the store's id
    state      TEXT NOT NULL,
    attempt    INTEGER NOT NULL DEFAULT 0,
    due_us     INTEGER NOT NULL,
    payload    TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX intent_due ON intent (account, due_us) WHERE state <> 'done';
CREATE INDEX intent_placement ON intent (placement);

-- What was before a change.
CREATE TABLE history (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    placement INTEGER NOT NULL,
    at_us     INTEGER NOT NULL,
    run       TEXT,
    side      TEXT NOT NULL CHECK (side IN ('server', 'here')),
    actor     TEXT NOT NULL,
    what      TEXT NOT NULL,          -- flags, deleted, moved, renumbered, restored
    why       TEXT NOT NULL,
    snapshot  TEXT NOT NULL           -- JSON: the placement before the change
) STRICT;
CREATE INDEX history_placement ON history (placement);

-- How each account's last run went.
CREATE TABLE run (
    account    INTEGER PRIMARY KEY REFERENCES account (id),
    run        TEXT NOT NULL,
    started_us INTEGER NOT NULL,
    ended_us   INTEGER NOT NULL,
    status     TEXT NOT NULL,
    counts     TEXT NOT NULL,         -- JSON
    error      TEXT,                  -- JSON
    next_us    INTEGER
) STRICT;

-- Messages that are erased here and still to be erased from the search index.
CREATE TABLE erased (message INTEGER PRIMARY KEY) STRICT;

-- What was added by command; files of the configuration win over it.
CREATE TABLE stored_account  (name TEXT PRIMARY KEY, toml TEXT NOT NULL) STRICT;
CREATE TABLE stored_provider (name TEXT PRIMARY KEY, toml TEXT NOT NULL) STRICT;
CREATE TABLE domain (
    domain   TEXT NOT NULL,
    user     TEXT NOT NULL,           -- '' for everybody
    provider TEXT NOT NULL,
    PRIMARY KEY (domain, user)
) STRICT;
CREATE TABLE secret (
    account TEXT NOT NULL,
    field   TEXT NOT NULL,
    key_id  TEXT NOT NULL,
    sealed  BLOB NOT NULL,            -- nonce and ciphertext
    PRIMARY KEY (account, field)
) STRICT;

-- For the store's owner and any SQLite shell. These two stay as they are when tables change.
-- v_folders: account, name, role; messages and unread among them; frozen since when and why (ISO 8601, UTC).
CREATE VIEW v_folders (account, folder, role, messages, unread, frozen, frozen_why) AS
SELECT a.name, c.name, c.role,
       (SELECT count(*) FROM placement p WHERE p.collection = c.id AND p.deleted_us IS NULL),
       (SELECT count(*) FROM placement p WHERE p.collection = c.id AND p.deleted_us IS NULL AND p.flags & 1 = 0),
       strftime('%Y-%m-%dT%H:%M:%fZ', c.gone_us / 1000000.0, 'unixepoch'), c.gone_why
FROM collection c JOIN account a ON a.id = c.account
WHERE c.kind = 'mail';

-- v_messages: one row a message where it stands. id as listings print it; dates ISO 8601, UTC; flags 1 or 0; deleted NULL
-- unless it is a tombstone.
CREATE VIEW v_messages (id, account, folder, uid, message_id, subject, sender, date, internal_date, size,
                        seen, answered, flagged, draft, keywords, has_attachment, thread, deleted) AS
SELECT 'm' || p.id, a.name, c.name, p.uid, m.message_id, m.subject,
       (SELECT d.written FROM message_address l JOIN address d ON d.id = l.address
        WHERE l.message = m.id AND l.role = 0 ORDER BY l.pos LIMIT 1),
       strftime('%Y-%m-%dT%H:%M:%SZ', m.date_us / 1000000, 'unixepoch'),
       strftime('%Y-%m-%dT%H:%M:%SZ', p.internal_us / 1000000, 'unixepoch'), b.size,
       p.flags & 1 <> 0, p.flags & 2 <> 0, p.flags & 4 <> 0, p.flags & 16 <> 0, p.keywords, m.has_attachment, m.thread,
       strftime('%Y-%m-%dT%H:%M:%SZ', p.deleted_us / 1000000, 'unixepoch')
FROM placement p
JOIN message m ON m.id = p.message
JOIN body b ON b.id = m.body
JOIN collection c ON c.id = p.collection
JOIN account a ON a.id = c.account;
