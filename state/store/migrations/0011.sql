-- Whole listings held against what is linked.

-- All that such a listing is compared with, so that neither images nor rows are read for what is as it was. `left_side` is NULL in all of
-- it, and stands in it because SQLite else looks into the row for it.
CREATE INDEX link_listed ON link (collection, remote_key, version, gone, left_side) WHERE left_side IS NULL;
