-- Appointments and tasks.

-- One that differs from its series has a row of its own, with the series' number in `master`.
CREATE TABLE activity (
    id          INTEGER PRIMARY KEY REFERENCES record (id),
    kind        TEXT NOT NULL CHECK (kind IN ('appointment', 'task')),
    uid         TEXT NOT NULL,         -- in the form in which all servers agree on it
    master      INTEGER REFERENCES activity (id),
    occurrence  TEXT NOT NULL,         -- which time of its series: '' for none, a day as 2026-11-20, else microseconds since 1970
    title       TEXT NOT NULL,
    words       TEXT NOT NULL,         -- all that is looked for by words, folded
    organizer   TEXT,                  -- lower case
    status      TEXT NOT NULL,
    start_us    INTEGER,               -- NULL: a task without any time
    end_us      INTEGER,               -- when it is over; NULL for a series, which may go on for ever
    recurs      INTEGER NOT NULL,
    private     INTEGER NOT NULL,      -- those who have no part in it see only when it is
    in_schedule INTEGER NOT NULL,      -- show_in_schedule
    stand_in    TEXT,                  -- the user who stands in for an organizer who is in step with no server
    doc         TEXT NOT NULL,         -- iCalendar: this component alone, with all that this program has no field for
    content_us  INTEGER NOT NULL,      -- when a person last changed what it is about,
    timing_us   INTEGER NOT NULL,      -- when it is,
    people_us   INTEGER NOT NULL,      -- who takes part,
    labels_us   INTEGER NOT NULL       -- and its groups
) STRICT;
CREATE INDEX activity_uid ON activity (uid, occurrence);
CREATE INDEX activity_master ON activity (master) WHERE master IS NOT NULL;
CREATE INDEX activity_start ON activity (start_us);

CREATE TABLE participant (
    activity     INTEGER NOT NULL REFERENCES activity (id),
    pos          INTEGER NOT NULL,     -- in the order in which they were named, from 0
    email        TEXT NOT NULL,        -- lower case
    name         TEXT NOT NULL,
    role         TEXT NOT NULL,
    response     TEXT NOT NULL,
    responded_us INTEGER,
    PRIMARY KEY (activity, pos)
) STRICT, WITHOUT ROWID;
CREATE INDEX participant_email ON participant (email);

-- What one user has of an activity for themselves.
CREATE TABLE activity_own (
    activity    INTEGER NOT NULL REFERENCES activity (id),
    user        TEXT NOT NULL,
    response    TEXT,                  -- NULL: nobody asks
    reminders   TEXT NOT NULL,         -- JSON
    show_as     TEXT NOT NULL,
    categories  TEXT NOT NULL,         -- JSON
    hidden      INTEGER NOT NULL,      -- their copy was deleted
    response_us INTEGER NOT NULL,      -- when they last changed it, by themselves,
    own_us      INTEGER NOT NULL,      -- and the rest
    PRIMARY KEY (activity, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX activity_own_user ON activity_own (user);

CREATE VIEW v_activities (id, kind, owner, visibility, uid, series, occurrence, title, organizer, status, start, "end", recurs,
                          show_in_schedule, participants, groups, icalendar, changed, deleted) AS
SELECT 'a' || a.id, a.kind, r.owner, r.visibility, a.uid, 'a' || a.master, a.occurrence, a.title, a.organizer, a.status,
       strftime('%Y-%m-%dT%H:%M:%SZ', a.start_us / 1000000, 'unixepoch'),
       strftime('%Y-%m-%dT%H:%M:%SZ', a.end_us / 1000000, 'unixepoch'), a.recurs, a.in_schedule,
       (SELECT group_concat(p.email, ' ') FROM participant p WHERE p.activity = a.id),
       (SELECT json_group_array(l.name) FROM record_label x JOIN label l ON l.id = x.label
        WHERE x.record = a.id AND l.kind = 'activities'),
       a.doc, strftime('%Y-%m-%dT%H:%M:%SZ', r.changed_us / 1000000, 'unixepoch'),
       strftime('%Y-%m-%dT%H:%M:%SZ', r.deleted_us / 1000000, 'unixepoch')
FROM activity a JOIN record r ON r.id = a.id;
