"""The probe's own state at one moment, for its own metrics."""

from probe.daemon.parts import DaemonState, Parts
from probe.daemon.reload import Reloader
from probe.daemon.schedule import Schedule
from probe.diagnostics.logging_setup import dropped
from probe.metrics.self_snapshot import SelfSnapshot


def snapshot_of(
    parts: Parts,
    state: DaemonState,
    schedule: Schedule,
    reloader: Reloader,
    refused_logins: int,
) -> SelfSnapshot:
    """Collect the counts of every part."""
    alerts, outcome = parts.alerts, reloader.outcome
    delivery = alerts.delivery.items()
    return SelfSnapshot(
        checks=len(state.checks),
        skipped=schedule.skipped,
        missed=schedule.missed,
        pending_closings=parts.context.closing.pending,
        history=state.history.state if state.history is not None else None,
        config_ok=outcome.ok,
        config_changed=outcome.changed,
        alerts=alerts.counts,
        messages_waiting=alerts.waiting,
        messages_refused=alerts.refused,
        peers=alerts.cluster.reading,
        heartbeat_at=parts.heartbeat.last_success or 0.0,
        heartbeat_failures=parts.heartbeat.failures,
        task_failures=parts.supervisor.failures,
        shortages=dict(parts.own.shortages.counts),
        clock_steps=parts.own.clock_watch.steps,
        log_lines_dropped=dropped(),
        notifications_failed={name: health.failed for name, health in delivery},
        foreign_senders={name: alerts.foreign_senders.counts.get(name, 0) for name, _ in delivery},
        consumer_errors=parts.isolation.errors,
        refused_logins=refused_logins,
    )
