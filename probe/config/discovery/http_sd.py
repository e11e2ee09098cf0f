"""HTTP SD: one GET, as Prometheus sends it."""

import urllib.error
import urllib.request
from base64 import b64encode
from urllib.parse import unquote, urlsplit, urlunsplit

from probe.net.urls import show_url

SECONDS = 5.0
_REFRESH = "X-Prometheus-Refresh-Interval-Seconds"


def fetch(address: str, token: str, refresh: float, limit: int) -> str:
    """The endpoint's body. Raises OSError, and ValueError for what is no answer.

    Blocks for seconds; proxies are the environment's. Nothing secret is in an error.
    """
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https"):
        raise ValueError("is not a web address")
    request = urllib.request.Request(  # noqa: S310 - the scheme is checked
        urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])),
        headers={"Accept": "application/json", _REFRESH: f"{refresh:g}"},
    )
    if token:
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    elif parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        request.add_unredirected_header("Authorization", f"Basic {b64encode(pair).decode()}")
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            if answer.status != 200:
                raise ValueError(f"answers {answer.status}")
            body: bytes = answer.read(limit + 1)
    except urllib.error.HTTPError as error:
        error.close()
        raise ValueError(f"answers {error.code}") from None
    except urllib.error.URLError as error:
        raise ValueError(f"can't be reached: {error.reason}") from None
    except TimeoutError:
        raise ValueError(f"no answer within {SECONDS:g} s") from None
    if len(body) > limit:
        raise ValueError(f"{show_url(address)} sends more than {limit} bytes")
    return body.decode("utf-8")
