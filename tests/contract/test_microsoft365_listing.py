"""Microsoft 365: what an account holds, and what stops a cut."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from connectors.contract import Listing
from connectors.microsoft365.access import GUEST_PROBLEM
from emulators.fault_proxy import Fault
from emulators.microsoft365.permissions import READ_TIER, WRITE_TIER
from models.vocabulary import Account, Entitlement, EntitlementKind, EntitlementState, Guard, Service
from tests.contract.rig import Rig
from tests.contract.rig_microsoft365 import graph_of, rig

BOTH = READ_TIER | WRITE_TIER
K = EntitlementKind


async def listed(r: Rig, person: str, *kinds: EntitlementKind) -> Listing:
    """List what *person* holds."""
    account = Account(Service.MICROSOFT365, r.account_id(person))
    return await r.connector.list_access(account, frozenset(kinds) or None)


def only(listing: Listing) -> Entitlement:
    """Return the one row."""
    (row,) = listing
    return row


class TestListAccess:
    @pytest.mark.parametrize("person", ["E1001", "E1004", "E1007", "E1009", "E1011", "E1015", "adm-sho.ito"])
    async def test_all_that_is_held(self, person: str) -> None:
        """With one entry a page and an empty page in between, everything that the tenant grants is listed."""
        async with rig(page_size=1, empty_page=True) as r:
            listing = await listed(r, person)
            assert {row.id for row in listing} == r.held(r.account_id(person))
            assert set(listing.evidence) == set(r.connector.manifest.kinds)
            assert all(listing.evidence.values())

    async def test_ids_can_be_taken_apart(self) -> None:
        """An entitlement's id splits at its first three colons."""
        async with rig() as r:
            for row in await listed(r, "E1001"):
                assert row.id.split(":", 3) == ["microsoft365", row.account_id, row.kind, row.vendor_id]
                assert ":" not in row.vendor_id

    async def test_only_what_was_asked(self) -> None:
        """A read-back of a blocked sign-in costs one call, one of the sessions as well."""
        async with rig() as r:
            await listed(r, "E1001", K.SESSION)
            r.tenant.directory.users[r.account_id("E1001")]["accountEnabled"] = False
            before = len(r.stage.journal)
            assert await listed(r, "E1001", K.SIGN_IN) == []
            await listed(r, "E1001", K.SESSION)
            assert len(r.stage.journal) - before == 2

    async def test_fresh(self) -> None:
        """Reads are not served from the index that lags, and not from a cache."""
        async with rig() as r:
            before = await listed(r, "E1001", K.GROUP)
            r.tenant.directory.members.clear()
            after = await listed(r, "E1001", K.GROUP)
            assert len(after) == len(before) - 3

    async def test_evidence(self) -> None:
        """Evidence names ids only, has aware times, the vendor's clock and a digest of the answer."""
        async with rig() as r:
            listing = await listed(r, "E1001")
            for evidence in (e for each in listing.evidence.values() for e in each):
                assert "@" not in evidence.what
                assert "?" not in evidence.what
                assert evidence.sent_at.tzinfo is UTC
                assert evidence.vendor_at is not None
                assert abs((evidence.vendor_at - evidence.received_at).total_seconds()) < 5
                assert len(evidence.response_sha256 or "") == 64

    async def test_nobody(self) -> None:
        """An account that is gone has nothing to sign in to; what it may still hold in the recycle bin could not be looked at."""
        async with rig() as r:
            account = Account(Service.MICROSOFT365, "00000000-0000-0000-0000-000000000000")
            listing = await r.connector.list_access(account)
            assert {row.kind: row.state for row in listing} == dict.fromkeys(
                (K.GRANT, K.GROUP), EntitlementState.UNREADABLE
            )
            assert K.SIGN_IN in listing.evidence


class TestUnreadable:
    @pytest.mark.parametrize(
        ("kind", "permission"),
        [
            (K.SIGN_IN, "User.Read.All"),
            (K.SESSION, "User.Read.All"),
            (K.GRANT, "Directory.Read.All"),
            (K.ROLE, "RoleManagement.Read.Directory"),
            (K.ROLE, "RoleEligibilitySchedule.Read.Directory"),
        ],
    )
    async def test_missing_permission(self, kind: EntitlementKind, permission: str) -> None:
        """A listing that our permissions do not open is a row that names the permission, never an empty list."""
        async with rig(permissions=READ_TIER - {permission}, settings={}) as r:
            row = only(await listed(r, "E1001", kind))
            assert (row.state, row.vendor_id) == (EntitlementState.UNREADABLE, "*")
            assert permission in (row.remedy or "")

    async def test_bare_ids(self) -> None:
        """Graph shows bare group ids, without an error, to those who may not read groups: that is not a listing."""
        async with rig(permissions={"User.Read.All"}) as r:
            row = only(await listed(r, "E1001", K.GROUP))
            assert row.state is EntitlementState.UNREADABLE
            assert "GroupMember.Read.All" in (row.remedy or "")

    @pytest.mark.parametrize("plan", ["P1", "free"])
    async def test_wrong_plan(self, plan: str) -> None:
        """A tenant without P2 has no eligible roles to list: a row says so, beside the active ones."""
        async with rig(plan=plan) as r:
            rows = await listed(r, "E1009", K.ROLE)
            assert [row.state for row in rows] == [EntitlementState.FOUND] * 2 + [EntitlementState.NOT_ON_PLAN]
            assert rows[-1].vendor_id == "eligible/*"  # the active roles were read, and can be seen to be gone
            assert "AadPremiumLicenseRequired" in (rows[-1].problem or "")

    @pytest.mark.parametrize(
        ("kind", "path"),
        [
            (K.SIGN_IN, "GET /v1.0/users/[^/]+[?]"),
            (K.SESSION, "GET /v1.0/users/[^/]+[?]"),
            (K.GRANT, "oauth2PermissionGrants"),
            (K.GRANT, "appRoleAssignments"),
            (K.ROLE, "roleAssignments"),
            (K.ROLE, "roleEligibilityScheduleInstances"),
            (K.GROUP, "memberOf"),
            (K.GROUP, "ownedObjects"),
            (K.GROUP, "owners"),
        ],
    )
    @pytest.mark.parametrize(
        "fault",
        [
            {"status": 429, "headers": {"Retry-After": "0"}},
            {"status": 503, "body": "<html>busy</html>"},
            {"drop": True},
            {"status": 200, "body": "[]"},
            {"status": 200, "body": '{"value": [{"id": 7}]}'},
        ],
        ids=["429", "503", "drop", "no object", "wrong rows"],
    )
    async def test_failing_page(self, kind: EntitlementKind, path: str, fault: dict[str, object]) -> None:
        """Whatever page fails, and however, its kind is one row `unreadable`; the other kinds are still read."""
        async with rig(page_size=1) as r:
            r.stage.faults.append(Fault(path, times=None, **fault))  # type: ignore[arg-type]  # parametrized
            rows = await listed(r, "E1001", kind)
            assert [(row.state, row.vendor_id) for row in rows] == [(EntitlementState.UNREADABLE, "*")]
            assert rows[0].problem
            assert rows[0].remedy
            assert rows.evidence[kind]

    async def test_failing_second_page(self) -> None:
        """A list whose second page fails is not a shorter list."""
        async with rig(page_size=1) as r:
            r.stage.faults.append(Fault("memberOf.*skiptoken", status=500, times=None))
            assert only(await listed(r, "E1001", K.GROUP)).state is EntitlementState.UNREADABLE

    async def test_transient_failure(self) -> None:
        """One failure that passes costs one more try, and nothing else."""
        async with rig() as r:
            r.stage.faults.append(Fault("memberOf", status=503))
            rows = await listed(r, "E1001", K.GROUP)
            assert {row.state for row in rows} == {EntitlementState.FOUND}
            assert 503 in {e.status for e in rows.evidence[K.GROUP]}

    @pytest.mark.parametrize("leads", ["repeats", "elsewhere", "other scheme", "no text"])
    async def test_strange_next_link(self, leads: str) -> None:
        """A next link that repeats, or leads to another host, is not followed: our token is not for others."""
        async with rig() as r:
            root = f"https://{graph_of(r).endpoint.split('/')[2]}"
            links = {
                "repeats": f"{root}/v1.0/users/{r.account_id('E1001')}/memberOf?$skiptoken=p0",
                "elsewhere": "https://elsewhere.example/v1.0/users",
                "other scheme": root.replace("https", "http") + "/v1.0/users",
                "no text": 7,
            }
            body = json.dumps({"value": [], "@odata.nextLink": links[leads]})
            r.stage.faults.append(Fault("memberOf", status=200, body=body, times=None))
            row = only(await listed(r, "E1001", K.GROUP))
            assert row.state is EntitlementState.UNREADABLE
            assert "cannot page" in (row.problem or "")


class TestSignIn:
    async def test_synced(self) -> None:
        """A synced account is cut where it is mastered: the row says so."""
        async with rig() as r:
            row = only(await listed(r, "E1004", K.SIGN_IN))
            assert row.guard is Guard.MASTERED_ELSEWHERE
            assert "Active Directory" in (row.remedy or "")

    @pytest.mark.parametrize("person", ["adm-sho.ito", "E1009"])
    async def test_privileged(self, person: str) -> None:
        """An administrator's account is out of reach, and the row says what to do."""
        async with rig() as r:
            row = only(await listed(r, person, K.SIGN_IN))
            assert row.guard is Guard.PRIVILEGED
            assert "Privileged Authentication Administrator" in (row.remedy or "")

    async def test_privileged_through_a_group(self) -> None:
        """Who merely belongs to a group to which roles can be given is privileged as well; so is its owner."""
        async with rig() as r:
            group = next(g["id"] for g in r.tenant.directory.groups.values() if g["isAssignableToRole"])
            r.tenant.directory.members[group, r.account_id("E1001")] = None
            r.tenant.directory.owners[group, r.account_id("E1002")] = None
            assert only(await listed(r, "E1001", K.SIGN_IN)).guard is Guard.PRIVILEGED
            assert only(await listed(r, "E1002", K.SIGN_IN)).guard is Guard.PRIVILEGED

    async def test_privileged_within_reach(self) -> None:
        """With the role for it, our service principal reaches administrators, and nothing stops the cut."""
        async with rig(own_roles=["Privileged Authentication Administrator"]) as r:
            assert only(await listed(r, "adm-sho.ito", K.SIGN_IN)).guard is None

    async def test_eligible_is_not_privileged(self) -> None:
        """A role that could be activated, but is not, does not put an account out of reach."""
        async with rig() as r:
            assert only(await listed(r, "E1001", K.SIGN_IN)).guard is None

    async def test_last_admin(self) -> None:
        """The last Global Administrator who can sign in is not cut, whatever we are allowed to do."""
        async with rig(own_roles=["Privileged Authentication Administrator"]) as r:
            r.tenant.directory.users[r.account_id("break-glass")]["accountEnabled"] = False
            assert only(await listed(r, "E1009", K.SIGN_IN)).guard is Guard.LAST_ADMIN
            roles = {row.label: row.guard for row in await listed(r, "E1009", K.ROLE)}
            assert roles == {"Global Administrator": Guard.LAST_ADMIN, "Exchange Administrator": None}

    async def test_roles_unreadable(self) -> None:
        """If we cannot tell whether it is an administrator, the sign-in is still listed: the cut comes first."""
        async with rig(permissions=BOTH - {"RoleManagement.Read.Directory", "RoleManagement.ReadWrite.Directory"}) as r:
            row = only(await listed(r, "E1001", K.SIGN_IN))
            assert (row.state, row.guard) == (EntitlementState.FOUND, None)
            assert "could not be read" in (row.problem or "")
            assert only(await listed(r, "E1004", K.SIGN_IN)).guard is Guard.MASTERED_ELSEWHERE


class TestSessions:
    async def test_stamp(self) -> None:
        """Sessions cannot be listed one by one: their row carries the instant since when they are valid."""
        async with rig() as r:
            row = only(await listed(r, "E1001", K.SESSION))
            assert (row.vendor_id, row.ended_at) == ("account", datetime(2020, 4, 1, tzinfo=UTC))

    async def test_never_ended(self) -> None:
        """Without a stamp nothing was ever ended."""
        async with rig() as r:
            r.tenant.directory.users[r.account_id("E1001")]["signInSessionsValidFromDateTime"] = None
            assert only(await listed(r, "E1001", K.SESSION)).ended_at is None

    async def test_nonsense_stamp(self) -> None:
        """A stamp that is not a time is not read as one."""
        async with rig() as r:
            r.tenant.directory.users[r.account_id("E1001")]["signInSessionsValidFromDateTime"] = "soon"
            assert only(await listed(r, "E1001", K.SESSION)).state is EntitlementState.UNREADABLE

    async def test_guest(self) -> None:
        """A guest's sessions belong to the home tenant: no call ends them, and the row says so."""
        async with rig() as r:
            row = only(await listed(r, "X2001", K.SESSION))
            assert (row.state, row.problem) == (EntitlementState.NO_API, GUEST_PROBLEM)


class TestGrants:
    async def test_tenant_wide(self) -> None:
        """What an administrator consented to for everybody is not the leaver's to lose."""
        async with rig() as r:
            user = r.account_id("E1001")
            rows = [
                {"id": "mine", "consentType": "Principal", "principalId": user, "clientId": "c", "scope": "x"},
                {"id": "ours", "consentType": "AllPrincipals", "principalId": None, "clientId": "c", "scope": "x"},
            ]
            r.stage.faults.append(Fault("oauth2PermissionGrants", status=200, body=json.dumps({"value": rows})))
            listing = await listed(r, "E1001", K.GRANT)
            assert [row.vendor_id for row in listing if row.vendor_id.startswith("oauth2/")] == ["oauth2/mine"]

    async def test_another_ones(self) -> None:
        """A grant of somebody else in the answer makes the answer unintelligible, not the grant the leaver's."""
        async with rig() as r:
            rows = [{"id": "x", "consentType": "Principal", "principalId": r.account_id("E1002")}]
            r.stage.faults.append(Fault("oauth2PermissionGrants", status=200, body=json.dumps({"value": rows})))
            assert only(await listed(r, "E1001", K.GRANT)).state is EntitlementState.UNREADABLE

    async def test_roles_of_groups(self) -> None:
        """Graph lists what groups give beside what the person was given; only the latter is the person's to lose."""
        async with rig() as r:
            resources = [row.label for row in await listed(r, "E1001", K.GRANT) if row.vendor_id.startswith("approle/")]
            assert resources == ["VPN portal"]


class TestRoles:
    async def test_any_scope(self) -> None:
        """Roles over one administrative unit and roles that could be activated are listed with those of the tenant."""
        async with rig() as r:
            rows = await listed(r, "adm-sho.ito", K.ROLE)
            scopes = {row.label: row.prestate["directoryScopeId"] for row in rows}
            assert scopes["User Administrator"] == "/"
            assert str(scopes["Helpdesk Administrator"]).startswith("/administrativeUnits/")
            assert [row.label for row in rows if row.vendor_id.startswith("eligible/")] == ["Global Administrator"]


class TestGroups:
    async def test_out_of_reach(self) -> None:
        """Groups that a rule, Active Directory or Exchange decides are listed with what to do instead."""
        async with rig() as r:
            rows = {
                row.label: row for person in ("E1004", "E1011", "E1015") for row in await listed(r, person, K.GROUP)
            }
            assert rows["All of 開発部"].guard is Guard.DYNAMIC
            assert rows["File server (AD)"].guard is Guard.MASTERED_ELSEWHERE
            for exchange in ("総務部 mailing list", "総務部 alarm (mail-enabled security)"):
                assert rows[exchange].state is EntitlementState.NO_API
            ours = ("All of 開発部", "File server (AD)", "総務部 mailing list")
            assert all(rows[name].problem and rows[name].remedy for name in ours)

    async def test_last_owner(self) -> None:
        """The last owner of a group is not removed before there is a successor."""
        async with rig() as r:
            owned = [row for row in await listed(r, "E1007", K.GROUP) if row.vendor_id.startswith("owner/")]
            assert [(row.label, row.guard) for row in owned] == [("IT tools", Guard.LAST_OWNER)]
            r.tenant.directory.owners[owned[0].vendor_id.removeprefix("owner/"), r.account_id("E1002")] = None
            owned = [row for row in await listed(r, "E1007", K.GROUP) if row.vendor_id.startswith("owner/")]
            assert [row.guard for row in owned] == [None]

    async def test_unknown_type(self) -> None:
        """A kind of membership that we do not know is not passed over in silence."""
        async with rig() as r:
            body = json.dumps({"value": [{"@odata.type": "#microsoft.graph.guild", "id": "1"}]})
            r.stage.faults.append(Fault("memberOf", status=200, body=body))
            assert only(await listed(r, "E1001", K.GROUP)).state is EntitlementState.UNREADABLE
