"""One request of a page's script on the way to an answer."""

from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace
from yarl import URL

from probe.net.fetch.cors import Preflight, origin_of
from probe.net.fetch.request_headers import names_needing_permission, without


class PageRequest(Struct, frozen=True):
    """``headers`` are those that the script sets."""

    method: str
    address: URL
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def preflight(self) -> Preflight:
        """What needs permission where CORS applies."""
        names = names_needing_permission(self.headers)
        return Preflight(self.method, self.address.raw_path, names)

    def behind(self, status: int, following: URL) -> "PageRequest":
        """The request that a redirect leads to: a GET of a POST but for 307 and 308, and without
        the token at another origin."""
        found = replace(self, address=following)
        if origin_of(self.address) != origin_of(following):
            found = replace(found, headers=without(found.headers, "authorization"))
        if self.method == "POST" and status in (301, 302, 303):
            headers = without(found.headers, "content-type")
            found = replace(found, method="GET", headers=headers, body=b"")
        return found
