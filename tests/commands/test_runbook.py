"""``probe runbook``: the page that a report names, without a daemon."""

from pathlib import Path

from alerts.runbooks import slugs
from tests.command import probe


async def test_a_page_is_filled_from_the_configuration(tmp_path: Path) -> None:
    env = {"BACKEND_URL": "https://app.example"}
    done = await probe("runbook", "backend-down", cwd=tmp_path, env=env)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("# The backend is down\n")
    assert "https://app.example" in done.out


async def test_all_pages_are_listed(tmp_path: Path) -> None:
    # By an interpreter that has imported nothing yet.
    done = await probe("runbook", cwd=tmp_path, fork=False)
    assert [line.split()[0] for line in done.out.splitlines()] == list(slugs())


async def test_an_unknown_page_is_a_mistake_with_the_nearest_one(tmp_path: Path) -> None:
    done = await probe("runbook", "backend-dwn", cwd=tmp_path)
    assert done.code == 64
    assert done.err == (
        "probe: there is no runbook 'backend-dwn': did you mean \"backend-down\"?\n"
    )


async def test_a_wrong_configuration_hides_no_page(tmp_path: Path) -> None:
    (tmp_path / "probe.toml").write_text("[[htp]]\n")
    done = await probe("runbook", "backend-down", cwd=tmp_path)
    assert done.code == 0
    assert "htp" in done.err
    assert "BACKEND_URL" in done.out


async def test_the_head_of_a_failing_run_names_it(tmp_path: Path) -> None:
    done = await probe("--once", cwd=tmp_path, env={"FRONTEND_URL": "http://127.0.0.1:9/"})
    lines = done.out.splitlines()
    assert done.code == 2
    assert lines[0] == "CRITICAL  frontend: 127.0.0.1:9 refuses the connection"
    assert lines[2] == "✗ Impact      The frontend is down"
    assert "  Runbook     `probe runbook frontend-down`" in lines
