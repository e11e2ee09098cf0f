"""Alerts, messages and silences as JSON, to be stored. Loading raises CodecError."""

from alerts.model import Alert, Message, Silence
from probe.storage.json_codec import JsonCodec

_ALERT, _MESSAGE, _SILENCE = JsonCodec(Alert), JsonCodec(Message), JsonCodec(Silence)

dump_alert, load_alert = _ALERT.dump, _ALERT.load
dump_message, load_message = _MESSAGE.dump, _MESSAGE.load
dump_silence, load_silence = _SILENCE.dump, _SILENCE.load
