# Expands recurrence rules with dateutil. Reads one JSON object a line, answers one JSON list a line: instants in UTC.
import datetime
import json
import sys
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

FORM = "%Y-%m-%dT%H:%M:%S"


def instant(text):
    return datetime.datetime.strptime(text, FORM).replace(tzinfo=datetime.timezone.utc)


for line in sys.stdin:
    asked = json.loads(line)
    zone = ZoneInfo(asked["zone"])
    start = datetime.datetime.strptime(asked["start"], FORM).replace(tzinfo=zone)
    begin, end = instant(asked["from"]), instant(asked["to"])
    found = []
    try:
        rule = rrulestr(asked["rule"], dtstart=start)
    except ValueError as error:
        # It refuses hours that an interval of hours never meets.
        if "empty set" not in str(error):
            raise
        rule = []
    for one in rule:
        # A time that clocks skip is told by the offset before, which is what fold=0 says (PEP 495).
        at = one.replace(fold=0).astimezone(datetime.timezone.utc)
        if at >= end:
            break
        if at >= begin:
            found.append(at.strftime(FORM))
    print(json.dumps(found), flush=True)
