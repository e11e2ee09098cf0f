"""Prometheus' web configuration file: TLS, client certificates, users with bcrypt, headers, and a
rate limit.

https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md. The file
and what it names are read again when they change; a mistake leaves what was right in force.
"""

from probe.web.web_config.model import RequestRate as RequestRate
from probe.web.web_config.model import WebConfig as WebConfig
from probe.web.web_config.reading import WebConfigError as WebConfigError
from probe.web.web_config.reading import files_of as files_of
from probe.web.web_config.reading import is_allowed_client as is_allowed_client
from probe.web.web_config.reading import read_web_config as read_web_config
