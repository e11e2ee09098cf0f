"""What is in the outbox's database file."""

import json

from alerts.outbox.codec import load_message, load_silence
from probe.storage.salvage import Row
from probe.storage.sqlite import Schema

# Another process adds a silence within milliseconds; a longer wait means that it
# hangs.
BUSY_SECONDS = 1.5

_DELIVERY = (
    "notifier TEXT NOT NULL, at REAL NOT NULL, attempts INTEGER NOT NULL, due REAL NOT NULL,"
    " error TEXT NOT NULL, message TEXT NOT NULL"
)
COLUMNS = {
    "states": "identity TEXT PRIMARY KEY, document TEXT NOT NULL",
    "deliveries": f"number INTEGER PRIMARY KEY AUTOINCREMENT, {_DELIVERY}",
    "refused": f"number INTEGER PRIMARY KEY, {_DELIVERY}",
    "memories": (
        "notifier TEXT NOT NULL, key TEXT NOT NULL, memory TEXT NOT NULL,"
        " PRIMARY KEY (notifier, key)"
    ),
    "silences": "name TEXT PRIMARY KEY, ends REAL NOT NULL, document TEXT NOT NULL",
}
_NEEDED = {
    "states": "identity, document",
    "deliveries": "number, notifier, at, attempts, due, error, message",
    "refused": "number, notifier, at, attempts, due, error, message",
    "memories": "notifier, key, memory",
    "silences": "name, ends, document",
}


def _is_state(row: Row) -> bool:
    identity, document = row
    return isinstance(identity, str) and isinstance(document, str)


def _is_delivery(row: Row) -> bool:
    number, notifier, at, attempts, due, error, message = row
    texts = all(isinstance(each, str) for each in (notifier, error))
    numbers = all(isinstance(each, (int, float)) for each in (number, at, attempts, due))
    return texts and numbers and load_message(message) is not None


def _is_memory(row: Row) -> bool:
    notifier, key, memory = row
    texts = isinstance(notifier, str) and isinstance(key, str)
    return texts and isinstance(json.loads(memory), dict)


def _is_silence(row: Row) -> bool:
    name, ends, document = row
    silence = load_silence(document)
    return isinstance(name, str) and isinstance(ends, (int, float)) and silence.name == name


SCHEMA = Schema(
    name="alerts",
    tables={name: f"CREATE TABLE {name} ({columns})" for name, columns in COLUMNS.items()},
    # NORMAL would lose the last transactions in a power cut, and with them a page. There are
    # few, so waiting for the disk costs nothing.
    pragmas=("journal_mode = WAL", "synchronous = FULL"),
    required=tuple(f"SELECT {columns} FROM {name} LIMIT 0" for name, columns in _NEEDED.items()),
    busy_seconds=BUSY_SECONDS,
    full_check=True,
    is_valid={
        "states": _is_state,
        "deliveries": _is_delivery,
        "refused": _is_delivery,
        "memories": _is_memory,
        "silences": _is_silence,
    },
)
FILE = SCHEMA.file
