"""``probe alerts list`` where only the daemon knows: from its API."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from probe.commands.incidents.client import ProbeClient
from probe.commands.terminal import print_section
from probe.report.text.sanitize import clean

Document = Mapping[str, Any]
MAX_INCIDENTS = 50


async def list_alerts(client: ProbeClient) -> int:
    """Print alerts, silences, maintenance, pending and failed notifications. Raises
    ClientError."""
    found = await client.get("/incidents", {"state": "open", "limit": str(MAX_INCIDENTS)})
    incidents = [await client.get(f"/incidents/{each['id']}") for each in found["items"]]
    silences = (await client.get("/silences", {"limit": "200"}))["items"]
    announced = (await client.get("/announcements", {"limit": "200"}))["items"]
    now = datetime.fromisoformat((await client.get("/status"))["generated_at"])
    print_section("Alerts", [*_alerts(incidents, now)])
    print_section("Silences", [_silence(each) for each in silences])
    maintenance = [each for each in announced if each["kind"] == "maintenance"]
    print_section(
        "Maintenance",
        [f"{clean(each['title'])}  {each['start']} to {each['end']}" for each in maintenance],
    )
    print_section("Pending notifications", [*_notifications(incidents, "pending")])
    print_section("Failed notifications", [*_notifications(incidents, "refused")])
    return 0


def _alerts(incidents: Sequence[Document], now: datetime) -> Iterator[str]:
    for incident in incidents:
        for each in incident["alerts"]:
            if each["ended"] is None:
                lasted = (now - datetime.fromisoformat(each["since"])).total_seconds()
                yield (
                    f"{each['severity']:9} {clean(each['name'])}  for {max(lasted, 0.0):.0f} s: "
                    f"{clean(each['summary'])}"
                )


def _silence(each: Document) -> str:
    about = clean(", ".join(each["matchers"]))
    by = f"by {clean(each['author'])}: {clean(each['comment'])}"
    return f"{each['id']}  {about} until {each['end']}, {by}"


def _notifications(incidents: Sequence[Document], status: str) -> Iterator[str]:
    for incident in incidents:
        for each in incident["notifications"]:
            if each["status"] == status:
                error = f": {clean(each['error'])}" if each["error"] else ""
                yield f"{clean(each['receiver'])}: {clean(each['title'])}{error}"
