"""A probe without PROBE_PEERS runs no code of the cluster."""

from pathlib import Path

import pytest

from alerts.cluster.agreement import Agreement
from alerts.cluster.cluster import Cluster
from alerts.cluster.membership.members import Members
from alerts.cluster.roles import Roles
from alerts.config import AlertingConfig
from alerts.manager import AlertManager
from probe.core.model import Status
from tests.fake_kind import result_of, toy


async def test_without_peers_nothing_of_the_cluster_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = AlertManager(AlertingConfig("lax"), tmp_path)
    ran: list[str] = []

    def trap(name: str) -> object:
        return lambda *args, **more: ran.append(name)

    quiet = {"__init__", "has_peers", "resume"}
    for kind in (Cluster, Agreement, Members, Roles):
        for name, value in vars(kind).items():
            if callable(value) and not name.startswith("__") and name not in quiet:
                monkeypatch.setattr(kind, name, trap(f"{kind.__name__}.{name}"))
    await manager.open()
    check = toy("a")
    manager.set_checks([check])
    for status in (Status.FAILED, Status.FAILED, Status.OK):
        manager.handle_result(check, result_of("a", status), (), backed_up=False)
    await manager.close()
    assert "peers" not in manager.jobs
    assert ran == []
