"""All dashboards, from the kinds."""

from collections.abc import Iterable
from typing import Any

from dashboards import check_panels
from dashboards.model import (
    GREEN,
    ORANGE,
    RED,
    Dashboard,
    DashboardRow,
    Panel,
    PanelQuery,
    PanelType,
)
from dashboards.overview import overview
from dashboards.self_dashboard import itself
from dashboards.signal_panels import INFRASTRUCTURE, SIGNALING, TURN, names_on, rows_for, selector
from probe.core.kind import Kind

_CALLS = selector('kind=~"turn|call"', providers=True)


def boards(kinds: Iterable[Kind[Any, Any]]) -> tuple[Dashboard, ...]:
    """Every dashboard, in order of use."""
    kinds = tuple(kinds)
    return (
        overview(kinds),
        _grouped(
            kinds,
            SIGNALING,
            "Probe: signaling",
            "Web pages, health endpoints, certificates, and sessions with the signaling server.",
        ),
        _turn(kinds),
        _grouped(
            kinds,
            INFRASTRUCTURE,
            "Probe: infrastructure",
            "Machines, database, cache, and application metrics.",
        ),
        itself(),
    )


def _grouped(
    kinds: tuple[Kind[Any, Any], ...], uid: str, title: str, description: str
) -> Dashboard:
    found = names_on(kinds, uid)
    checks = check_panels.row(selector(f'kind=~"{found}"'), "check", "{{check}}")
    rows = ((checks,) if found else ()) + rows_for(kinds, uid)
    return Dashboard(uid, title, description, rows)


def _turn(kinds: tuple[Kind[Any, Any], ...]) -> Dashboard:
    return Dashboard(
        TURN,
        "Probe: TURN and ICE",
        "Every relay by provider and transport, calls through them, fallback and quota.",
        (
            DashboardRow("Providers", _providers()),
            check_panels.row(
                selector(f'kind=~"{names_on(kinds, TURN)}"', providers=True),
                "provider, transport",
                "{{provider}} {{transport}}",
            ),
            DashboardRow("Provider $provider", _by("transport"), True, repeat="provider"),
            DashboardRow("Transport $transport", _by("provider"), True, repeat="transport"),
            *rows_for(kinds, TURN),
        ),
        providers=True,
    )


def _providers() -> tuple[Panel, ...]:
    by = "provider, transport"
    return (
        Panel(
            "Success now, by provider and transport",
            "Share of passing checks. 0 %: no user can connect this way.",
            (
                PanelQuery(
                    f"avg by ({by}) (probe_success{_CALLS})", "{{provider}} {{transport}}", True
                ),
            ),
            unit="percentunit",
            shape=PanelType.STAT,
            thresholds=((None, RED), (0.5, ORANGE), (1, GREEN)),
            width=24,
            height=6,
        ),
        Panel(
            "Success by provider",
            "Share of passing checks, over time.",
            (PanelQuery(f"avg by ({by}) (probe_success{_CALLS})", "{{provider}} {{transport}}"),),
            unit="percentunit",
            least=0,
            most=1,
        ),
        Panel(
            "Providers up",
            "By any transport. While one is down, the others carry its users.",
            (PanelQuery(f"max by (provider) (probe_success{_CALLS})", "{{provider}}"),),
            shape=PanelType.STATES,
            value_mappings=((0, "down", RED), (1, "up", GREEN)),
        ),
        _phases(),
    )


def _by(label: str) -> tuple[Panel, ...]:
    """What a provider's transports, or a transport's providers, differ in."""
    which = selector(providers=True, transports=label != "transport")
    worst = check_panels.not_pushed(f"min_over_time(probe_success{which}[$__interval])")
    legend = f"{{{{{label}}}}} {{{{region}}}}"
    return (
        Panel(
            f"Success by {label}",
            "The worst result in each step.",
            (PanelQuery(f"min by ({label}, region) {worst}", legend),),
            shape=PanelType.STATES,
            value_mappings=((0, "failing", RED), (1, "passing", GREEN)),
            interval="1m",
        ),
        _by_panel("Allocate", "probe_turn_allocate_seconds", label, which, "s"),
        _by_panel("Relay RTT", "probe_turn_relay_rtt_seconds", label, which, "s"),
        _by_panel("Loss", "probe_turn_loss_ratio", label, which, "percentunit"),
    )


def _by_panel(title: str, signal: str, label: str, which: str, unit: str) -> Panel:
    return Panel(
        f"{title} by {label}",
        "The worst of its checks.",
        (
            PanelQuery(
                f"max by ({label}, region) ({signal}{which})", f"{{{{{label}}}}} {{{{region}}}}"
            ),
        ),
        unit=unit,
        least=0,
    )


def _phases() -> Panel:
    return Panel(
        "Phases by provider",
        "Duration of each phase of a run, by relay: the mean of its checks.",
        (
            PanelQuery(
                f"avg by (provider, phase) (probe_phase_duration_seconds{_CALLS})",
                "{{provider}} {{phase}}",
            ),
        ),
        unit="s",
        shape=PanelType.STACK,
        width=24,
        least=0,
    )
