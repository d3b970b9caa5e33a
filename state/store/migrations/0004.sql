-- Who did what through which account, and what was refused to whom (F7.7). Each row's `chain` is the BLAKE3 hash of the row before's
-- `chain` and this row's fields, so that a changed or missing row shows. Only the oldest are ever taken away.
CREATE TABLE audit (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at_us   INTEGER NOT NULL,
    actor   TEXT NOT NULL,             -- who called
    user    TEXT NOT NULL,             -- in whose name
    account TEXT NOT NULL,             -- '' where it is about none
    what    TEXT NOT NULL,             -- the operation, such as mail.send
    object  TEXT NOT NULL,             -- what it was done to: ids, names; never a subject or a secret
    outcome TEXT NOT NULL CHECK (outcome IN ('begun', 'done', 'refused', 'failed')),
    detail  TEXT NOT NULL,             -- why it was refused or failed
    before  BLOB NOT NULL CHECK (length(before) = 32), -- the row before's `chain`; zeros for the first
    chain   BLOB NOT NULL CHECK (length(chain) = 32)
) STRICT;

-- Tokens by which programs ask over TCP. A token itself is nowhere kept.
CREATE TABLE api_token (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT NOT NULL UNIQUE,
    user       TEXT NOT NULL,          -- in whose name it calls
    hash       BLOB NOT NULL UNIQUE CHECK (length(hash) = 32), -- BLAKE3
    tail       TEXT NOT NULL,          -- its last four characters, by which a person knows it again
    created_us INTEGER NOT NULL,
    expires_us INTEGER NOT NULL
) STRICT;
