"""The command line. Only click is imported here: everything else loads when it is used."""

import gc
import os
import sys
from pathlib import Path
from typing import Any

import click

from probe.command_group import CommandGroup, message_of
from probe.commands import signals
from probe.commands.doctor import doctor
from probe.commands.gate import report, watch
from probe.commands.incidents import annotate, incidents, runbook, status
from probe.commands.load import load
from probe.commands.silence import silence, unsilence
from probe.commands.silence.parameters import Names, Seconds
from probe.commands.turn import turn
from probe.exit_codes import DEFECT, INTERRUPTED, OUTPUT_ERROR, USAGE_ERROR
from probe.standard_streams import finish_output, is_of_output, open_standard_streams, say

FILE = click.Path(path_type=Path, dir_okay=False)
# Options of a one-shot run, which the daemon refuses.
FOR_ONCE = {
    *("require", "format_", "output", "fail_on", "deadline", "wait"),
    *("expect_version", "expect_new_instance"),
    *("push", "push_job", "push_label"),
    *("textfile", "notify"),
}


@click.group(
    cls=CommandGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option("--once", is_flag=True, help="Run every configured check once and exit.")
@click.option("--lab", is_flag=True, help="Start the built-in lab and monitor it, nothing else.")
@click.option("--only", type=Names(), default=(), help="Run only these checks (names or kinds).")
@click.option(
    "--require", type=Names(), default=(), help="Fail unless these are configured and measured."
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json", "junit", "github"]),
    default="table",
    show_default=True,
)
@click.option("--output", type=FILE, help="Write the report to this file.")
@click.option(
    "--fail-on",
    type=click.Choice(["critical", "warning", "never"]),
    default="critical",
    show_default=True,
    help="The lowest severity that makes the exit code non-zero.",
)
@click.option(
    "--deadline",
    type=Seconds(above=0.0),
    default=60.0,
    show_default=True,
    help="Deadline of a round; a slower check fails.",
)
@click.option(
    "--wait",
    type=Seconds(above=-1e-9),
    default=0.0,
    help="Repeat until all checks pass or the time is up.",
)
@click.option("--expect-version", metavar="V", help="/health must answer with this version.")
@click.option(
    "--expect-new-instance", metavar="ID", help="/health must come from another instance.id."
)
@click.option("--push", metavar="URL", help="Push the metrics of the run to this Pushgateway.")
@click.option("--push-job", metavar="NAME", help="Job label of the metrics.  [default: probe]")
@click.option("--push-label", multiple=True, metavar="NAME=VALUE", help="Grouping label.")
@click.option(
    "--textfile",
    type=FILE,
    help="Write the metrics of the run to this file (*.prom), for node_exporter.",
)
@click.option("--notify", is_flag=True, help="Send one Slack message about the run.")
@click.option(
    "--env-file", type=FILE, help="Read variables from this file.  [default: .env, if it exists]"
)
@click.option(
    "--web.config.file",
    "web_config_file",
    type=FILE,
    help="Prometheus' web configuration file: TLS, certificates, users. [PROBE_WEB_CONFIG_FILE]",
)
@click.version_option(package_name="paircam-probe", prog_name="probe")
@click.pass_context
def cli(ctx: click.Context, /, **options: Any) -> None:
    """Monitor a WebRTC application as its users experience it.

    Without --once or a command it runs as a daemon and serves a status page and metrics.
    """
    ctx.obj = options
    if ctx.invoked_subcommand is not None:
        return
    if options["once"]:
        # What is loaded stays, and looking for garbage in it takes as long as a tenth of the run.
        gc.disable()
        from probe.lab_process import lab_alongside

        with lab_alongside(wanted=options["lab"]) as lab:
            from probe.commands import once

            ctx.exit(once.run(options, lab))
    _refuse_what_is_for_once(ctx)
    signals.block()
    from probe.commands import daemon

    ctx.exit(daemon.run(options))


def _refuse_what_is_for_once(ctx: click.Context) -> None:
    """An option that would have no effect is an error."""
    for parameter in ctx.command.params:
        name = parameter.name or ""
        given = ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        if given and name in FOR_ONCE:
            raise click.UsageError(f"{parameter.opts[0]} is for one run: add --once")


@cli.command("check-config")
@click.option(
    "--probe",
    is_flag=True,
    help="Also ask each notifier's service whether it would accept a notification; sends none.",
)
@click.pass_obj
def check_config(options: dict[str, Any], probe: bool) -> None:
    """Validate the configuration and report all errors."""
    from probe.commands import inspect

    sys.exit(inspect.check_config(options, probe=probe))


@cli.command("list")
@click.option(
    "--series",
    is_flag=True,
    help="Show how many series /metrics has of each check, of each kind, and in total.",
)
@click.pass_obj
def list_(options: dict[str, Any], series: bool) -> None:
    """List checks, signals, thresholds, costs, and what is skipped and why."""
    from probe.commands import inspect

    sys.exit(inspect.list_everything(options, series=series))


@cli.group("alerts")
def alerts() -> None:
    """List alerts, manage silences, send a test notification."""


@alerts.command("list")
@click.pass_obj
def alerts_list(options: dict[str, Any]) -> None:
    """List active alerts, silences, maintenance windows, pending and failed notifications."""
    from probe.commands import alerts as command

    sys.exit(command.show(options))


alerts.add_command(silence)
alerts.add_command(unsilence)


@alerts.command("test")
@click.argument("notifiers", nargs=-1)
@click.pass_obj
def alerts_test(options: dict[str, Any], notifiers: tuple[str, ...]) -> None:
    """Send a test notification through each notifier (or those named), and resolve it."""
    from probe.commands import alerts as command

    sys.exit(command.test(options, notifiers))


@cli.command("lab")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KNOB=VALUE",
    help="Set a knob, e.g. backend.redis=down (see --knobs).",
)
@click.option("--knobs", is_flag=True, help="List all knobs and exit.")
@click.option(
    "--write-env", type=FILE, help="Write the environment to this file instead of printing it."
)
def lab(settings: tuple[str, ...], knobs: bool, write_env: Path | None) -> None:
    """Run a test backend and two TURN relays until interrupted."""
    from probe.commands import lab as command

    sys.exit(command.run(settings, list_knobs=knobs, write_env=write_env))


@cli.command("healthcheck")
@click.pass_obj
def healthcheck(options: dict[str, Any]) -> None:
    """Check whether this machine's daemon is alive: exit code 0 if so, else 1."""
    from probe.commands import healthcheck as command

    sys.exit(command.run(options))


for each in (turn, watch, report, load, doctor, status, incidents, annotate, runbook):
    cli.add_command(each)


@cli.command("rules")
@click.option("--alertmanager", is_flag=True, help="Print an Alertmanager configuration instead.")
@click.option("--output", type=FILE, help="Write to this file instead of stdout.")
def rules(alertmanager: bool, output: Path | None) -> None:
    """Print alerting and recording rules for Prometheus."""
    from probe.commands import rules as command

    sys.exit(command.run(alertmanager=alertmanager, output=output))


@cli.command("dashboards")
@click.argument("names", nargs=-1)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write them to this folder, one file each; it is made where it is missing.",
)
def dashboards(names: tuple[str, ...], output: Path | None) -> None:
    """List Grafana dashboards, print one, or write them to a folder."""
    from probe.commands import dashboards as command

    sys.exit(command.run(names, output=output))


def main() -> None:
    """The console script; exit code 64 for a usage error, 70 for a defect, 74 for an output that
    can't be written."""
    open_standard_streams()
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # 5 % of a start to find none
    stdout = sys.stdout
    code = finish_output(stdout, _run())
    # All of it goes with the process: the interpreter need not look for what refers to itself.
    gc.freeze()
    sys.exit(code)


def _run() -> int:
    code: object
    try:
        code = cli.main(standalone_mode=False)
    except SystemExit as exit_:
        if isinstance(exit_.code, str):
            raise
        code = exit_.code
    except click.exceptions.Exit as exit_:
        code = exit_.exit_code
    except click.UsageError as error:
        say(f"probe: {message_of(error, cli)}")
        code = USAGE_ERROR
    except click.ClickException as error:
        say(f"Error: {error.format_message()}")
        code = USAGE_ERROR
    except (click.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except OSError as error:
        code = OUTPUT_ERROR if is_of_output(error) else _report_defect(error)
    except Exception as error:
        code = _report_defect(error)
    return code if isinstance(code, int) else 0


def _report_defect(error: Exception) -> int:
    """One line for an unexpected exception; the traceback only with LOG_LEVEL=debug.

    The text of a library's exception may contain a secret, so only its type is shown.
    """
    kind = type(error).__name__
    if os.environ.get("LOG_LEVEL", "").lower() in ("debug", "silly"):
        import traceback

        traceback.print_tb(error.__traceback__)
    text = f"probe: unexpected {kind}: this is a bug, please report it"
    say(f"{text} (LOG_LEVEL=debug shows where)")
    return DEFECT
