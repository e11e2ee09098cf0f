"""python-socketio's asynchronous server without what other uses of it need.

Importing it imports each message queue's client, and those of its synchronous clients, that are
installed: redis alone brings a tenth of a second of CPU, OpenTelemetry along. It takes one that
can't be imported for one that isn't installed, and None in ``sys.modules`` is the documented way
to say so (Python's language reference, section 5.3.1).
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

OPTIONAL = (
    *("redis", "valkey", "aio_pika", "kombu", "kafka", "zmq"),
    *("requests", "websocket", "tornado"),
)


@contextmanager
def without_optional() -> Iterator[None]:
    """Import python-socketio within this; what is loaded already stays as it is."""
    absent = [name for name in OPTIONAL if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # None: not to be had
    try:
        yield
    finally:
        for name in absent:
            sys.modules.pop(name, None)


with without_optional():
    import socketio

__all__ = ["socketio"]
