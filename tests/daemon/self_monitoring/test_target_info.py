"""Labels of targets can't stand for the scraper's, nor for another check."""

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from probe.core.kind import Check
from probe.daemon.self_monitoring.target_info import TargetInfo
from tests.fake_kind import toy


def labelled(**labels: str) -> Check:
    """A check of a discovered target with these labels."""
    check = toy("toy")
    return Check(check.kind, check.table.model_copy(update={"target_labels": labels}))


def exported(check: Check) -> dict[str, str]:
    """The labels of its series."""
    registry = CollectorRegistry()
    registry.register(TargetInfo(lambda: [check], "lax"))
    (family,) = text_string_to_metric_families(generate_latest(registry).decode())
    (sample,) = family.samples
    return dict(sample.labels)


def test_what_belongs_to_the_scraper_or_to_the_check_is_renamed() -> None:
    found = exported(labelled(job="a", instance="b", le="1", quantile="2", check="c", team="web"))
    assert found == {
        "exported_job": "a",
        "exported_instance": "b",
        "exported_le": "1",
        "exported_quantile": "2",
        "exported_check": "c",
        "check": "toy",
        "kind": "toy",
        "region": "lax",
        "target": "toy://toy",
        "team": "web",
    }


def test_a_value_has_at_most_500_characters_and_is_escaped() -> None:
    found = exported(labelled(team='x"\\\n' + "y" * 100_000))
    assert found["team"] == 'x"\\\n' + "y" * 496
