"""Google Workspace: what an account holds is read whole, or the row says why not."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from connectors.google_workspace.manifest import GROUP_READ, MANIFEST, SECURITY, USER_READ
from emulators.fault_proxy import Fault
from emulators.google_workspace import SCOPES
from emulators.google_workspace.state import SUPER_ROLE, Group, RoleAssignment, user_id
from models.vocabulary import (
    Account,
    Entitlement,
    EntitlementKind,
    EntitlementState,
    Guard,
    RevocationResult,
    Service,
)
from tests.contract.rig import Rig
from tests.contract.rig_google_workspace import rig

K = EntitlementKind
TANAKA = "E1001"


def account(r: Rig, employee_no: str = TANAKA) -> Account:
    person_id = r.account_id(employee_no)
    return Account(Service.GOOGLE_WORKSPACE, person_id, label=r.tenant.users[person_id].email)


async def rows_of(r: Rig, kind: EntitlementKind, who: Account | None = None) -> list[Entitlement]:
    return list(await r.connector.list_access(who or account(r), frozenset({kind})))


def row(r: Rig, kind: EntitlementKind, vendor_id: str, employee_no: str = TANAKA) -> Entitlement:
    return Entitlement(Service.GOOGLE_WORKSPACE, r.account_id(employee_no), kind, vendor_id)


class TestListing:
    @pytest.mark.parametrize("page_size", [1, 2, 500])
    async def test_whole(self, page_size: int) -> None:
        """What is listed is what the tenant truly grants, whatever the size of its pages."""
        async with rig(page_size=page_size) as r:
            listing = await r.connector.list_access(account(r))
            assert {e.id for e in listing} == r.held(r.account_id(TANAKA))
            assert {kind: bool(proof) for kind, proof in listing.evidence.items()} == dict.fromkeys(
                MANIFEST.kinds, True
            )

    async def test_one_kind(self) -> None:
        """A read-back of one kind costs that kind's calls only."""
        async with rig() as r:
            await r.connector.list_access(account(r), frozenset({K.SIGN_IN}))  # learns our own id, once
            before = len(r.stage.journal)
            await r.connector.list_access(account(r), frozenset({K.SIGN_IN}))
            assert [q.path for q in r.stage.journal[before:]] == [f"/admin/directory/v1/users/{r.account_id(TANAKA)}"]

    async def test_nothing(self) -> None:
        """An account without grants has no row, and the look is proven; Google leaves the empty collection out."""
        async with rig() as r:
            r.tenant.users[r.account_id(TANAKA)].grants.clear()
            listing = await r.connector.list_access(account(r), frozenset({K.GRANT}))
            assert listing == []
            assert [e.status for e in listing.evidence[K.GRANT]] == [200]

    async def test_blocked(self) -> None:
        """A suspended or an archived user has no sign-in row, and everything else is still seen."""
        async with rig() as r:
            user = r.tenant.users[r.account_id(TANAKA)]
            user.suspended = True
            assert await rows_of(r, K.SIGN_IN) == []
            assert len(await rows_of(r, K.GRANT)) == 3
            user.suspended, user.archived = False, True
            assert await rows_of(r, K.SIGN_IN) == []

    async def test_evidence(self) -> None:
        """Evidence names ids and paths: no address and no query; digests, times with zone, the vendor's clock."""
        async with rig(page_size=1) as r:
            listing = await r.connector.list_access(account(r))
            proofs = [proof for several in listing.evidence.values() for proof in several]
            assert len(proofs) > 20
            for proof in proofs:
                assert "@" not in proof.what
                assert "?" not in proof.what
                assert proof.sent_at.tzinfo is UTC
                assert proof.received_at >= proof.sent_at
                assert proof.vendor_at is not None
                assert abs(proof.vendor_at - proof.sent_at) < timedelta(seconds=5)
                assert len(proof.response_sha256 or "") == 64
                assert proof.request_sha256 is None  # reads have no body

    async def test_codes_stay_at_google(self) -> None:
        """Backup codes are never asked for, though the call would give them."""
        async with rig() as r:
            await r.connector.list_access(account(r), frozenset({K.BACKUP_CODE}))
            asked = [q for q in r.stage.journal if "verificationCodes" in q.path]
            assert [q.query for q in asked] == ["fields=items%28kind%2CuserId%29&alt=json"]

    async def test_recovery(self) -> None:
        """Only the ways of recovery that exist are rows, and their values are nowhere in them."""
        async with rig() as r:
            user = r.tenant.users[r.account_id(TANAKA)]
            user.recovery_phone = ""
            rows = await rows_of(r, K.RECOVERY)
            assert [e.vendor_id for e in rows] == ["email"]
            assert user.recovery_email not in repr(rows)


class TestStamps:
    async def test_none_yet(self) -> None:
        """Sessions and the password are rows without a stamp until something ended them."""
        async with rig() as r:
            assert [(e.vendor_id, e.ended_at) for e in await rows_of(r, K.SESSION)] == [("account", None)]
            assert [(e.vendor_id, e.ended_at) for e in await rows_of(r, K.PASSWORD)] == [("account", None)]

    async def test_newest(self) -> None:
        """The stamp is the newest of the events, on whatever page it stands; another user's events are not this one's."""
        async with rig(page_size=1) as r:
            for _ in range(3):
                await r.connector.revoke(row(r, K.SESSION, "account"))
            await r.connector.revoke(row(r, K.SESSION, "account", "E1002"))
            mine = [e.at for e in r.tenant.events if e.parameters["USER_EMAIL"].startswith("misaki")]
            r.tenant.users[r.account_id(TANAKA)].suspended = True
            (session,) = await rows_of(r, K.SESSION)
            assert session.ended_at is not None
            assert abs(session.ended_at - max(mine)) < timedelta(milliseconds=1)

    async def test_suspending_ends_sessions(self) -> None:
        """A suspension resets the sign-in cookies: its event is a stamp too, after the command on the vendor's clock."""
        async with rig(sign_out_logged=False) as r:
            receipt = await r.connector.revoke(row(r, K.SIGN_IN, "account"))
            (session,) = await rows_of(r, K.SESSION)
            assert session.ended_at is not None
            assert session.ended_at >= receipt.evidence[-1].commanded_on_vendor_clock()

    async def test_late_log(self) -> None:
        """While the vendor's log lags, the stamp is missing, and nothing is closed by it."""
        async with rig(audit_lag=3600) as r:
            await r.connector.revoke(row(r, K.SIGN_IN, "account"))
            (session,) = await rows_of(r, K.SESSION)
            assert session.ended_at is None

    async def test_a_filter_that_is_ignored(self) -> None:
        """Events about somebody else never close this row, even if the vendor returns them."""
        body = (
            '{"items":[{"id":{"time":"2026-11-18T17:42:09.364Z"},"events":[{"name":"SUSPEND_USER","parameters":'
            '[{"name":"USER_EMAIL","value":"other@hoshizora.example"}]}]}]}'
        )
        async with rig() as r:
            r.stage.faults.append(Fault("activity/users", status=200, body=body, times=None))
            r.tenant.users[r.account_id(TANAKA)].suspended = True
            (session,) = await rows_of(r, K.SESSION)
            assert session.ended_at is None

    @pytest.mark.parametrize("time", ["yesterday", "", None])
    async def test_no_time(self, time: str | None) -> None:
        """An event without a readable time makes the kind unreadable, not closed; of nobody else's account."""
        stamp = "null" if time is None else f'"{time}"'
        body = (
            f'{{"items":[{{"id":{{"time":{stamp}}},"events":[{{"name":"CHANGE_PASSWORD","parameters":'
            '[{"name":"USER_EMAIL","value":"misaki.tanaka@hoshizora.example"}]}]}]}'
        )
        async with rig() as r:
            r.stage.faults.append(Fault("activity/users", status=200, body=body, times=None))
            assert [e.state for e in await rows_of(r, K.PASSWORD)] == [EntitlementState.UNREADABLE]
            (other,) = await rows_of(r, K.PASSWORD, account(r, "E1002"))
            assert other.state is EntitlementState.FOUND

    async def test_a_time_without_zone_is_utc(self) -> None:
        """Google's times are UTC, with or without the letter."""
        body = (
            '{"items":[{"id":{"time":"2026-11-18T17:42:09"},"events":[{"name":"CHANGE_PASSWORD","parameters":'
            '[{"name":"USER_EMAIL","value":"Misaki.Tanaka@hoshizora.example"}]}]}]}'
        )
        async with rig() as r:
            r.stage.faults.append(Fault("activity/users", status=200, body=body, times=None))
            (password,) = await rows_of(r, K.PASSWORD)
            assert password.ended_at == datetime(2026, 11, 18, 17, 42, 9, tzinfo=UTC)


PATHS = {
    K.SIGN_IN: r"GET /admin/directory/v1/users/\d+\?",
    K.PASSWORD: "GET /admin/reports",
    K.RECOVERY: r"GET /admin/directory/v1/users/\d+\?",
    K.GRANT: "/tokens",
    K.APP_PASSWORD: "/asps",
    K.BACKUP_CODE: "/verificationCodes",
    K.ROLE: "/roleassignments",
    K.GROUP: "GET /admin/directory/v1/groups",
}
EMPTY_PAGE = '{"nextPageToken": "again"}'


class TestUnreadable:
    """Not being able to look is a row that says so.  It is never an empty list."""

    @pytest.mark.parametrize(
        "fault",
        [
            Fault("", status=500, body="{}"),
            Fault("", status=502, body="<html>Bad Gateway</html>", headers={"content-type": "text/html"}),
            Fault("", status=429, body="{}", headers={"Retry-After": "7"}),
            Fault("", drop=True),
            Fault("", status=200, body="<html>sign in to the network</html>"),
            Fault("", status=200, body="[]"),
            Fault("", status=200, body='{"items": {}, "groups": {}, "id": 7}'),
            Fault("", status=403, body='[{"error": {"code": 403}}]'),
            Fault("", status=302, headers={"Location": "/elsewhere"}),
        ],
        ids=["500", "502", "429", "drop", "html", "list", "shape", "403-list", "redirect"],
    )
    async def test_fault(self, fault: Fault) -> None:
        """A failing call makes exactly one row for its kind, with problem and remedy, and the other kinds are read."""
        async with rig() as r:
            for kind, path in PATHS.items():
                lasting = Fault(path, fault.status, fault.body, fault.headers, drop=fault.drop, times=None)
                r.stage.faults[:] = [lasting]
                listing = await r.connector.list_access(account(r))
                (bad,) = [e for e in listing if e.kind is kind]
                assert (bad.state, bad.vendor_id) == (EntitlementState.UNREADABLE, "*")
                assert (bad.problem or "").startswith("google_workspace: cannot ")
                assert bad.remedy
                assert listing.evidence[kind]
                apart = set(PATHS) - {k for k, p in PATHS.items() if p == path} - {K.PASSWORD, K.ROLE}
                assert apart <= {e.kind for e in listing if e.state is EntitlementState.FOUND}

    @pytest.mark.parametrize("kind", [K.GROUP, K.ROLE, K.PASSWORD])
    async def test_second_page_fails(self, kind: EntitlementKind) -> None:
        """A page that fails after others were read spoils the whole kind: half a list is not a list."""
        async with rig(page_size=1) as r:
            for _ in range(3):
                await r.connector.revoke(row(r, K.PASSWORD, "account"))
            r.stage.faults.append(Fault(f"{PATHS[kind]}.*pageToken", status=503, body="{}", times=None))
            assert [e.state for e in await rows_of(r, kind)] == [EntitlementState.UNREADABLE]

    @pytest.mark.parametrize("kind", [K.GROUP, K.ROLE, K.PASSWORD])
    async def test_same_page_again(self, kind: EntitlementKind) -> None:
        """A page that leads to itself is noticed and not read for ever."""
        async with rig() as r:
            r.stage.faults.append(Fault(PATHS[kind], status=200, body=EMPTY_PAGE, times=None))
            (bad,) = await rows_of(r, kind)
            assert "the same page again" in (bad.problem or "")
            r.stage.faults[:] = [Fault(PATHS[kind], status=200, body='{"nextPageToken": [1]}', times=None)]
            (bad,) = await rows_of(r, kind)
            assert "the page's mark is not a text" in (bad.problem or "")

    async def test_empty_page_is_not_the_end(self) -> None:
        """A page without rows but with a next one is read over."""
        async with rig() as r:
            first = '{"nextPageToken": "YWZ0ZXIgMA=="}'  # "after 0": the true list follows
            r.stage.faults.append(Fault("/v1/groups[?]", status=200, body=first))
            assert {e.id for e in await rows_of(r, K.GROUP)} <= r.held(r.account_id(TANAKA))
            assert len(await rows_of(r, K.GROUP)) == 5

    async def test_passing_trouble(self) -> None:
        """What passes is waited for: the rows are whole."""
        async with rig() as r:
            r.stage.faults += [
                Fault("/tokens", status=503, body="{}"),
                Fault("/tokens", drop=True),
                Fault("/tokens", status=403, body=_error(403, "quotaExceeded")),
            ]
            assert len(await rows_of(r, K.GRANT)) == 3

    @pytest.mark.parametrize("kind", list(MANIFEST.kinds))
    async def test_scopes_suffice(self, kind: EntitlementKind) -> None:
        """The manifest's scopes are enough to list and revoke the kind: no call uses another."""
        line = MANIFEST.kinds[kind]
        allowed = {"read": line.read_scopes, "write": line.write_scopes}
        async with rig(allowed_scopes=allowed) as r:
            rows = await rows_of(r, kind)
            assert {e.state for e in rows} == {EntitlementState.FOUND}
            receipt = await r.connector.revoke(rows[0])
            assert receipt.result is RevocationResult.COMMANDED

    @pytest.mark.parametrize("scope", sorted({s for line in MANIFEST.kinds.values() for s in line.read_scopes}))
    async def test_scope_missing(self, scope: str) -> None:
        """A scope that is not delegated breaks the kinds that need it, names itself, and breaks no other."""
        async with rig(allowed_scopes=SCOPES - {scope}) as r:
            r.tenant.users[r.account_id(TANAKA)].suspended = True
            listing = await r.connector.list_access(account(r))
            bad = {e.kind: e for e in listing if e.state is EntitlementState.UNREADABLE}
            assert set(bad) == {kind for kind, line in MANIFEST.kinds.items() if scope in line.read_scopes}
            for entitlement in bad.values():
                assert "unauthorized_client" in (entitlement.problem or "")
                assert scope in (entitlement.remedy or "")

    async def test_token_without_the_scope(self) -> None:
        """A token that Google finds too narrow is our failure, with the scope to add."""
        async with rig() as r:
            r.stage.faults.append(Fault("/tokens", status=403, body=_error(403, "insufficientPermissions"), times=None))
            (bad,) = await rows_of(r, K.GRANT)
            assert "insufficientPermissions" in (bad.problem or "")
            assert SECURITY in (bad.remedy or "")

    async def test_wrong_plan(self) -> None:
        """A tenant whose plan has no such API gives `not_on_plan`, which a person can attest."""
        async with rig() as r:
            r.stage.faults.append(Fault("/v1/groups", status=403, body=_error(403, "domainCannotUseApis"), times=None))
            assert [e.state for e in await rows_of(r, K.GROUP)] == [EntitlementState.NOT_ON_PLAN]

    async def test_grants_of_a_suspended_user(self) -> None:
        """Where Google answers 401 for a suspended user's grants, they are unreadable, not none."""
        async with rig(tokens_after_suspension="401") as r:
            await r.connector.revoke(row(r, K.SIGN_IN, "account"))
            (bad,) = await rows_of(r, K.GRANT)
            assert bad.state is EntitlementState.UNREADABLE
            assert "authError" in (bad.problem or "")

    async def test_another_users_answer(self) -> None:
        """An answer about somebody else is not believed."""
        async with rig() as r:
            r.stage.faults.append(Fault(r"/users/\d+\?", status=200, body='{"id": "1", "suspended": true}', times=None))
            assert [e.state for e in await rows_of(r, K.SIGN_IN)] == [EntitlementState.UNREADABLE]

    @pytest.mark.parametrize(
        ("kind", "path", "body"),
        [
            (K.GRANT, "/tokens", '{"items": [{"clientId": "x", "userKey": "1"}]}'),
            (K.GRANT, "/tokens", '{"items": [{"displayText": "no id"}]}'),
            (K.GRANT, "/tokens", '{"items": [{"clientId": "x", "scopes": 3}]}'),
            (K.APP_PASSWORD, "/asps", '{"items": [{"codeId": 1, "userKey": "1"}]}'),
            (K.APP_PASSWORD, "/asps", '{"items": [{"codeId": true}]}'),
            (K.BACKUP_CODE, "/verificationCodes", '{"items": [{"userId": "1"}]}'),
            (K.GROUP, r"/members/\d+", '{"id": "1", "role": "MEMBER"}'),
            (
                K.ROLE,
                "/roleassignments",
                '{"items":[{"roleAssignmentId":"1","roleId":"2","assignedTo":"3","assigneeType":"user"}]}',
            ),
        ],
    )
    async def test_rows_of_another(self, kind: EntitlementKind, path: str, body: str) -> None:
        """A row that is another's, or has no id, makes the kind unreadable."""
        async with rig() as r:
            r.stage.faults.append(Fault(path, status=200, body=body, times=None))
            assert [e.state for e in await rows_of(r, kind)] == [EntitlementState.UNREADABLE]

    async def test_user_gone(self) -> None:
        """An account that is not there has unreadable rows; it is not known to be blocked."""
        async with rig() as r:
            nobody = Account(Service.GOOGLE_WORKSPACE, "9" * 21, label="gone@hoshizora.example")
            listing = await r.connector.list_access(nobody)
            assert {e.state for e in listing} == {EntitlementState.UNREADABLE}


def _error(code: int, reason: str) -> str:
    return f'{{"error": {{"code": {code}, "message": "m", "errors": [{{"reason": "{reason}", "domain": "d"}}]}}}}'


class TestGroups:
    async def test_roles_and_last_owner(self) -> None:
        """The role held is kept for a restore; who owns a group alone is guarded."""
        async with rig(page_size=1) as r:
            seen = {e.label.partition("@")[0]: (e.prestate["role"], e.guard) for e in await rows_of(r, K.GROUP)}
            assert seen["bid-2026"] == ("OWNER", None)
            assert seen["price-list"] == ("OWNER", Guard.LAST_OWNER)
            assert seen["all"] == ("MEMBER", None)

    async def test_the_other_owner_is_suspended(self) -> None:
        """An owner who cannot sign in does not count."""
        async with rig() as r:
            r.tenant.users[r.account_id("E1002")].suspended = True
            seen = {e.label.partition("@")[0]: e.guard for e in await rows_of(r, K.GROUP)}
            assert seen["bid-2026"] is Guard.LAST_OWNER

    async def test_nested(self) -> None:
        """A group that holds one of the account's groups is not the account's own membership."""
        async with rig() as r:
            parent = Group("0parent", "parent@hoshizora.example", "parent")
            own = next(g for g in r.tenant.groups.values() if g.name == "bid-2026")
            parent.members[own.id] = "MEMBER"
            r.tenant.groups[parent.id] = parent
            assert parent.id not in {e.vendor_id for e in await rows_of(r, K.GROUP)}

    async def test_left_meanwhile(self) -> None:
        """A membership that ends between the list and its look is no row."""
        async with rig() as r:
            ended = next(group for group in r.tenant.groups.values() if group.name == "bid-2026")
            r.stage.faults.append(Fault(f"/{ended.id}/members/", delay=0.3))
            looking = asyncio.ensure_future(rows_of(r, K.GROUP))
            while not any(q.path.endswith("/groups") for q in r.stage.journal):
                await asyncio.sleep(0.01)
            del ended.members[r.account_id(TANAKA)]
            assert ended.id not in {e.vendor_id for e in await looking}
            assert len(await looking) == 4

    async def test_listed_and_not_there(self) -> None:
        """A group that the list still has, but whose member the account is not by itself, is a row that says so."""
        body = '{"error":{"code":404,"message":"Resource Not Found: memberKey","errors":[{"reason":"notFound"}]}}'
        async with rig() as r:
            r.stage.faults.append(Fault(r"/members/\d+", status=404, body=body))
            rows = await rows_of(r, K.GROUP)
            assert {e.id for e in rows} == {i for i in r.held(r.account_id(TANAKA)) if ":group:" in i}
            assert [bool(e.remedy) for e in rows if e.problem is not None] == [True]

    async def test_some_other_404(self) -> None:
        """Only the exact words say that the membership is gone."""
        body = '{"error":{"code":404,"message":"Resource Not Found: memberKeys","errors":[{"reason":"notFound"}]}}'
        async with rig() as r:
            r.stage.faults.append(Fault(r"/members/\d+", status=404, body=body))
            assert [e.state for e in await rows_of(r, K.GROUP)] == [EntitlementState.UNREADABLE]

    async def test_scope_by_name(self) -> None:
        """Reading groups needs the group scope only."""
        assert MANIFEST.kinds[K.GROUP].read_scopes == (GROUP_READ,)
        assert USER_READ not in MANIFEST.kinds[K.GROUP].read_scopes


class TestRoles:
    async def test_direct_and_through_a_group(self) -> None:
        """A role that comes through a group is shown with its way and is not taken for a direct one."""
        async with rig(page_size=1) as r:
            twin = Account(Service.GOOGLE_WORKSPACE, user_id("adm-sho.ito"), label="adm-sho.ito@hoshizora.example")
            rows = await rows_of(r, K.ROLE, twin)
            assert {e.id for e in rows} == {i for i in r.held(twin.id) if ":role:" in i}
            (indirect,) = [e for e in rows if e.problem is not None]
            assert "through group" in (indirect.problem or "")
            scoped = [e.prestate for e in rows if e.prestate.get("scopeType") == "ORG_UNIT"]
            assert [bool(p.get("orgUnitId")) for p in scoped] == [True]

    async def test_super_admin(self) -> None:
        """A super admin is one row, however Google shows it; another super admin remains, so it is privileged."""
        async with rig() as r:
            rows = await rows_of(r, K.ROLE, account(r, "E1009"))
            mine = [e for e in rows if e.vendor_id == "super_admin"]
            assert [(e.guard, dict(e.prestate)) for e in mine] == [(Guard.PRIVILEGED, {"super_admin": True})]
            (sign_in,) = await rows_of(r, K.SIGN_IN, account(r, "E1009"))
            assert sign_in.guard is Guard.PRIVILEGED
            rulers = {user.id for user in r.tenant.users.values() if user.is_admin and not user.suspended}
            assert rulers > {r.account_id("E1009")}
            assert sign_in.administrators == frozenset(rulers)
            assert (await rows_of(r, K.SIGN_IN, account(r, TANAKA)))[0].administrators == frozenset()

    async def test_last_super_admin(self) -> None:
        """The last super admin who can sign in is guarded, in the role and in the sign-in."""
        async with rig(admin="delegated") as r:
            for user in r.tenant.users.values():
                if user.is_admin and user.id != r.account_id("E1009"):
                    user.suspended = True
            (role,) = [e for e in await rows_of(r, K.ROLE, account(r, "E1009")) if e.vendor_id == "super_admin"]
            (sign_in,) = await rows_of(r, K.SIGN_IN, account(r, "E1009"))
            assert role.guard is sign_in.guard is Guard.LAST_ADMIN

    async def test_the_assignment_alone(self) -> None:
        """A super admin's assignment without the flag is still the super admin's right."""
        async with rig() as r:
            person_id = r.account_id(TANAKA)
            r.tenant.assignments["1"] = RoleAssignment("1", SUPER_ROLE.id, person_id)
            rows = await rows_of(r, K.ROLE)
            assert "super_admin" in {e.vendor_id for e in rows}
            assert "1" not in {e.vendor_id for e in rows}


class TestOwnCredential:
    @pytest.mark.parametrize("probed", [False, True], ids=["unprobed", "probed"])
    async def test_every_row(self, *, probed: bool) -> None:
        """Each row of the account that we act as says so, and no other account's."""
        async with rig() as r:
            if probed:
                await r.connector.probe()
            assert Guard.OWN_CREDENTIAL not in {e.guard for e in await r.connector.list_access(account(r))}
            own = Account(Service.GOOGLE_WORKSPACE, r.tenant.subject_id)
            assert {e.guard for e in await r.connector.list_access(own)} == {Guard.OWN_CREDENTIAL}

    @pytest.mark.parametrize("probed", [False, True], ids=["unprobed", "probed"])
    @pytest.mark.parametrize(
        ("label", "guard"),
        [
            ("lastday-automation@hoshizora.example", Guard.OWN_CREDENTIAL),
            ("", Guard.OWN_CREDENTIAL),
            ("misaki.tanaka@hoshizora.example", None),
        ],
    )
    async def test_not_known(self, label: str, guard: Guard | None, *, probed: bool) -> None:
        """Where our own account cannot be looked up, one that may be ours counts as ours."""
        async with rig(allowed_scopes=SCOPES - {USER_READ}) as r:
            if probed:
                await r.connector.probe()
            who = Account(Service.GOOGLE_WORKSPACE, r.account_id(TANAKA), label=label)
            assert {e.guard for e in await rows_of(r, K.GRANT, who)} == {guard}
