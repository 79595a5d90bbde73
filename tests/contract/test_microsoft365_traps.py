"""Microsoft 365: what the SDK gets wrong unless it is told, signing in, and what a probe says."""

from __future__ import annotations

import asyncio
import json
import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation
from pydantic import ValidationError

from connectors.errors import ConnectorError, Denied, NotOnPlan, OutcomeUnknown, Throttled, Unintelligible, Unreachable
from connectors.kit.exchange import Exchange, Reply
from connectors.microsoft365 import Settings, connect
from connectors.microsoft365.answers import WHO
from connectors.microsoft365.errors import GONE, NotFound, Outcome, RequestRefused, judge
from emulators.ca import certificate
from emulators.fault_proxy import Fault, FaultProxy, served
from emulators.microsoft365 import Tenant
from emulators.microsoft365.permissions import READ_TIER, WRITE_TIER
from models.vocabulary import Account, EntitlementKind, EntitlementState, Service
from tests.contract.rig import leaver
from tests.contract.rig_microsoft365 import FAST, graph_of, read, rig, settings_for
from tests.contract.stranger import REDIRECTS, as_redirect, stranger

BOTH = READ_TIER | WRITE_TIER
SIGN_IN = frozenset({EntitlementKind.SIGN_IN})


class TestClient:
    async def test_token_goes_to_one_host(self) -> None:
        """The access token is given to the configured host and to no other, whatever address is asked for."""
        async with rig() as r:
            client = graph_of(r).client()
            for url, signed in (("https://elsewhere.example/v1.0/users", False), ("https://127.0.0.1:1/v1.0", True)):
                request = RequestInformation(Method.GET)
                request.url = url
                await client.adapter._authentication_provider.authenticate_request(request)
                assert request.headers.contains("Authorization") is signed

    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    async def test_redirect(self, status: int) -> None:
        """Neither token nor write follows a redirect; whether the write was carried out, a read decides."""
        async with rig() as r:
            (row,) = await r.connector.list_access(Account(Service.MICROSOFT365, r.account_id("E1001")), SIGN_IN)
            headers = {"Location": "/v1.0/users/other"}
            r.stage.faults.append(Fault("PATCH", status=status, headers=headers))
            with pytest.raises(OutcomeUnknown):
                await r.connector.revoke(row)
            assert not [q for q in r.stage.journal if q.path.endswith("/other")]

    async def test_sockets_are_closed(self) -> None:
        """Closing the connector closes the SDK's connections, which the SDK itself does not."""
        async with rig() as r:
            await read(r)
            client = graph_of(r).client()
            pool = client.http._transport.transport._pool  # type: ignore[attr-defined]  # the SDK's own
            assert pool.connections
            await r.connector.aclose()
            assert not pool.connections

    def test_several_event_loops(self, tmp_path: Path) -> None:
        """One connector serves several event loops, one after the other: the SDK's client would die with the first."""
        tenant = Tenant()
        papers = certificate(tmp_path)
        with served(FaultProxy(tenant.app), certificate=papers.pair) as root:
            connector = asyncio.run(connect(settings_for(tenant, root, papers.ca), pace=FAST))

            async def once() -> bool:
                found = await connector.list_access(Account(Service.MICROSOFT365, tenant.user_id("E1001")), SIGN_IN)
                await connector.aclose()
                return [row.state for row in found] == [EntitlementState.FOUND]

            assert [asyncio.run(once()) for _ in range(3)] == [True, True, True]

    async def test_fresh_model(self) -> None:
        """A block sends the one property that changes, in the vendor's spelling, and nothing that was read."""
        async with rig() as r:
            (row,) = await r.connector.list_access(Account(Service.MICROSOFT365, r.account_id("E1001")), SIGN_IN)
            await r.connector.revoke(row)
            (sent,) = [q.body for q in r.stage.journal if q.method == "PATCH"]
            assert sent == b'{"@odata.type": "#microsoft.graph.user", "accountEnabled": false}'

    async def test_request_id(self) -> None:
        """Each request has an id of its own, which stands in its evidence and is known to the vendor's support."""
        async with rig() as r:
            listing = await r.connector.list_access(Account(Service.MICROSOFT365, r.account_id("E1001")))
            exchanges = {e for seen in listing.evidence.values() for e in seen}  # one may prove two kinds
            ids = [e.what.rpartition("client-request-id ")[2].split()[0].rstrip("]") for e in exchanges]
            assert len(set(ids)) == len(ids) == len([q for q in r.stage.journal if q.method == "GET"]) > 5
            batched = [json.loads(q.body)["requests"] for q in r.stage.journal if q.path.endswith("/$batch")]
            assert {one["headers"]["client-request-id"] for part in batched for one in part} == set(ids)

    async def test_guest_name_in_a_path(self) -> None:
        """A number sign in a value reaches the vendor as part of the value."""
        async with rig() as r:
            await r.connector.find_accounts(leaver("X2001"))
            assert any("%23EXT%23" in q.query for q in r.stage.journal)

    async def test_untrusted_certificate(self) -> None:
        """Without the authority's certificate nothing is sent, and the remedy names the setting."""
        async with rig(settings={"LASTDAY_CA_BUNDLE": None}) as r:
            with pytest.raises(Unreachable) as raised:
                await read(r)
            assert "LASTDAY_CA_BUNDLE" in raised.value.advice
            assert r.stage.journal == []


class TestSignIn:
    async def test_nothing_before_the_first_verb(self) -> None:
        """Connecting sends nothing."""
        async with rig() as r:
            assert r.stage.journal == []

    async def test_one_token(self) -> None:
        """Ten first requests at once fetch one token."""
        async with rig() as r:
            await r.connector.find_accounts(leaver("E1001"))
            assert len([q for q in r.stage.journal if q.path.endswith("/token")]) == 1

    async def test_wrong_secret(self) -> None:
        """A wrong secret is said in the vendor's own number; the secret stands nowhere."""
        async with rig(settings={"client_secret": "not-the-secret"}) as r:
            with pytest.raises(Denied) as raised:
                await read(r)
            error = raised.value
            assert error.code == "AADSTS7000215"
            assert "not-the-secret" not in f"{error} {error.evidence} {error.advice}"
            assert error.evidence[-1].what.endswith("/oauth2/v2.0/token")

    @pytest.mark.parametrize(
        ("settings", "code"),
        [
            ({"client_id": "11111111-1111-1111-1111-111111111111"}, "AADSTS700016"),
            ({"tenant_id": "22222222-2222-2222-2222-222222222222"}, "AADSTS90002"),
        ],
    )
    async def test_unknown(self, settings: dict[str, str], code: str) -> None:
        """An unknown application or tenant is said in the vendor's own number."""
        async with rig(settings=settings) as r:
            with pytest.raises(Denied) as raised:
                await read(r)
            assert raised.value.code == code

    @pytest.mark.parametrize(
        ("fault", "error", "requests"),
        [
            (Fault("/token", status=503, body="<html>", times=None), Unreachable, 3),
            (Fault("/token", drop=True, times=None), Unreachable, 3),
            (Fault("/token", status=429, headers={"Retry-After": "600"}, body="{}", times=None), Throttled, 1),
            (Fault("/token", status=403, body="<html>", times=None), Denied, 1),
        ],
        ids=["503", "drop", "429", "403"],
    )
    async def test_authority_fails(self, fault: Fault, error: type[ConnectorError], requests: int) -> None:
        """When no token was to be had nothing was done; only our own pace tries again."""
        async with rig() as r:
            r.stage.faults.append(fault)
            with pytest.raises(error):
                await read(r)
            assert len(r.stage.journal) == requests

    async def test_certificate(self, tmp_path: Path) -> None:
        """A certificate signs in instead of a secret, once the application knows it."""
        papers = tmp_path / "client.pem"
        papers.write_bytes(client_certificate())
        async with rig(settings={"client_secret": None, "certificate_file": papers}) as r:
            with pytest.raises(Denied) as raised:
                await read(r)
            assert raised.value.code == "AADSTS700027"
            r.tenant.trust(papers.read_bytes())
            assert await read(r)

    @pytest.mark.parametrize("status", REDIRECTS)
    async def test_redirected_assertion(self, tmp_path: Path, status: int) -> None:
        """What a certificate signed goes to the authority alone, as a secret does."""
        papers = tmp_path / "client.pem"
        papers.write_bytes(client_certificate())
        async with rig(settings={"client_secret": None, "certificate_file": papers}) as r:
            r.tenant.trust(papers.read_bytes())
            with stranger() as met:
                r.stage.app = as_redirect(r.stage.app, status, met.addresses()[0], "/token$")
                with pytest.raises(Unintelligible):
                    await read(r)
                assert met.received == []
            assert [q.path.rpartition("/")[2] for q in r.stage.journal] == ["token"]

    async def test_claims_challenge(self) -> None:
        """When Graph asks for a newer token, the SDK fetches one and asks again: the 401 did nothing."""
        async with rig() as r:
            headers = {"WWW-Authenticate": 'Bearer realm="", claims="e30="'}
            r.stage.faults.append(Fault("/v1.0/", status=401, headers=headers))
            assert await read(r)
            assert len([q for q in r.stage.journal if q.path.endswith("/token")]) == 2

    async def test_expired_token(self) -> None:
        """A token that the directory calls stale is a credential's problem, not an absent account."""
        async with rig(token_seconds=-5) as r:
            with pytest.raises(Denied) as raised:
                await read(r)
            assert raised.value.code == "InvalidAuthenticationToken"


def client_certificate() -> bytes:
    """Return a self-signed certificate and its RSA key, in PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lastday")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + made.public_bytes(Encoding.PEM)


class TestProbe:
    async def test_all_granted(self) -> None:
        """With everything granted every kind can be listed and revoked; what is out of reach is still said."""
        async with rig() as r:
            found = await r.connector.probe()
            assert found.plan == "Entra ID P2"
            assert "Hoshizora" in found.tenant
            assert {a.kind for a in found.abilities} == set(r.connector.manifest.kinds)
            assert all(a.can_list and a.can_revoke and a.problem is None for a in found.abilities)
            assert any("administrators" in problem for problem, _ in found.problems)

    async def test_reach(self) -> None:
        """With the role over administrators, nothing is out of reach."""
        async with rig(own_roles=["Global Administrator"]) as r:
            assert (await r.connector.probe()).problems == ()

    @pytest.mark.parametrize(
        "permission",
        sorted(
            BOTH
            - {"Application.Read.All", "LicenseAssignment.Read.All", "AuditLog.Read.All", "AuditLogsQuery.Read.All"}
        ),
    )
    async def test_missing(self, permission: str) -> None:
        """Each permission that is missing is named, unless a wider one contains it."""
        async with rig(permissions=BOTH - {permission}) as r:
            found = await r.connector.probe()
            named = {kind for ability in found.abilities if ability.problem for kind in [ability.kind]}
            contained = {
                "GroupMember.Read.All", "RoleManagement.Read.Directory", "RoleEligibilitySchedule.Read.Directory",
            }  # fmt: skip
            assert bool(named) is (permission not in contained)
            assert all(permission.partition(".")[0] in (a.remedy or "") for a in found.abilities if a.problem)

    async def test_tiers(self) -> None:
        """What can be revoked is the writing application's, what can be listed the reading one's."""
        async with rig(permissions=READ_TIER) as r:
            found = await r.connector.probe()
            assert all(a.can_list and not a.can_revoke for a in found.abilities)
            assert len(found.own_account_ids) == 1

    @pytest.mark.parametrize(("plan", "name"), [("P1", "Entra ID P1"), ("free", "Entra ID Free")])
    async def test_plan(self, plan: str, name: str) -> None:
        """A plan without eligible roles is said, with what to do."""
        async with rig(plan=plan) as r:
            found = await r.connector.probe()
            assert found.plan == name
            (role,) = [a for a in found.abilities if a.kind is EntitlementKind.ROLE]
            assert "P2" in (role.problem or "")

    async def test_blind_to_itself(self) -> None:
        """If what we may do cannot be read, nothing is promised."""
        async with rig(permissions={"User.Read.All"}) as r:
            found = await r.connector.probe()
            assert not any(a.can_list or a.can_revoke for a in found.abilities)
            assert found.plan == "unknown"
            assert len(found.problems) == 2

    async def test_own_roles_unreadable(self) -> None:
        """That our own roles could not be read is a problem of its own."""
        lacking = {"RoleManagement.Read.Directory", "RoleManagement.ReadWrite.Directory"}
        async with rig(permissions=BOTH - lacking) as r:
            assert any("own roles" in problem for problem, _ in (await r.connector.probe()).problems)

    async def test_no_access_at_all(self) -> None:
        """If not even the tenant can be read, the probe says why."""
        async with rig(permissions=set()) as r:
            with pytest.raises(Denied):
                await r.connector.probe()


BASE: dict[str, Any] = {"tenant_id": "t", "client_id": "c", "client_secret": "s"}


class TestSettings:
    def test_defaults_are_microsofts(self) -> None:
        """Without endpoints, Microsoft's global ones are meant."""
        settings = Settings(_env_file=None, **BASE)
        assert settings.graph_endpoint == "https://graph.microsoft.com/v1.0"
        assert settings.authority == "https://login.microsoftonline.com"
        assert settings.scope == "https://graph.microsoft.com/.default"

    def test_national_cloud(self) -> None:
        """A national cloud's token is asked for its own Graph."""
        settings = Settings(_env_file=None, graph_endpoint="https://graph.microsoft.us/v1.0/", **BASE)
        assert settings.scope == "https://graph.microsoft.us/.default"

    @pytest.mark.parametrize(
        "wrong",
        [
            {"graph_endpoint": "http://graph.microsoft.com/v1.0"},
            {"graph_endpoint": "http://127.0.0.2/v1.0"},
            {"graph_endpoint": "https://graph.microsoft.com"},
            {"authority": "http://127.0.0.1:1"},
            {"client_secret": None},
            {"certificate_file": "both.pem"},
            {"write_client_id": "w"},
            {"tenant_id": ""},
            {"tenant_id": "contoso onmicrosoft"},
        ],
    )
    def test_refused(self, wrong: dict[str, object]) -> None:
        """Unsafe endpoints and missing or doubled credentials stop the start."""
        with pytest.raises(ValidationError):
            Settings(_env_file=None, **(BASE | wrong))

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
    def test_this_machine(self, host: str) -> None:
        """Plain http is for a rehearsal on this machine."""
        assert Settings(_env_file=None, graph_endpoint=f"http://{host}:9/v1.0", **BASE).scope.startswith("https")

    def test_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The names are those of the contract, and the secret does not print."""
        for name, value in (("TENANT_ID", "t"), ("CLIENT_ID", "c"), ("CLIENT_SECRET", "hidden")):
            monkeypatch.setenv(f"LASTDAY_MICROSOFT365_{name}", value)
        settings = Settings(_env_file=None)
        assert settings.tenant_id == "t"
        assert "hidden" not in repr(settings)


class TestAnswers:
    """What each answer means, by status and by the vendor's exact code."""

    @pytest.mark.parametrize(
        ("status", "code", "writes", "error"),
        [
            (400, "Request_BadRequest", True, RequestRefused),
            (400, "Request_BadRequest", False, Unintelligible),
            (400, "BadRequest", True, Unintelligible),
            (400, "AadPremiumLicenseRequired", False, NotOnPlan),
            (403, "AadPremiumLicenseRequired", True, NotOnPlan),
            (403, "Authorization_RequestDenied", True, Denied),
            (401, "InvalidAuthenticationToken", True, Denied),
            (404, "Request_ResourceNotFound", True, NotFound),
            (404, "Request_ResourceNotFoundX", True, Unintelligible),
            (400, "Request_ResourceNotFound", True, Unintelligible),
            (404, None, True, Unintelligible),
            (408, None, False, Unreachable),
            (408, None, True, OutcomeUnknown),
            (429, None, True, Throttled),
            (503, None, True, OutcomeUnknown),
            (503, None, False, Unreachable),
            (509, None, False, Unreachable),
            (302, None, False, Unintelligible),
            (302, "AadPremiumLicenseRequired", False, Unintelligible),
            (303, "Request_ResourceNotFound", True, OutcomeUnknown),
            (202, None, True, OutcomeUnknown),
        ],
    )
    def test_failures(self, status: int, code: str | None, writes: bool, error: type[ConnectorError]) -> None:
        """One line of the table."""
        body = f'{{"error": {{"code": "{code}"}}}}'.encode() if code else b"<html>"
        exchange = Exchange(WHO, "GET /users/1", "GET /users/1", write=writes)
        outcome = Outcome(exchange, datetime.now(UTC), Reply(status, {}, body))
        with pytest.raises(error) as raised:
            judge(outcome, [], needs=("User.Read.All",), gone=GONE)
        assert type(raised.value) is error
        assert raised.value.code == (code if status >= 400 else None)


class TestRehearsalAuthority:
    def test_trusted_by_its_bundle_only(self) -> None:
        """The rehearsal's certificate is good for this machine, and for who trusts its authority."""
        with tempfile.TemporaryDirectory() as directory:
            papers = certificate(Path(directory))
            with served(FaultProxy(Tenant().app), certificate=papers.pair) as root:
                with httpx.Client(verify=ssl.create_default_context(cafile=papers.ca)) as client:
                    assert client.get(f"{root}/v1.0/users").status_code == 401
                with httpx.Client() as client, pytest.raises(httpx.ConnectError):
                    client.get(f"{root}/v1.0/users")
