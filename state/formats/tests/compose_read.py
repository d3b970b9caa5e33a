"""Reads messages from standard input, each behind a line with its length, and tells what is in them, a line of JSON each."""

import json
import sys
from email import message_from_bytes, policy


def people(message, field):
    values = message.get_all(field, [])
    return [[a.display_name, a.addr_spec] for value in values for a in value.addresses]


def told(part):
    is_text = part.get_content_maintype() == "text"
    is_leaf = not part.is_multipart()
    return {
        "type": part.get_content_type(),
        "disposition": part.get_content_disposition(),
        "name": part.get_filename() or "",
        "content_id": part["content-id"],
        "text": part.get_content().replace("\r\n", "\n") if is_text and is_leaf else None,
        "bytes": part.get_payload(decode=True).hex() if is_leaf else None,
    }


def defects(message):
    found = [type(d).__name__ for part in message.walk() for d in part.defects]
    headers = [type(d).__name__ for part in message.walk() for value in part.values() for d in value.defects]
    return found + headers


def read(octets):
    message = message_from_bytes(octets, policy=policy.default)
    header = octets.split(b"\r\n\r\n")[0]
    date = message["date"]
    return {
        "from": people(message, "from"),
        "to": people(message, "to"),
        "cc": people(message, "cc"),
        "bcc": people(message, "bcc"),
        "subject": message["subject"],
        "date": date.datetime.isoformat() if date else None,
        "message_id": message["message-id"],
        "in_reply_to": message["in-reply-to"],
        "references": message["references"],
        "parts": [told(part) for part in message.walk()],
        "defects": defects(message),
        "longest_header_line": max(len(line) for line in header.split(b"\r\n")),
    }


while length := sys.stdin.buffer.readline():
    print(json.dumps(read(sys.stdin.buffer.read(int(length)))), flush=True)
