# Tells what a calendar says, writes one that says what is told, and tells when it takes place, by Python's `icalendar` and
# `recurring-ical-events`. Reads one JSON object a line, answers one JSON value a line.
import datetime
import json
import sys
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

LOCAL = "%Y-%m-%dT%H:%M:%S"
UTC = datetime.timezone.utc


def zone_name(at):
    if at.tzinfo is None:
        return None
    name = getattr(at.tzinfo, "key", None) or str(at.tzinfo)
    return "UTC" if name in ("UTC", "Etc/UTC") else name


def moment(at):
    if not isinstance(at, datetime.datetime):
        return {"day": at.isoformat()}
    told = {"local": at.strftime(LOCAL), "zone": zone_name(at)}
    if at.tzinfo is not None:
        told["instant"] = at.astimezone(UTC).strftime(LOCAL)
    return told


def moments(component, name):
    lists = component.get(name, [])
    lists = lists if isinstance(lists, list) else [lists]
    told = [one.dt for entry in lists for one in entry.dts]
    return [moment(one[0] if isinstance(one, tuple) else one) for one in told]


def text(component, name):
    value = component.get(name)
    return None if value is None else str(value)


def address(value):
    return {"email": str(value)[len("mailto:"):], "name": value.params.get("CN")}


def listed(component, name):
    value = component.get(name, [])
    return value if isinstance(value, list) else [value]


def trigger(alarm):
    value = alarm["TRIGGER"]
    if isinstance(value.dt, datetime.timedelta):
        related = value.params.get("RELATED", "START")
        return {"related": related, "seconds": int(value.dt.total_seconds())}
    return {"at": value.dt.astimezone(UTC).strftime(LOCAL)}


def rules(component):
    return [sorted(rule.to_ical().decode().split(";")) for rule in listed(component, "RRULE")]


def tell(component):
    one = {name: text(component, name) for name in ("UID", "SUMMARY", "LOCATION", "DESCRIPTION", "STATUS", "CLASS", "TRANSP",
           "X-MICROSOFT-CDO-BUSYSTATUS", "X-POSTRIDER-STATUS", "CONFERENCE")}
    one["kind"] = component.name
    for name in ("SEQUENCE", "PRIORITY", "PERCENT-COMPLETE"):
        value = component.get(name)
        one[name] = None if value is None else int(value)
    for name in ("DTSTART", "DTEND", "DUE", "RECURRENCE-ID", "COMPLETED"):
        value = component.get(name)
        one[name] = None if value is None else moment(value.dt)
    one["RRULE"] = rules(component)
    for name in ("RDATE", "EXDATE"):
        one[name] = moments(component, name)
    one["CATEGORIES"] = [str(word) for entry in listed(component, "CATEGORIES") for word in entry.cats]
    organizer = component.get("ORGANIZER")
    one["ORGANIZER"] = None if organizer is None else address(organizer)
    names = ("ROLE", "CUTYPE", "PARTSTAT", "X-MS-OLK-RESPTIME")
    one["ATTENDEE"] = [
        {**address(value), **{name: value.params.get(name) for name in names}} for value in listed(component, "ATTENDEE")
    ]
    one["VALARM"] = [
        {"action": str(alarm["ACTION"]), **trigger(alarm)} for alarm in component.subcomponents if alarm.name == "VALARM"
    ]
    return one


def read_moment(told):
    if "day" in told:
        return datetime.date.fromisoformat(told["day"])
    at = datetime.datetime.strptime(told["local"], LOCAL)
    if told["zone"] is None:
        return at
    return at.replace(tzinfo=UTC if told["zone"] == "UTC" else ZoneInfo(told["zone"]))


def add_address(component, name, told):
    value = icalendar.vCalAddress("mailto:" + told["email"])
    for param in ("ROLE", "CUTYPE", "PARTSTAT", "X-MS-OLK-RESPTIME"):
        if told.get(param) is not None:
            value.params[param] = told[param]
    if told["name"] is not None:
        value.params["CN"] = told["name"]
    component.add(name, value, encode=0)


def add_alarm(component, told):
    alarm = icalendar.Alarm()
    alarm.add("ACTION", told["action"])
    alarm.add("DESCRIPTION", "reminder")
    if "at" in told:
        at = datetime.datetime.strptime(told["at"], LOCAL).replace(tzinfo=UTC)
        alarm.add("TRIGGER", at, parameters={"VALUE": "DATE-TIME"})
    else:
        alarm.add("TRIGGER", datetime.timedelta(seconds=told["seconds"]), parameters={"RELATED": told["related"]})
    component.add_component(alarm)


def make(told):
    component = icalendar.Event() if told["kind"] == "VEVENT" else icalendar.Todo()
    for name, value in told.items():
        if name in ("kind", "RRULE", "RDATE", "EXDATE", "CATEGORIES", "ORGANIZER", "ATTENDEE", "VALARM") or value is None:
            continue
        if isinstance(value, dict):
            component.add(name, read_moment(value))
        elif name == "CONFERENCE":
            component.add(name, icalendar.vUri(value), parameters={"VALUE": "URI"}, encode=0)
        else:
            component.add(name, value)
    component.add("DTSTAMP", datetime.datetime(2026, 1, 1, tzinfo=UTC))
    for rule in told["RRULE"]:
        component.add("RRULE", icalendar.vRecur.from_ical(";".join(rule)))
    for name in ("RDATE", "EXDATE"):
        for one in told[name]:
            component.add(name, read_moment(one), parameters={"VALUE": "DATE"} if "day" in one else None)
    if told["CATEGORIES"]:
        component.add("CATEGORIES", told["CATEGORIES"])
    if told["ORGANIZER"] is not None:
        add_address(component, "ORGANIZER", told["ORGANIZER"])
    for one in told["ATTENDEE"]:
        add_address(component, "ATTENDEE", one)
    for one in told["VALARM"]:
        add_alarm(component, one)
    return component


def read(asked):
    calendar = icalendar.Calendar.from_ical(asked["text"])
    wrong = [error for part in calendar.walk() for error in getattr(part, "errors", [])]
    if wrong:
        raise ValueError(wrong)
    return calendar


def answer(asked):
    if asked["do"] == "tell":
        return [tell(one) for one in read(asked).subcomponents if one.name in ("VEVENT", "VTODO")]
    if asked["do"] == "write":
        calendar = icalendar.Calendar()
        calendar.add("VERSION", "2.0")
        calendar.add("PRODID", "-//example.com//test//EN")
        for told in asked["told"]:
            calendar.add_component(make(told))
        calendar.add_missing_timezones()
        return calendar.to_ical().decode()
    # When it takes place. Zones are what the calendar says of them, under names that nobody knows.
    span = [datetime.datetime.strptime(asked[name], LOCAL).replace(tzinfo=UTC) for name in ("from", "to")]
    found = recurring_ical_events.of(read(asked), components=["VEVENT"]).between(*span)

    def instant(at):
        if not isinstance(at, datetime.datetime):
            at = datetime.datetime.combine(at, datetime.time())
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).strftime(LOCAL)

    return sorted([instant(one.start), instant(one.end), str(one.get("SUMMARY", ""))] for one in found)


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
