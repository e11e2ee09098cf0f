"""Situations in which members are killed, suspended, restarted, or lose what they kept."""

import asyncio
import signal
from collections.abc import Callable

from tests.regions.lab import Lab
from tests.regions.network import RECEIVERS
from tests.regions.situation import Situation, known, over, paged


async def _sender_dies(lab: Lab) -> None:
    """The sender is killed in mid-outage and comes back after the end: another one goes on,
    and says nothing twice."""
    await lab.start()
    lab.fail()
    await known(lab)
    sender = lab.sender()
    await sender.kill()
    lab.mark(f"{sender.region} is killed")
    await lab.through(lambda: lab.said("firing") == 1, "nothing is said twice", 20)
    lab.recover()
    await over(lab)
    await lab.start(sender)
    await lab.until(lab.is_quiet, "it learns of the end")
    await over(lab)


async def _page_kept_by_the_dead(lab: Lab) -> None:
    """A member with an undelivered page is killed and comes back after the end: nothing is
    sent before it has run its checks and asked the others."""
    await lab.start()
    last = lab.members[-1]
    last.place.cut([RECEIVERS])
    await asyncio.sleep(2)
    lab.fail()
    await paged(lab)
    await asyncio.sleep(5)
    await last.kill()
    lab.recover()
    await lab.until(lambda: bool(lab.page.closed), "resolved")
    last.place.heal()
    await lab.start(last)
    lab.mark(f"{last.region} is back")
    await lab.through(lambda: len(lab.page.opened) == 1, "no second page", 20)
    await over(lab)


async def _all_restart(lab: Lab) -> None:
    """All are restarted at once in mid-outage: it is neither resolved nor paged again."""
    await lab.start()
    lab.fail()
    await known(lab)
    await asyncio.gather(*(each.kill(signal.SIGTERM) for each in lab.members))
    await lab.start()
    await lab.through(lambda: lab.page.is_open, "still open", 20)
    ends = [each for each in lab.outside.alertmanager() if not each[1]]
    lab.expect(not ends, "Alertmanager heard of no end")
    lab.recover()
    await over(lab)


async def _rolling_restart(lab: Lab) -> None:
    """A deployment in mid-outage, one member after the other: nothing is said twice."""
    await lab.start()
    lab.fail()
    await known(lab)
    for member in lab.members:
        await member.kill(signal.SIGTERM)
        await lab.start(member)
    lab.expect(lab.page.is_open and len(lab.page.opened) == 1, "one page, still open")
    lab.expect(lab.said("firing") == 1, "the chat has heard it once")
    lab.recover()
    await over(lab)


async def _sender_is_suspended(lab: Lab) -> None:
    """The sender is stopped by a signal and goes on after the end, which another one has sent:
    it sends nothing of what it knew before."""
    await lab.start()
    lab.fail()
    await known(lab)
    sender = lab.sender()
    sender.send(signal.SIGSTOP)
    lab.mark(f"{sender.region} is suspended")
    await asyncio.sleep(30)
    lab.recover()
    await lab.until(lambda: bool(lab.page.closed), "resolved at the pager")
    await lab.until(lambda: lab.said("resolved") == 1, "another one sends the end")
    await asyncio.sleep(5)
    sender.send(signal.SIGCONT)
    lab.mark(f"{sender.region} goes on")
    await lab.through(lambda: len(lab.page.opened) == 1, "no second page", 20)
    fires = [each[1] for each in lab.outside.alertmanager() if "region" not in each[2]]
    lab.expect(fires.count(True) == 1, "Alertmanager heard of it once")
    await over(lab)


async def _empty_folders(lab: Lab) -> None:
    """All are killed in mid-outage and start with empty folders after the end: the pager and
    Alertmanager, which can be asked, get its end."""
    await _restart_with_empty_folders(lab, before=lab.recover)
    await lab.until(lambda: not lab.page.is_open, "resolved at the pager")
    await lab.until(lambda: not _at_alertmanager(lab), "ended at Alertmanager")
    await lab.through(lambda: len(lab.page.opened) == 1, "one page", 10)


async def _empty_folders_in_mid_outage(lab: Lab) -> None:
    """All are killed in mid-outage and start with empty folders while it goes on: it is neither
    resolved nor paged again, and is resolved once it is over."""
    await _restart_with_empty_folders(lab)
    await lab.through(lambda: lab.page.is_open and _at_alertmanager(lab), "still open", 90)
    lab.recover()
    await lab.until(lambda: not lab.page.is_open, "resolved at the pager")
    await lab.until(lambda: not _at_alertmanager(lab), "ended at Alertmanager")
    lab.expect(len(lab.page.opened) == 1, "one page")
    await lab.until(lab.is_quiet, "nothing is open at any member")


async def _restart_with_empty_folders(lab: Lab, before: Callable[[], None] | None = None) -> None:
    """``before`` they start again; all of them have a token for the pager's REST API."""
    for member in lab.members:
        member.options |= {
            "PAGERDUTY_REST_TOKEN": "t" * 20,
            "PAGERDUTY_API_URL": f"http://{RECEIVERS}:9000/pd",
        }
    await lab.start()
    lab.fail()
    await known(lab)
    await asyncio.gather(*(each.kill() for each in lab.members))
    for member in lab.members:
        member.wipe()
    if before is not None:
        before()
    await lab.start()


def _at_alertmanager(lab: Lab) -> bool:
    """Whether the target's alert fires there, as far as it heard."""
    fires = [each[1] for each in lab.outside.alertmanager() if "region" not in each[2]]
    return bool(fires) and fires[-1]


async def _receivers_refuse(lab: Lab) -> None:
    """No receiver accepts anything while the target fails, and all do after the end: no page is
    sent then, and people read at most that there was an outage and that it is over."""
    await lab.start()
    lab.outside.refusing = {"pd", "hook", "slack", "am"}
    lab.fail()
    await asyncio.sleep(25)
    lab.recover()
    await asyncio.sleep(10)
    lab.outside.refusing = set()
    lab.mark("the receivers accept again")
    await lab.through(lambda: not lab.page.is_open, "no page after the end", 40)
    await lab.until(lab.is_quiet, "nothing is open at any member")
    lab.expect(lab.said("firing") == 0 and lab.said("resolved") <= 1, "one message that it is over")


PROCESSES = (
    Situation("sender-dies", _sender_dies),
    Situation("page-kept-by-the-dead", _page_kept_by_the_dead),
    Situation("all-restart", _all_restart),
    Situation("rolling-restart", _rolling_restart, proof=False),
    Situation("sender-is-suspended", _sender_is_suspended),
    Situation("empty-folders", _empty_folders, proof=False),
    Situation("empty-folders-in-mid-outage", _empty_folders_in_mid_outage, proof=False),
    Situation("receivers-refuse", _receivers_refuse, proof=False),
)
