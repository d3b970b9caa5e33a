-- What is done here and not yet on the server.
--
-- `collection` and `uid` go on saying where the server has a message; `here` says where it stands in the meantime. So all that
-- reads from a server compares with what the server last had, and all that shows messages to people asks for `folder`.

ALTER TABLE placement ADD COLUMN here INTEGER REFERENCES collection (id); -- moved here, and not there yet; NULL: as there
ALTER TABLE placement ADD COLUMN folder INTEGER GENERATED ALWAYS AS (coalesce(here, collection)) VIRTUAL;
-- Of a tombstone that has its UID still, what is to become of it there: 'trash', 'expunge'; 'marked' where it carries \Deleted
-- and waits for somebody to erase it. 'rest' and 'left' are the same of what a copied move left in its old place: no message that
-- anybody deleted, shown to nobody.
ALTER TABLE placement ADD COLUMN discard TEXT CHECK (discard IN ('trash', 'expunge', 'marked', 'rest', 'left'));
-- A person let that deletion through the guard.
ALTER TABLE placement ADD COLUMN allowed INTEGER NOT NULL DEFAULT 0;
-- It came with content that was here already and its folder is not settled since: it may be the second half of a move, and then goes
-- by the id of the first.
ALTER TABLE placement ADD COLUMN arriving INTEGER NOT NULL DEFAULT 0;
CREATE INDEX placement_arriving ON placement (collection) WHERE arriving = 1;

DROP INDEX placement_newest;
CREATE INDEX placement_newest ON placement (folder, internal_us, message) WHERE deleted_us IS NULL;
CREATE INDEX placement_unsent ON placement (collection)
    WHERE uid IS NOT NULL
      AND (here IS NOT NULL OR discard IS NOT NULL OR flags <> base_flags OR keywords <> base_keywords);

-- Whose deletions wait: 'server', of messages that are gone there; 'here', of tombstones that are still there.
ALTER TABLE held ADD COLUMN side TEXT NOT NULL DEFAULT 'server' CHECK (side IN ('server', 'here'));
CREATE INDEX placement_nowhere ON placement (collection)
    WHERE uid IS NULL AND (deleted_us IS NULL OR discard IS NOT NULL);

ALTER TABLE collection ADD COLUMN permanent_flags TEXT; -- PERMANENTFLAGS as the server tells it; NULL: not told yet

DROP VIEW v_folders;
CREATE VIEW v_folders (account, folder, role, messages, unread, frozen, frozen_why) AS
SELECT a.name, c.name, c.role,
       (SELECT count(*) FROM placement p WHERE p.folder = c.id AND p.deleted_us IS NULL),
       (SELECT count(*) FROM placement p WHERE p.folder = c.id AND p.deleted_us IS NULL AND p.flags & 1 = 0),
       strftime('%Y-%m-%dT%H:%M:%fZ', c.gone_us / 1000000.0, 'unixepoch'), c.gone_why
FROM collection c JOIN account a ON a.id = c.account
WHERE c.kind = 'mail';

-- uid is NULL while a move waits: the message has none yet where it stands.
DROP VIEW v_messages;
CREATE VIEW v_messages (id, account, folder, uid, message_id, subject, sender, date, internal_date, size,
                        seen, answered, flagged, draft, keywords, has_attachment, thread, deleted) AS
SELECT 'm' || p.id, a.name, c.name, iif(p.here IS NULL AND p.deleted_us IS NULL, p.uid, NULL), m.message_id, m.subject,
       (SELECT d.written FROM message_address l JOIN address d ON d.id = l.address
        WHERE l.message = m.id AND l.role = 0 ORDER BY l.pos LIMIT 1),
       strftime('%Y-%m-%dT%H:%M:%SZ', m.date_us / 1000000, 'unixepoch'),
       strftime('%Y-%m-%dT%H:%M:%SZ', p.internal_us / 1000000, 'unixepoch'), b.size,
       p.flags & 1 <> 0, p.flags & 2 <> 0, p.flags & 4 <> 0, p.flags & 16 <> 0, p.keywords, m.has_attachment, m.thread,
       strftime('%Y-%m-%dT%H:%M:%SZ', p.deleted_us / 1000000, 'unixepoch')
FROM placement p
JOIN message m ON m.id = p.message
JOIN body b ON b.id = m.body
JOIN collection c ON c.id = p.folder
JOIN account a ON a.id = c.account
WHERE coalesce(p.discard, '') NOT IN ('rest', 'left');

-- Messages to send. An entry that has ended stays until it is past its time; another try of it is another entry.
CREATE TABLE outbox (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    account    INTEGER NOT NULL REFERENCES account (id),
    body       INTEGER NOT NULL REFERENCES body (id),
    message_id TEXT NOT NULL,          -- without angle brackets
    subject    TEXT NOT NULL,
    sender     TEXT NOT NULL,          -- MAIL FROM
    recipients TEXT NOT NULL,          -- JSON: those to whom it is still to go
    refused    TEXT NOT NULL,          -- JSON: those whom the server refused for good, and why
    reached    INTEGER NOT NULL DEFAULT 0, -- how many it took so far
    state      TEXT NOT NULL,          -- as an intent's
    attempt    INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    due_us     INTEGER NOT NULL,
    ended_us   INTEGER,
    error      TEXT,                   -- what went wrong last
    filing     TEXT NOT NULL,          -- the copy in Sent: none, wanted, sent, filed
    floor      TEXT                    -- JSON: above what that copy stands in Sent
) STRICT;
CREATE INDEX outbox_open ON outbox (account) WHERE ended_us IS NULL OR state = 'done' AND filing IN ('wanted', 'sent');
CREATE INDEX outbox_body ON outbox (body);

-- Tokens of accounts that log in by OAuth 2.0. A row without `sealed` was disconnected; it stays, so that a generation is never
-- used again.
CREATE TABLE oauth_token (
    account    TEXT PRIMARY KEY,
    generation INTEGER NOT NULL,       -- grows with every replacement
    key_id     TEXT,
    sealed     BLOB                    -- nonce and ciphertext
) STRICT;
