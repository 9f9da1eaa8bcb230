"""What Schemathesis is told beyond the document: ids of things that are there.

What it makes up by itself names nothing on the server, and each answer would be a 404. So three
calls of four have names of things that are there: in paths, queries and bodies alike. Which call
has them, and which ones, goes by the call's own content, so that a call that is repeated is the
same.

No call is known here by its name. What is there is read with the admin token from each list that
the document has, and what calls make during a run is kept besides.
"""

import atexit
import collections
import json
import os
import zlib
from urllib.parse import quote

import requests
import schemathesis

BASE = os.environ["SCHEMA_URL"]
ADMIN = {"Authorization": "Bearer " + os.environ["SCHEMA_ADMIN_TOKEN"]}

# What a thing of a list is called by where no path says it.
NAMES = ["id", "name", "ak", "path"]

# The list that a field or parameter names a thing of, by what the field is called.
FIELDS = {
    "device": "devices",
    "ids": "devices",
    "job": "jobs",
    "organization": "organizations",
    "password": "passwords",
    "profile": "profiles",
    "project": "projects",
    "user": "users",
}

# What stands in the fields that the server would go by: nobody listens there.
ADDRESSES = {"address": "127.0.0.1:9", "url": "http://127.0.0.1:9/"}

# Things that are kept of each list; of those that a run has made itself, fewer, so that they do not
# crowd out what the test has prepared.
KEPT_MAX = 24
MADE_MAX = 8

# The names of things, by their list: the last word of its path. At first, those that no list shows.
things = json.loads(os.environ["SCHEMA_THINGS"])

# What a list's things are called by, where a path says it: `users/{name}`.
called = {}

# The id of the token that the run itself has: no call may be about it.
OWN_TOKEN = os.environ["SCHEMA_OWN_TOKEN"]

# How often each call was answered with each status.
answers = collections.defaultdict(collections.Counter)


def keep(kind, thing, limit):
    """Keeps the name of a thing of a list."""
    if not isinstance(thing, dict):
        return
    for field in [called.get(kind), *NAMES]:
        name = thing.get(field)
        if isinstance(name, str) and name:
            names = things.setdefault(kind, [])
            if name not in names and name != OWN_TOKEN and len(names) < limit:
                names.append(name)
            return


def parameters(path):
    """What stands in braces in a path, each with the list that it names a thing of."""
    words = path.split("/")
    for before, word in zip(words, words[1:]):
        if word.startswith("{"):
            yield word[1:-1], FIELDS.get(word[1:-1], before)


def targets(path):
    """The path with each name that may stand in it."""
    for name, kind in parameters(path):
        return [
            target
            for thing in things.get(kind, [])
            for target in targets(path.replace("{%s}" % name, quote(thing, safe=""), 1))
        ]
    return [path]


@schemathesis.hook
def after_load_schema(context, schema):
    """Reads what is there: the lists that hang on others after those."""
    paths = schema.raw_schema["paths"]
    for path in paths:
        for name, kind in parameters(path):
            called.setdefault(kind, name)
    lists = [path for path, item in paths.items() if "get" in item and not path.endswith("}")]
    for path in sorted(lists, key=lambda path: (path.count("{"), path)):
        if "text/event-stream" in repr(paths[path]["get"]["responses"]):
            continue
        for target in targets(path)[:KEPT_MAX]:
            answer = requests.get(BASE + target, headers=ADMIN, timeout=60)
            if answer.status_code == 200 and "json" in answer.headers["Content-Type"]:
                keep_page(path.rsplit("/", 1)[1], answer.json())


def keep_page(kind, page):
    """Keeps the names of what a page of a list has."""
    for field, rows in page.items() if isinstance(page, dict) else ():
        for row in rows if isinstance(rows, list) else []:
            keep(field, row, KEPT_MAX)
            if field != kind:
                keep(kind, row, KEPT_MAX)


def pick(kind, by):
    """The name of a thing of a list, by a number; nothing if there is none."""
    names = things.get(kind)
    return names[by % len(names)] if names else None


def settle(value, by, field=None, within=None):
    """The same content, but that it names what is there."""
    if isinstance(value, dict):
        if field == "set" and value:
            return {pick("properties", by) or "Name": str(by % 3)}
        return {name: settle(part, by, name, field) for name, part in value.items()}
    if isinstance(value, list):
        return [settle(part, by + place, field, within) for place, part in enumerate(value)]
    if isinstance(value, str):
        return pick(within if field == "id" else FIELDS.get(field), by) or value
    return value


def confine(value, field=None):
    """The same content, but that no address in it is one that leads off this machine."""
    if isinstance(value, dict):
        return {name: confine(part, name) for name, part in value.items()}
    if isinstance(value, list):
        return [confine(part, field) for part in value]
    if isinstance(value, str) and value.isascii() and value.isprintable():
        return "http://127.0.0.1:9/" if "://" in value else ADDRESSES.get(field, value)
    return value


@schemathesis.hook
def before_call(context, case, kwargs):
    """Has three calls of four name what is there, and each call stay on this machine."""
    content = repr((case.path, case.method, case.path_parameters, case.query, case.body))
    by, choice = divmod(zlib.crc32(content.encode("utf-8", "surrogatepass")), 4)
    if choice != 0:
        for name, kind in parameters(case.path):
            if name in (case.path_parameters or {}):
                case.path_parameters[name] = pick(kind, by) or case.path_parameters[name]
        if isinstance(case.query, dict):
            case.query = settle(case.query, by)
        if isinstance(case.body, (dict, list)):
            case.body = settle(case.body, by)
    if isinstance(case.body, (dict, list)):
        case.body = confine(case.body)


@schemathesis.hook
def after_call(context, case, response):
    """Counts the answer, and keeps the name of what the call has made."""
    operation = case.operation
    if case.method.upper() == operation.method.upper():
        answers[operation.definition.raw["operationId"]][response.status_code] += 1
    if not 200 <= response.status_code < 300:
        return
    before, last = case.path.rsplit("/", 2)[1:]
    if case.method.upper() == "POST" and response.status_code == 201:
        keep(last, response.json() if response.content else None, MADE_MAX)
    elif case.method.upper() == "PUT" and last.startswith("{"):
        keep(before, {"name": case.path_parameters[last[1:-1]]}, MADE_MAX)


@schemathesis.serializer("text/csv", "application/x-ndjson")
def as_it_is(context, value):
    """Sends a body that is a text as it is, and anything else as JSON has it."""
    if isinstance(value, bytes):
        return value
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "surrogatepass")


@atexit.register
def tell_answers():
    """Writes down what was counted."""
    with open(os.environ["SCHEMA_ANSWERS"], "w", encoding="utf-8") as file:
        json.dump(answers, file)


@schemathesis.check
def problems_have_their_headers(context, response, case):
    """A problem has each header that the document gives to its status: there none is optional."""
    documented = case.operation.definition.raw["responses"].get(str(response.status_code), {})
    for name in documented.get("headers", {}) if response.status_code >= 400 else ():
        assert name.lower() in response.headers, f"a {response.status_code} without {name}"
