"""The SDK's traps: retries, silent clients, waits, tokens in exceptions, proxies."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
from pydantic import SecretStr, ValidationError
from slack_sdk.audit_logs import AuditLogsClient
from slack_sdk.scim import SCIMClient
from slack_sdk.web import WebClient

from connectors.errors import (
    ConnectorError,
    Denied,
    NotOnPlan,
    OutcomeUnknown,
    Throttled,
    Unintelligible,
    Unreachable,
)
from connectors.kit.exchange import Exchange, Reply, Trace
from connectors.kit.limits import Limits
from connectors.kit.pacing import Pace
from connectors.slack import Settings, client, connect
from connectors.slack.errors import failure, lost
from connectors.slack.limits import LIMITS
from connectors.slack.settings import TokenPurpose
from connectors.slack.transport import Transport
from emulators.ca import certificate
from emulators.fault_proxy import Fault, FaultProxy, served
from emulators.slack import Tenant
from models.vocabulary import Account, EntitlementKind, EntitlementState, Service
from tests.contract.rig import Rig
from tests.contract.rig_slack import rig, settings_for, transport_for
from tests.contract.stranger import stranger

SECRET = "xoxp-1-secret"
READ = Exchange("slack", "look", "POST /api/x")
WRITE = Exchange("slack", "act", "POST /api/x", write=True)
SIGN_IN = frozenset({EntitlementKind.SIGN_IN})
ACTIVE = {
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "replace", "path": "active", "value": True}],
}


def reply(status: int = 200, body: bytes = b"{}") -> Reply:
    """Return an answer."""
    return Reply(status, {}, body)


class TestUrgent:
    async def test_a_block_amid_reads_that_hang(self) -> None:
        """However many reads of however many methods Slack leaves without an answer, a block is sent."""
        async with rig(settings={"limits": {"*": 100_000}}) as r:
            transport = r.connector._transport  # type: ignore[attr-defined]  # the room behind the contract
            methods = [limit.name for limit in LIMITS if " " not in limit.name]
            r.stage.faults.append(Fault("/api/", delay=3.0, times=None))
            hanging = [asyncio.ensure_future(transport.web(one, {}, [])) for one in methods for _ in range(8)]
            await asyncio.sleep(0.1)
            await transport.scim("DELETE", f"Users/{r.account_id('E1001')}", [])
            assert not any(one.done() for one in hanging)
            await asyncio.gather(*hanging, return_exceptions=True)

    async def test_a_block_amid_a_probe(self) -> None:
        """What we know of ourselves is not asked for again by a block while a probe asks."""
        async with rig() as r:
            r.stage.faults.append(Fault("/api/auth.test", delay=3.0, times=None))
            probe = asyncio.ensure_future(r.connector.probe())
            await asyncio.sleep(0.1)
            async with asyncio.timeout(2):
                await r.connector.list_access(Account(Service.SLACK, r.account_id("E1001")), SIGN_IN)
            assert not probe.done()
            await probe


class TestSettings:
    def test_names(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The names are those of the contract; tokens without one of their own fall back to the administrator's."""
        monkeypatch.setenv("LASTDAY_SLACK_TOKEN", f" {SECRET}\n")
        monkeypatch.setenv("LASTDAY_SLACK_BOT_TOKEN", "xoxb-2-bot")
        monkeypatch.setenv("LASTDAY_SLACK_SCIM_TOKEN", "")
        monkeypatch.setenv("LASTDAY_SLACK_WEB_ENDPOINT", "http://127.0.0.1:1/api")
        monkeypatch.setenv("LASTDAY_SLACK_SCIM_ENDPOINT", "http://127.0.0.1:1/scim/")
        monkeypatch.setenv("LASTDAY_SLACK_AUDIT_ENDPOINT", "http://127.0.0.1:1/audit/v1/")
        settings = Settings(_env_file=None)
        assert settings.web_endpoint == "http://127.0.0.1:1/api/"
        assert [settings.secret(p) for p in TokenPurpose] == [SECRET, "xoxb-2-bot", SECRET, SECRET]

    @pytest.mark.parametrize("token", ["", "xoxp-1\nxoxp-2-secret", "hunter2(secret)", "xoxp-1-秘密", "xoxp-1 secret"])
    def test_refused_without_showing_it(self, token: str) -> None:
        """A token that would end up in an exception of the SDK is refused here, by its setting's name alone."""
        with pytest.raises(ValidationError) as refusal:
            Settings(_env_file=None, token=SecretStr(token))
        assert "token" in str(refusal.value)
        assert "secret" not in str(refusal.value)
        assert "秘密" not in str(refusal.value)

    @pytest.mark.parametrize("token", ["xoxe.xoxp-1-Mi0yLTE_x", "admin-token", "c2VjcmV0=="])
    def test_whatever_a_header_can_carry(self, token: str) -> None:
        """Slack's forms of token are not ours to know: whether one is good, Slack says."""
        assert Settings(_env_file=None, token=SecretStr(token)).secret(TokenPurpose.SCIM) == token

    def test_endpoint(self) -> None:
        """An endpoint that is no web address stops the start."""
        with pytest.raises(ValidationError, match="https://"):
            Settings(_env_file=None, token=SecretStr(SECRET), web_endpoint="file:///etc/")


class TestCodes:
    @pytest.mark.parametrize(
        ("status", "code", "kind"),
        [
            (200, "ratelimited", Throttled),
            (429, None, Throttled),
            (429, "resource_locked", Throttled),
            (200, "internal_error", Unreachable),
            (504, None, Unreachable),
            (408, None, Unreachable),
            (403, "invalid_workspace", NotOnPlan),
            (200, "feature_not_enabled", NotOnPlan),
            (403, "plus_teams_only", NotOnPlan),
            (200, "not_allowed_token_type", Denied),
            (401, None, Denied),
            (403, "some_new_word", Denied),
            (200, "team_not_found", Unintelligible),
            (200, "feature_not_enabled_yet", Unintelligible),
            (404, None, Unintelligible),
        ],
    )
    def test_whole_words(self, status: int, code: str | None, kind: type[ConnectorError]) -> None:
        """Each of the vendor's words means one thing, and only as a whole."""
        got = failure(READ, reply(status), code, [])
        assert type(got) is kind
        assert got.advice

    def test_passing_failure_of_a_write(self) -> None:
        """Slack says that part of what failed inside may have been carried out."""
        got = failure(WRITE, reply(), "fatal_error", [])
        assert isinstance(got, OutcomeUnknown)

    @pytest.mark.parametrize(("status", "code"), [(200, None), (408, None), (503, "invalid_auth")])
    def test_write_without_a_refusal(self, status: int, code: str | None) -> None:
        """What refuses nothing in Slack's words may answer a write that was carried out."""
        got = failure(WRITE, reply(status), code, [])
        assert isinstance(got, OutcomeUnknown)

    def test_missing_scope(self) -> None:
        """A missing scope is named, in the message and in the remedy."""
        got = failure(READ, reply(body=b'{"needed":"users:read"}'), "missing_scope", [])
        assert "needs users:read" in str(got)
        assert "users:read" in got.advice


class TestLost:
    def test_what_never_left(self) -> None:
        """A refused connection carried nothing out; a broken one may have."""
        refused = lost(WRITE, URLError(ConnectionRefusedError()), [])
        broken = lost(WRITE, URLError(BrokenPipeError()), [])
        assert isinstance(refused, Unreachable)
        assert isinstance(broken, OutcomeUnknown)


class TestTransport:
    async def test_ratelimited_with_status_200(self) -> None:
        """Slack says `ratelimited` with a status of 200 too: it is waited out, not taken for an answer."""
        async with rig(plan="pro") as r:
            body = '{"ok":false,"error":"ratelimited"}'
            r.stage.faults.append(Fault("users.info", status=200, body=body, times=2))
            assert await user_of(r, r.account_id("E1001"))
            assert len(r.stage.journal) == 3

    async def test_sdk_sends_nothing_again(self) -> None:
        """The SDK's default would send a dropped request twice: with one try of ours, one arrives."""
        async with rig() as r:
            transport = transport_for(settings_for(r.tenant, _root(r.connector)), timeout=5)
            r.stage.faults += [Fault("users.info", drop=True), Fault("scim", drop=True), Fault("audit", drop=True)]
            with pytest.raises(Unreachable):
                await transport.web("users.info", {"user": "U01"}, [])
            with pytest.raises(OutcomeUnknown):
                await transport.scim("DELETE", "Users/U01", [])
            with pytest.raises(Unreachable):
                await transport.audit([], limit=1)
            assert len(r.stage.journal) == 3

    async def test_evidence(self) -> None:
        """Evidence has the digests of the very bytes, the vendor's clock, ids, and no address or query."""
        async with rig(page_size=3) as r:
            transport = transport_for(settings_for(r.tenant, _root(r.connector)))
            trace: Trace = []
            await transport.web("users.lookupByEmail", {"email": "misaki.tanaka@hoshizora.example"}, trace)
            await transport.scim("PATCH", f"Users/{r.account_id('E1001')}", trace, body=ACTIVE)
            await transport.scim_users(trace, query='email eq "a@b.example"')
            sent = [hashlib.sha256(q.body).hexdigest() if q.body else None for q in r.stage.journal]
            assert [e.request_sha256 for e in trace] == sent
            assert [e.what for e in trace] == [
                "POST /api/users.lookupByEmail",
                f"PATCH /scim/v2/Users/{r.account_id('E1001')}",
                "GET /scim/v2/Users",
            ]
            for evidence in trace:
                assert evidence.vendor_at is not None
                assert abs(evidence.vendor_at - evidence.sent_at) < timedelta(seconds=5)
                assert evidence.response_sha256

    async def test_response_digest(self) -> None:
        """The digest of an answer is that of the bytes that came."""
        async with rig(plan="pro") as r:
            body = '{"ok":true, "user":{"id":"U01","deleted":true,"x":"星"}}'
            r.stage.faults.append(Fault("users.info", status=200, body=body))
            transport = transport_for(settings_for(r.tenant, _root(r.connector)))
            trace: Trace = []
            await transport.web("users.info", {"user": "U01"}, trace)
            assert trace[0].response_sha256 == hashlib.sha256(body.encode()).hexdigest()

    @pytest.mark.parametrize(
        "body", ["<html>秘密</html>", '{"ok":', "[]", '{"ok":"true"}', '{"ok":false,"error":"田中 美咲"}']
    )
    async def test_unreadable(self, body: str, caplog: pytest.LogCaptureFixture) -> None:
        """What is not Slack's form is not understood, and none of it is shown or logged."""
        caplog.set_level(logging.DEBUG)
        async with rig(plan="pro") as r:
            r.stage.faults.append(Fault("users.info", status=200, body=body))
            with pytest.raises(Unintelligible) as failure_:
                await user_of(r, "U01")
            assert "秘密" not in str(failure_.value)
            assert "美咲" not in str(failure_.value)
            assert "秘密" not in caplog.text
            assert "slack_sdk" not in caplog.text

    @pytest.mark.parametrize("body", ["<html>", '{"ok":', "[]", "[1]", "{}"])
    async def test_unreadable_answer_to_a_write(self, body: str) -> None:
        """An answer to a write that cannot be read leaves its outcome unknown, and the write is not sent again."""
        async with rig() as r:
            r.stage.faults.append(Fault("session.reset", status=200, body=body, times=None))
            transport = transport_for(settings_for(r.tenant, _root(r.connector)))
            with pytest.raises(OutcomeUnknown):
                await transport.web("admin.users.session.reset", {"user_id": "U01"}, [], write=True)
            assert len(r.stage.journal) == 1

    @pytest.mark.parametrize(
        "body",
        [
            '{"Errors":{"description":"no_such_user","code":404}}',
            '{"Errors":[{"description":"no_such_user","code":404}]}',
            '{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"detail":"no_such_user","status":"404"}',
            '{"schemas":["urn:x","urn:ietf:params:scim:api:messages:2.0:Error"],"detail":"no_such_user"}',
            '{"schemas":"urn:ietf:params:scim:api:messages:2.0:Error","detail":"no_such_user"}',
            '{"ok":false,"error":"no_such_user"}',
        ],
    )
    @pytest.mark.parametrize("status", [200, 404])
    async def test_forms_of_a_scim_error(self, status: int, body: str) -> None:
        """An error of SCIM is one in any of its forms, whatever the status, and has Slack's word."""
        async with rig(plan="business_plus") as r:
            r.stage.faults.append(Fault("/scim/v2/Users/", status=status, body=body))
            transport = transport_for(settings_for(r.tenant, _root(r.connector)))
            if status == 200 and body.startswith('{"ok"'):
                answer = await transport.scim(
                    "GET", "Users/U01", []
                )  # no form of SCIM's: its reader finds no such user
                assert "id" not in answer.body
                return
            with pytest.raises(Unintelligible, match="no_such_user"):
                await transport.scim("GET", "Users/U01", [])

    @pytest.mark.parametrize(
        ("status", "kind"), [(429, Throttled), (500, OutcomeUnknown), (503, OutcomeUnknown)], ids=str
    )
    async def test_an_expected_word_under_another_status(self, status: int, kind: type[ConnectorError]) -> None:
        """A refusal that the caller expects is an answer by itself alone: under 429 nothing was done, under 5xx nobody knows."""
        async with rig() as r:
            transport = transport_for(settings_for(r.tenant, _root(r.connector)))
            body = '{"ok":false,"error":"invalid_users"}'
            r.stage.faults += [Fault("update", status=status, body=body), Fault("update", status=200, body=body)]
            expected = frozenset({"invalid_users"})
            with pytest.raises(kind):
                await transport.web("usergroups.users.update", {}, [], write=True, expect=expected)
            answer = await transport.web("usergroups.users.update", {}, [], write=True, expect=expected)
            assert answer.code == "invalid_users"

    @pytest.mark.parametrize(("word", "waits"), [("resource_locked", False), ("ratelimited", True)])
    async def test_one_that_is_locked(self, word: str, waits: bool) -> None:
        """An object that somebody else writes says nothing of others: they are written at once, and wait where all were throttled."""
        slept: list[float] = []

        async def sleep(seconds: float) -> None:
            slept.append(seconds)

        async with rig() as r:
            settings = settings_for(r.tenant, _root(r.connector))
            transport = Transport(settings, Pace(tries=1), Limits(Service.SLACK, LIMITS, sleep, 65.0))
            body = f'{{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"detail":"{word}"}}'
            r.stage.faults.append(Fault("PATCH", status=429, body=body, headers={"retry-after": "30"}))
            with pytest.raises(Throttled):
                await transport.scim("PATCH", f"Users/{r.account_id('E1001')}", [], body=ACTIVE)
            await transport.scim("PATCH", f"Users/{r.account_id('E1002')}", [], body=ACTIVE)
            assert any(seconds > 20 for seconds in slept) is waits

    async def test_refused_connection(self) -> None:
        """Nobody there is unreachable, for a write too: it surely never arrived."""
        settings = settings_for(Tenant(), "http://127.0.0.1:9")
        transport = transport_for(settings)
        with pytest.raises(Unreachable, match="ConnectionRefusedError"):
            await transport.scim("DELETE", "Users/U01", [])

    async def test_loopback_takes_no_proxy(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A proxy in the environment is not asked for this machine's own tenants."""
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.setenv(name, "intranet.example")
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        async with rig(plan="pro") as r:
            assert await user_of(r, r.account_id("E1001"))

    @pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"])
    async def test_proxy_of_the_environment(self, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
        """A proxy is told the host that is wanted and nothing else: the token stays in the tunnel."""
        for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        with stranger() as proxy:
            monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.port}")
            transport = transport_for(Settings(_env_file=None, token=SecretStr(SECRET)), timeout=5)
            for sent in (transport.web("auth.test", {}, []), transport.scim("GET", "Users", []), transport.audit([])):
                with pytest.raises(Unreachable):
                    await sent
        assert [told.split()[:2] for told in proxy.received] == [
            [b"CONNECT", b"slack.com:443"], [b"CONNECT", b"api.slack.com:443"], [b"CONNECT", b"api.slack.com:443"],
        ]  # fmt: skip
        assert SECRET.encode() not in b"".join(proxy.received)

    async def test_nothing_is_sent_past_our_opener(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The SDK's own ways out, which follow redirects, are not taken: if it sends in another method, this fails first."""

        def follow(*_: object, **__: object) -> None:
            raise AssertionError("sent by the SDK's own opener")

        for theirs in (WebClient, SCIMClient, AuditLogsClient):
            (room,) = {base.__module__ for base in theirs.__mro__ if "__init__" in vars(base)} - {"builtins"}
            monkeypatch.setattr(f"{room}.urlopen", follow)
        monkeypatch.setattr("urllib.request.build_opener", follow)
        async with rig() as r:
            assert await user_of(r, r.account_id("E1001"))
            transport = transport_for(settings_for(r.tenant, _root(r.connector)))
            assert (await transport.scim("GET", "Users", [], query={"count": 1})).rows("Resources")
            assert isinstance((await transport.audit([], limit=1)).rows("entries"), list)

    @pytest.mark.parametrize(
        ("ours", "theirs", "method"),
        [
            (client._Web, WebClient, "_perform_urllib_http_request_internal"),
            (client._Scim, SCIMClient, "_perform_http_request_internal"),
            (client._Audit, AuditLogsClient, "_perform_http_request_internal"),
        ],
    )
    def test_the_method_is_the_sdks(self, ours: type, theirs: type, method: str) -> None:
        """What we replace is what the SDK calls, by name and arguments."""
        mine, original = (inspect.signature(getattr(kind, method), eval_str=True) for kind in (ours, theirs))
        assert mine.parameters == original.parameters

    async def test_many_threads(self) -> None:
        """Requests at once do not mix up whose answer is whose."""
        async with rig(plan="business_plus") as r:
            ids = [m.id for m in r.tenant.people()]
            accounts = await asyncio.gather(*(user_of(r, i) for i in ids))
            assert [one["id"] for one in accounts] == ids

    async def test_fifty_at_once_wait_for_slack_and_not_for_each_other(self) -> None:
        """Requests at once are under way at once, however few processors there are, until the connector is closed."""
        async with rig(plan="pro") as r:
            r.stage.latency = 1.0
            await asyncio.gather(*(user_of(r, r.account_id("E1001")) for _ in range(24)))
            arrived = sorted(q.at for q in r.stage.journal)
            assert (
                sum(at < arrived[0] + 1.0 for at in arrived) > 6
            )  # before the first was answered; two processors give six
        with pytest.raises(RuntimeError):
            await user_of(r, r.account_id("E1001"))

    async def test_ca_bundle_is_read(self, tmp_path: Path) -> None:
        """A bundle of certificates that cannot be read stops the start."""
        settings = Settings(_env_file=None, token=SecretStr(SECRET), LASTDAY_CA_BUNDLE=tmp_path / "missing.pem")
        with pytest.raises(FileNotFoundError):
            await connect(settings)

    async def test_certificates(self, tmp_path: Path) -> None:
        """Over https only a server whose authority is known is spoken to; the bundle makes a company's own one known."""
        tenant, papers = Tenant(), certificate(tmp_path)
        with served(FaultProxy(tenant.app), certificate=papers.pair) as root:
            trusting = transport_for(settings_for(tenant, root, LASTDAY_CA_BUNDLE=papers.ca))
            assert (await trusting.scim("GET", "Users", [], query={"count": 1})).rows("Resources")
            with pytest.raises(Unreachable, match="SSLCertVerificationError"):
                await transport_for(settings_for(tenant, root)).scim("DELETE", "Users/U01", [])

    async def test_scim_v2_error_in_both_shapes(self) -> None:
        """Version 2 answers a bad token in version 1's shape: both are read in both."""
        async with rig() as r:
            settings = settings_for(r.tenant, _root(r.connector), scim_token="xoxp-9-wrong")
            transport = transport_for(settings)
            with pytest.raises(Denied, match="invalid_authentication"):
                await transport.scim("GET", "Users/U01", [])
            transport = transport_for(settings_for(r.tenant, _root(r.connector)))
            with pytest.raises(Unintelligible, match="no_such_user"):
                await transport.scim("GET", "Users/U01", [])

    async def test_dropped_listing_is_a_row(self) -> None:
        """A client that does not raise on 5xx is judged by status: the row is unreadable, not closed."""
        async with rig() as r:
            r.stage.faults.append(Fault("/scim/v2/Users/", status=500, body='{"active":false}', times=None))
            account = Account(Service.SLACK, r.account_id("E1001"))
            (row,) = await r.connector.list_access(account, frozenset({EntitlementKind.SIGN_IN}))
            assert row.state is EntitlementState.UNREADABLE


async def user_of(r: Rig, account_id: str) -> dict[str, Any]:
    """Return what Slack says of a user, asked as a connector asks."""
    transport: Transport = r.connector._transport  # type: ignore[attr-defined]  # the rig's own
    answer = await transport.web("users.info", {"user": account_id}, [])
    return answer.part("user", account_id)


def _root(connector: object) -> str:
    """Return the root that a rig's connector talks to."""
    endpoint: str = connector._access.transport._settings.web_endpoint  # type: ignore[attr-defined]  # the rig's own
    return endpoint.removesuffix("/api/")
