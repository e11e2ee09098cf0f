"""Who may read the pages, and whether they are open to the network; without the server."""

from probe.config.daemon_settings import DaemonSettings
from probe.core.environment import ConfigProblem, ConfigurationError
from probe.web.access import Access
from probe.web.browsers.hosts import OwnHosts
from probe.web.exposure import exposure
from probe.web.security import WebSecurity
from probe.web.web_config import WebConfigError


def access_of(service: DaemonSettings) -> Access:
    """Who may read the pages."""
    return Access(
        service.web_user,
        service.web_password,
        service.web_token,
        service.metrics_open,
        service.api_token,
        hosts=OwnHosts.of(service.allowed_hosts),
    )


def security_of(service: DaemonSettings) -> WebSecurity:
    """The web configuration file. Raises ConfigurationError if it is invalid."""
    try:
        return WebSecurity(service.web_config_file)
    except WebConfigError as error:
        place = service.web_config_place
        raise ConfigurationError(ConfigProblem(place, each) for each in error.problems) from None


def exposure_of(service: DaemonSettings, security: WebSecurity) -> str:
    """A warning about pages without a login; empty if there is one, or if they are public on
    purpose."""
    has_login = bool(service.web_user or service.web_token or security.is_closed)
    return exposure(service.listen, has_login=has_login, is_meant=service.metrics_open)
