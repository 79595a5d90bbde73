"""The emulated Google Workspace is held to Google's own descriptions, and refuses what Google refuses."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import time
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from emulators.fault_proxy import FaultProxy, served
from emulators.google_workspace import SCOPES, Tenant
from emulators.google_workspace.auth import AUDIENCE, GRANT_TYPE
from emulators.google_workspace.discovery import Operation, operations
from emulators.google_workspace.state import user_id
from models.vocabulary import Account, Service
from tests.contract.rig import leaver
from tests.contract.rig_google_workspace import rig

USERS = "/admin/directory/v1/users"
OPERATIONS = [*operations("admin", "directory_v1").values(), *operations("admin", "reports_v1").values()]


def operation(method: str, path: str) -> Operation:
    (found,) = [o for o in OPERATIONS if o.http_method == method and o.path.fullmatch(path)]
    return found


class Client:
    """A bare client: neither the SDK nor our connector."""

    def __init__(self, root: str, tenant: Tenant) -> None:
        self.root, self.tenant = root, tenant

    def assertion(self, *, key: Any = None, kid: str | None = None, alg: str = "RS256", **claims: Any) -> str:
        file = self.tenant.credentials(f"{self.root}/token")
        now = int(time.time())
        head = {"alg": alg, "typ": "JWT", "kid": kid or file["private_key_id"]}
        body = {
            "iss": file["client_email"],
            "sub": self.tenant.subject,
            "scope": " ".join(sorted(SCOPES)),
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + 3600,
        } | claims
        body = {name: value for name, value in body.items() if value is not None}
        signed = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (head, body))
        private: Any = key or serialization.load_pem_private_key(file["private_key"].encode(), None)
        signature = private.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        return (signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()

    def exchange(self, assertion: str, grant_type: str = GRANT_TYPE) -> tuple[int, dict[str, Any]]:
        form = urllib.parse.urlencode({"grant_type": grant_type, "assertion": assertion})
        return self._send("POST", "/token", form.encode(), {})

    def call(self, method: str, path: str, body: Any = None, bearer: str | None = None) -> tuple[int, Any]:
        content = json.dumps(body).encode() if body is not None else None
        signed = {"Authorization": f"Bearer {bearer}"} if bearer is not None else {}
        return self._send(method, path, content, {"Content-Type": "application/json", **signed})

    def bearer(self, **claims: Any) -> str:
        status, answer = self.exchange(self.assertion(**claims))
        assert status == 200, answer
        return str(answer["access_token"])

    def _send(self, method: str, path: str, content: bytes | None, headers: dict[str, str]) -> tuple[int, Any]:
        connection = http.client.HTTPConnection(self.root.removeprefix("http://"), timeout=10)
        with contextlib.closing(connection):
            connection.request(method, path, content, headers)
            response = connection.getresponse()
            answer = response.read()
            return response.status, json.loads(answer) if answer else None


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    tenant = Tenant()
    with served(FaultProxy(tenant.app)) as root:
        yield Client(root, tenant)


class TestDescriptions:
    async def test_every_exchange(self) -> None:
        """Every request of a whole case is one that Google's descriptions have; the answers are checked as they are given."""
        async with rig(page_size=3) as r:
            (match, *_) = await r.connector.find_accounts(leaver("E1001"))
            rows = await r.connector.list_access(match.account)
            await r.connector.probe()
            await r.connector.freeze(match.account)
            for entitlement in rows:
                await r.connector.revoke(entitlement)
            for entitlement in rows:
                if entitlement.kind in {"sign_in", "group", "role"}:
                    await r.connector.restore(entitlement, entitlement.prestate)
            await r.connector.list_access(Account(Service.GOOGLE_WORKSPACE, user_id("makoto.kobayashi"), label="x"))
            used = set()
            for request in (q for q in r.stage.journal if q.path != "/token"):
                described = operation(request.method, request.path)
                described.check_query(dict(urllib.parse.parse_qsl(request.query)))
                described.check_body(json.loads(request.body) if request.body else None)
                assert request.status in {200, 204, 400, 404}
                used.add(described.id)
            assert len(used) >= 18

    def test_leftover_key(self) -> None:
        """An answer with a key that Google's schema lacks is an error of the emulator."""
        described = operation("GET", f"{USERS}/1")
        with pytest.raises(AssertionError, match="isSuspended"):
            described.check_answer({"isSuspended": True})
        with pytest.raises(AssertionError, match="boolean"):
            described.check_answer({"suspended": "yes"})
        with pytest.raises(AssertionError):
            operation("POST", f"{USERS}/1/signOut").check_answer({})

    def test_scopes(self) -> None:
        """Each scope that is delegated by default is one that a served method takes."""
        assert set().union(*(o.scopes for o in OPERATIONS)) >= SCOPES


class TestAuthentication:
    @pytest.mark.parametrize(
        ("claims", "status", "error"),
        [
            ({"scope": "https://www.googleapis.com/auth/drive"}, 401, "unauthorized_client"),
            ({"scope": " ".join([*SCOPES, "https://www.googleapis.com/auth/drive"])}, 401, "unauthorized_client"),
            ({"scope": ""}, 400, "invalid_scope"),
            ({"sub": "gone@hoshizora.example"}, 400, "invalid_grant"),
            ({"iss": "other@hoshizora-lastday.iam.gserviceaccount.com"}, 400, "invalid_grant"),
            ({"aud": "https://elsewhere.example/token"}, 400, "invalid_grant"),
            ({"exp": 1}, 400, "invalid_grant"),
            ({"exp": int(time.time()) + 9999}, 400, "invalid_grant"),
            ({"iat": None}, 400, "invalid_grant"),
            ({"kid": "another key"}, 400, "invalid_grant"),
            ({"alg": "HS256"}, 400, "invalid_grant"),
            ({"iss": None}, 400, "invalid_request"),
        ],
    )
    def test_refused(self, client: Client, claims: dict[str, Any], status: int, error: str) -> None:
        """A claim that is wrong in one point gets no token."""
        code, answer = client.exchange(client.assertion(**claims))
        assert (code, answer["error"]) == (status, error)

    def test_foreign_key(self, client: Client) -> None:
        """A signature by another key gets no token."""
        other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        assert client.exchange(client.assertion(key=other))[1]["error_description"] == "Invalid JWT Signature."
        assert client.exchange("no.jwt")[1]["error"] == "invalid_request"
        assert client.exchange(client.assertion(), "password")[1]["error"] == "unsupported_grant_type"

    def test_calls(self, client: Client) -> None:
        """Without a token, with too narrow a one, or as nobody's administrator, a call is refused in Google's words."""
        assert client.call("GET", f"{USERS}/1")[0] == 401
        narrow = client.bearer(scope="https://www.googleapis.com/auth/admin.directory.group.readonly")
        code, answer = client.call("GET", f"{USERS}/1", bearer=narrow)
        assert (code, answer["error"]["errors"][0]["reason"]) == (403, "insufficientPermissions")
        assert answer["error"]["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
        for claims in ({"sub": "ken.sato@hoshizora.example"}, {"sub": None}):
            code, answer = client.call("GET", f"{USERS}/1", bearer=client.bearer(**claims))
            assert (code, answer["error"]["errors"][0]["reason"]) == (403, "forbidden")


TANAKA = f"{USERS}/{user_id('misaki.tanaka')}"
CUSTOMER = "/admin/directory/v1/customer/my_customer"
LOG = "/admin/reports/v1/activity/users/all/applications/admin"


class TestStrictness:
    @pytest.mark.parametrize(
        ("method", "path", "body", "status"),
        [
            ("GET", "/admin/directory/v1/nothing", None, 404),
            ("PATCH", TANAKA, {"suspended": True}, 404),  # a method that is not served
            ("GET", f"{TANAKA}?colour=red", None, 400),
            ("GET", f"{TANAKA}?projection=everything", None, 400),
            ("GET", f"{TANAKA}?userKey=1", None, 400),
            ("GET", f"{TANAKA}?fields=ids", None, 400),
            ("GET", f"{TANAKA}?fields=id(", None, 400),
            ("GET", f"{TANAKA}?fields=id)", None, 400),
            ("GET", f"{TANAKA}?fields=", None, 400),
            ("GET", f"{TANAKA}?fields=id&fields=id", None, 400),
            ("PUT", TANAKA, {"isSuspended": True}, 400),
            ("PUT", TANAKA, {"suspended": "yes"}, 400),
            ("PUT", TANAKA, {"isAdmin": False}, 400),
            ("PUT", TANAKA, {"password": "short"}, 400),
            ("PUT", TANAKA, {"primaryEmail": "n@hoshizora.example", "suspended": True}, 400),
            ("POST", f"{TANAKA}/signOut", {}, 400),
            ("GET", USERS, None, 400),
            ("GET", f"{USERS}?customer=C0ther", None, 404),
            ("GET", f"{USERS}?customer=my_customer&maxResults=501", None, 400),
            ("GET", f"{USERS}?customer=my_customer&maxResults=0", None, 400),
            ("GET", f"{USERS}?customer=my_customer&pageToken=nonsense", None, 400),
            ("GET", f"{USERS}?customer=my_customer&pageToken=YWZ0ZXIgOTk5OQ==", None, 400),
            ("GET", f"{USERS}?customer=my_customer&query=mail%3Dx", None, 400),
            ("GET", f"{USERS}?customer=my_customer&query=isAdmin%3Amaybe", None, 400),
            ("GET", f"{USERS}?customer=my_customer&query=name", None, 400),
            ("GET", "/admin/directory/v1/groups", None, 400),
            ("GET", "/admin/directory/v1/groups?customer=my_customer&userKey=1", None, 400),
            ("GET", "/admin/directory/v1/groups?userKey=1", None, 404),
            ("GET", "/admin/directory/v1/groups/none/members", None, 404),
            ("GET", f"{CUSTOMER}/roleassignments?includeIndirectRoleAssignments=true", None, 400),
            ("GET", f"{CUSTOMER}/roleassignments?includeIndirectRoleAssignments=1", None, 400),
            ("POST", f"{CUSTOMER}/roleassignments", {"roleId": "1", "assignedTo": "1"}, 400),
            ("GET", f"{LOG}?startTime=yesterday", None, 400),
            ("GET", f"{LOG.replace('admin', 'nothing')}", None, 404),
        ],
    )  # fmt: skip
    def test_refused(self, client: Client, method: str, path: str, body: Any, status: int) -> None:
        """What Google does not know, the emulator does not take."""
        assert client.call(method, path, body, client.bearer())[0] == status

    @pytest.mark.parametrize(
        ("query", "count"),
        [
            ("email=k.sato@hoshizora.example", 1),
            ("email:ken.s*", 1),
            ("familyName='佐藤'", 1),
            ("name:'陽菜'", 8),
            ("externalId=E1001 isSuspended=false", 1),
            ("externalId=E1001 isSuspended=true", 0),
            ("isAdmin=true", 3),
            ("isArchived=true", 0),
        ],
    )
    def test_search(self, client: Client, query: str, count: int) -> None:
        """The search language, as far as it is served: whole words, prefixes, aliases, clauses that must all hold."""
        path = f"{USERS}?{urllib.parse.urlencode({'customer': 'my_customer', 'query': query})}"
        found = client.call("GET", path, bearer=client.bearer())[1]
        assert len(found.get("users", [])) == count

    def test_partial_answers(self, client: Client) -> None:
        """A mask leaves out what it does not name, at every depth."""
        bearer = client.bearer()
        assert client.call("GET", f"{TANAKA}?fields=name/familyName,id", bearer=bearer)[1].keys() == {"name", "id"}
        whole = client.call("GET", f"{TANAKA}?fields=*", bearer=bearer)[1]
        assert whole["name"].keys() == {"givenName", "familyName", "fullName"}

    def test_log(self, client: Client) -> None:
        """The log's user is who did it; a filter on a parameter that an event lacks finds nothing and says nothing."""
        bearer = client.bearer()
        sato = f"{USERS}/{user_id('ken.sato')}"
        client.call("PUT", sato, {"changePasswordAtNextLogin": True, "recoveryPhone": ""}, bearer)
        client.call("PUT", sato, {"primaryEmail": "ken.s@hoshizora.example"}, bearer)
        assert client.call("GET", f"{USERS}/ken.sato@hoshizora.example", bearer=bearer)[0] == 200

        def count(path: str) -> int:
            return len(client.call("GET", path, bearer=bearer)[1].get("items", []))

        by_actor = LOG.replace("/all/", f"/{client.tenant.subject_id}/")
        assert count(by_actor) == count(LOG) > 0
        assert count(LOG.replace("/all/", f"/{user_id('ken.sato')}/")) == 0
        assert count(f"{LOG}?filters=NO_SUCH%3D%3Dx") == 0
        assert count(f"{LOG}?filters=USER_EMAIL%3C%3Eken.sato%40hoshizora.example") == count(LOG) - 2
        assert count(f"{LOG}?startTime=2099-01-01T00:00:00Z") == 0
        assert count(f"{LOG}?endTime=2000-01-01T00:00:00Z") == 0
        assert count(f"{LOG.replace('applications/admin', 'applications/vault')}") == 0

    def test_members(self, client: Client) -> None:
        """Memberships by role, of groups in groups, of addresses outside; a second one is a duplicate."""
        bearer = client.bearer()
        groups = client.call("GET", "/admin/directory/v1/groups?customer=my_customer", bearer=bearer)[1]["groups"]
        bid = next(g["id"] for g in groups if g["name"] == "bid-2026")
        members = f"/admin/directory/v1/groups/{bid}/members"
        assert client.call("POST", members, {"email": "x@mail.example"}, bearer)[0] == 200
        assert client.call("POST", members, {"email": "x@mail.example"}, bearer)[0] == 409
        assert client.call("POST", members, {"id": "1"}, bearer)[0] == 404
        assert client.call("POST", members, {"id": "1", "role": "KING"}, bearer)[0] == 400
        assert len(client.call("GET", f"{members}?roles=owner", bearer=bearer)[1]["members"]) == 2
        assert client.call("GET", f"{members}?roles=king", bearer=bearer)[0] == 400
        external = client.call("GET", "/admin/directory/v1/groups?userKey=x@mail.example", bearer=bearer)[1]
        assert [g["id"] for g in external["groups"]] == [bid]
