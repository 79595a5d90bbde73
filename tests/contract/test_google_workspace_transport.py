"""Google Workspace: what the SDK and its transport get wrong when left alone, each held off."""

from __future__ import annotations

import asyncio
import gc
import itertools
import logging
import random
import socket
import threading
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import pytest
from googleapiclient.errors import HttpError

from connectors.errors import ConnectorError, Denied, NotOnPlan, OutcomeUnknown, Throttled, Unintelligible, Unreachable
from connectors.google_workspace import Settings, connect
from connectors.google_workspace.client import SingleSendHttp, build
from connectors.google_workspace.errors import ErrorBody, failure
from connectors.google_workspace.limits import LIMITS, THREADS
from connectors.google_workspace.manifest import SECURITY, USER_READ
from connectors.google_workspace.requests import Requests
from connectors.google_workspace.transport import Recorder, Request, Transport
from connectors.kit.exchange import Exchange, Reply
from connectors.kit.limits import Limits
from connectors.kit.pacing import Pace
from emulators.fault_proxy import Fault
from models.vocabulary import Account, Entitlement, EntitlementKind, EntitlementState, Leaver, RevocationResult, Service
from tests.contract.rig import Rig, leaver
from tests.contract.rig_google_workspace import FAST, rig
from tests.contract.stranger import REDIRECTS, as_redirect, stranger

K = EntitlementKind


def requests_of(r: Rig) -> Requests:
    found: Requests = r.connector._requests  # type: ignore[attr-defined]  # the room behind the contract
    return found


class TestThreads:
    async def test_answers_are_not_mixed_up(self) -> None:
        """Many reads at once through one connector: each answer is about the user that was asked for."""
        async with rig() as r:
            ids = [u for u in r.tenant.users if u != r.tenant.subject_id] * 8
            random.shuffle(ids)
            rows = await asyncio.gather(*(requests_of(r).user(i, []) for i in ids))
            assert [row["id"] for row in rows] == ids

    async def test_one_exchange_a_scope(self) -> None:
        """A hundred calls at once that need the same token cause one exchange."""
        async with rig() as r:
            someone = r.account_id("E1001")
            await asyncio.gather(*(requests_of(r).user(someone, []) for _ in range(100)))
            assert r.tenant.auth.exchanges == 1

    @pytest.mark.parametrize("fails", [False, True], ids=["granted", "refused"])
    async def test_who_asked_for_a_token_gives_up(self, fails: bool) -> None:
        """The exchange that it began goes on, and is the next one's: it is not made twice at once."""
        async with rig() as r:
            refusal = '{"error":"invalid_scope"}'
            fault = Fault("POST /token", 400, refusal, delay=0.3) if fails else Fault("POST /token", delay=0.3)
            r.stage.faults.append(fault)
            someone = r.account_id("E1001")
            first = asyncio.ensure_future(requests_of(r).user(someone, []))
            while fault.times:
                await asyncio.sleep(0.01)
            first.cancel()
            (second,) = await asyncio.gather(requests_of(r).user(someone, []), return_exceptions=True)
            assert isinstance(second, Denied) is fails
        assert len([q for q in r.stage.journal if q.path == "/token"]) == 1

    async def test_all_who_asked_for_a_token_give_up(self, caplog: pytest.LogCaptureFixture) -> None:
        """The failure of their exchange is in no log: what Google answered holds secrets and addresses."""
        async with rig() as r:
            fault = Fault("POST /token", 200, '{"id_token":"secret","error_description":"hanako@x.test"}', delay=0.1)
            r.stage.faults.append(fault)
            caller = asyncio.ensure_future(requests_of(r).user(r.account_id("E1001"), []))
            while fault.times:
                await asyncio.sleep(0.01)
            caller.cancel()
            await asyncio.wait([caller])
            del caller
            await asyncio.sleep(0.3)
            requests_of(r).transport._tokens._tokens.clear()
            gc.collect()
        assert [one.name for one in caplog.records if one.name == "asyncio"] == []

    async def test_a_connection_a_thread(self) -> None:
        """Connections are kept: as many as threads, however many calls."""
        async with rig() as r:
            await asyncio.gather(*(requests_of(r).user(r.account_id("E1001"), []) for _ in range(100)))
            assert len(requests_of(r).transport._opened) <= THREADS


class TestUrgent:
    async def test_a_cut_amid_listings(self) -> None:
        """A block, and the read that shows it, do not stand behind the listings of many other accounts."""
        async with rig() as r:
            everybody = [Account(Service.GOOGLE_WORKSPACE, i, label="x@y.example") for i in r.tenant.users]
            r.stage.latency = 0.02
            storm = [asyncio.ensure_future(r.connector.list_access(who)) for who in everybody]
            await asyncio.sleep(0.1)
            begun = len(r.stage.journal)
            block = Entitlement(Service.GOOGLE_WORKSPACE, r.account_id("E1001"), K.SIGN_IN, "account")
            await r.connector.revoke(block)
            who = Account(Service.GOOGLE_WORKSPACE, r.account_id("E1001"), label="x@y.example")
            assert list(await r.connector.list_access(who, frozenset({K.SIGN_IN}))) == []
            between = len(r.stage.journal) - begun
            await asyncio.gather(*storm)
            assert len(r.stage.journal) - begun > 2 * between


class TestSentOnce:
    async def test_hung_up(self) -> None:
        """When the server hangs up, a request is not sent again behind our back: only `Pace` sends a read again."""
        async with rig() as r:
            r.stage.faults.append(Fault("GET .*/tokens", drop=True, times=None))
            look = Account(Service.GOOGLE_WORKSPACE, r.account_id("E1001"), label="x@y.example")
            await r.connector.list_access(look, frozenset({K.GRANT}))
            assert len([q for q in r.stage.journal if q.path.endswith("/tokens")]) == Pace().tries

    async def test_kept_connection_that_died(self) -> None:
        """A connection that the server closed while idle is opened anew, and a write on it is not lost."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            answers = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"
            seen: list[bytes] = []

            def serve() -> None:
                for _ in range(2):
                    connection, _ = listener.accept()
                    with connection:
                        seen.append(connection.recv(65536))
                        connection.sendall(answers)

            server = threading.Thread(target=serve, daemon=True)
            server.start()
            http = SingleSendHttp(timeout=5)
            port = listener.getsockname()[1]
            for _ in range(2):
                response, _ = http.request(f"http://127.0.0.1:{port}/x", "POST", body="{}")
                assert response.status == 204
                await asyncio.sleep(0.05)
            http.close()
            server.join(timeout=5)
            assert len(seen) == 2

    async def test_timeout(self) -> None:
        """A write that is not answered in time is not known to be done; a read is unreachable."""
        async with rig() as r:
            settings = requests_of(r).transport._settings
            slow = Transport(settings, Pace(tries=1), requests_of(r).transport._limits, timeout=0.2)
            requests = Requests(slow, "my_customer")
            r.stage.faults.append(Fault("/admin/", delay=0.6, times=None))
            key = r.account_id("E1001")
            with pytest.raises(Unreachable, match="TimeoutError"):
                await requests.user(key, [])
            ask = Request("sign out", SECURITY, lambda: requests.users.signOut(userKey=key), "write")
            with pytest.raises(OutcomeUnknown):
                await slow.write(ask, [])
            await slow.aclose()

    async def test_redirect(self) -> None:
        """A redirect is not followed, so that no token goes elsewhere."""
        async with rig() as r:
            r.stage.faults.append(Fault("/users/", status=307, headers={"Location": "http://127.0.0.1:1/"}))
            with pytest.raises(Unintelligible):
                await requests_of(r).user(r.account_id("E1001"), [])

    def test_in_the_clear_by_one_spelling_only(self) -> None:
        """An address that is not spelled http: is spoken to over TLS, however it is spelled."""
        http = SingleSendHttp(timeout=5)
        with stranger() as met:
            with pytest.raises(OSError, match=r"SSL|no connection"):
                http.request(f"HTTPS://127.0.0.1:{met.port}/token", "POST", body="assertion=secret")
            assert len(met.received) == 1
            assert b"secret" not in met.received[0]
        http.close()

    async def test_shared_service_cannot_send(self) -> None:
        """The service objects that threads share have no connection of their own."""
        service = build("directory_v1", "http://127.0.0.1:1/")
        with pytest.raises(AssertionError):
            service.users().get(userKey="1").execute()
        service.close()


class TestThrottled:
    async def test_holds_back_the_others(self) -> None:
        """Where Google asks to wait, all calls of that limit wait as long, and those of another do not."""
        slept: list[float] = []

        async def sleep(seconds: float) -> None:
            slept.append(seconds)

        async with rig() as r:
            limits = Limits(Service.GOOGLE_WORKSPACE, LIMITS, sleep, 30.0)
            transport = Transport(requests_of(r).transport._settings, Pace(tries=1), limits)
            requests = Requests(transport, "my_customer")
            who, other = r.account_id("E1001"), r.account_id("E1002")
            r.stage.faults.append(Fault(f"/users/{who}", status=429, body="{}", headers={"Retry-After": "20"}))
            with pytest.raises(Throttled):
                await requests.user(who, [])
            await anext(requests._events("SUSPEND_USER", None, []), None)
            assert [seconds for seconds in slept if seconds > 15] == []
            assert (await requests.user(other, []))["id"] == other
            assert len([seconds for seconds in slept if seconds > 15]) == 1
            await transport.aclose()


class TestTokens:
    async def test_expired(self) -> None:
        """A token that Google no longer takes is exchanged once and the call goes through."""
        async with rig() as r:
            key = r.account_id("E1001")
            await requests_of(r).user(key, [])
            r.tenant.auth.expire_all()
            log: list[Any] = []
            assert (await requests_of(r).user(key, log))["id"] == key
            assert [e.status for e in log] == [401, 200]
            assert r.tenant.auth.exchanges == 2

    async def test_refused_for_good(self) -> None:
        """A 401 that a new token does not cure is denied after one more try, not hammered."""
        body = '{"error":{"code":401,"message":"Invalid Credentials","errors":[{"reason":"authError"}]}}'
        async with rig() as r:
            r.stage.faults.append(Fault("/users/", status=401, body=body, times=None))
            with pytest.raises(Denied, match="authError"):
                await requests_of(r).user(r.account_id("E1001"), [])
            assert len([q for q in r.stage.journal if "/users/" in q.path]) == 2

    async def test_refused_to_each(self) -> None:
        """Where Google refuses every grant of a suspended user with 401, a new token is tried once a minute, not for each grant."""
        async with rig(tokens_after_suspension="401") as r:
            who, now = r.account_id("E1001"), itertools.count(0.0, 1.0)
            grants = await r.connector.list_access(Account(Service.GOOGLE_WORKSPACE, who), frozenset({K.GRANT}))
            await r.connector.revoke(Entitlement(Service.GOOGLE_WORKSPACE, who, K.SIGN_IN, "account"))
            requests_of(r).transport._tokens.of("write", SECURITY).clock = lambda: next(now)
            before = len(r.stage.journal)
            for grant in [*grants] * 15:
                with pytest.raises(Denied, match="authError"):
                    await r.connector.revoke(grant)
            sent = [q.method for q in r.stage.journal[before:] if "/tokens/" in q.path]
            exchanges = [q for q in r.stage.journal[before:] if q.path == "/token"]
            minutes = next(now) // 60 + 1
            assert len(grants) * 15 >= 45
            assert set(sent) == {"DELETE"}
            assert len(sent) <= len(grants) * 15 + minutes
            assert len(exchanges) <= 1 + minutes

    async def test_refused_to_twenty_at_once(self) -> None:
        """What Google refuses of one account, whatever the token, is sent twice for those that go at once, and for none after them."""
        async with rig(tokens_after_suspension="401") as r:
            who = r.account_id("E1001")
            grants = [Entitlement(Service.GOOGLE_WORKSPACE, who, K.GRANT, f"{n}.apps.example") for n in range(90)]
            await r.connector.revoke(Entitlement(Service.GOOGLE_WORKSPACE, who, K.SIGN_IN, "account"))
            before = len(r.stage.journal)
            for n in range(0, len(grants), 20):
                work = (r.connector.revoke(grant) for grant in grants[n : n + 20])
                failures = await asyncio.gather(*work, return_exceptions=True)
                assert {type(failure) for failure in failures} == {Denied}
            exchanges = [q for q in r.stage.journal[before:] if q.path == "/token"]
            assert len(exchanges) == 2
            assert len(r.stage.journal) - before - len(exchanges) <= len(grants) + 20

    async def test_refused_elsewhere(self) -> None:
        """A token that Google refused for one thing is still replaced for another: the sessions end, with the same scope."""
        async with rig() as r:
            who, g = r.account_id("E1001"), Service.GOOGLE_WORKSPACE
            body = '{"error":{"code":401,"errors":[{"reason":"authError"}],"message":"Invalid Credentials"}}'
            r.stage.faults.append(Fault("/tokens/", status=401, body=body, times=2))
            with pytest.raises(Denied):
                await r.connector.revoke(Entitlement(g, who, K.GRANT, "x.apps.googleusercontent.com"))
            r.tenant.auth.expire_all()
            receipt = await r.connector.revoke(Entitlement(g, who, K.SESSION, "account"))
            assert receipt.result is RevocationResult.COMMANDED

    async def test_one_block_refused(self) -> None:
        """A block that Google refuses, whatever the token, keeps no other account's block from its new token."""
        async with rig() as r:
            body = '{"error":{"code":401,"errors":[{"reason":"authError"}],"message":"Invalid Credentials"}}'
            ids = r.account_id("E1001"), r.account_id("E1002")
            first, other = (Entitlement(Service.GOOGLE_WORKSPACE, its, K.SIGN_IN, "account") for its in ids)
            r.stage.faults.append(Fault(first.account_id, status=401, body=body, times=2))
            with pytest.raises(Denied):
                await r.connector.revoke(first)
            r.tenant.auth.expire_all()
            assert (await r.connector.revoke(other)).result is RevocationResult.COMMANDED

    async def test_refused_after_the_renewal(self) -> None:
        """A request that went with the token of before a renewal, and is refused after it, goes again with the new one."""
        async with rig() as r:
            ids = [u for u in r.tenant.users if u != r.tenant.subject_id][:2]
            await requests_of(r).user(ids[0], [])
            r.tenant.auth.expire_all()
            r.stage.faults.append(Fault(ids[1], delay=0.3))
            slow = asyncio.ensure_future(requests_of(r).user(ids[1], []))
            await requests_of(r).user(ids[0], [])
            assert not slow.done()
            assert (await slow)["id"] == ids[1]
            assert r.tenant.auth.exchanges == 2

    async def test_unknown_subject(self) -> None:
        """An administrator who does not exist is `invalid_grant`: our setting, with the remedy."""
        async with rig() as r:
            settings = requests_of(r).transport._settings
            other = await connect(settings.model_copy(update={"admin_subject": "gone@hoshizora.example"}), pace=FAST)
            with pytest.raises(Denied, match="invalid_grant") as caught:
                await other.find_accounts(leaver("E1001"))
            assert "administrator" in caught.value.advice
            await other.aclose()

    @pytest.mark.parametrize(
        ("fault", "kind"),
        [
            (Fault("/token", status=503, body="{}", times=None), Unreachable),
            (Fault("/token", status=408, body="{}", times=None), Unreachable),
            (Fault("/token", status=429, body="{}", headers={"Retry-After": "1"}, times=None), Throttled),
            (Fault("/token", drop=True, times=None), Unreachable),
            (Fault("/token", status=404, body="<html>", times=None), Unintelligible),
            (Fault("/token", status=200, body="{}", times=None), Unintelligible),
            (Fault("/token", status=200, body="<html>sign in to the network</html>", times=None), Unintelligible),
            (Fault("/token", status=200, body="[]", times=None), Unintelligible),
            (Fault("/token", status=200, body='{"access_token":"t","expires_in":"soon"}', times=None), Unintelligible),
            (Fault("/token", status=403, body='{"error": "access_denied"}', times=None), Denied),
        ],
        ids=["503", "408", "429", "drop", "html", "no token", "html 200", "list", "no number", "denied"],
    )
    async def test_exchange_fails(self, fault: Fault, kind: type[ConnectorError]) -> None:
        """Trouble at the token endpoint is told apart; nobody else waits and tries again in our stead."""
        async with rig() as r:
            r.stage.faults.append(fault)
            begun = datetime.now(UTC)
            log: list[Any] = []
            with pytest.raises(kind) as caught:
                await requests_of(r).user(r.account_id("E1001"), log)
            assert datetime.now(UTC) - begun < timedelta(seconds=0.9)  # google-auth's own waits begin at a second
            tries = Pace().tries if kind in {Unreachable, Throttled} else 1
            assert len([q for q in r.stage.journal if q.path == "/token"]) == tries
            assert caught.value.evidence
            assert [e.what for e in log] == ["POST /token"] * tries
            assert {e.request_sha256 for e in log} == {None}

    async def test_a_tier_each(self) -> None:
        """Reading uses the reading credential and revoking the writing one."""
        allowed = {"read": {USER_READ}, "write": {SECURITY}}
        async with rig(allowed_scopes=allowed) as r:
            await requests_of(r).user(r.account_id("E1001"), [])
            ask = Request("list", SECURITY, lambda: requests_of(r).tokens.list(userKey="1"))
            with pytest.raises(Denied, match="unauthorized_client"):
                await requests_of(r).transport.read(ask, [])

    async def test_one_credential(self) -> None:
        """One key may fill both tiers."""
        async with rig(tiers=1) as r:
            assert all(a.can_list and a.can_revoke for a in (await r.connector.probe()).abilities)


@asynccontextmanager
async def recorder(r: Rig) -> AsyncIterator[Recorder]:
    """Yield what a request is sent through, with a token."""
    bearer = await requests_of(r).transport._tokens.of("read", USER_READ).bearer([])
    sending = Recorder(Request("send a batch", USER_READ, object), bearer)
    with closing(SingleSendHttp()) as sending.http:
        yield sending


class TestBatch:
    async def test_goes_to_the_endpoint(self) -> None:
        """Batches go where single calls go, and come back part by part."""
        async with rig() as r, recorder(r) as sending:
            service = requests_of(r).transport.directory
            got: dict[str, Any] = {}
            batch = service.new_batch_http_request(lambda name, answer, exc: got.update({name: exc or answer}))
            for name, key in (("there", r.account_id("E1001")), ("not there", "9" * 21)):
                batch.add(service.users().get(userKey=key, fields="id"), request_id=name)
            batch.execute(http=sending)
            assert got["there"] == {"id": r.account_id("E1001")}
            assert got["not there"].resp.status == 404
            assert [q.path for q in r.stage.journal] == ["/token", "/batch"]

    @pytest.mark.parametrize("status", REDIRECTS)
    async def test_redirect(self, status: int) -> None:
        """A batch follows no redirect, and is an error though the parts of its answer are all there."""
        async with rig() as r, recorder(r) as sending:
            service = requests_of(r).transport.directory
            with stranger() as met:
                r.stage.app = as_redirect(r.stage.app, status, met.addresses()[0])
                batch = service.new_batch_http_request()
                batch.add(service.users().get(userKey=r.account_id("E1001"), fields="id"))
                with pytest.raises(HttpError):
                    batch.execute(http=sending)
                assert met.received == []


class TestSecrecy:
    async def test_no_names_in_errors(self, caplog: pytest.LogCaptureFixture) -> None:
        """No address, name or token stands in an error, in what it was raised from, or in a log."""
        caplog.set_level(logging.INFO)
        async with rig() as r:
            body = '{"error": {"code": 400, "message": "Not hers: misaki.tanaka@hoshizora.example"}}'
            r.stage.faults.append(Fault("/users[?]", status=400, body=body, times=None))
            with pytest.raises(Unintelligible) as caught:
                await r.connector.find_accounts(leaver("E1001"))
            text = "".join(traceback.format_exception(caught.value)) + caplog.text
            assert "hoshizora" not in text
            assert "misaki" not in text.casefold()
            assert "ya29" not in text

    async def test_evidence_of_a_search(self) -> None:
        """A search by address leaves no address in its evidence."""
        async with rig() as r:
            log: list[Any] = []
            await requests_of(r).search("email='misaki.tanaka@hoshizora.example'", log)
            assert {e.what for e in log} == {"GET /admin/directory/v1/users"}


class TestCertificates:
    async def test_own_bundle(self, tmp_path: Path) -> None:
        """A company's own certificate is trusted by both the token and the API's connection once it is in the bundle."""
        chain, key = _certificate(tmp_path)
        from emulators.fault_proxy import FaultProxy, served
        from emulators.google_workspace import Tenant

        tenant = Tenant()
        with served(FaultProxy(tenant.app), certificate=(str(chain), str(key))) as root:
            file = tenant.key_file(f"{root}/token", "read", tmp_path)
            plain: dict[str, Any] = {"endpoint": root, "credentials_file": file, "admin_subject": tenant.subject}
            trusting = await connect(Settings(**plain, LASTDAY_CA_BUNDLE=chain), pace=FAST)
            wary = await connect(Settings(**plain), pace=FAST)
            try:
                assert await trusting.find_accounts(leaver("E1001"))
                with pytest.raises(Unreachable):
                    await wary.find_accounts(leaver("E1001"))
            finally:
                await trusting.aclose()
                await wary.aclose()


def _certificate(folder: Path) -> tuple[Path, Path]:
    """Write a self-signed certificate for 127.0.0.1 and its key."""
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, private = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return chain, private


def _classic(code: int, reason: str) -> bytes:
    return f'{{"error":{{"code":{code},"message":"m","errors":[{{"reason":"{reason}"}}]}}}}'.encode()


def refused(status: int, body: bytes, *, write: bool = False) -> ConnectorError:
    """Return what an answer to a request means."""
    return failure(Exchange("google_workspace", "try", "GET /", write=write), Reply(status, {}, body), "scope", [])


class TestFailures:
    @pytest.mark.parametrize(
        ("status", "body", "kind"),
        [
            (403, _classic(403, "quotaExceeded"), Throttled),
            (403, _classic(403, "rateLimitExceeded"), Throttled),
            (403, _classic(403, "userRateLimitExceeded"), Throttled),
            (403, b'{"error":{"code":403,"status":"X","details":[{"reason":"RATE_LIMIT_EXCEEDED"}]}}', Throttled),
            (403, b"Request rate higher than configured", Throttled),
            (403, b"<p>Request rate higher than configured.</p>", Throttled),
            (403, b'{"error":{"code":403,"message":"Request rate higher than configured"}}', Throttled),
            (403, b'{"error":{"code":403,"message":"m","status":"RESOURCE_EXHAUSTED"}}', Throttled),
            (408, b"", Unreachable),
            (403, _classic(403, "dailyLimitExceeded"), Throttled),
            (429, b"", Throttled),
            (403, _classic(403, "forbidden"), Denied),
            (403, _classic(403, "quotaExceededToday"), Denied),
            (403, b"", Denied),
            (401, _classic(401, "authError"), Denied),
            (403, _classic(403, "domainCannotUseApis"), NotOnPlan),
            (404, _classic(404, "notFound"), Unintelligible),
            (418, b"", Unintelligible),
        ],
    )
    def test_kinds(self, status: int, body: bytes, kind: type[ConnectorError]) -> None:
        """Each answer is one kind of failure, decided by the vendor's exact code."""
        found = refused(status, body)
        assert type(found) is kind or (kind is Unintelligible and isinstance(found, Unintelligible))
        assert str(found).startswith("google_workspace: cannot try: ")
        assert found.advice

    @pytest.mark.parametrize("reason", ["rateLimitExceeded", "quotaExceeded", "backendError"])
    def test_a_write_may_have_been_carried_out(self, reason: str) -> None:
        """After a 5xx a write is unknown, whatever its body says; a read is tried again."""
        assert type(refused(503, _classic(503, reason), write=True)) is OutcomeUnknown
        assert type(refused(503, _classic(503, reason))) is Unreachable

    def test_a_day(self) -> None:
        """A day's quota that is used up is waited for tomorrow."""
        body = _classic(403, "dailyLimitExceeded")
        found = refused(403, body)
        assert isinstance(found, Throttled)
        assert found.retry_after == timedelta(days=1)

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b'[{"error": {"errors": [{"reason": "forbidden"}]}}]', "forbidden"),
            (b"[]", None),
            (b'{"error": "access_denied"}', "access_denied"),
            (b'{"error": {"status": "PERMISSION_DENIED", "errors": "?"}}', "PERMISSION_DENIED"),
            (b'{"error": {"details": [7, {"reason": "X"}]}}', "X"),
            (b'{"error": 7}', None),
            (b'"text"', None),
            (b"\xff\xfe", None),
        ],
    )
    def test_shapes(self, body: bytes, code: str | None) -> None:
        """Every shape that Google has used is read; none breaks the reader."""
        assert ErrorBody.of(body).code == code


class TestLongAddress:
    async def test_turned_into_a_post(self) -> None:
        """A search too long for an address, which the SDK sends as a POST, is still a read."""
        async with rig() as r:
            query = "email='" + "x" * 2100 + "@hoshizora.example'"
            assert await requests_of(r).search(query, []) == []
            assert [q.method for q in r.stage.journal] == ["POST", "POST"]
            r.stage.faults.append(Fault("/users", drop=True))
            assert await requests_of(r).search(query, []) == []


class TestCancel:
    async def test_policy_runs_out_of_time(self) -> None:
        """A call that is given up does not spoil the next one."""
        async with rig() as r:
            r.stage.faults.append(Fault("/users/", delay=0.3))
            key = r.account_id("E1001")
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(requests_of(r).user(key, []), 0.05)
            assert (await requests_of(r).user(key, []))["id"] == key

    async def test_unreadable_while_closed(self) -> None:
        """A tenant that is down gives rows that say so."""
        async with rig() as r:
            r.stage.faults.append(Fault("", drop=True, times=None))
            who = Account(Service.GOOGLE_WORKSPACE, r.account_id("E1001"), label="x@y.example")
            assert {e.state for e in await r.connector.list_access(who)} == {EntitlementState.UNREADABLE}


class TestLongQuery:
    async def test_is_told_as_it_was_asked(self) -> None:
        """The SDK sends what is too long for an address as a form: it is the same read, of the same parameters."""
        async with rig() as r:
            long = f"{'x' * 2_000}@hoshizora.example"
            found = await r.connector.find_accounts(Leaver("E1001", "x", long))
            (asked,) = [one for one in found.evidence if long in unquote_plus(one.query or "")]
            assert asked.what == "GET /admin/directory/v1/users"
            assert any(one.method == "POST" for one in r.stage.journal if one.path == "/admin/directory/v1/users")
