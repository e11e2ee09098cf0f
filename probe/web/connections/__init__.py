"""Connections to the web server: bounded in number and in time."""

from probe.web.connections.bounded import ConnectionTable as ConnectionTable
from probe.web.connections.limits import ConnectionLimits as ConnectionLimits
from probe.web.connections.limits import ConnectionState as ConnectionState
from probe.web.connections.middlewares import one_after_the_other as one_after_the_other
from probe.web.connections.middlewares import watch_requests as watch_requests
