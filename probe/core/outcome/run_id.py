"""The id of one run."""

from hashlib import blake2b


def run_id(check: str, at: float) -> str:
    """The id of the run of a check that began ``at``, in seconds since 1970: in exemplars, traces,
    the API and a check's page.

    32 hexadecimal digits, as a trace has (W3C Trace Context, 3.2.2.3). It follows from the two, so
    it is the same in every process and after a restart.
    """
    text = f"{check}\n{round(at * 1_000_000)}"
    return blake2b(text.encode("utf-8", "backslashreplace"), digest_size=16).hexdigest()
