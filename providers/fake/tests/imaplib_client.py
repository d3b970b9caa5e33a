"""Drives the IMAP head with Python's imaplib and checks every answer.

Called with a port and a mode ("plain" or "uidplus") in the zone UTC; exits with 0 when all was as it should be.
"""

import imaplib
import sys
import time

imaplib.Debug = 0
PORT, MODE = int(sys.argv[1]), sys.argv[2]
# imaplib turns a bare CR or LF into CRLF before it sends a message.
OCTETS = bytes(octet for octet in range(1, 256) if octet not in b"\r\n")
EIGHT_BIT = b"From: a@example.com\r\nSubject: Gr\xc3\xbc\xc3\x9fe\r\n\r\n" + OCTETS + b"\r\n"
MESSAGES = [
    b"From: Anna <anna@example.com>\r\nSubject: first\r\n\r\nbody one\r\n",
    b"From: bob@example.com\r\nSubject: second\r\n\r\n" + b"x" * 100_000,
    EIGHT_BIT,
]


def ok(answer):
    kind, data = answer
    assert kind == "OK", answer
    return data


def refused(act, *arguments):
    try:
        kind, _ = act(*arguments)
    except imaplib.IMAP4.error:
        return
    assert kind == "NO", kind


def uids(data):
    return data[0].split()


def append_and_fetch(m):
    for number, message in enumerate(MESSAGES):
        flags = "(\\Flagged $Work)" if number == 1 else None
        when = imaplib.Time2Internaldate(1_700_000_000 + number)
        ok(m.append("INBOX", flags, when, message))
    assert ok(m.select("INBOX")) == [b"3"]
    assert m.response("UIDNEXT")[1] == [b"4"]
    for number, message in enumerate(MESSAGES, 1):
        data = ok(m.uid("FETCH", str(number), "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"))
        head, body = data[0]
        assert body == message, number
        assert b"RFC822.SIZE %d" % len(message) in head
        stamp = time.mktime(imaplib.Internaldate2tuple(head))
        assert stamp == 1_700_000_000 + number - 1, stamp
        assert (b"\\Flagged" in head) == (number == 2), head
    part = ok(m.fetch("2", "(BODY.PEEK[]<10.5>)"))[0][1]
    assert part == MESSAGES[1][10:15], part
    header = ok(m.fetch("1", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])"))[0][1]
    assert header == b"Subject: first\r\n\r\n", header


def store_and_search(m):
    echoed = ok(m.uid("STORE", "1:2", "+FLAGS", "(\\Seen)"))
    assert [imaplib.ParseFlags(line) for line in echoed] == [
        (b"\\Seen", b"\\Recent"),
        (b"$Work", b"\\Flagged", b"\\Seen", b"\\Recent"),
    ], echoed
    assert uids(ok(m.uid("SEARCH", None, "SEEN"))) == [b"1", b"2"]
    assert uids(ok(m.uid("SEARCH", None, "UNSEEN", "LARGER", "10"))) == [b"3"]
    assert uids(ok(m.search(None, "SUBJECT", "second"))) == [b"2"]
    assert uids(ok(m.search(None, "KEYWORD", "$work"))) == [b"2"]
    assert uids(ok(m.search(None, "SINCE", "14-Nov-2023"))) == [b"1", b"2", b"3"]
    assert uids(ok(m.search(None, "SINCE", "15-Nov-2023"))) == []
    ok(m.uid("STORE", "1", "-FLAGS.SILENT", "\\Seen"))
    assert uids(ok(m.uid("SEARCH", None, "SEEN"))) == [b"2"]


def mailboxes(m):
    ok(m.create('"Mail &- more/Gr&APwA3w-e"'))
    ok(m.subscribe("INBOX"))
    names = ok(m.list())
    assert any(line.endswith(b'"/" INBOX') for line in names), names
    assert any(line.endswith(b'"Mail &- more/Gr&APwA3w-e"') for line in names), names
    assert len(ok(m.lsub())) == 1
    ok(m.rename('"Mail &- more"', "plain"))
    refused(m.create, "plain")
    refused(m.select, "nowhere")
    ok(m.select("INBOX"))
    status = ok(m.status("INBOX", "(MESSAGES UIDNEXT UNSEEN)"))
    assert status == [b"INBOX (MESSAGES 3 UIDNEXT 4 UNSEEN 2)"], status


def copy_and_expunge(m):
    ok(m.uid("COPY", "1:2", "plain"))
    ok(m.uid("STORE", "2:3", "+FLAGS", "\\Deleted"))
    if MODE == "uidplus":
        ok(m.uid("EXPUNGE", "3"))
        assert m.response("EXPUNGE")[1] == [b"3"]
    else:
        assert ok(m.expunge()) == [b"2", b"2"]
    left = uids(ok(m.uid("SEARCH", None, "ALL")))
    assert left == ([b"1", b"2"] if MODE == "uidplus" else [b"1"]), left
    assert ok(m.select("plain", readonly=True)) == [b"2"]
    assert ok(m.fetch("2", "(BODY[])"))[0][1] == MESSAGES[1]
    ok(m.close())


def main():
    m = imaplib.IMAP4("127.0.0.1", PORT, timeout=20)
    assert "IMAP4REV1" in m.capabilities, m.capabilities
    refused(m.login, "anna", "wrong")
    if MODE == "uidplus":
        ok(m.authenticate("PLAIN", lambda _: b"\0anna\0se cr\"et"))
    else:
        ok(m.login("anna", 'se cr"et'))
    append_and_fetch(m)
    store_and_search(m)
    mailboxes(m)
    copy_and_expunge(m)
    ok(m.noop())
    assert m.logout()[0] == "BYE"


main()
