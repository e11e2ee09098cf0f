"""Which addresses are of one site (HTML standard, "same site"), and so share cookies.

The list of public suffixes has 10,000 lines; here are those under which applications are deployed
and those of countries with many. Of another, its last two labels count.
"""

import re

from yarl import URL

from probe.net.address.ranges import is_literal

_SUFFIXES = frozenset(
    {
        *("vercel.app", "netlify.app", "pages.dev", "workers.dev", "web.app", "firebaseapp.com"),
        *("fly.dev", "onrender.com", "herokuapp.com", "up.railway.app", "azurewebsites.net"),
        *("azurestaticapps.net", "cloudfront.net", "amplifyapp.com", "github.io", "gitlab.io"),
        *("surge.sh", "deno.dev", "run.app", "appspot.com", "ngrok.app", "ngrok.io", "koyeb.app"),
        *("ngrok-free.app", "trycloudflare.com", "hf.space", "glitch.me", "replit.app"),
        *("co.uk", "org.uk", "com.au", "com.br", "co.jp", "co.in", "co.nz", "co.za", "com.mx"),
        *("com.tr", "com.ar", "co.kr", "com.cn", "com.tw", "com.sg", "com.hk", "co.il", "com.ua"),
    }
)
_SECURE = ("https", "wss")
_LOOPBACK = re.compile(r"127\.\d+\.\d+\.\d+")


def is_trustworthy(address: URL) -> bool:
    """Whether secure cookies go there: HTTPS, or this machine (W3C Secure Contexts)."""
    host = (address.raw_host or "").lower().removesuffix(".")
    is_local = host == "localhost" or host.endswith(".localhost") or host == "::1"
    return address.scheme in _SECURE or is_local or bool(_LOOPBACK.fullmatch(host))


def is_public_suffix(domain: str) -> bool:
    """Whether strangers have names below it."""
    return "." not in domain or domain in _SUFFIXES


def is_same_site(address: URL, origin: str) -> bool:
    """Whether an address is of the site of a page with this origin."""
    page = URL(origin)
    if (page.scheme in _SECURE) != (address.scheme in _SECURE):
        return False
    return site_of(address.raw_host or "") == site_of(page.raw_host or "")


def site_of(host: str) -> str:
    """The registrable domain of a host (HTML, "obtain a site"), or the host itself where there is
    none."""
    host = host.lower().removesuffix(".")
    if is_literal(host):
        return host
    labels = host.split(".")
    for length in (4, 3, 2):
        if ".".join(labels[1 - length :]) in _SUFFIXES:
            return ".".join(labels[-length:])
    return ".".join(labels[-2:])
