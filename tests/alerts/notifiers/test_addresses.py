"""Addresses that notifications go to."""

import pytest

from alerts.notifiers.pagerduty import PagerDutyEnvironment
from alerts.notifiers.slack import SlackEnvironment
from probe.core.environment import ConfigurationError, Environment, Variables, read_environment


@pytest.mark.parametrize(
    ("model", "name"),
    [(SlackEnvironment, "SLACK_API_URL"), (PagerDutyEnvironment, "PAGERDUTY_API_URL")],
)
@pytest.mark.parametrize("login", ["user:hidden@", "hidden@", ":@", "@"])
def test_a_login_in_an_address_that_is_sent_a_token_is_refused(
    model: type[Environment], name: str, login: str
) -> None:
    """Authorization has room for one of them: nothing would ever be delivered."""
    with pytest.raises(ConfigurationError) as found:
        read_environment(model, Variables({name: f"https://{login}proxy.example/api"}))
    assert "write it without a login" in str(found.value)
    assert "hidden" not in str(found.value)
    read_environment(model, Variables({name: "https://proxy.example/api"}))
