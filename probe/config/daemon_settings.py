"""Settings of the daemon alone, from the probe's own variables."""

from pathlib import Path
from typing import Literal

from msgspec import Struct, field
from pydantic import SecretStr

from alerts.cluster.membership.peers_plan import PeersPlan
from probe.config.listen import listen_address
from probe.config.probe_environment import ProbeEnvironment
from probe.config.public_page import PublicSettings, public_settings
from probe.diagnostics.private_files import unwritable
from probe.net.urls import split_urls


class DaemonSettings(Struct, frozen=True):
    """Listen address, data directory, login, heartbeat, peers.

    ``data`` is the directory of the history; None keeps it in memory. ``web_config_place`` is what
    names the web configuration file: a variable, or an option.
    """

    listen: tuple[str, int] = ("::", 9091)
    data: Path | None = None
    web_user: str | None = None
    web_password: SecretStr | None = None
    web_token: SecretStr | None = None
    api_token: SecretStr | None = None
    metrics_open: bool = False
    allowed_hosts: tuple[str, ...] = ()
    full_metrics: bool = False
    web_config_file: Path | None = None
    web_config_place: str = "PROBE_WEB_CONFIG_FILE"
    log_format: Literal["json", "console"] | None = None
    heartbeat_url: SecretStr | None = None
    sentry_dsn: SecretStr | None = None
    peers: PeersPlan = field(default_factory=PeersPlan)
    journal: Path | None = None
    public: PublicSettings = field(default_factory=PublicSettings)

    @property
    def journals(self) -> tuple[Path, ...]:
        """The directories in which the journal of open incidents is kept."""
        return tuple(each for each in (self.data, self.journal) if each is not None)

    @property
    def folder_warnings(self) -> tuple[str, ...]:
        """What is lost by a data folder that can't be written here, by this user. No mistake: the
        daemon goes on in memory, and may run on another machine."""
        lost = {
            "PROBE_DATA": (
                self.data,
                "history, alerts and silences are kept in memory and lost at a restart",
            ),
            "PROBE_JOURNAL": (self.journal, "the second copy of the journal is not kept"),
        }
        found = {name: unwritable(each) for name, (each, _) in lost.items() if each is not None}
        return tuple(
            f"{name}: {why}: {lost[name][1]}; name a folder that the user of the probe may write to"
            for name, why in found.items()
            if why
        )


def daemon_settings(own: ProbeEnvironment) -> DaemonSettings:
    """As the probe's own variables say."""
    return DaemonSettings(
        listen=listen_address(own.listen),
        data=own.data,
        web_user=own.web_user,
        web_password=own.web_password,
        web_token=own.web_token,
        api_token=own.api_token,
        metrics_open=own.metrics_open,
        allowed_hosts=own.hosts_of_pages,
        full_metrics=own.metrics == "full",
        web_config_file=own.web_config_file,
        log_format=own.log_format,
        heartbeat_url=own.heartbeat_url,
        sentry_dsn=own.own_sentry_dsn,
        peers=PeersPlan(tuple(split_urls(own.peers)), own.peer_token, witness=own.witness),
        journal=own.journal,
        public=public_settings(
            own.status_listen, own.status_title, own.status_logo, own.status_links
        ),
    )
