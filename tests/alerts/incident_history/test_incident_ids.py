"""Several probes call one incident by one id, whoever began it first."""

from pathlib import Path

import pytest

from alerts.cluster.protocol.messages import InvalidMessage, MemberAnswer, read_answer, write
from alerts.incident_history.recorder import IncidentRecorder
from probe.history import History
from probe.history.incidents.model import Acknowledgement, Incident
from probe.history.incidents.store import IncidentHistory
from tests.alerts.cluster.simulation.cluster_simulation import GROUP, HOLD, REGIONS, Village
from tests.alerts.incident_history.test_recorder import BACKEND, Kept, group, never
from tests.alerts.samples import NOON, failing

ALL = set(REGIONS)
SOON = int(HOLD) + 20


def ids(village: Village, key: str = GROUP) -> list[str]:
    """What each probe calls the open incident of a group."""
    return [each.pipeline.recorder.open_ids.get(key, "") for each in village.probes.values()]


@pytest.fixture
def village() -> Village:
    found = Village()
    found.pass_(60)
    return found


def test_an_outage_that_all_see_has_one_id(village: Village) -> None:
    village.town.down = set(ALL)
    village.pass_(SOON)
    assert len(set(ids(village))) == 1
    assert "" not in ids(village)


@pytest.mark.parametrize("outages", [2, pytest.param(3, marks=pytest.mark.proof)])
def test_the_next_outage_has_another_one(village: Village, outages: int) -> None:
    found = []
    for _ in range(outages):
        village.town.down = set(ALL)
        village.pass_(SOON)
        (one,) = set(ids(village))
        found.append(one)
        village.town.down = set()
        village.pass_(600)
        assert set(ids(village)) == {""}
    assert len(set(found)) == outages


def test_a_probe_that_comes_later_takes_up_the_id(village: Village) -> None:
    village.kill("nrt")
    village.town.down = set(ALL)
    village.pass_(SOON)
    (before,) = set(ids(village))
    village.start("nrt", empty=True)
    village.pass_(SOON)
    assert ids(village) == [before] * 3


def test_what_one_region_alone_sees_is_its_own(village: Village) -> None:
    village.town.down = {"fra"}
    village.pass_(SOON)
    assert set(ids(village)) == {""}
    key = f"{GROUP} (fra)"
    assert [bool(each) for each in ids(village, key)] == [region == "fra" for region in REGIONS]


def test_two_that_were_apart_agree_on_the_older_one() -> None:
    kept, recorder = Kept(), IncidentRecorder("fra")
    recorder.connect(kept, (), {})
    recorder.update([group(failing())], NOON, never)
    own = recorder.open_ids[BACKEND]
    for other, agreed in (("99990101-000000-abcdef", own), ("20200101-000000-abcdef", None)):
        recorder.id_elsewhere = lambda _, other=other: other  # type: ignore[misc]
        recorder.update([group(failing())], NOON + 5, never)
        assert recorder.open_ids[BACKEND] == (agreed or other)
    assert list(kept.incidents) == ["20200101-000000-abcdef"]
    assert kept.incidents["20200101-000000-abcdef"].aliases == (own,)


def test_the_id_of_an_incident_that_is_over_here_is_not_taken_again() -> None:
    kept, recorder = Kept(), IncidentRecorder("fra")
    recorder.connect(kept, (), {})
    recorder.update([group(failing())], NOON, never)
    first = recorder.open_ids[BACKEND]
    recorder.update([], NOON + 60, never)
    recorder.id_elsewhere = lambda _: first
    recorder.update([group(failing())], NOON + 120, never)
    assert recorder.open_ids[BACKEND] != first
    assert len(kept.incidents) == 2


async def test_a_link_with_the_old_id_leads_to_the_incident(tmp_path: Path) -> None:
    history = await History.open(tmp_path)
    stored = IncidentHistory(history)
    try:
        recorder = IncidentRecorder("fra")
        recorder.connect(stored, (), {})
        recorder.update([group(failing())], NOON, never)
        old = recorder.open_ids[BACKEND]
        await stored.acknowledge(old, Acknowledgement(NOON + 1, "Ana"))
        recorder.id_elsewhere = lambda _: "20200101-000000-abcdef"
        recorder.update([group(failing())], NOON + 5, never)
        await history.flush()
        found: list[Incident | None] = [
            await stored.get(name) for name in ("20200101-000000-abcdef", old)
        ]
        assert found[0] is not None
        assert found[0] == found[1]
        assert [each.author for each in found[0].acknowledgements] == ["Ana"]
        assert [each.id for each in await stored.open()] == ["20200101-000000-abcdef"]
        assert await stored.get("20200101-000000-fedcba") is None
    finally:
        await history.close()


def test_an_id_from_elsewhere_is_an_id() -> None:
    answer = MemberAnswer(id="0" * 16, region="lax", incidents=(("a", "20200101-000000-abcdef"),))
    assert read_answer(write(answer)).incidents == answer.incidents
    assert read_answer(write(answer).replace(b"incidents", b"unknown")).incidents == ()
    with pytest.raises(InvalidMessage):
        read_answer(write(answer).replace(b"20200101", b"../../etc"))
