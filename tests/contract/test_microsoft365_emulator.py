"""
The emulated tenant, held to Microsoft's machine-readable description: every kind of answer and of request is parsed by
msgraph-sdk's own models, and no property may be left over.
"""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from kiota_serialization_json.json_parse_node_factory import JsonParseNodeFactory
from msgraph.generated.models.app_role_assignment_collection_response import AppRoleAssignmentCollectionResponse
from msgraph.generated.models.directory_audit_collection_response import DirectoryAuditCollectionResponse
from msgraph.generated.models.directory_object_collection_response import DirectoryObjectCollectionResponse
from msgraph.generated.models.group import Group
from msgraph.generated.models.o_auth2_permission_grant_collection_response import (
    OAuth2PermissionGrantCollectionResponse,
)
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.organization_collection_response import OrganizationCollectionResponse
from msgraph.generated.models.reference_create import ReferenceCreate
from msgraph.generated.models.security.audit_log_query import AuditLogQuery
from msgraph.generated.models.security.audit_log_query_collection_response import AuditLogQueryCollectionResponse
from msgraph.generated.models.security.audit_log_query_status import AuditLogQueryStatus
from msgraph.generated.models.security.audit_log_record_collection_response import AuditLogRecordCollectionResponse
from msgraph.generated.models.service_principal import ServicePrincipal
from msgraph.generated.models.sign_in_collection_response import SignInCollectionResponse
from msgraph.generated.models.subscribed_sku_collection_response import SubscribedSkuCollectionResponse
from msgraph.generated.models.unified_role_assignment import UnifiedRoleAssignment
from msgraph.generated.models.unified_role_assignment_collection_response import UnifiedRoleAssignmentCollectionResponse
from msgraph.generated.models.unified_role_eligibility_schedule_instance_collection_response import (
    UnifiedRoleEligibilityScheduleInstanceCollectionResponse,
)
from msgraph.generated.models.unified_role_eligibility_schedule_request import UnifiedRoleEligibilityScheduleRequest
from msgraph.generated.models.user import User
from msgraph.generated.models.user_collection_response import UserCollectionResponse
from msgraph.generated.users.item.revoke_sign_in_sessions.revoke_sign_in_sessions_post_response import (
    RevokeSignInSessionsPostResponse,
)

from connectors.activity import Window
from emulators.activity_profiles import heavy_leaver
from emulators.ca import certificate
from emulators.fault_proxy import FaultProxy, served
from emulators.microsoft365 import Tenant
from emulators.microsoft365.permissions import READ_TIER, WRITE_TIER
from models.vocabulary import Account, Service
from tests.contract.rig_microsoft365 import rig

_ANNOTATIONS = ("@odata.",)


class Client:
    """A bare client of the emulated tenant, signed in with a secret."""

    def __init__(self, tenant: Tenant, root: str, ca: Path) -> None:
        self.tenant = tenant
        self.http = httpx.Client(base_url=root, verify=ssl.create_default_context(cafile=ca))
        self.token = self.sign_in().json().get("access_token", "")

    def sign_in(self, **more: str) -> httpx.Response:
        """Ask for a token; *more* replaces what the form says."""
        own = self.tenant.credentials()
        form = {
            "grant_type": "client_credentials",
            "client_id": own.client_id,
            "client_secret": own.client_secret,
            "scope": "https://graph.microsoft.com/.default",
        } | more
        return self.http.post(f"/{own.tenant_id}/oauth2/v2.0/token", data={k: v for k, v in form.items() if v})

    def graph(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Call Graph."""
        signed = {"Authorization": f"Bearer {self.token}"} | headers
        return self.http.request(method, f"/v1.0{path}", json=body, headers=signed)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """One tenant for tests that change nothing of each other's."""
    yield from _client(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Client]:
    """A tenant of the test's own."""
    yield from _client(tmp_path)


def _client(directory: Path) -> Iterator[Client]:
    tenant = Tenant()
    papers = certificate(directory)
    with served(FaultProxy(tenant.app), certificate=papers.pair) as root:
        made = Client(tenant, root, papers.ca)
        yield made
        made.http.close()


def parse(content: bytes, model: Any) -> Any:
    """Parse *content* with one of the SDK's models."""
    node = JsonParseNodeFactory().get_root_parse_node("application/json", content)
    return node.get_object_value(model)


def leftovers(model: Any, at: str = "") -> Iterator[str]:
    """Yield the paths of the properties that no model knows, annotations aside."""
    for name, value in vars(model).items():
        if name == "additional_data":
            yield from (f"{at}.{key}" for key in value if not key.startswith(_ANNOTATIONS))
            continue
        for item in value if isinstance(value, list) else [value]:
            if hasattr(item, "get_field_deserializers"):
                yield from leftovers(item, f"{at}.{name}")


ALL_OF_A_USER = (
    "id,accountEnabled,displayName,givenName,surname,mail,userPrincipalName,employeeId,proxyAddresses,otherMails,userType,"
    "externalUserState,creationType,createdDateTime,department,jobTitle,onPremisesSyncEnabled,onPremisesDistinguishedName,"
    "onPremisesSamAccountName,onPremisesLastSyncDateTime,signInSessionsValidFromDateTime,lastPasswordChangeDateTime,"
    "usageLocation,businessPhones,mobilePhone,officeLocation,preferredLanguage"
)
ROLES = "/roleManagement/directory"
ANSWERS = [
    ("/users", UserCollectionResponse),
    (f"/users?$select={ALL_OF_A_USER}&$top=999", UserCollectionResponse),
    ("/users/{user}", User),
    (f"/users/{{user}}?$select={ALL_OF_A_USER}", User),
    ("/users/{user}/memberOf", DirectoryObjectCollectionResponse),
    ("/users/{admin}/memberOf", DirectoryObjectCollectionResponse),
    ("/users/{user}/ownedObjects", DirectoryObjectCollectionResponse),
    ("/users/{user}/oauth2PermissionGrants", OAuth2PermissionGrantCollectionResponse),
    ("/oauth2PermissionGrants?$filter=consentType eq 'AllPrincipals'", OAuth2PermissionGrantCollectionResponse),
    ("/users/{user}/appRoleAssignments", AppRoleAssignmentCollectionResponse),
    ("/groups/{group}", Group),
    ("/groups/{group}/members", DirectoryObjectCollectionResponse),
    ("/groups/{group}/owners", DirectoryObjectCollectionResponse),
    (f"{ROLES}/roleAssignments?$expand=roleDefinition", UnifiedRoleAssignmentCollectionResponse),
    (
        f"{ROLES}/roleEligibilityScheduleInstances?$expand=roleDefinition",
        UnifiedRoleEligibilityScheduleInstanceCollectionResponse,
    ),
    ("/organization", OrganizationCollectionResponse),
    ("/subscribedSkus", SubscribedSkuCollectionResponse),
    ("/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')", ServicePrincipal),
    ("/users/nobody", ODataError),
]


class TestAnswers:
    @pytest.mark.parametrize(("path", "model"), ANSWERS, ids=[path.partition("?")[0] for path, _ in ANSWERS])
    def test_known_to_the_sdk(self, client: Client, path: str, model: Any) -> None:
        """Every property of every kind of answer is one that Microsoft's model has."""
        named = path.format(
            user=client.tenant.user_id("E1001"),
            admin=client.tenant.user_id("E1009"),
            group=next(group for group, _ in client.tenant.directory.owners),
        )
        answer = client.graph("GET", named)
        parsed = parse(answer.content, model)
        assert list(leftovers(parsed)) == []
        if "value" in answer.json():
            assert len(parsed.value) == len(answer.json()["value"]) > 0
            assert type(parsed.value[0]).__name__ != "DirectoryObject"

    def test_the_check_itself(self) -> None:
        """A property that no model has is found, at any depth: the check is not empty."""
        group = {"@odata.type": "#microsoft.graph.group", "colour": 1, "assignedLabels": [{"labelId": "1", "hue": 1}]}
        parsed = parse(json.dumps({"value": [group], "shade": 1}).encode(), DirectoryObjectCollectionResponse)
        assert set(leftovers(parsed)) == {".shade", ".value.colour", ".value.assigned_labels.hue"}

    def test_answers_of_writes(self, own: Client) -> None:
        """So are the answers of the writes that have one."""
        user = own.tenant.user_id("E1001")
        ended = own.graph("POST", f"/users/{user}/revokeSignInSessions")
        assert parse(ended.content, RevokeSignInSessionsPostResponse).value is True
        role = {
            "principalId": user,
            "roleDefinitionId": "4a5d8f65-41da-4de4-8968-e035b65339cf",
            "directoryScopeId": "/",
        }
        made = own.graph("POST", f"{ROLES}/roleAssignments", role)
        assert (made.status_code, list(leftovers(parse(made.content, UnifiedRoleAssignment)))) == (201, [])
        removed = own.graph("POST", f"{ROLES}/roleEligibilityScheduleRequests", role | {"action": "adminRemove"})
        assert (
            removed.status_code,
            list(leftovers(parse(removed.content, UnifiedRoleEligibilityScheduleRequest))),
        ) == (201, [])

    async def test_requests(self) -> None:
        """Every body that the connector sends is one that Microsoft's model has."""
        known = {
            "/users/": User,
            "/$ref": ReferenceCreate,
            "/roleAssignments": UnifiedRoleAssignment,
            "/roleEligibilityScheduleRequests": UnifiedRoleEligibilityScheduleRequest,
        }
        async with rig(own_roles=["Global Administrator"]) as r:
            for person in ("E1001", "adm-sho.ito"):
                account = Account(Service.MICROSOFT365, r.account_id(person))
                for row in await r.connector.list_access(account):
                    await r.connector.revoke(row)
                    if row.kind not in {"grant", "session"}:
                        await r.connector.restore(row, row.prestate)
            batches = [q for q in r.stage.journal if q.path.endswith("/$batch")]
            inner = [q for q in r.stage.journal if q.inner]
            assert len(inner) == sum(len(json.loads(q.body)["requests"]) for q in batches) > len(batches)
            assert {(q.method, q.body) for q in inner} == {("GET", b"")}  # a write goes by itself
            sent = [q for q in r.stage.journal if q.body and q.path.startswith("/v1.0/") and q not in batches]
            assert len({q.path.rpartition("/")[2] for q in sent if not q.path.startswith("/v1.0/users")}) == 3
            for request in sent:
                model = next(m for end, m in known.items() if end in request.path.removesuffix(r.account_id("E1001")))
                assert list(leftovers(parse(request.body, model))) == []


class TestLogs:
    """The logs' answers and requests, held to the same models.  What is in `auditData` no model has."""

    def test_searches(self, own: Client) -> None:
        """A search, the list of searches, and its records."""
        now = datetime.now(UTC)
        asked = {
            "displayName": "x",
            "filterStartDateTime": (now - timedelta(days=9)).isoformat(),
            "filterEndDateTime": now.isoformat(),
            "userPrincipalNameFilters": ["misaki.tanaka@hoshizora.example"],
        }
        user = own.tenant.user_id("E1001")
        own.tenant.book.behave(user, heavy_leaver("x", now.date() + timedelta(days=1), taken=50))
        made = own.graph("POST", "/security/auditLog/queries", asked)
        assert (made.status_code, list(leftovers(parse(made.content, AuditLogQuery)))) == (201, [])
        listed = parse(own.graph("GET", "/security/auditLog/queries").content, AuditLogQueryCollectionResponse)
        assert list(leftovers(listed)) == []
        path = f"/security/auditLog/queries/{made.json()['id']}"
        found = parse(own.graph("GET", path).content, AuditLogQuery)
        assert (found.status, list(leftovers(found))) == (AuditLogQueryStatus.Succeeded, [])
        records = parse(own.graph("GET", f"{path}/records?$top=999").content, AuditLogRecordCollectionResponse)
        assert len(records.value) > 100
        assert [name for name in leftovers(records) if not name.startswith(".value.audit_data.")] == []
        assert all(r.audit_log_record_type is not None and r.user_type is not None for r in records.value)

    def test_entra(self, own: Client) -> None:
        """Sign-ins and changes."""
        user, now = own.tenant.user_id("E1001"), datetime.now(UTC)
        own.tenant.book.behave(user, heavy_leaver("x", now.date() - timedelta(days=1), taken=50))
        own.graph("PATCH", f"/users/{user}", {"accountEnabled": False})
        times = "{0} ge {1:%Y-%m-%dT%H:%M:%SZ} and {0} le {2:%Y-%m-%dT%H:%M:%SZ}"
        for path, clause, stamp, model in (
            ("signIns", f"userId eq '{user}'", "createdDateTime", SignInCollectionResponse),
            (
                "directoryAudits",
                f"initiatedBy/user/id eq '{user}'",
                "activityDateTime",
                DirectoryAuditCollectionResponse,
            ),
            (
                "directoryAudits",
                f"targetResources/any(t: t/id eq '{user}')",
                "activityDateTime",
                DirectoryAuditCollectionResponse,
            ),
        ):
            asked = f"{clause} and {times.format(stamp, now - timedelta(days=29), now + timedelta(days=1))}"
            answer = parse(own.graph("GET", f"/auditLogs/{path}?$filter={quote(asked)}").content, model)
            assert len(answer.value) > 0
            assert list(leftovers(answer)) == []

    async def test_requests(self) -> None:
        """The search that the connector submits has properties that the model has, and no others."""
        async with rig() as r:
            window = Window(datetime.now(UTC) - timedelta(days=9), datetime.now(UTC))
            leaver, cursor = Account(Service.MICROSOFT365, r.account_id("E1001")), None
            for _ in range(2):
                cursor = (await r.connector.activity(leaver, "purview", window, cursor)).cursor
            (body,) = [
                request.body for request in r.stage.journal if request.method == "POST" and "audit" in request.path
            ]
            assert list(leftovers(parse(body, AuditLogQuery))) == []
            sent = json.loads(body)
            assert sent["userPrincipalNameFilters"][0] == "misaki.tanaka@hoshizora.example"
            assert {"operationFilters", "serviceFilters"}.isdisjoint(sent)


class TestAuthority:
    @pytest.mark.parametrize(
        ("change", "status", "number"),
        [
            ({"client_secret": "wrong"}, 401, 7000215),
            ({"client_secret": ""}, 401, 7000218),
            ({"client_id": "nobody"}, 400, 700016),
            ({"scope": "https://graph.microsoft.com/User.Read"}, 400, 1002012),
            ({"grant_type": "password"}, 400, 70003),
        ],
    )
    def test_refusals(self, client: Client, change: dict[str, str], status: int, number: int) -> None:
        """A request for a token that is wrong is refused with Entra's number, inside and outside of the sentence."""
        answer = client.sign_in(**change)
        assert (answer.status_code, answer.json()["error_codes"]) == (status, [number])
        assert answer.json()["error_description"].startswith(f"AADSTS{number}: ")
        assert "access_token" not in answer.json()

    def test_discovery(self, client: Client) -> None:
        """The openid-configuration names the token endpoint of this same host."""
        tenant = client.tenant.credentials().tenant_id
        found = client.http.get(f"/{tenant}/v2.0/.well-known/openid-configuration").json()
        assert found["token_endpoint"] == f"{client.http.base_url}/{tenant}/oauth2/v2.0/token"

    def test_roles_in_the_token(self, client: Client) -> None:
        """The token says which app permissions were consented to."""
        body = client.token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        assert set(claims["roles"]) == READ_TIER | WRITE_TIER
        assert claims["aud"] == "https://graph.microsoft.com"

    @pytest.mark.parametrize("token", ["a.b.c", "nonsense", "a.b"])
    def test_bad_token(self, client: Client, token: str) -> None:
        """Without a token of the authority's, Graph answers nothing."""
        answer = client.http.get("/v1.0/users", headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")
        assert "www-authenticate" in answer.headers

    def test_tampered_token(self, client: Client) -> None:
        """A token with other claims than were signed is none."""
        head, _, signature = client.token.split(".")
        body = base64.urlsafe_b64encode(b'{"roles": []}').decode().rstrip("=")
        answer = client.http.get("/v1.0/users", headers={"Authorization": f"Bearer {head}.{body}.{signature}"})
        assert answer.status_code == 401


class TestQueries:
    def test_default_properties(self, client: Client) -> None:
        """What Graph does not return by default is absent, not null."""
        user = client.graph("GET", f"/users/{client.tenant.user_id('E1001')}").json()
        assert "mail" in user
        assert not {"accountEnabled", "employeeId", "userType", "proxyAddresses"} & set(user)

    @pytest.mark.parametrize(
        ("clause", "people"),
        [
            ("employeeId eq 'E1001'", 1),
            ("employeeId in ('E1001','E1002','nobody')", 2),
            ("mail eq 'MISAKI.TANAKA@hoshizora.example'", 1),
            ("proxyAddresses/any(p:p eq 'smtp:k.sato@hoshizora.example')", 1),
            ("proxyAddresses/any(p:startsWith(p,'smtp:'))", 3),
            ("otherMails/any(p:p eq 'john.miller@kaze-logistics.example')", 1),
            ("userType eq 'Guest'", 1),
            ("accountEnabled eq false", 0),
            ("displayName eq '佐藤 健' and not (employeeId eq 'E1002')", None),
            ("startsWith(displayName,'佐藤') or (surname eq '田中' and givenName eq '美咲')", 3),
            ("userPrincipalName eq 'sean.o''brien@hoshizora.example'", 1),
        ],
    )
    def test_filters(self, client: Client, clause: str, people: int | None) -> None:
        """The filters of the reference are answered; `not` only as an advanced query."""
        answer = client.graph("GET", f"/users?$filter={clause}&$select=id&$top=999")
        if people is None:
            assert answer.json()["error"]["code"] == "Request_UnsupportedQuery"
        else:
            assert len(answer.json()["value"]) == people

    @pytest.mark.parametrize("clause", ["accountEnabled ne true", "endsWith(mail,'@hoshizora.example')"])
    def test_advanced(self, client: Client, clause: str) -> None:
        """Some operators need `ConsistencyLevel: eventual` and `$count=true`, both."""
        path = f"/users?$filter={clause}&$top=999"
        assert client.graph("GET", path).status_code == 400
        assert client.graph("GET", f"{path}&$count=true").status_code == 400
        assert client.graph("GET", path, ConsistencyLevel="eventual").status_code == 400
        answer = client.graph("GET", f"{path}&$count=true", ConsistencyLevel="eventual").json()
        assert answer["@odata.count"] == len(answer["value"])

    @pytest.mark.parametrize(
        "path",
        [
            "/users?$filter=favouriteColour eq 'red'",
            "/users?$filter=otherMails eq 'x'",
            "/users?$filter=employeeId eq",
            "/users?$filter=employeeId eq 'a' b",
            "/users?$filter=(employeeId eq 'a'",
            "/users?$filter=employeeId % 'a'",
            "/users?$filter=mail in (" + ",".join(["'x'"] * 16) + ")",
            "/users?$filter=" + " or ".join(["mail eq 'x'"] * 16),
            "/users?$select=favouriteColour",
            "/users?$search=x",
            "/users?$top=1000",
            "/users?$top=x",
            "/users?$skiptoken=x",
            "/users?$orderby=mail",
            "/colours",
            "/users/x/colours",
            f"{ROLES}/roleAssignments?$expand=principal",
        ],
    )
    def test_refused(self, client: Client, path: str) -> None:
        """What Graph would not answer is refused, never ignored."""
        answer = client.graph("GET", path)
        assert answer.status_code == 400
        assert list(leftovers(parse(answer.content, ODataError))) == []

    def test_pages(self, client: Client) -> None:
        """Pages are linked absolutely, to this same host, and hold everybody once."""
        url, seen = "/users?$top=7&$select=id", []
        while url:
            page = client.graph("GET", url).json()
            seen += [row["id"] for row in page["value"]]
            link = page.get("@odata.nextLink")
            assert link is None or link.startswith(f"{client.http.base_url}/v1.0/users?$top=7")
            url = link.removeprefix(f"{client.http.base_url}/v1.0") if link else ""
        assert sorted(seen) == sorted(client.tenant.directory.users)

    def test_request_ids(self, client: Client) -> None:
        """The caller's request id comes back in header and error; the vendor adds its own."""
        answer = client.graph("GET", "/users/nobody", **{"client-request-id": "mine"})
        assert answer.headers["client-request-id"] == "mine"
        assert answer.json()["error"]["innerError"]["client-request-id"] == "mine"


class TestWrites:
    @pytest.mark.parametrize("body", [{"mobile_phone": None}, {"accountEnabled": "no"}, [], {"id": "x"}])
    def test_unknown_property(self, client: Client, body: Any) -> None:
        """A property that a user does not have, or of another type, is refused: Python's spelling among them."""
        assert client.graph("PATCH", f"/users/{client.tenant.user_id('E1001')}", body).status_code == 400
        assert client.tenant.changed() == set()

    def test_synced_user(self, own: Client) -> None:
        """Of a synced user only `accountEnabled` is taken from the cloud, until the next synchronisation."""
        own.token = _wider(own)
        path = f"/users/{own.tenant.user_id('E1004')}"
        assert own.graph("PATCH", path, {"jobTitle": "x"}).status_code == 400
        assert own.graph("PATCH", path, {"accountEnabled": False}).status_code == 204
        own.tenant.sync_cycle()
        assert own.tenant.directory.users[own.tenant.user_id("E1004")]["accountEnabled"] is True

    def test_other_properties_need_more(self, client: Client) -> None:
        """The permission to disable does not open other properties."""
        path = f"/users/{client.tenant.user_id('E1001')}"
        assert client.graph("PATCH", path, {"jobTitle": "x"}).status_code == 403

    def test_wrong_group_and_gone_member(self, client: Client) -> None:
        """The same code for a group that does not exist and for a member who is gone."""
        group = next(group for group, _ in client.tenant.directory.owners)
        answers = [
            client.graph("DELETE", f"/groups/{name}/members/{client.tenant.user_id('E1016')}/$ref")
            for name in (group, "00000000-0000-0000-0000-000000000000")
        ]
        assert {(a.status_code, a.json()["error"]["code"]) for a in answers} == {(404, "Request_ResourceNotFound")}

    def test_reference_to_another_host(self, client: Client) -> None:
        """A member is added by a reference of this Graph, not of another."""
        group = next(group for group, _ in client.tenant.directory.owners)
        body = {"@odata.id": f"https://elsewhere.example/v1.0/directoryObjects/{client.tenant.user_id('E1016')}"}
        assert client.graph("POST", f"/groups/{group}/members/$ref", body).status_code == 400

    def test_guest_sessions(self, own: Client) -> None:
        """Ending a guest's sessions is answered with true, and ends nothing."""
        user = own.tenant.user_id("X2001")
        before = own.tenant.fingerprint(user)
        assert own.graph("POST", f"/users/{user}/revokeSignInSessions").json()["value"] is True
        assert own.tenant.fingerprint(user) == before

    def test_audit(self, own: Client) -> None:
        """The tenant's own log has what was done, to whom and by which application."""
        user = own.tenant.user_id("E1001")
        own.graph("PATCH", f"/users/{user}", {"accountEnabled": False})
        own.graph("POST", f"/users/{user}/revokeSignInSessions")
        assert [event["activityDisplayName"] for event in own.tenant.audit] == [
            "Disable account",
            "Update StsRefreshTokenValidFrom Timestamp",
        ]
        assert own.tenant.audit[0]["targetResources"][0]["id"] == user

    @pytest.mark.parametrize(
        "body",
        [
            {"action": "selfActivate"},
            {"action": "adminAssign", "scheduleInfo": {"expiration": {"type": "afterDuration"}}},
            {"action": "adminRemove", "principalId": 7},
            {"action": "adminRemove", "roleDefinitionId": "none"},
        ],
    )
    def test_eligibility_requests(self, client: Client, body: dict[str, Any]) -> None:
        """A request for eligibility that the directory cannot carry out is refused."""
        base = {
            "principalId": client.tenant.user_id("E1016"),
            "roleDefinitionId": "4a5d8f65-41da-4de4-8968-e035b65339cf",
            "directoryScopeId": "/",
        }
        answer = client.graph("POST", f"{ROLES}/roleEligibilityScheduleRequests", base | body)
        assert answer.status_code in {400, 404}

    def test_unknown_plan(self) -> None:
        """An option that the tenant does not have is refused."""
        with pytest.raises(ValueError, match="no such plan"):
            Tenant(plan="P3")


def _wider(client: Client) -> str:
    """Give the application `User.ReadWrite.All` and return a token that has it."""
    application = next(iter(client.tenant.applications.values()))
    application.permissions |= {"User.ReadWrite.All"}
    token = client.sign_in().json()["access_token"]
    assert isinstance(token, str)
    return token
