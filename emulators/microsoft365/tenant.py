"""The emulated Microsoft 365 tenant: Entra's authority and Graph v1.0 behind one https host."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from cryptography import x509
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from emulators.microsoft365 import permissions as may
from emulators.microsoft365.authority import Application, authenticate, issue
from emulators.microsoft365.calls import PagingOptions
from emulators.microsoft365.directory import ROLES, TENANT_ID, Directory, build, guid
from emulators.microsoft365.errors import TokenRefusal
from emulators.microsoft365.graph import routes
from emulators.microsoft365.purview import PurviewCalls
from emulators.microsoft365.purview_history import AuditOptions, PurviewHistory

Row: TypeAlias = "dict[str, Any]"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client needs to sign in as an application."""

    tenant_id: str
    client_id: str
    client_secret: str


class Tenant:
    """
    Hoshizora Trading's tenant.  `app` is the ASGI application, for https only (Entra's clients insist).

    Options:
        page_size: caps every page, also if the client asks for more.
        empty_page: puts an empty page that has a next link after each first page.
        plan: "P2", "P1" or "free"; Privileged Identity Management is refused below P2.
        permissions, write_permissions: app permissions of the two applications; by default the first has both tiers.
        own_roles: names of directory roles that both service principals have.
        replica_lag: how many reads after a write still see the state before it.
        token_seconds: how long access tokens live.
        audit: how the logs behave.  `book` has people's activity, `purview` the searches.
    """

    def __init__(  # noqa: PLR0913  # one keyword an option, each with a default
        self,
        *,
        page_size: int | None = None,
        empty_page: bool = False,
        plan: str = "P2",
        permissions: Iterable[str] = may.READ_TIER | may.WRITE_TIER,
        write_permissions: Iterable[str] = may.WRITE_TIER,
        own_roles: Iterable[str] = (),
        replica_lag: int = 0,
        token_seconds: int = 3599,
        audit: AuditOptions = AuditOptions(),  # noqa: B008  # frozen
    ) -> None:
        if plan not in {"P2", "P1", "free"}:
            raise ValueError(f"no such plan: {plan}")
        self.plan = plan
        self.paging = PagingOptions(page_size, empty_page)
        self.replica_lag = replica_lag
        self.token_seconds = token_seconds
        self.directory = build()
        self.audit: list[Row] = []
        self.book = PurviewHistory(audit, self.directory.users)
        self.purview = PurviewCalls(self)
        self.applications: dict[str, Application] = {}
        self._replica: Directory | None = None
        self._stale_reads = 0
        for name, held in (("main", permissions), ("write", write_permissions)):
            self._register(name, frozenset(held), own_roles)
        self._first = {user: self.fingerprint(user) for user in self.directory.users}
        self.app = Starlette(routes=[*self._entra(), *routes(self)])

    def _register(self, name: str, held: frozenset[str], own_roles: Iterable[str]) -> None:
        client, object_id = guid(f"client:{name}"), guid(f"application:lastday {name}")
        self.applications[client] = Application(client, object_id, f"secret-of-{name}", held)
        row = {"id": object_id, "appId": client, "displayName": f"lastday {name}", "accountEnabled": True}
        self.directory.applications[object_id] = row | {"servicePrincipalType": "Application", "appRoles": []}
        graph = guid("application:Microsoft Graph")
        for permission in sorted(held):
            self.directory.give_app_role(object_id, "ServicePrincipal", name, graph, guid(f"permission:{permission}"))
        self.directory.applications[graph]["appRoles"] = [_app_role(p) for p in sorted(may.KNOWN | held)]
        for role in own_roles:
            self.directory.assign(object_id, ROLES[role])

    def credentials(self, name: str = "main") -> Credentials:
        """Return the secret of the "main" (both tiers) or of the "write" application."""
        application = self.applications[guid(f"client:{name}")]
        return Credentials(TENANT_ID, application.client_id, application.secret)

    def trust(self, certificate: bytes, name: str = "main") -> None:
        """Register a certificate (PEM; a private key beside it is ignored) with an application."""
        application = self.applications[guid(f"client:{name}")]
        application.certificates += (x509.load_pem_x509_certificate(certificate),)

    def user_id(self, person: str) -> str:
        """Return the object id of an employee number, or of the mailbox of an account that has none."""
        return guid(f"user:{person}")

    def invite(self, email: str, name: str) -> str:
        """Add a guest and return the object id."""
        object_id = guid(f"guest:{email}")
        template = self.directory.users[guid("user:X2001")]
        upn = email.replace("@", "_") + "#EXT#@hoshizora.onmicrosoft.com"
        mails = {"mail": email, "otherMails": [email], "proxyAddresses": [f"SMTP:{email}"], "userPrincipalName": upn}
        names = {"displayName": name, "surname": None, "givenName": None}
        self.directory.users[object_id] = template | {"id": object_id} | mails | names
        self.directory.sessions[object_id] = []
        return object_id

    def sync_cycle(self) -> None:
        """Run directory synchronisation: the on-premises state overwrites changes that were made in the cloud."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for user, enabled in self.directory.on_premises.items():
            self.directory.users[user].update(accountEnabled=enabled, onPremisesLastSyncDateTime=now)

    def view(self) -> Directory:
        """Return what a read sees now: the present state, or, for `replica_lag` reads after a write, the state before it."""
        if self._replica is not None and self._stale_reads > 0:
            self._stale_reads -= 1
            return self._replica
        return self.directory

    def before_write(self) -> None:
        """Leave a replica behind."""
        if self.replica_lag:
            self._replica, self._stale_reads = copy.deepcopy(self.directory), self.replica_lag

    def enable(self, user: str, by: str) -> None:
        """Let *user* sign in again, as the administrator *by* does in the vendor's console."""
        self.directory.users[user]["accountEnabled"] = True
        who = {name: self.directory.users[by][name] for name in ("id", "displayName", "userPrincipalName")}
        self._note("Enable account", {"user": who | {"ipAddress": "203.0.113.25"}}, [{"id": user, "type": "User"}])

    def rename(self, user: str, upn: str) -> None:
        """Give *user* another sign-in name; the former name does not stay as an address."""
        row = self.directory.users[user]
        former, row["userPrincipalName"] = row["userPrincipalName"], upn
        changed = {"displayName": "UserPrincipalName", "oldValue": json.dumps([former]), "newValue": json.dumps([upn])}
        target = {"id": user, "type": "User", "userPrincipalName": upn, "modifiedProperties": [changed]}
        self._note("Update user", {"app": {"displayName": "Microsoft Azure AD Connect"}}, [target])

    def note(self, activity: str, user: str, application: Application, group: str | None = None) -> None:
        """Add what *application* did to the tenant's own audit log."""
        targets = [{"id": user, "type": "User"}] + ([{"id": group, "type": "Group"}] if group else [])
        self._note(activity, {"app": {"appId": application.client_id}}, targets)

    def _note(self, activity: str, by: Row, targets: Sequence[Row]) -> None:
        """Add a line as `/auditLogs/directoryAudits` has it."""
        self.audit.append(
            {
                "activityDisplayName": activity,
                "activityDateTime": datetime.now(UTC).isoformat(),
                "initiatedBy": by,
                "targetResources": targets,
                "result": "success",
            }
        )

    def live_sessions(self, user: str) -> list[str]:
        """Return the sessions of *user* that Entra still honours; a guest's are the home tenant's and stay out."""
        if self.directory.users[user]["userType"] == "Guest":
            return []
        since = self.directory.users[user]["signInSessionsValidFromDateTime"]
        return [issued for issued in self.directory.sessions[user] if issued >= since]

    def fingerprint(self, user: str) -> str:
        """Return *user*'s whole state as one comparable text."""
        d = self.directory
        held = [
            [d.users[user]],
            sorted(g for g, u in d.members if u == user),
            sorted(g for g, u in d.owners if u == user),
            *(
                sorted(key for key, row in table.items() if row["principalId"] == user)
                for table in (d.role_assignments, d.eligibilities, d.grants, d.app_roles)
            ),
        ]
        return json.dumps(held, sort_keys=True)

    def changed(self) -> set[str]:
        """Return the ids of the users whose state differs from what it was at the start."""
        return {u for u in self.directory.users if self.fingerprint(u) != self._first.get(u)}

    def _entra(self) -> list[BaseRoute]:
        async def token(request: Request) -> Response:
            try:
                _check_tenant(request.path_params["tenant"])
                form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
                own_url = f"https://{request.url.netloc}{request.url.path}"
                application = authenticate(form, self.applications, own_url)
            except TokenRefusal as problem:
                return JSONResponse(problem.body(), problem.status)
            access = issue(application, TENANT_ID, f"https://sts.windows.net/{TENANT_ID}/", self.token_seconds)
            lives = {"expires_in": self.token_seconds, "ext_expires_in": self.token_seconds}
            return JSONResponse({"token_type": "Bearer", **lives, "access_token": access})

        async def discovery(request: Request) -> Response:
            root = f"https://{request.url.netloc}/{TENANT_ID}"
            found = {
                "token_endpoint": f"{root}/oauth2/v2.0/token",
                "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
                "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
                "issuer": f"{root}/v2.0",
                "jwks_uri": f"{root}/discovery/v2.0/keys",
                "response_types_supported": ["code"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "tenant_region_scope": "AS",
            }
            return JSONResponse(found)

        return [
            Route("/{tenant}/oauth2/v2.0/token", token, methods=["POST"]),
            Route(f"/{TENANT_ID}/v2.0/.well-known/openid-configuration", discovery),
        ]


def _check_tenant(asked: str) -> None:
    if asked != TENANT_ID:
        raise TokenRefusal(400, "invalid_request", 90002, f"Tenant '{asked}' not found. Check your tenant name.")


def _app_role(permission: str) -> Row:
    return {
        "id": guid(f"permission:{permission}"),
        "value": permission,
        "displayName": permission,
        "description": permission,
        "allowedMemberTypes": ["Application"],
        "isEnabled": True,
        "origin": "Application",
    }
