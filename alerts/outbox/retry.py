"""When a message that was not delivered is sent again, and which of several goes first; pure."""

from random import Random

from alerts.model import Delivery, MessageType, Severity

FIRST_RETRY_SECONDS, MAX_RETRY_SECONDS = 1.0, 300.0
# The cap on what a service asks for with Retry-After.
MAX_RETRY_AFTER_SECONDS = 3600.0
# A page waits for 5 min at most, 10 % of jitter included.
MAX_PAGE_DELAY_SECONDS = 270.0


def retry_seconds(
    attempts: int,
    retry_after: float | None,
    random: Random,
    longest: float = MAX_RETRY_AFTER_SECONDS,
) -> float:
    """How long to wait after the given number of failed attempts, in seconds.

    Doubles from 1 s to 5 min, less up to a half by chance so that many don't come at once;
    at least what the service asked for; neither beyond ``longest``.
    """
    if retry_after is not None:
        # In this order, no number (a service may say "nan") counts as the least.
        requested = min(max(FIRST_RETRY_SECONDS, retry_after), longest)
        return requested * random.uniform(1.0, 1.1)
    doubled: float = FIRST_RETRY_SECONDS * 2.0 ** min(max(attempts - 1, 0), 20)
    return min(doubled, MAX_RETRY_SECONDS, longest) * random.uniform(0.5, 1.0)


def urgency(delivery: Delivery) -> int:
    """Pages first, notes last."""
    message = delivery.message
    if message.occasion is MessageType.NOTE:
        return 3
    if message.severity is not Severity.CRITICAL or message.occasion is MessageType.REMINDER:
        return 2
    return 1 if message.occasion is MessageType.RESOLVED else 0


def longest_wait(delivery: Delivery, resend_seconds: float | None = None) -> float:
    """The longest time between two attempts, in seconds: of a page, of its end, and at a service
    that drops what is not repeated to it every ``resend_seconds``."""
    longest = MAX_PAGE_DELAY_SECONDS if urgency(delivery) <= 1 else MAX_RETRY_AFTER_SECONDS
    return longest if resend_seconds is None else min(longest, resend_seconds)
