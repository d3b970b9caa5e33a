-- Where the store is (F10.3). One that was put back from a backup, or that stands on another machine than `machine_id`, is away: it
-- takes in and sends nothing until it is adopted.
ALTER TABLE meta ADD COLUMN backup_us INTEGER; -- when this file was taken as a backup; NULL in a store that is at home
ALTER TABLE meta ADD COLUMN away_us INTEGER;   -- when it was first seen to be away; what waited to be sent then is uncertain

-- What a secret was given for: the login name and the hosts that may hear it (F8.2), JSON. It is sealed with the secret.
ALTER TABLE secret ADD COLUMN given_for TEXT;
ALTER TABLE oauth_token ADD COLUMN given_for TEXT;
