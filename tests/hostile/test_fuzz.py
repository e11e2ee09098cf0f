"""Every parser of what comes from outside: any bytes are read, or refused as declared.

The short form takes seconds, ``make proof`` two minutes, ``make nightly`` an hour.
"""

import pytest

from tests.hostile.fuzzing import PARSERS, fuzz

_SLOW = {"scram": 300}


@pytest.mark.parametrize("name", PARSERS)
async def test_any_input_is_read_or_refused_as_declared(name: str) -> None:
    assert (await fuzz(name, 0.0, _SLOW.get(name, 1000))).tried


@pytest.mark.proof
@pytest.mark.parametrize("name", PARSERS)
async def test_any_input_is_read_or_refused_as_declared_for_long(name: str) -> None:
    print(f"{name}: {await fuzz(name, 5.0, 2100, seed=1)}")


@pytest.mark.nightly
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", PARSERS)
async def test_any_input_is_read_or_refused_as_declared_for_an_hour_in_all(name: str) -> None:
    print(f"{name}: {await fuzz(name, 170.0, 2100, seed=2)}")
