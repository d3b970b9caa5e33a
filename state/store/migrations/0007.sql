-- Contacts, companies, tags and groups.

-- What is of no account: contacts and companies.
CREATE TABLE record (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT NOT NULL CHECK (kind IN ('contact', 'company', 'activity')),
    owner      TEXT NOT NULL,          -- the user whose it is
    visibility TEXT NOT NULL,          -- who sees it besides: private, all, role:NAME
    rev        INTEGER NOT NULL,       -- from 1; grows with every change
    created_us INTEGER NOT NULL,
    changed_us INTEGER NOT NULL,       -- when a person last changed it, here or there
    changed_by TEXT NOT NULL,
    deleted_us INTEGER                 -- a tombstone, restorable until it is purged
) STRICT;
CREATE INDEX record_deleted ON record (deleted_us) WHERE deleted_us IS NOT NULL;
CREATE INDEX record_owner ON record (owner);

CREATE TABLE company (
    id     INTEGER PRIMARY KEY REFERENCES record (id),
    name   TEXT NOT NULL,
    folded TEXT NOT NULL               -- the form that is compared
) STRICT;
CREATE INDEX company_folded ON company (folded);

CREATE TABLE contact (
    id        INTEGER PRIMARY KEY REFERENCES record (id),
    uid       TEXT,                    -- the card's UID
    name      TEXT NOT NULL,           -- in one line
    sort      TEXT NOT NULL,           -- by what listings are ordered: family name first, folded
    words     TEXT NOT NULL,           -- all that is looked for by words, folded
    type      TEXT NOT NULL,           -- employee, customer or another word; '' for none
    company   INTEGER REFERENCES company (id),
    doc       TEXT NOT NULL,           -- the vCard, with all that this program has no field for
    labels_us INTEGER NOT NULL         -- when a person last changed its tags and groups
) STRICT;
CREATE INDEX contact_sort ON contact (sort);
CREATE INDEX contact_uid ON contact (uid) WHERE uid IS NOT NULL;
CREATE INDEX contact_company ON contact (company) WHERE company IS NOT NULL;

CREATE TABLE contact_email (
    contact INTEGER NOT NULL REFERENCES contact (id),
    email   TEXT NOT NULL,             -- lower case, as in address
    PRIMARY KEY (contact, email)
) STRICT, WITHOUT ROWID;
CREATE INDEX contact_email_email ON contact_email (email);

-- Tags, groups of contacts, groups of activities.
CREATE TABLE label (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    kind   TEXT NOT NULL CHECK (kind IN ('tag', 'contacts', 'activities')),
    scope  TEXT NOT NULL CHECK (scope IN ('personal', 'corporate', 'public')),
    owner  TEXT NOT NULL,              -- who made it
    name   TEXT NOT NULL,
    folded TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX label_personal ON label (kind, owner, folded) WHERE scope = 'personal';
CREATE UNIQUE INDEX label_shared ON label (kind, scope, folded) WHERE scope <> 'personal';
CREATE TABLE record_label (
    record INTEGER NOT NULL REFERENCES record (id),
    label  INTEGER NOT NULL REFERENCES label (id),
    PRIMARY KEY (record, label)
) STRICT, WITHOUT ROWID;
CREATE INDEX record_label_label ON record_label (label);

-- What a record was before a change.
CREATE TABLE version (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    record      INTEGER NOT NULL REFERENCES record (id),
    rev         INTEGER NOT NULL,
    at_us       INTEGER NOT NULL,
    run         TEXT,
    side        TEXT NOT NULL CHECK (side IN ('server', 'here')),
    actor       TEXT NOT NULL,
    what        TEXT NOT NULL,         -- what was done: changed, deleted, restored, tagged
    why         TEXT NOT NULL,
    is_conflict INTEGER NOT NULL,      -- it lost against a later change
    name        TEXT NOT NULL,         -- what it was called then
    snapshot    TEXT NOT NULL          -- JSON: the record before the change
) STRICT;
CREATE INDEX version_record ON version (record);
CREATE INDEX version_at ON version (at_us);
CREATE INDEX version_conflict ON version (id) WHERE is_conflict = 1;

CREATE VIEW v_contacts (id, owner, visibility, name, type, company, emails, tags, groups, vcard, changed, deleted) AS
SELECT 'c' || c.id, r.owner, r.visibility, c.name, c.type, f.name,
       (SELECT group_concat(e.email, ' ') FROM contact_email e WHERE e.contact = c.id),
       (SELECT json_group_array(l.name) FROM record_label x JOIN label l ON l.id = x.label
        WHERE x.record = c.id AND l.kind = 'tag'),
       (SELECT json_group_array(l.name) FROM record_label x JOIN label l ON l.id = x.label
        WHERE x.record = c.id AND l.kind = 'contacts'),
       c.doc, strftime('%Y-%m-%dT%H:%M:%SZ', r.changed_us / 1000000, 'unixepoch'),
       strftime('%Y-%m-%dT%H:%M:%SZ', r.deleted_us / 1000000, 'unixepoch')
FROM contact c JOIN record r ON r.id = c.id LEFT JOIN company f ON f.id = c.company;

CREATE VIEW v_companies (id, owner, visibility, name, contacts, deleted) AS
SELECT 'f' || f.id, r.owner, r.visibility, f.name, (SELECT count(*) FROM contact c WHERE c.company = f.id),
       strftime('%Y-%m-%dT%H:%M:%SZ', r.deleted_us / 1000000, 'unixepoch')
FROM company f JOIN record r ON r.id = f.id;
