-- Contacts and activities on servers: which collections there are, which item is which record, what is on its way, what waits.

-- Address books and groups of contacts, calendars, task lists. Folders of mail have a table of their own: their cursors are numbers.
CREATE TABLE item_collection (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    account    INTEGER NOT NULL REFERENCES account (id),
    kind       TEXT NOT NULL CHECK (kind IN ('address-book', 'calendar', 'task-list')),
    remote_key TEXT NOT NULL,          -- as the server writes it
    name       TEXT NOT NULL,
    mark       TEXT,                   -- under which it was made from here
    cursor     TEXT,                   -- as the provider writes it; NULL: never read to its end
    cursor_us  INTEGER,                -- since when it is that one
    gone_us    INTEGER,                -- since when it is frozen: it vanished, or was taken off the list
    gone_why   TEXT
) STRICT;
CREATE UNIQUE INDEX item_collection_live ON item_collection (account, kind, remote_key) WHERE gone_us IS NULL;
CREATE INDEX item_collection_account ON item_collection (account);

-- A plan that waits for a person's word: what would leave a collection, or what is to be done about the collection itself. Its
-- number is drawn with those of `held`, so that a plan's name is one plan.
CREATE TABLE item_held (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    account    INTEGER NOT NULL REFERENCES account (id),
    collection INTEGER REFERENCES item_collection (id),
    what       TEXT NOT NULL CHECK (what IN ('leavings', 'use', 'again')),
    subject    TEXT NOT NULL,          -- of 'use' and 'again' the key of the collection that would be used; '' for a new one
    name       TEXT NOT NULL,          -- the collection's
    created_us INTEGER NOT NULL,
    why        TEXT NOT NULL,
    total      INTEGER NOT NULL,       -- how many items the collection had then
    allowed    INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX item_held_account ON item_held (account);

-- Which item is which record, and on what both sides agreed last.
CREATE TABLE link (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    collection INTEGER NOT NULL REFERENCES item_collection (id),
    remote_key TEXT NOT NULL,
    record     INTEGER REFERENCES record (id), -- NULL once the record of what left is erased
    origin     TEXT NOT NULL CHECK (origin IN ('imported', 'exported')),
    mark       TEXT,                   -- under which the item was made from here
    version    TEXT NOT NULL,          -- the state of the item that `image` is
    image      TEXT NOT NULL,          -- the item as the server returned it: vCard, iCalendar
    agreed     TEXT NOT NULL,          -- what the record was then
    there_us   INTEGER,                -- when the item was changed last, by the server's clock
    dirty      INTEGER NOT NULL DEFAULT 0, -- something about it is still to be decided
    left_side  TEXT CHECK (left_side IN ('server', 'here')), -- it is linked no more: on which side it left
    gone       TEXT CHECK (gone IN ('deleted', 'left')),     -- it is gone there, and what follows from it waits
    held       INTEGER REFERENCES item_held (id),
    allowed    INTEGER NOT NULL DEFAULT 0 -- a person let its leaving through
) STRICT;
CREATE UNIQUE INDEX link_item ON link (collection, remote_key);
CREATE UNIQUE INDEX link_live ON link (collection, record) WHERE left_side IS NULL;
CREATE INDEX link_record ON link (record);
CREATE INDEX link_mark ON link (mark) WHERE mark IS NOT NULL;
CREATE INDEX link_dirty ON link (collection) WHERE dirty = 1;
CREATE INDEX link_held ON link (held) WHERE held IS NOT NULL;

-- Writes of items, noted before they are sent. Their marks are drawn with those of `intent`.
CREATE TABLE item_intent (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    account    INTEGER NOT NULL REFERENCES account (id),
    collection INTEGER REFERENCES item_collection (id),
    record     INTEGER REFERENCES record (id),
    link       INTEGER REFERENCES link (id),
    op         TEXT NOT NULL,
    mark       TEXT NOT NULL UNIQUE,   -- by which it is found again on the server; carries the store's id
    state      TEXT NOT NULL,
    attempt    INTEGER NOT NULL DEFAULT 0,
    due_us     INTEGER NOT NULL,
    payload    TEXT NOT NULL
) STRICT;
CREATE INDEX item_intent_account ON item_intent (account);
CREATE INDEX item_intent_record ON item_intent (record);
CREATE INDEX item_intent_link ON item_intent (link);

-- Up to which change of records an account's export was worked out, and by which rule. By another rule all records are looked at anew.
CREATE TABLE export_reach (
    account INTEGER NOT NULL REFERENCES account (id),
    kind    TEXT NOT NULL CHECK (kind IN ('contact', 'activity')),
    rule    TEXT NOT NULL,
    stamp   INTEGER NOT NULL,
    PRIMARY KEY (account, kind)
) STRICT, WITHOUT ROWID;

-- Each change of a record takes the next number, so that what changed since is found without looking at all there are.
ALTER TABLE meta ADD COLUMN stamp INTEGER NOT NULL DEFAULT 0;
ALTER TABLE record ADD COLUMN stamp INTEGER NOT NULL DEFAULT 0;
CREATE INDEX record_stamp ON record (stamp);

-- When a person last changed what a contact says: `changed_us` moves with its tags too.
ALTER TABLE contact ADD COLUMN content_us INTEGER NOT NULL DEFAULT 0;
UPDATE contact SET content_us = (SELECT r.changed_us FROM record r WHERE r.id = contact.id);
