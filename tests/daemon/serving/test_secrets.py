"""Nothing that leaves the daemon holds a secret: every one that is configured is looked for."""

import json
from pathlib import Path

from probe.config.settings import load_settings
from probe.kinds import KINDS
from probe.lab import Lab
from tests.command import probe
from tests.daemon.running import daemon
from tests.servers.receivers.alertmanager_api import AlertmanagerApi
from tests.servers.receivers.pagerduty import PagerDutyService
from tests.servers.receivers.slack import SlackApi
from tests.servers.services import Failure, Service

ROUTING_KEY, BOT_TOKEN = "routing-key-0fa7e1", "xoxb-b0t-t0ken-93ab"
PAGES = ("/", "/status.json", "/metrics", "/badge.svg", "/healthz", "/readyz")
LOGIN = {"Authorization": "Bearer pages-t0ken-5e5e5e"}
FAST = '[[http]]\nname = "health"\ninterval = 1\nhold = 1\ndeadline = 1\n'


def secretive(folder: Path, lab: Lab, services: dict[str, Service]) -> dict[str, str]:
    """Every secret variable there is, each with a value of its own."""
    (folder / "probe.toml").write_text(FAST)
    lab.set_knob("backend.limits", "false")
    hook, manager = services["hook"].url, services["manager"].url
    return {
        **lab.environment(),
        "PROBE_DATA": str(folder / "data"),
        "SLACK_WEBHOOK": f"{services['slack'].url}/services/T0/B0/webho0k-path-51c2",
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "SLACK_CHANNEL": "C0",
        "SLACK_API_URL": f"{services['slack'].url}/api",
        "PAGERDUTY_ROUTING_KEY": ROUTING_KEY,
        "PAGERDUTY_EVENTS_URL": f"{services['pager'].url}/v2/enqueue",
        "ALERTMANAGER_URLS": f"{manager.replace('//', '//ops:manager-passw0rd@')}",
        "ALERT_WEBHOOK_URL": f"{hook}/take/h00k-path-7733?key=h00k-query-19ff",
        "ALERT_WEBHOOK_SECRET": "signing-secret-e771",
        "PROBE_HEARTBEAT_URL": "http://127.0.0.1:9/ping/heartbeat-uuid-6b2c",
        "PROBE_SENTRY_DSN": "http://5e9f1c0dd8a94d44aa@127.0.0.1:9/7",
        "PROBE_WEB_USER": "ops",
        "PROBE_WEB_PASSWORD": "pages-passw0rd-be11",
        "PROBE_WEB_TOKEN": "pages-t0ken-5e5e5e",
        "LOG_LEVEL": "silly",
    }


def found_in(text: str, secrets: set[str]) -> set[str]:
    """Which of the secrets a text holds."""
    return {secret for secret in secrets if secret in text}


def sent(services: dict[str, Service]) -> str:
    """Everything the services got, without what proves to them who we are."""
    bodies = [body.decode() for service in services.values() for body in service.seen]
    return "\n".join(bodies).replace(json.dumps({"routing_key": ROUTING_KEY})[1:-1], "")


async def printed(*arguments: str, cwd: Path, env: dict[str, str]) -> str:
    """All that a command prints."""
    ended = await probe(*arguments, cwd=cwd, env=env)
    return ended.out + ended.err


async def test_no_secret_leaves_in_a_message_a_page_a_metric_or_a_log(tmp_path: Path) -> None:
    async with (
        Lab() as lab,
        SlackApi(BOT_TOKEN) as slack,
        PagerDutyService(ROUTING_KEY) as pager,
        AlertmanagerApi() as manager,
        Service() as hook,
    ):
        services: dict[str, Service] = {"slack": slack, "pager": pager}
        services |= {"manager": manager, "hook": hook}
        for service in services.values():
            service.fail.append(Failure(500, "xoxb-b0t-t0ken-93ab is wrong, says the service"))
        environment = secretive(tmp_path, lab, services)
        settings = load_settings(KINDS, environment)
        secrets = {secret for secret in settings.secrets if len(secret) > 4}
        assert {BOT_TOKEN, ROUTING_KEY, "signing-secret-e771", "manager-passw0rd"} <= secrets
        lab.set_knob("backend.redis", "down")
        left: dict[str, str] = {}
        async with daemon(tmp_path, environment) as running:
            for service in services.values():
                await service.until(1)
            lab.set_knob("backend.redis", "up")
            await pager.until(2)
            pages = [await running.get(path, headers=LOGIN) for path in PAGES]
            left["pages"] = "\n".join(text for _, text in pages)
            left["alerts list"] = await printed("alerts", "list", cwd=tmp_path, env=environment)
            await running.stop()
            left["log"] = "\n".join(running.raw)
        # Not before: what fails still would hold the end of the incident.
        lab.set_knob("primary.error", "401")
        for command in ("--once --format json", "list"):
            left[command] = await printed(*command.split(), cwd=tmp_path, env=environment)
        left["messages"] = sent(services)
    leaks = {place: found_in(text, secrets) for place, text in left.items()}
    assert {place: names for place, names in leaks.items() if names} == {}
    kept = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir())
    assert found_in(kept.decode("latin-1"), secrets) == set()
    assert all(len(text) > 100 for text in left.values())
