"""The lab's Socket.IO does what PairCam's does, down to its traps."""

from typing import Any

import pytest

from probe.lab import signaling
from probe.lab.backend import LabBackend
from probe.lab.signaling import NAMESPACE
from tests.lab.conftest import Call, MakeCaller
from tests.lab.turn.callers import MOMENT, Caller, Clock, bearer

TIMESTAMP = 1_700_000_000_000


async def matched(one: Caller, other: Caller) -> str:
    """Both queue up; the session that stands."""
    await one.join()
    await other.join()
    sessions = [(await side.hears("matched"))["sessionId"] for side in (one, other)]
    sessions += [(await side.hears("matched"))["sessionId"] for side in (one, other)]
    return str(sessions[-1])


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_a_session_stands_with_the_event_connected(
    leaks: None, backend: LabBackend, caller: MakeCaller, now: Clock, transport: str
) -> None:
    client = caller()
    token = {"token": bearer(backend, "alice", now())}
    await client.connect(backend, token, transport=transport)
    assert await client.hears("connected") == {"deviceId": "alice", "timestamp": TIMESTAMP}
    assert backend.sessions == 1


async def test_the_authorization_header_serves_too(
    backend: LabBackend, caller: MakeCaller, now: Clock
) -> None:
    client = caller()
    await client.connect(backend, headers={"Authorization": bearer(backend, "alice", now())})
    assert (await client.hears("connected"))["deviceId"] == "alice"


@pytest.mark.parametrize("auth", [None, {}, {"token": "Bearer x.y.z"}, {"token": ""}, "Bearer"])
async def test_a_refused_client_is_first_connected_and_then_disconnected(
    leaks: None, backend: LabBackend, caller: MakeCaller, auth: object
) -> None:
    client = caller()
    await client.connect(backend, auth)
    await client.is_closed()
    assert client.kept() == {}
    assert backend.sessions == 0


async def test_a_token_without_the_word_bearer_is_refused(
    backend: LabBackend, caller: MakeCaller, now: Clock
) -> None:
    client = caller()
    await client.connect(backend, {"token": backend.tokens.issue("alice", now())})
    await client.is_closed()


async def test_an_expired_token_is_refused(
    backend: LabBackend, caller: MakeCaller, now: Clock
) -> None:
    token = bearer(backend, "alice", now())
    now.seconds += 300
    client = caller()
    await client.connect(backend, {"token": token})
    await client.is_closed()


async def test_leaving_the_queue_is_answered_though_no_one_queued(call: Call) -> None:
    client = await call("alice")
    await client.send("leave-queue")
    assert await client.hears("queue-left") == {"timestamp": TIMESTAMP}


async def test_nothing_is_acknowledged(call: Call) -> None:
    client = await call("alice")
    acknowledged: list[object] = []
    for event, answer in (("leave-queue", "queue-left"), ("send-offer", "error")):
        await client.client.emit(
            event, {}, namespace=NAMESPACE, callback=lambda *args: acknowledged.append(args)
        )
        await client.hears(answer)
    await client.send("leave-queue")
    await client.hears("queue-left")
    assert acknowledged == []


async def test_who_joins_learns_the_place(backend: LabBackend, call: Call) -> None:
    client = await call("alice")
    joined = await client.join(queueType="language", language="x-alice")
    assert joined == {
        "position": 1,
        "queueLength": 1,
        "isPremium": False,
        "timestamp": TIMESTAMP,
    }
    assert backend.queue_length == 1


@pytest.mark.parametrize(
    "wish",
    [{"colour": "blue"}, {"queueType": "chess"}, {"queueType": []}, {"language": "x" * 11}, []],
)
async def test_a_wish_that_is_wrong_is_an_exception(
    backend: LabBackend, call: Call, wish: object
) -> None:
    client = await call("alice")
    await client.send("join-queue", wish)
    assert (await client.hears("exception"))["status"] == "error"
    assert backend.queue_length == 0


async def test_the_eleventh_join_of_a_minute_is_an_error(call: Call, clock: Clock) -> None:
    client = await call("alice")
    for _ in range(10):
        await client.join()
    await client.send("join-queue", {})
    assert await client.hears("error") == {"message": "Too many queue joins"}
    clock.seconds += 60
    await client.join()


async def test_updates_go_on_after_leaving_the_queue(
    monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    monkeypatch.setattr(signaling, "QUEUE_UPDATE_SECONDS", 0.01)
    client = await call("alice")
    await client.join()
    assert (await client.hears("queue-update"))["queueLength"] == 1
    await client.send("leave-queue")
    await client.hears("queue-left")
    while (await client.hears("queue-update"))["queueLength"]:
        pass
    await client.hears("queue-update")


async def test_updates_come_every_two_seconds() -> None:
    assert signaling.QUEUE_UPDATE_SECONDS == 2.0


async def test_a_match_arrives_twice_and_the_last_session_stands(call: Call) -> None:
    alice, bob = await call("alice"), await call("bob")
    await alice.join()
    await bob.join()
    first, last = await alice.hears("matched"), await alice.hears("matched")
    assert first["sessionId"] != last["sessionId"]
    assert first == {**last, "sessionId": first["sessionId"]}
    assert set(last) == {
        "sessionId",
        "timestamp",
        "peerId",
        "compatibilityScore",
        "commonInterests",
    }
    matches = [await bob.hears("matched") for _ in range(2)]
    assert [each["sessionId"] for each in matches] == [first["sessionId"], last["sessionId"]]
    assert (last["peerId"], matches[0]["peerId"]) == ("bob", "alice")
    await alice.send("end-call", {"sessionId": first["sessionId"]})
    assert await alice.hears("error") == {"message": "Session not found"}


@pytest.mark.parametrize("what", ["offer", "answer", "candidate"])
async def test_what_peers_negotiate_is_passed_on(call: Call, what: str) -> None:
    alice, bob = await call("alice"), await call("bob")
    session = await matched(alice, bob)
    data = {"sdp": "v=0"}
    await alice.send(f"send-{what}", {"sessionId": session, "type": what, "data": data})
    assert await bob.hears(what) == {"sessionId": session, what: data, "from": "alice"}


async def test_messages_are_passed_on(call: Call) -> None:
    alice, bob = await call("alice"), await call("bob")
    said = {"sessionId": await matched(alice, bob), "message": "hello", "timestamp": 1}
    await alice.send("send-message", said)
    assert await bob.hears("message") == {**said, "from": "alice"}


async def test_both_are_notified_of_a_call_that_ends(call: Call) -> None:
    alice, bob = await call("alice"), await call("bob")
    session = {"sessionId": await matched(alice, bob)}
    await alice.send("end-call", session)
    assert await alice.hears("call-ended") == session
    assert await bob.hears("peer-disconnected") == session
    await bob.send("end-call", session)
    assert await bob.hears("error") == {"message": "Session not found"}


async def test_who_goes_away_ends_the_call(backend: LabBackend, call: Call) -> None:
    alice, bob = await call("alice"), await call("bob")
    session = await matched(alice, bob)
    await alice.hang_up()
    assert await bob.hears("peer-disconnected") == {"sessionId": session}
    assert backend.sessions == 1


@pytest.mark.parametrize("data", [None, {}, [], "x", {"sessionId": "none"}, {"sessionId": [1]}])
async def test_a_session_that_there_is_not_is_an_error(call: Call, data: Any) -> None:
    client = await call("alice")
    await client.send("send-offer", data)
    assert await client.hears("error") == {"message": "Session not found"}


async def test_who_is_not_in_the_session_can_not_speak_in_it(call: Call) -> None:
    alice, bob, eve = await call("alice"), await call("bob"), await call("eve")
    session = await matched(alice, bob)
    await eve.send("send-message", {"sessionId": session, "message": "hello"})
    assert await eve.hears("error") == {"message": "Session not found"}
    assert "message" not in bob.kept()


async def test_who_goes_away_while_joining_waits_for_no_one(
    leaks: None, backend: LabBackend, call: Call
) -> None:
    alice, bob = await call("alice"), await call("bob")
    backend.knobs.signaling_latency = MOMENT
    await alice.send("join-queue", {})
    await alice.hang_up()
    await bob.join()
    assert (backend.queue_length, backend.sessions) == (1, 1)
    assert "matched" not in bob.kept()
