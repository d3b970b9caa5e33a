-- Activities in step with servers.

-- A person changed it and wants those who take part to hear of it, which the server that carries it is still to do.
ALTER TABLE activity ADD COLUMN tell INTEGER NOT NULL DEFAULT 0;
-- They answered, and want the organizer to hear of it.
ALTER TABLE activity_own ADD COLUMN tell INTEGER NOT NULL DEFAULT 0;
-- An account of theirs has it.
ALTER TABLE activity_own ADD COLUMN linked INTEGER NOT NULL DEFAULT 0;
-- Each change takes a number from those of the records, so that what changed since is found without looking at all there is.
ALTER TABLE activity_own ADD COLUMN stamp INTEGER NOT NULL DEFAULT 0;
CREATE INDEX activity_own_stamp ON activity_own (user, stamp);
