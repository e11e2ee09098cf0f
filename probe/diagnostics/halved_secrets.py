"""Finds halves of secrets: one that two texts have a part of, because it was sent in two."""

from collections.abc import Iterable

# Shorter secrets may be words; a half has so many characters, and this share of it.
MIN_SECRET, _MIN_HALF, _SHARE = 16, 8, 1 / 4
# What may follow the last character of a text that was cut, or precede its first.
_CUT = "….'\"`()[]{}<>,;: \t\r\n"


def without_halves(text: str, secrets: Iterable[str], mask: str) -> str:
    """The text without the beginning of a secret at its end, and the end of one at its beginning.
    How long it takes grows with the secrets alone."""
    for secret in secrets:
        text = _without(text, secret, mask)
    return text


def _without(text: str, secret: str, mask: str) -> str:
    size = max(_MIN_HALF, int(len(secret) * _SHARE))
    end = len(text.rstrip(_CUT))
    at = text.find(secret[:size], max(end - len(secret) + 1, 0), end)
    if at >= 0 and secret.startswith(text[at:end]):
        text = f"{text[:at]}{mask}{text[end:]}"
    start = len(text) - len(text.lstrip(_CUT))
    at = text.find(secret[-size:], start, start + len(secret) - 1)
    if at >= 0 and secret.endswith(text[start : at + size]):
        text = f"{text[:start]}{mask}{text[at + size :]}"
    return text
