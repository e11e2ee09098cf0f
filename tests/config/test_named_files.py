"""Every setting that names a file or folder is judged by check-config, and by the start alike.

What can't be on any machine, and files that are read, are errors; a folder that can't be written
here is a warning: check-config may run on another machine than the daemon, and the daemon goes on
in memory.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from probe.config.settings import load_settings
from probe.core.environment import EnvironmentSources
from probe.kinds import KINDS
from tests.command import probe

PAGE = {"FRONTEND_URL": "http://127.0.0.1:9/"}
KEPT_IN_MEMORY = "history, alerts and silences are kept in memory and lost at a restart"
_Make = Callable[[Path], Path]


def a_file(folder: Path) -> Path:
    (folder / "file").write_text("text")
    return folder / "file"


def below_a_file(folder: Path) -> Path:
    return a_file(folder) / "below" / "deeper"


def a_loop(folder: Path) -> Path:
    (folder / "loop").symlink_to("loop")
    return folder / "loop"


def nowhere(folder: Path) -> Path:
    (folder / "link").symlink_to("missing/volume")
    return folder / "link"


@pytest.mark.parametrize("variable", ["PROBE_DATA", "PROBE_JOURNAL"])
async def test_a_folder_that_is_a_file_is_an_error_in_check_config_and_at_the_start(
    tmp_path: Path, variable: str
) -> None:
    env = {**PAGE, variable: str(a_file(tmp_path)), "PROBE_LISTEN": "127.0.0.1:0"}
    checked = await probe("check-config", cwd=tmp_path, env=env)
    started = await probe(cwd=tmp_path, env=env)
    assert (checked.code, started.code) == (64, 64)
    assert checked.err == started.err
    assert checked.err.startswith(f"probe: {variable} (environment): ")
    assert checked.err.endswith("is not a folder: write a folder of its own\n")


def folder_warnings(**variables: object) -> tuple[str, ...]:
    named = {name: str(value) for name, value in variables.items()}
    return load_settings(KINDS, {**PAGE, **named}, env_file=None).service.folder_warnings


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (nowhere, "can't be made: it is a link that leads nowhere"),
        (a_loop, "can't be made: it is a link that leads nowhere"),
        (below_a_file, "can't be made: {folder}/file is not a folder"),
    ],
)
def test_a_folder_that_cannot_be_made_is_a_warning(tmp_path: Path, make: _Make, why: str) -> None:
    place = make(tmp_path)
    assert folder_warnings(PROBE_DATA=place) == (
        f"PROBE_DATA: {place} {why.format(folder=tmp_path)}: {KEPT_IN_MEMORY}; "
        "name a folder that the user of the probe may write to",
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
@pytest.mark.parametrize("place", ["", "new/deeper"])
def test_a_folder_that_gives_no_permission_is_a_warning(tmp_path: Path, place: str) -> None:
    folder = tmp_path / "volume"
    folder.mkdir(mode=0o500)
    why = (
        f"can't be made: {folder} is read-only, or" if place else "can't be written: read-only, or"
    )
    (found,) = folder_warnings(PROBE_DATA=folder / place)
    assert f"{folder / place} {why} no permission for user" in found


async def test_check_config_prints_what_the_start_logs(tmp_path: Path) -> None:
    env = {**PAGE, "PROBE_JOURNAL": str(nowhere(tmp_path))}
    done = await probe("check-config", cwd=tmp_path, env=env)
    assert done.code == 0
    assert "Warning: PROBE_JOURNAL: " in done.out
    assert "the second copy of the journal is not kept" in done.out


def test_a_folder_that_can_be_made_is_no_warning(tmp_path: Path) -> None:
    assert folder_warnings(PROBE_DATA=tmp_path, PROBE_JOURNAL=tmp_path / "new" / "deeper") == ()
    assert not (tmp_path / "new").exists()


def warnings_of(environ: Mapping[str, str], *names: str) -> tuple[str, ...]:
    sources = EnvironmentSources(environ, secrets=None)
    sources.load(names)
    return sources.warnings


def test_an_empty_file_of_a_variable_is_named(tmp_path: Path) -> None:
    (tmp_path / "webhook").write_text(" \n")
    path = str(tmp_path / "webhook")
    assert warnings_of({"SLACK_WEBHOOK_FILE": path}, "SLACK_WEBHOOK") == (
        f"SLACK_WEBHOOK_FILE: {path} is empty, so that SLACK_WEBHOOK is not set",
    )


def test_a_folder_of_secrets_that_is_missing_is_a_warning(tmp_path: Path) -> None:
    path = str(tmp_path / "secrets")
    found = warnings_of({"PROBE_SECRETS_DIR": path}, "JWT_SECRET")
    assert found == (f"PROBE_SECRETS_DIR: there is no folder {path} to read",)


@pytest.mark.parametrize("make", [a_file, a_loop, nowhere])
def test_a_folder_of_secrets_that_is_none_is_a_warning(tmp_path: Path, make: _Make) -> None:
    (found,) = warnings_of({"PROBE_SECRETS_DIR": str(make(tmp_path))}, "JWT_SECRET")
    assert found.endswith("is not a folder: name one that has a file for each secret")


@pytest.mark.parametrize(
    ("variable", "place"),
    [
        ("PROBE_CONFIG", "PROBE_CONFIG={}: can't be read: Is a directory"),
        ("PROBE_WEB_CONFIG_FILE", "PROBE_WEB_CONFIG_FILE: can't read {}: Is a directory"),
        ("JWT_SECRET_FILE", "JWT_SECRET_FILE: can't read {}: Is a directory"),
        ("PROBE_CA_FILE", "PROBE_CA_FILE (environment): can't read {} (Is a directory): write"),
    ],
)
async def test_a_file_that_is_none_is_an_error_that_names_its_variable(
    tmp_path: Path, variable: str, place: str
) -> None:
    done = await probe("check-config", cwd=tmp_path, env={**PAGE, variable: str(tmp_path)})
    assert done.code == 64
    assert place.format(tmp_path) in done.err


async def test_targets_that_can_not_be_read_are_a_warning(tmp_path: Path) -> None:
    (tmp_path / "probe.toml").write_text('[[discovery]]\nkind = "http"\nfiles = ["targets.json"]\n')
    done = await probe("check-config", cwd=tmp_path, env=PAGE)
    assert done.code == 0
    problem = "targets.json: No such file or directory; none of its targets are checked.\n"
    assert problem in done.out
