"""From a fault to the message that somebody reads, and to its end, through a real daemon."""

import asyncio
import json
import signal
import time
from pathlib import Path

import pytest

from probe.lab import Lab
from tests.command import probe
from tests.daemon.running import daemon
from tests.servers.receivers.pagerduty import PagerDutyService
from tests.servers.receivers.slack import SlackApi, SlackWebhookService
from tests.servers.services import Failure

KEY = "r0uting-key-0f-mine"
FAST = '[[http]]\nname = "health"\ninterval = 1\ndeadline = 1\n'


def configured(
    folder: Path,
    lab: Lab,
    pager: PagerDutyService,
    slack: SlackWebhookService,
    keys: str = "hold = 2\n",
) -> dict[str, str]:
    """The daemon's variables; health is checked every second, and a failure of two fires."""
    (folder / "probe.toml").write_text(FAST + keys)
    lab.set_knob("backend.limits", "false")
    return {
        **lab.environment(),
        "PROBE_DATA": str(folder / "data"),
        "PAGERDUTY_ROUTING_KEY": KEY,
        "PAGERDUTY_EVENTS_URL": f"{pager.url}/v2/enqueue",
        "SLACK_WEBHOOK": f"{slack.url}/services/T0/B0/5ecret-path",
        "PROBE_PUBLIC_URL": "https://probe.example.org",
    }


@pytest.mark.parametrize(
    ("keys", "seconds"),
    [("hold = 4\n", 4), pytest.param("", 30, id="default", marks=pytest.mark.proof)],
)
async def test_down_for_longer_than_hold_is_a_page_and_its_end_resolves_it(
    tmp_path: Path, keys: str, seconds: float
) -> None:
    async with Lab() as lab, PagerDutyService(KEY) as pager, SlackWebhookService() as slack:
        environment = configured(tmp_path, lab, pager, slack, keys)
        async with daemon(tmp_path, environment, "--only", "health") as running:
            await running.ready()
            lab.set_knob("backend.redis", "down")
            broken = time.monotonic()
            (event,) = await pager.until(1)
            waited = time.monotonic() - broken
            # From the first failed run on: never sooner.
            assert waited >= seconds - 0.5
            assert event["event_action"] == "trigger"
            assert "redis is down" in event["payload"]["summary"]
            (message,) = await slack.until(1)
            text = json.dumps(message, ensure_ascii=False)
            for wanted in ("CRITICAL", "redis is down", "service", "First steps", "runbook"):
                assert wanted in text
            found = await running.metrics()
            assert found["probe_alerts_firing"] >= 0
            notices = json.dumps((await running.status())["notices"])
            assert "Alert: health" in notices
            assert (await running.get("/runbooks/service-down"))[0] == 200
            lab.set_knob("backend.redis", "up")
            await pager.until(2)
            await slack.until(2)
            assert pager.incidents == {}
            assert "RESOLVED" in json.dumps(slack.taken[1])
            assert await running.stop() == 0
        left = b"".join([*pager.seen, *slack.seen, *(line.encode() for line in running.raw)])
        for secret in (lab.environment()["JWT_SECRET"], "5ecret-path"):
            assert secret.encode() not in left


async def test_a_page_that_is_refused_for_a_while_survives_being_killed(tmp_path: Path) -> None:
    async with Lab() as lab, PagerDutyService(KEY) as pager, SlackWebhookService() as slack:
        environment = configured(tmp_path, lab, pager, slack)
        pager.fail.extend([Failure(500)] * 3)
        lab.set_knob("backend.redis", "down")
        async with daemon(tmp_path, environment, "--only", "health") as running:
            await running.said("pagerduty: delivery failed")
            await running.stop(signal.SIGKILL)
        listed = await probe("alerts", "list", cwd=tmp_path, env=environment)
        assert "health/failing" in listed.out
        assert "pagerduty: The backend is down: redis is down" in listed.out
        async with daemon(tmp_path, environment, "--only", "health") as running:
            await pager.until(1)
            lab.set_knob("backend.redis", "up")
            await pager.until(2)
            assert (pager.incidents, pager.opened) == ({}, 1)


async def test_a_silence_suppresses_notifications_and_recording_goes_on(tmp_path: Path) -> None:
    async with Lab() as lab, PagerDutyService(KEY) as pager, SlackWebhookService() as slack:
        environment = configured(tmp_path, lab, pager, slack)
        made = await probe(
            *("alerts", "silence", "health", "--reason", "a move", "--author", "eva"),
            cwd=tmp_path,
            env=environment,
        )
        assert made.code == 0, made.err
        lab.set_knob("backend.redis", "down")
        async with daemon(tmp_path, environment, "--only", "health") as running:
            await running.said("alert fired: redis is down")
            status = await running.status()
            assert status["verdict"] == "critical"
            assert "suppressed (silence: silence-" in json.dumps(status["notices"])
            assert pager.taken == []
            name = made.out.split(":")[0]
            ended = await probe("alerts", "unsilence", name, cwd=tmp_path, env=environment)
            assert ended.code == 0, ended.err
            await pager.until(1)


@pytest.mark.parametrize(("token", "code"), [("t0ken", 0), ("wrong", 74)])
async def test_a_route_can_be_tried(tmp_path: Path, token: str, code: int) -> None:
    async with SlackApi("t0ken") as slack:
        environment = {
            "BACKEND_URL": "http://127.0.0.1:9",
            "SLACK_BOT_TOKEN": token,
            "SLACK_CHANNEL": "C0",
            "SLACK_API_URL": f"{slack.url}/api",
        }
        done = await probe("alerts", "test", cwd=tmp_path, env=environment)
        assert done.code == code, done.err
        if code:
            assert "invalid_auth" in done.err
        else:
            methods = [each["method"] for each in slack.taken]
            assert methods == ["chat.postMessage", "chat.update", "chat.postMessage"]
            assert "[TEST]" in slack.taken[0]["text"]


async def test_a_single_run_sends_no_notification(tmp_path: Path) -> None:
    async with Lab() as lab, PagerDutyService(KEY) as pager, SlackWebhookService() as slack:
        environment = configured(tmp_path, lab, pager, slack)
        lab.set_knob("backend.redis", "down")
        done = await probe("--once", "--only", "health", cwd=tmp_path, env=environment)
        assert done.code == 2
        assert pager.seen == slack.seen == []
        assert not (tmp_path / "data").exists()


async def test_a_slack_that_hangs_delays_no_probe_and_no_page(tmp_path: Path) -> None:
    async with Lab() as lab, PagerDutyService(KEY) as pager, SlackWebhookService() as slack:
        environment = configured(tmp_path, lab, pager, slack)
        slack.fail.extend([Failure(500, delay=60.0)] * 5)
        lab.set_knob("backend.redis", "down")
        async with daemon(tmp_path, environment, "--only", "health") as running:
            await pager.until(1)
            async with asyncio.timeout(60):
                while not slack.seen:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
                # Slack has a message and says nothing; meanwhile the check runs on.
                after = before = await running.metrics()
                name = 'probe_runs_total{check="health",status="failed"}'
                while after[name] - before[name] < 3:
                    await asyncio.sleep(0.2)
                    after = await running.metrics()
            lateness = "probe_schedule_lateness_seconds"
            runs = after[f"{lateness}_count"] - before[f"{lateness}_count"]
            late = after[f"{lateness}_sum"] - before[f"{lateness}_sum"]
            # Slack's answer is a minute away; a turn that waited for it would show most of it.
            assert late / runs < 10
            assert slack.taken == []
