"""From a fault through a real Prometheus and a real Alertmanager to the one message it is."""

import html
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from alerts.notifiers.alertmanager import Alertmanager as Notifier
from alerts.prometheus.alertmanager_config import SECRETS, alertmanager_file
from alerts.prometheus.rules import rules_file
from probe.kinds import KINDS
from probe.lab import Lab
from tests import requirements
from tests.alerts.samples import failing, sample_message
from tests.daemon.running import daemon
from tests.servers.receivers.alertmanager import Alertmanager
from tests.servers.scraping.scraper import Scraper
from tests.servers.services import Service

FAST = "".join(
    f'[[http]]\nname = "{name}"\ninterval = 2\nretry = 1\nfor = 2\n' for name in ("health", "ready")
)
FAULT = ("BackendDown", "health", "global")


def hurried(rules: str) -> str:
    """The same rules, with seconds for minutes."""
    rules = re.sub(r"^(\s+interval:) \w+$", r"\1 1s", rules, flags=re.MULTILINE)
    return re.sub(r"^(\s+(?:for|keep_firing_for):) \w+$", r"\1 5s", rules, flags=re.MULTILINE)


def pointed(config: str, pager: str, chat: str) -> str:
    """The same configuration, telling two webhooks at once."""
    document: dict[str, Any] = yaml.safe_load(config)
    for receiver, url in (("pagerduty", pager), ("slack", chat)):
        (found,) = [each for each in document["receivers"] if each["name"] == receiver]
        found.pop(f"{receiver}_configs")
        found["webhook_configs"] = [{"url": url, "send_resolved": True}]
    document["route"] |= {"group_wait": "10s", "group_interval": "1s"}
    return yaml.safe_dump(document)


def summaries(message: dict[str, Any], status: str = "firing") -> set[tuple[str, str, str]]:
    """The alerts of a message by name, check and scope."""
    return {
        (
            alert["labels"]["alertname"],
            alert["labels"].get("check", ""),
            alert["labels"].get("scope", ""),
        )
        for alert in message["alerts"]
        if alert["status"] == status
    }


async def notification_with(
    service: Service, status: str, alert: tuple[str, str, str], *, timeout: float
) -> dict[str, Any]:
    """The first message that has this alert so; each is waited for that many seconds."""
    taken: list[dict[str, Any]] = []
    while not (found := [each for each in taken if alert in summaries(each, status)]):
        taken = await service.until(len(taken) + 1, seconds=timeout)
    return found[0]


def test_the_configuration_is_right_and_holds_no_secret(tmp_path: Path) -> None:
    program = requirements.program("amtool", part="alertmanager")
    text = alertmanager_file(KINDS)
    (tmp_path / "alertmanager.yml").write_text(text, encoding="utf-8")
    command = [program, "check-config", "alertmanager.yml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    document = yaml.safe_load(text)
    keys = json.dumps(document["receivers"])
    assert keys.count(SECRETS) == 2
    assert not re.search(r'"(api_url|routing_key|service_key)"', keys)


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ("severity=critical scope=global", "pagerduty,slack"),
        ("severity=warning scope=region", "slack"),
        ("severity=info", "none"),
        ("severity=unheard", "slack"),
    ],
)
def test_severities_lead_to_who_is_to_hear_them(
    tmp_path: Path, labels: str, receivers: str
) -> None:
    program = requirements.program("amtool", part="alertmanager")
    (tmp_path / "alertmanager.yml").write_text(alertmanager_file(KINDS), encoding="utf-8")
    command = [program, "config", "routes", "test", "--config.file=alertmanager.yml"]
    done = subprocess.run(
        [*command, *labels.split()], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, receivers)


def check_page(page: dict[str, Any]) -> None:
    """One message of the subject, without the views of single regions."""
    assert page["groupLabels"] == {"job": "probe", "subject": page["commonLabels"]["subject"]}
    assert {scope for _, _, scope in summaries(page)} == {"global"}
    annotations = page["alerts"][0]["annotations"]
    assert annotations["summary"] in ("health is down", "ready is down")
    assert "Cause " in annotations["description"]
    assert "http://127.0.0.1" in annotations["description"]
    assert annotations["runbook_url"].startswith("https://probe.example.org/runbooks/")


HOSTILE = ("<!channel>", "<@U1> & <!here|x>", "<https://evil.example|the status page>")


@pytest.mark.parts
@pytest.mark.parametrize("text", HOSTILE)
async def test_no_text_of_a_target_calls_a_channel_by_way_of_an_alertmanager(
    tmp_path: Path, text: str
) -> None:
    """Alertmanager hands annotations to Slack as they are."""
    async with Service() as chat:
        document: dict[str, Any] = yaml.safe_load(alertmanager_file(KINDS))
        (slack,) = document["receivers"][-1]["slack_configs"]
        slack["api_url"] = f"{chat.url}/{slack.pop('api_url_file').rpartition('/')[2]}"
        document["receivers"][1].pop("pagerduty_configs")
        document["route"] |= {"group_wait": "0s", "group_interval": "1s"}
        message = replace(
            sample_message(), firing=(replace(failing(), summary=text, hint=text, target=text),)
        )
        manager = Alertmanager(tmp_path, webhook="", config=yaml.safe_dump(document))
        async with manager:
            await Notifier([manager.url]).send(message, {})
            (posted,) = await chat.until(1)
    (attachment,) = posted["attachments"]
    shown = html.escape(text, quote=False)
    assert shown in attachment["title"]
    assert attachment["text"].count(shown) >= 1
    ours = re.sub(r"<https://(grafana|probe)[.\w/:?=&%-]*\|\w+>", "", json.dumps(attachment))
    assert "<" not in ours


@pytest.mark.parts
async def test_a_fault_is_one_page_that_groups_inhibits_and_resolves(tmp_path: Path) -> None:
    (tmp_path / "probe.toml").write_text(FAST, encoding="utf-8")
    folders = [tmp_path / name for name in ("prometheus", "alertmanager")]
    for folder in folders:
        folder.mkdir()
    async with Lab() as lab, Service() as pager, Service() as chat:
        lab.set_knob("backend.limits", "false")
        config = pointed(alertmanager_file(KINDS), pager.url, chat.url)
        public = {"PROBE_REGION": "lax", "PROBE_PUBLIC_URL": "https://probe.example.org"}
        environment = {**lab.environment(), **public}
        async with (
            daemon(tmp_path, environment, "--only", "health,ready") as running,
            Alertmanager(folders[1], webhook="", config=config) as alertmanager,
            Scraper(
                folders[0],
                jobs={"probe": [running.url.removeprefix("http://")]},
                rules=hurried(rules_file(KINDS)),
                alertmanager=alertmanager.url.removeprefix("http://"),
            ) as prometheus,
        ):
            await running.ready()
            await prometheus.until('probe_success{check="health"} == 1')
            lab.set_knob("backend.redis", "down")
            # With seconds for minutes, the first message may leave before all is known.
            page = await notification_with(pager, "firing", FAULT, timeout=60)
            check_page(page)
            active = await alertmanager.alerts()
            local = [each for each in active if each["labels"].get("scope") == "region"]
            assert local
            assert all(each["status"]["state"] == "suppressed" for each in local)
            lab.set_knob("backend.redis", "up")
            taken = pager.taken
            while taken[-1]["status"] == "firing":
                taken = await pager.until(len(taken) + 1, seconds=150)
            # One outage is one incident of one group, and the last notification resolves it.
            assert len({each["groupKey"] for each in pager.taken}) == 1
            assert [each["status"] for each in pager.taken].count("resolved") == 1
            assert chat.taken
