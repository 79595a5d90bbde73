"""Graph's routes: the calls, the permissions that each needs, and the check of the caller's token."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emulators.microsoft365 import permissions as may
from emulators.microsoft365.authority import read_token
from emulators.microsoft365.batch import answered, asked_for
from emulators.microsoft365.calls import Call
from emulators.microsoft365.directory import TENANT_ID
from emulators.microsoft365.errors import VendorRefusal, denied, malformed
from emulators.microsoft365.reading import ReadCalls
from emulators.microsoft365.sign_ins import SignInLogs
from emulators.microsoft365.writing import WriteCalls

if TYPE_CHECKING:
    from emulators.microsoft365.tenant import Tenant

Row: TypeAlias = "dict[str, Any]"

_LISTS = frozenset({"$top"})
_FILTERED = frozenset({"$filter", "$top", "$count", "$select"})
_METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"]


def routes(tenant: Tenant) -> list[Route]:
    """Return every call that this Graph answers; anything else is refused as Graph refuses it."""
    read, write, logs, audit = ReadCalls(tenant), WriteCalls(tenant), SignInLogs(tenant), tenant.purview
    user, group, roles = "/users/{user}", "/groups/{group}", "/roleManagement/directory"
    select, lists, filtered = frozenset({"$select"}), _LISTS, _FILTERED
    listed_roles = frozenset({"$filter", "$top", "$expand"})
    none: frozenset[str] = frozenset()
    table: list[tuple[str, str, Callable[[Call], Row | None], may.Alternatives, frozenset[str], int]] = [
        ("GET", "/organization", read.organization, may.READ_TENANT, select, 200),
        ("GET", "/subscribedSkus", read.subscribed_skus, may.READ_LICENCES, select, 200),
        ("GET", "/users", read.users, may.READ_USERS, filtered, 200),
        ("GET", user, read.user, may.READ_USERS, select, 200),
        ("PATCH", user, write.update_user, may.ENABLE_DISABLE, none, 204),
        ("POST", f"{user}/revokeSignInSessions", write.revoke_sessions, may.REVOKE_SESSIONS, none, 200),
        ("GET", f"{user}/memberOf", read.member_of, may.READ_MEMBER_OF, lists, 200),
        ("GET", f"{user}/ownedObjects", read.owned_objects, may.READ_USERS, lists, 200),
        ("GET", f"{user}/oauth2PermissionGrants", read.user_grants, may.READ_GRANTS, lists, 200),
        ("GET", f"{user}/appRoleAssignments", read.user_app_roles, may.READ_APP_ROLES, lists, 200),
        ("DELETE", user + "/appRoleAssignments/{assignment}", write.delete_app_role, may.WRITE_APP_ROLES, none, 204),
        ("GET", "/oauth2PermissionGrants", read.grants, may.READ_GRANTS, frozenset({"$filter", "$top"}), 200),
        ("DELETE", "/oauth2PermissionGrants/{grant}", write.delete_grant, may.WRITE_GRANTS, none, 204),
        ("GET", group, read.group, may.READ_GROUPS, select, 200),
        ("GET", f"{group}/members", read.group_members, may.READ_GROUPS, frozenset({"$select", "$top"}), 200),
        ("GET", f"{group}/owners", read.group_owners, may.READ_GROUPS, frozenset({"$select", "$top"}), 200),
        ("POST", f"{group}/members/$ref", write.add_member, may.WRITE_MEMBERS, none, 204),
        ("POST", f"{group}/owners/$ref", write.add_owner, may.WRITE_OWNERS, none, 204),
        ("DELETE", group + "/members/{user}/$ref", write.remove_member, may.WRITE_MEMBERS, none, 204),
        ("DELETE", group + "/owners/{user}/$ref", write.remove_owner, may.WRITE_OWNERS, none, 204),
        ("GET", f"{roles}/roleAssignments", read.role_assignments, may.READ_ROLES, listed_roles, 200),
        ("POST", f"{roles}/roleAssignments", write.create_role, may.WRITE_ROLES, none, 201),
        ("DELETE", roles + "/roleAssignments/{assignment}", write.delete_role, may.WRITE_ROLES, none, 204),
        ("GET", f"{roles}/roleEligibilityScheduleInstances", read.eligibilities, may.READ_ELIGIBLE, listed_roles, 200),
        ("POST", f"{roles}/roleEligibilityScheduleRequests", write.request_eligibility, may.WRITE_ELIGIBLE, none, 201),
        ("GET", "/servicePrincipals(appId='{app}')", read.service_principal, may.READ_APPLICATIONS, select, 200),
        (
            "GET", "/servicePrincipals/{principal}/appRoleAssignments", read.service_principal_app_roles,
            may.READ_APPLICATIONS, lists, 200,
        ),
        ("GET", "/security/auditLog/queries", audit.queries, may.READ_AUDIT, lists, 200),
        ("POST", "/security/auditLog/queries", audit.submit, may.READ_AUDIT, none, 201),
        ("GET", "/security/auditLog/queries/{query}", audit.query, may.READ_AUDIT, none, 200),
        ("GET", "/security/auditLog/queries/{query}/records", audit.records, may.READ_AUDIT, lists, 200),
        ("GET", "/auditLogs/signIns", logs.sign_ins, may.READ_LOGS, filtered, 200),
        ("GET", "/auditLogs/directoryAudits", logs.directory_audits, may.READ_LOGS, filtered, 200),
    ]  # fmt: skip
    beta = _endpoint(tenant, logs.sign_ins, may.READ_LOGS, filtered, 200)
    return (
        [
            Route(f"/v1.0{path}", _endpoint(tenant, answer, needed, query, status), methods=[method])
            for method, path, answer, needed, query, status in table
        ]
        + [Route("/beta/auditLogs/signIns", beta, methods=["GET"])]
        + [Route("/v1.0/$batch", _batch(tenant), methods=["POST"])]
        + [Route("/{path:path}", _nowhere, methods=_METHODS)]
    )


def _endpoint(
    tenant: Tenant, answer: Callable[[Call], Row | None], needed: may.Alternatives, query: frozenset[str], status: int
) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        own, asked = str(uuid4()), request.headers.get("client-request-id", str(uuid4()))
        headers = {"request-id": own, "client-request-id": asked, "x-ms-resource-unit": "1"}
        try:
            call = await _authenticated(tenant, request)
            if not may.opens(needed, call.roles):
                raise denied()
            for name in call.query:
                if name not in query | {"$skiptoken"}:
                    raise malformed(
                        f"The query specified in the URI is not valid. Query option '{name}' is not allowed."
                    )
            body = answer(call)
        except VendorRefusal as problem:
            return JSONResponse(problem.body(own, asked), problem.status, headers | problem.headers)
        if body is None:
            return Response(status_code=status, headers=headers)
        return JSONResponse(body, status, headers)

    return endpoint


def _batch(tenant: Tenant) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        own, asked = str(uuid4()), request.headers.get("client-request-id", str(uuid4()))
        headers = {"request-id": own, "client-request-id": asked}
        try:
            call = await _authenticated(tenant, request)
            return JSONResponse(await answered(request, asked_for(call)), headers=headers)
        except VendorRefusal as problem:
            return JSONResponse(problem.body(own, asked), problem.status, headers | problem.headers)

    return endpoint


async def _authenticated(tenant: Tenant, request: Request) -> Call:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    challenge = {"WWW-Authenticate": 'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common"'}
    if scheme.casefold() != "bearer" or not token:
        raise VendorRefusal(401, "InvalidAuthenticationToken", "Access token is empty.", challenge)
    try:
        claims = read_token(token, TENANT_ID)
    except ValueError as exc:
        raise VendorRefusal(401, "InvalidAuthenticationToken", str(exc), challenge) from None
    version = f"/{request.url.path.split('/')[1]}"
    return Call(
        root=f"{request.url.scheme}://{request.url.netloc}{version}",
        path=request.url.path.removeprefix(version),
        params={name: str(value) for name, value in request.path_params.items()},
        query=dict(request.query_params),
        headers=dict(request.headers),
        raw=await request.body(),
        application=tenant.applications[claims["appid"]],
        roles=frozenset(claims["roles"]),
    )


async def _nowhere(request: Request) -> Response:
    segment = request.url.path.rsplit("/", 1)[-1]
    problem = malformed(f"Resource not found for the segment '{segment}'.")
    return JSONResponse(problem.body(str(uuid4()), request.headers.get("client-request-id", "")), 400)
