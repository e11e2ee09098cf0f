"""``--notify``: one Slack message about a run, with the commit and the author of the pipeline."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from alerts.model import NotifyError
from alerts.notifiers.base import HttpAnswer, error_code, error_from_answer
from alerts.notifiers.slack import SlackEnvironment
from probe.core.environment import (
    ConfigProblem,
    ConfigurationError,
    EnvironmentSources,
    read_environment,
)
from probe.report.ci.chat import Announced, slack_message
from probe.report.ci.pipeline import pipeline_from

ATTEMPTS = 3
# Slack asks for more patience than a pipeline has.
MAX_PAUSE = 10.0


def check_notify(options: Mapping[str, Any]) -> SlackEnvironment:
    """Find out before the run that no message can be sent. Raises ConfigurationError."""
    sources = EnvironmentSources(os.environ, options["env_file"] or Path(".env"))
    slack = read_environment(SlackEnvironment, sources.load(SlackEnvironment.variable_names()))
    if slack.webhook is None and (slack.bot_token is None or slack.channel is None):
        problem = "set SLACK_WEBHOOK, or SLACK_BOT_TOKEN and SLACK_CHANNEL"
        raise ConfigurationError([ConfigProblem("--notify", problem)])
    return slack


def notify(slack: SlackEnvironment, announcement: Announced) -> None:
    """Send one message. What goes wrong is printed and changes no exit code: a chat that is down
    must not take a release back."""
    content = slack_message(announcement, pipeline_from(os.environ))
    try:
        asyncio.run(_send(slack, content))
    except NotifyError as error:
        click.echo(f"probe: --notify: {error}", err=True)


async def _send(slack: SlackEnvironment, content: Mapping[str, Any]) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return await _post(slack, content)
        except NotifyError as error:
            if error.permanent or attempt == ATTEMPTS:
                raise
            await asyncio.sleep(min(error.retry_after or 2.0**attempt / 2, MAX_PAUSE))
    return None


async def _post(slack: SlackEnvironment, content: Mapping[str, Any]) -> None:
    """Raises NotifyError."""
    from alerts.notifiers.slack_client import call_method, post_webhook

    if slack.webhook is not None:
        answer = await post_webhook(slack.webhook.get_secret_value(), content)
        if answer.status != 200 or answer.text.strip() != "ok":
            raise error_from_answer(answer, "Slack", error_code(answer.text))
        return
    assert slack.bot_token is not None
    token = slack.bot_token.get_secret_value()
    arguments = {**content, "channel": slack.channel}
    url = slack.api_url.get_secret_value()
    answer = await call_method(url, token, "chat.postMessage", arguments)
    _check_method(answer)


def _check_method(answer: HttpAnswer) -> None:
    """The Web API answers 200 with an error in its body."""
    from probe.untrusted.json_document import InvalidDocument, parse_json

    try:
        document: Any = parse_json(answer.text.encode())
    except InvalidDocument:
        document = None
    if answer.status == 200 and isinstance(document, dict) and document.get("ok") is True:
        return
    code = document.get("error", "") if isinstance(document, dict) else ""
    raise NotifyError(
        f"Slack answers {answer.status} ({error_code(str(code)) or 'no JSON'})",
        permanent=answer.status < 500 and answer.status != 429,
        retry_after=answer.retry_after,
    )
