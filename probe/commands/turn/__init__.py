"""The command line of ``probe turn``; the command itself is imported when it is called."""

import sys
from pathlib import Path

import click

from probe.commands.silence.parameters import Seconds


@click.command("turn")
@click.argument("url", required=False)
@click.option("--user", envvar="TURN_USERNAME", help="User name.  [env: TURN_USERNAME]")
@click.option("--password", envvar="TURN_PASSWORD", help="Password.  [env: TURN_PASSWORD]")
@click.option(
    "--secret",
    envvar="TURN_SHARED_SECRET",
    help="Shared secret of time-limited credentials.  [env: TURN_SHARED_SECRET]",
)
@click.option(
    "--credentials",
    "issuer",
    type=click.Choice(["metered", "cloudflare", "twilio", "xirsys", "turn-rest"]),
    help="Credentials, and without URL the servers too, from this API; the account is in the "
    "variables of the checks.",
)
@click.option(
    "--ca-file",
    envvar="PROBE_CA_FILE",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Certificates of a private authority, for turns:.",
)
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text")
@click.option(
    "--timeout",
    "step",
    type=Seconds(above=0.0),
    default=5.0,
    show_default=True,
    help="For each step.",
)
@click.option(
    "--throughput/--no-throughput", default=True, help="Send 1 Mbit/s through the relay for 5 s."
)
def turn(
    url: str | None,
    user: str | None,
    password: str | None,
    secret: str | None,
    issuer: str | None,
    ca_file: Path | None,
    format_: str,
    step: float,
    throughput: bool,
) -> None:
    """Examine one TURN server; needs no configuration.

    URL is turn:HOST[:PORT][?transport=tcp], turns:HOST[:PORT], or a host alone, which is tried
    by UDP, TCP and TLS. Without credentials only what anyone can see is reported. With
    --credentials URL may be left out: then the first server by each transport that the provider
    names is examined.
    """
    from probe.commands.turn import examine
    from probe.turn_report.examination import Options

    login = examine.CredentialOptions(user, password, secret)
    options = Options(None, ca_file, step, throughput)
    sys.exit(examine.run(url, issuer=issuer, login=login, options=options, form=format_))
