"""The authorities that a client trusts."""

from pathlib import Path

import pytest

from probe.core.causes import Cause
from probe.core.model import NotMeasured
from probe.lab.certificates import Authority
from probe.net.tls import client_context


def test_a_file_that_goes_in_mid_run_is_trusted_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    Authority().write(file)
    context = client_context(file)
    file.unlink()
    assert client_context(file) is context


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    Authority().write(file)
    context = client_context(file)
    file.unlink()
    Authority().write(file)
    assert client_context(file) is not context


def test_a_file_that_never_was_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotMeasured) as caught:
        client_context(tmp_path / "none.pem")
    assert caught.value.cause is Cause.INTERNAL_ERROR
    assert "none.pem" in caught.value.message
