"""What a load is not put on without a confirmation: public servers, and many users at a time."""

import ipaddress
from urllib.parse import urlsplit

from probe.core.model import CheckAborted
from probe.load.plan import LoadPlan
from probe.net.proxies import proxy_for
from probe.net.resolver import resolve

MAX_USERS = 50
CONFIRMATION = "--yes-i-own-this"


async def refusal(plan: LoadPlan, url: str) -> str:
    """Why a load of this address needs a confirmation; empty where it doesn't."""
    if plan.users > MAX_USERS:
        return f"{plan.users} users are more than {MAX_USERS}"
    parts = urlsplit(url)
    host = parts.hostname or ""
    if proxy_for(url) is not None:
        return f"{host} is reached through a proxy, so that it may be public"
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        if await is_public_host(host, port):
            return f"{host} has a public address"
    except CheckAborted as error:
        return f"whether {host} is public is not known: {error.message}"
    return ""


async def is_public_host(host: str, port: int) -> bool:
    """Whether any address of a host can be reached from anywhere (RFC 6890: globally reachable).

    Raises CheckAborted where it does not resolve.
    """
    found = await resolve(host, port)
    return any(ipaddress.ip_address(each.ip.partition("%")[0]).is_global for each in found)
