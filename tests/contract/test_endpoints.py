"""Where requests go that carry a secret: over https, or to this machine, and by no way round."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from pydantic import ValidationError

from connectors import registry
from connectors.errors import NotConfigured
from connectors.nda import registry as registers
from connectors.settings import checked_endpoint, on_this_machine
from emulators.fault_proxy import served
from emulators.google_workspace import Tenant
from models.vocabulary import Service
from tests.contract.rig import leaver
from tests.contract.stranger import stranger
from tests.contract.test_contract import rigging

Opening: TypeAlias = Callable[[list[Any]], AbstractAsyncContextManager[Any]]

GOOD = (
    "https://slack.com/api/",
    "https://graph.microsoft.com/v1.0",
    "https://10.0.0.1:8443",
    "https://[2001:db8::1]/x",
    "http://localhost:9101",
    "http://LOCALHOST/",
    "http://127.0.0.1:9101/api/",
    "http://127.8.9.10/",
    "http://[::1]:9/v1.0",
)
BAD = (
    "http://slack.com/api/",
    "http://localhost.foreign.example/",
    "http://foreign.example/localhost",
    "http://127.0.0.1@foreign.example/",
    "http://127.0.0.1:hunter2@foreign.example/",
    "https://user:hunter2@slack.com/",
    "https://user@slack.com/",
    "http://127.0.0.1.foreign.example/",
    "http://127.0.0.1\\@foreign.example/",
    "https://slack.com\\@foreign.example/",
    "http://127.0.0.1#@foreign.example/",
    "http://127.0.0.1?@foreign.example/",
    "http://0.0.0.0/",
    "http://128.0.0.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://127.0.0.1%2eforeign.example/",
    "http://[::1%25foreign]/",
    "http://[::2]/",
    "http://ｌocalhost/",
    "http://127。0。0。1.foreign.example/",
    "HTTP://127.0.0.1/",
    "HTTPS://slack.com/",
    "hTTps://slack.com/",
    "https:foreign",
    "https:/foreign.example",
    "https:///path",
    "https://:443/",
    "https://slack.com:port/",
    "https://slack.com:99999/",
    "https://[::1/",
    "//slack.com/",
    "slack.com",
    "file:///etc/passwd",
    "ftp://127.0.0.1/",
    "unix://localhost/",
    "https://slack.com/?token=",
    "https://slack.com/#",
    " https://slack.com/",
    "https://slack.com/ ",
    "https://sl ack.com/",
    "https://slack.com\n.foreign.example/",
    "https://slack.com\t/",
    "https://slack.com/a b",
)
OPENINGS: list[tuple[Opening, str, str]] = [
    *((registry.open_connectors, service, package) for service, package in registry._PACKAGES.items()),
    *((registers.open_registers, name, package) for name, package in registers.PACKAGES.items()),
]


class TestCheckedEndpoint:
    @pytest.mark.parametrize("url", GOOD)
    def test_accepted(self, url: str) -> None:
        """Over https anywhere, in the clear to this machine; what is accepted is not rewritten."""
        assert checked_endpoint(url) == url

    @pytest.mark.parametrize("url", BAD)
    def test_refused(self, url: str) -> None:
        """Whatever leaves https off this machine, or is read in two ways by two readers, is refused without being shown."""
        with pytest.raises(ValueError, match="https://") as raised:
            checked_endpoint(url)
        assert url not in "".join(traceback.format_exception(raised.value.with_traceback(None)))

    @pytest.mark.parametrize("url", ["", "/", "http://", "http://localhost.", "https://slack.com"])
    def test_not_this_machine(self, url: str) -> None:
        """A host that is not surely this machine is another."""
        assert not on_this_machine(url)


@pytest.mark.parametrize(("opening", "name", "package"), OPENINGS, ids=[name for _, name, _ in OPENINGS])
class TestOpening:
    @pytest.mark.parametrize(
        "url", ["http://foreign.example/v1.0", "https://user:hunter2@slack.com/v1.0", "https:foreign"]
    )
    async def test_every_address(
        self, opening: Opening, name: str, package: str, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """An address that leaves https stops the start, by the name of its setting and without its value."""
        monkeypatch.chdir(tmp_path)
        for variable in addresses(package):
            with monkeypatch.context() as environment:
                environment.setenv(variable, url)
                with pytest.raises(NotConfigured, match=f"{variable}: Value error, an address is https") as raised:
                    async with opening([name]):
                        raise AssertionError("it was opened")
                assert url not in "".join(traceback.format_exception(raised.value))
                with pytest.raises(ValidationError) as refused:
                    import_module(package).Settings()
                assert url not in str(refused.value)

    def test_no_address_is_forgotten(self, opening: Opening, name: str, package: str) -> None:
        """Every setting that is an address by default is among those."""
        settings = import_module(package).Settings
        prefix = settings.model_config["env_prefix"]
        found = {
            f"{prefix}{key.upper()}" for key, field in settings.model_fields.items() if "://" in str(field.default)
        }
        assert found <= set(addresses(package))


def addresses(package: str) -> list[str]:
    """Return the variables of a package's settings that are addresses, by their names."""
    settings = import_module(package).Settings
    named = (key for key in settings.model_fields if "endpoint" in key or "authority" in key)
    return [f"{settings.model_config['env_prefix']}{key.upper()}" for key in named]


class TestKeyFile:
    @pytest.mark.parametrize("tier", ["", "WRITE_"])
    @pytest.mark.parametrize(
        "url", ["http://foreign.example/token", "HTTPS://oauth2.googleapis.com/token", "https://u:hunter2@x.example/"]
    )
    async def test_token_address(self, tier: str, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """A key file whose assertions would leave https stops the start, by the name of its setting."""
        monkeypatch.chdir(tmp_path)
        variables = {
            "CREDENTIALS_FILE": Tenant().key_file("https://oauth2.googleapis.com/token", "read", tmp_path),
            "ADMIN_SUBJECT": "admin@hoshizora.example",
        }
        variables[f"{tier}CREDENTIALS_FILE"] = Tenant().key_file(url, "write", tmp_path)
        for name, value in variables.items():
            monkeypatch.setenv(f"LASTDAY_GOOGLE_WORKSPACE_{name}", str(value))
        with pytest.raises(
            NotConfigured, match=f"LASTDAY_GOOGLE_WORKSPACE_{tier}CREDENTIALS_FILE: .*token_uri"
        ) as raised:
            async with registry.open_connectors([Service.GOOGLE_WORKSPACE]):
                raise AssertionError("it was opened")
        assert url not in "".join(traceback.format_exception(raised.value))


class TestProxies:
    @pytest.fixture(autouse=True)
    def proxy(self, monkeypatch: pytest.MonkeyPatch) -> Any:
        """The environment names a proxy for plain http, and no exception from it."""
        for name in ("no_proxy", "NO_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        with stranger() as met:
            for name in ("http_proxy", "HTTP_PROXY"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{met.port}")
            yield met

    @pytest.mark.parametrize("service", list(Service))
    async def test_plain_http_takes_none(self, service: Service, proxy: Any) -> None:
        """What is said to this machine in the clear does not leave it by a proxy."""
        async with rigging(service)() as r:
            assert await r.connector.find_accounts(leaver("E1001"))
        assert proxy.received == []

    async def test_graph(self, proxy: Any) -> None:
        """Nor does what is said to a Graph in the clear, beside an authority that is always https."""
        connect = import_module("connectors.microsoft365").connect
        async with rigging(Service.MICROSOFT365)() as r:
            own: Any = r.connector
            with served(r.stage) as plain:
                settings = own._reader._settings.model_copy(update={"graph_endpoint": f"{plain}/v1.0"})
                connector = await connect(settings, pace=own._reader.pace)
                try:
                    assert await connector.find_accounts(leaver("E1001"))
                finally:
                    await connector.aclose()
        assert proxy.received == []
