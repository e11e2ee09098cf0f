"""What is kept on a disk: it comes back as it was, also from a later version."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.model import Fingerprint, Message, MessageType, Severity
from alerts.outbox.codec import (
    dump_alert,
    dump_message,
    dump_silence,
    load_alert,
    load_message,
    load_silence,
)
from probe.storage.json_codec import CodecError
from tests.alerts.words import (
    FIRING,
    a_message,
    a_silence,
    an_alert,
)

words = st.text(max_size=20)
pairs = st.lists(st.tuples(words, words), max_size=3).map(tuple)
times = st.floats(allow_nan=False, allow_infinity=False)
alerts = st.builds(
    an_alert,
    words,
    times,
    identity=st.builds(Fingerprint, words, words, pairs),
    ended=st.none() | times,
    labels=pairs,
    severity=st.sampled_from(Severity),
    cause=words,
)
messages = st.builds(
    a_message,
    st.sampled_from(MessageType),
    words,
    times,
    firing=st.lists(alerts, max_size=2).map(tuple),
    resolved=st.lists(alerts, max_size=2).map(tuple),
    changes=st.lists(words, max_size=2).map(tuple),
    links=pairs,
    test=st.booleans(),
)


@given(messages)
def test_a_message_comes_back_as_it_was(message: Message) -> None:
    assert load_message(dump_message(message)) == message


def test_keys_of_a_later_version_are_passed_over() -> None:
    def later(text: str) -> str:
        return json.dumps({**json.loads(text), "mood": ["new"]})

    message = a_message(firing=(an_alert(),))
    assert load_message(later(dump_message(message))) == message
    assert load_alert(later(dump_alert(an_alert()))) == an_alert()
    assert load_silence(later(dump_silence(a_silence()))) == a_silence()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"key": 1}', "7"])
def test_what_is_no_message_is_said_to_be_none(text: str) -> None:
    with pytest.raises(CodecError):
        load_message(text)


def test_a_word_of_a_later_version_cannot_be_read() -> None:
    text = dump_message(a_message(FIRING)).replace('"firing"', '"smouldering"', 1)
    with pytest.raises(CodecError):
        load_message(text)


def test_what_cannot_be_read_is_named_by_its_place_and_not_by_its_content() -> None:
    for wrong in ('"smouldering"', "7", '{"it":"smouldering"}'):
        text = dump_message(a_message(FIRING)).replace('"firing"', wrong, 1)
        with pytest.raises(CodecError, match=r"^not readable at \$\.occasion$"):
            load_message(text)


@pytest.mark.parametrize("since", [float("inf"), float("-inf"), 5e-324, 1e22])
def test_every_number_is_stored(since: float) -> None:
    alert = an_alert(since=since)
    assert load_alert(dump_alert(alert)) == alert
