-- What was made shared by command: the text of the file that it would be, by the account's name. Files win over it.
CREATE TABLE stored_mailbox (name TEXT PRIMARY KEY, toml TEXT NOT NULL) STRICT;
