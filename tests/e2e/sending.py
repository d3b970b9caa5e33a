import email, email.policy, json, sys

message = email.message_from_binary_file(open(sys.argv[1], "rb"), policy=email.policy.default)


def people(field):
    return [[a.display_name, a.addr_spec] for a in message[field].addresses] if message[field] else []


parts, defects = [], [str(d) for d in message.defects]
for part in message.walk():
    defects += [str(d) for d in part.defects]
    if part.is_multipart() and part.get_content_type() != "message/rfc822":
        continue
    shown = {
        "type": part.get_content_type(),
        "name": part.get_filename(),
        "disposition": part.get_content_disposition(),
        "id": part["Content-ID"],
    }
    if part.get_content_maintype() == "text":
        shown["text"] = part.get_content()
    elif part.get_content_maintype() not in ("multipart", "message"):
        shown["hex"] = part.get_content().hex()
    parts.append(shown)
    if part.get_content_type() == "message/rfc822":
        break
print(json.dumps({
    "from": people("from"), "to": people("to"), "cc": people("cc"), "subject": message["subject"],
    "in_reply_to": message["in-reply-to"], "references": message["references"], "parts": parts, "defects": defects,
}))
