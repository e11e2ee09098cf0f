"""Whether another cluster has incidents open at our receivers, asked once without a daemon."""

import asyncio
import time
from collections.abc import Iterable, Sequence

from alerts.config import AlertingConfig
from alerts.model import NotifyError
from alerts.notifier import Attributing
from alerts.senders.foreign_senders import ForeignSender
from alerts.senders.mark import SenderMark, peers_digest


async def foreign_at(
    config: AlertingConfig, entries: Sequence[str], groups: Iterable[str]
) -> list[ForeignSender]:
    """Each other cluster once. ``entries`` is PROBE_PEERS, ``groups`` are our alert groups. What
    has the same list, or without one the same region, is this cluster's; a receiver that can't be
    asked is passed over."""
    peers, named = peers_digest(entries), set(groups)
    keys = sorted(named | {f"{each} ({config.region})" for each in named} if entries else named)
    regions = ("", config.region) if entries else (config.region,)

    def is_own(mark: SenderMark) -> bool:
        return mark.peers == peers and bool(peers or mark.region == config.region)

    async def query(notifier: Attributing) -> list[ForeignSender]:
        try:
            found = await notifier.senders(regions, keys)
        except NotifyError:
            return []
        now, name = time.time(), notifier.name
        return [
            ForeignSender(name, each.key, each.mark, now) for each in found if not is_own(each.mark)
        ]

    queryable = [each for each in config.notifiers.values() if isinstance(each, Attributing)]
    answers = await asyncio.gather(*(query(each) for each in queryable if each.can_query))
    foreign = [each for found in answers for each in found]
    return list(
        {(each.notifier, each.mark.peers, each.mark.region): each for each in foreign}.values()
    )
