"""Canaries: no secret of the configuration is in any output of a run, whatever targets repeat."""

import pytest
from prometheus_client import CollectorRegistry

from probe.config.settings import Settings, load_settings
from probe.core.context import Context
from probe.diagnostics.redact import Redactor
from probe.kinds import KINDS
from probe.metrics.exporter import Exporter, expose
from probe.once import OnceOptions, run_once
from probe.report.ci.github import summary
from probe.report.formats import FORMATS, Style
from tests.hostile.canaries.parrots import MODES, down, parrots
from tests.hostile.canaries.secrets import Ports, environment, leaks, secret_variables

PORTS = Ports(1, 2, 3, 4)


def test_every_secret_variable_holds_a_canary_in_one_of_the_configurations() -> None:
    held = {
        name for variant in ("webhook", "bot") for name in environment(variant, PORTS)[1].values()
    }
    # Addresses in which neither login nor query is accepted hold no secret.
    assert held >= {
        name for name in secret_variables() if not name.endswith(("_URL", "_URLS", "_ENDPOINT"))
    }
    assert len(held) >= 40


@pytest.mark.parametrize("variant", ["webhook", "bot"])
def test_every_secret_is_known_to_what_hides_them(variant: str) -> None:
    values, canaries = environment(variant, PORTS)
    clean = Redactor(load_settings(KINDS, values, env_file=None).secrets).clean
    assert {name for secret, name in canaries.items() if secret in clean(f"x {secret} y")} == set()


async def _outputs(settings: Settings) -> dict[str, str]:
    context = Context(redact=Redactor(settings.secrets).clean)
    report = await run_once(settings.plan, OnceOptions(deadline=3.0), context=context)
    exporter = Exporter(region="x")
    exporter.set_checks(settings.plan.checks)
    for row in report.rows:
        exporter.observe(row.result)
    style = Style(colour=False, width=200)
    found = {name: form(report, style) for name, form in FORMATS.items()}
    found["summary"] = summary(report)
    found["metrics"] = expose(exporter, CollectorRegistry(), None)[0].decode()
    return found


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("variant", ["webhook", pytest.param("bot", marks=pytest.mark.proof)])
async def test_no_canary_is_in_any_output_of_a_run(variant: str, mode: str) -> None:
    async with parrots(mode) as (targets, ports):
        values, canaries = environment(variant, ports)
        targets.secrets = tuple(canaries)
        values = down(values) if mode == "down" else values
        found = await _outputs(load_settings(KINDS, values, alone=True))
    assert leaks(found, canaries) == set()
    assert all(len(text) > 100 for text in found.values())
