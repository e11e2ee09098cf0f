"""Environments of which no variable is set."""

import pytest

from alerts.notifiers import NOTIFIERS
from probe.config.probe_environment import ProbeEnvironment
from probe.core.environment import Environment, Variables, read_environment
from probe.exporter.settings import ExporterEnvironment
from probe.kinds import KINDS
from probe.otel.settings import OtelEnvironment

_MODELS = {
    *(kind.environment for kind in KINDS),
    *(notifier.environment for notifier in NOTIFIERS),
    *(ProbeEnvironment, ExporterEnvironment, OtelEnvironment),
}


@pytest.mark.parametrize("model", sorted(_MODELS, key=str))
def test_defaults_are_what_validation_makes_of_no_variables(model: type[Environment]) -> None:
    read = read_environment(model, Variables({"PATH": "/bin"}))
    assert read == model()
    assert read.model_fields_set == model().model_fields_set
