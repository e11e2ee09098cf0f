"""One backend for all checks of one address and secret."""

from probe.core.context import Context
from tests.paircam.backend_requests import backend


class TestOneBackend:
    def test_checks_of_one_address_and_secret_share_it(self) -> None:
        context = Context()
        first = backend("http://a", secret="one", context=context)
        assert backend("http://a", secret="one", context=context) is first
        assert backend("http://a", secret="two", context=context) is not first
        assert backend("http://b", secret="one", context=context) is not first

    def test_its_device_is_new_in_each_process(self) -> None:
        devices = {backend("http://a").device_id for _ in range(3)}
        assert len(devices) == 3
        assert all(device.startswith("probe-") for device in devices)

    def test_it_shows_no_secret(self) -> None:
        shared = backend("http://someone:password@a", secret="very-secret")
        assert "very-secret" not in f"{shared!r}{vars(shared)}"
        assert "password" not in f"{shared!r}{vars(shared)}"
