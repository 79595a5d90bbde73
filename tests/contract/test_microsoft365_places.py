"""Microsoft 365: where Graph and its authority may stand, what they may answer to a sign-in, and many requests at once."""

from __future__ import annotations

import asyncio
import json
import logging
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.errors import ConnectorError, Denied, Unintelligible, Unreachable
from connectors.microsoft365 import Settings, client, connect
from connectors.microsoft365.limits import LIMITS, READS
from emulators.ca import certificate
from emulators.fault_proxy import Fault, FaultProxy, served
from emulators.microsoft365 import Tenant
from models.vocabulary import ACCOUNT, Account, Entitlement, EntitlementKind, EntitlementState, Service
from tests.contract.rig import Rig, leaver
from tests.contract.rig_microsoft365 import FAST, graph_of, read, rig, settings_for

K, State = EntitlementKind, EntitlementState


def account(r: Rig, person: str) -> Account:
    """Return *person*'s account, by id alone."""
    return Account(Service.MICROSOFT365, r.account_id(person))


async def rows(r: Rig, person: str, kind: EntitlementKind) -> list[Entitlement]:
    """List one kind of *person*."""
    return await r.connector.list_access(account(r, person), frozenset({kind}))


def token_refusal(**body: object) -> str:
    """Return what a token endpoint says."""
    return json.dumps(body)


class TestPlaces:
    async def test_graph_and_authority_apart(self) -> None:
        """Graph may stand on another port than the authority, and without https on this machine."""
        tenant = Tenant(page_size=3, empty_page=True)
        stage = FaultProxy(tenant.app)
        with tempfile.TemporaryDirectory() as directory:
            papers = certificate(Path(directory))
            with served(stage, certificate=papers.pair) as authority, served(stage) as graph:
                settings = settings_for(tenant, f"{authority}/", papers.ca, graph_endpoint=f"{graph}/v1.0/")
                connector = await connect(settings, pace=FAST)
                try:
                    matches = await connector.find_accounts(leaver("E1001"))
                    listing = await connector.list_access(matches[0].account)
                finally:
                    await connector.aclose()
        assert {row.state for row in listing} == {State.FOUND}

    @pytest.mark.parametrize("host", ["127.0.0.2", "127.1.2.3"])
    def test_plain_http_only_where_the_sdk_signs(self, host: str) -> None:
        """An endpoint to which the SDK would not give its token is refused at the start, not at the first call."""
        with pytest.raises(ValidationError):
            Settings(
                _env_file=None, graph_endpoint=f"http://{host}:1/v1.0", tenant_id="t", client_id="c", client_secret="s"
            )

    @pytest.mark.parametrize("form", ["/v1.0/{rest}", "{rest}", "HTTPS://127.0.0.1:{port}/v1.0/{rest}"])
    async def test_next_link_forms(self, form: str) -> None:
        """A next link may be relative, or spell the same host otherwise: it leads to the same page."""
        async with rig() as r:
            whole = {row.id for row in await rows(r, "E1001", K.GROUP)}
            port = graph_of(r).endpoint.split(":")[2].split("/")[0]
            link = form.format(rest=f"users/{r.account_id('E1001')}/memberOf?$skiptoken=p0", port=port)
            r.stage.faults.append(
                Fault("memberOf", status=200, body=json.dumps({"value": [], "@odata.nextLink": link}))
            )
            assert {row.id for row in await rows(r, "E1001", K.GROUP)} == whole

    @pytest.mark.parametrize(
        "link", ["//elsewhere.example/v1.0/users", "https://127.0.0.1:1/v1.0/users", "", "http://[", "a\nb"]
    )
    async def test_next_link_elsewhere(self, link: str) -> None:
        """Whatever form it takes, a link to another place is not followed, and the listing is not taken for whole."""
        async with rig() as r:
            body = json.dumps({"value": [], "@odata.nextLink": link})
            r.stage.faults.append(Fault("memberOf", status=200, body=body, times=None))
            assert [row.state for row in await rows(r, "E1001", K.GROUP)] == [State.UNREADABLE]


class TestSigningIn:
    async def test_nothing_was_sent(self) -> None:
        """Without a token the exchange is the token's: no digest stands for a body that did not leave."""
        async with rig(settings={"client_secret": "not-the-secret"}) as r:
            row = Entitlement(Service.MICROSOFT365, r.account_id("E1001"), K.SIGN_IN, ACCOUNT)
            with pytest.raises(Denied) as raised:
                await r.connector.revoke(row)
            assert [(e.what.rpartition("/")[2], e.request_sha256) for e in raised.value.evidence] == [("token", None)]

    @pytest.mark.parametrize("claims", ["eyJhIjoxfQ", "/////w=="], ids=["no padding", "no text"])
    async def test_unreadable_challenge(self, claims: str) -> None:
        """A challenge that cannot be decoded is a refusal of our token, not a failure of another kind."""
        async with rig() as r:
            headers = {"WWW-Authenticate": f'Bearer realm="", claims="{claims}"'}
            r.stage.faults.append(Fault("/v1.0/", status=401, headers=headers))
            with pytest.raises(Denied) as raised:
                await read(r)
            assert raised.value.evidence

    @pytest.mark.parametrize(
        ("status", "body", "error", "code"),
        [
            (503, token_refusal(error="temporarily_unavailable", error_codes=[90033]), Unreachable, "AADSTS90033"),
            (400, token_refusal(error="temporarily_unavailable", error_codes=[90033]), Unreachable, "AADSTS90033"),
            (401, token_refusal(error="invalid_client", error_description="AADSTS7000222: expired"), Denied, "AADSTS7000222"),
            (401, token_refusal(error="invalid_client"), Denied, "invalid_client"),
            (400, "[]", Denied, None),
            (200, "{}", Unintelligible, None),
            (302, "", Unintelligible, None),
            (302, token_refusal(error="temporarily_unavailable", error_codes=[90033]), Unintelligible, None),
        ],
    )  # fmt: skip
    async def test_refusals(self, status: int, body: str, error: type[ConnectorError], code: str | None) -> None:
        """What passes is tried again, what is ours to mend is said with the authority's own code, however it is told."""
        async with rig() as r:
            r.stage.faults.append(Fault("/token", status=status, body=body, times=None))
            with pytest.raises(error) as raised:
                await read(r)
            assert (type(raised.value), raised.value.code) == (error, code)
            assert len(r.stage.journal) == (3 if error is Unreachable else 1)

    async def test_silent_authority(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """An authority that does not answer holds nobody up for longer than Graph may."""
        monkeypatch.setattr(client, "_READ", 0.2)
        async with rig() as r:
            r.stage.faults.append(Fault("/token", delay=5, times=1))
            began = time.monotonic()
            assert await read(r)
            assert time.monotonic() - began < 4.5  # it would be 5 and more

    async def test_wait_for_a_token_is_no_part_of_the_exchange(self) -> None:
        """Stamps are held against the time of the request itself: a slow authority does not widen it."""
        async with rig() as r:
            r.stage.faults.append(Fault("/token", delay=0.6))
            (seen,) = (await r.connector.list_access(account(r, "E1001"), frozenset({K.SESSION}))).evidence[K.SESSION]
            assert (seen.received_at - seen.sent_at).total_seconds() < 0.5

    @pytest.mark.parametrize("setting", ["certificate_file", "LASTDAY_CA_BUNDLE"])
    @pytest.mark.parametrize("content", [None, b"no certificate"], ids=["missing", "other"])
    async def test_papers(self, setting: str, content: bytes | None, tmp_path: Path) -> None:
        """A file of certificates that is missing, or is none, is said with the setting's name."""
        papers = tmp_path / "papers.pem"
        if content is not None:
            papers.write_bytes(content)
        more: dict[str, Any] = {setting: papers}
        if setting == "certificate_file":
            more["client_secret"] = None
        async with rig(settings=more) as r:
            with pytest.raises(Denied) as raised:
                await read(r)
            assert setting.upper() in raised.value.advice


class TestDiscretion:
    async def test_logs(self, caplog: pytest.LogCaptureFixture) -> None:
        """Whoever turns on every library's log finds no address, no token and no secret in it."""
        caplog.set_level(logging.DEBUG)
        async with rig() as r:
            secret = r.tenant.credentials().client_secret
            caplog.clear()
            await r.connector.find_accounts(leaver("E1001"))
            text = caplog.text
        for leak in ("@hoshizora", "%40hoshizora", "eyJ", secret):
            assert leak not in text


class TestManyAtOnce:
    async def test_connections(self) -> None:
        """Many leavers at once share a bounded number of connections, which stay open for the next request."""
        async with rig() as r:
            r.stage.latency = 0.1
            burst = asyncio.gather(*(read(r) for _ in range(60)))
            pool = graph_of(r).client().http._transport.transport._pool  # type: ignore[attr-defined]  # the real one
            most = 0
            while not burst.done():
                most = max(most, len(pool.connections))
                await asyncio.sleep(0.01)
            assert len(await burst) == 60
            assert 1 < most <= next(limit.at_once for limit in LIMITS if limit.name == READS)
            assert len(pool.connections) == most
