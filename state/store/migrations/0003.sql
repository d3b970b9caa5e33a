-- By what the server names a message's content: EMAILID, X-GM-MSGID.
ALTER TABLE message ADD COLUMN email_id TEXT;
CREATE INDEX message_email_id ON message (email_id, account) WHERE email_id IS NOT NULL;
