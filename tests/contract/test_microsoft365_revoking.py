"""Microsoft 365: the cut, what refuses it, and giving back."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from connectors.errors import ConnectorError, Denied, OutcomeUnknown, Throttled, Unintelligible, Unreachable
from emulators.fault_proxy import Fault
from emulators.microsoft365.permissions import READ_TIER, WRITE_TIER
from models.vocabulary import (
    ACCOUNT,
    Account,
    Entitlement,
    EntitlementKind,
    EntitlementState,
    Guard,
    RevocationResult,
    Service,
)
from tests.contract.rig import Rig
from tests.contract.rig_microsoft365 import rig

BOTH = READ_TIER | WRITE_TIER
K, Result = EntitlementKind, RevocationResult


async def rows(r: Rig, person: str, kind: EntitlementKind) -> list[Entitlement]:
    """List one kind of *person*."""
    return await r.connector.list_access(Account(Service.MICROSOFT365, r.account_id(person)), frozenset({kind}))


async def first(r: Rig, person: str, kind: EntitlementKind, prefix: str = "") -> Entitlement:
    """Return the first row of *kind* whose vendor id begins with *prefix*."""
    return next(row for row in await rows(r, person, kind) if row.vendor_id.startswith(prefix))


def writes(r: Rig) -> list[str]:
    """Return the requests to Graph that were no reads, in order; what is in a batch counts for itself."""
    sent = [q for q in r.stage.journal if q.path.startswith("/v1.0/") and not q.path.endswith("/$batch")]
    return [q.line for q in sent if q.method != "GET"]


ONE_EACH = [
    (K.SIGN_IN, ""),
    (K.SESSION, ""),
    (K.GRANT, "oauth2/"),
    (K.GRANT, "approle/"),
    (K.ROLE, "eligible/"),
    (K.GROUP, ""),
    (K.GROUP, "owner/"),
]


class TestRevoke:
    async def test_everything(self) -> None:
        """A plain leaver holds nothing afterwards, by fresh reads, and nobody else was touched."""
        async with rig(page_size=2) as r:
            leaver = Account(Service.MICROSOFT365, r.account_id("E1001"))
            manifest = r.connector.manifest
            commanded = None
            for row in sorted(await r.connector.list_access(leaver), key=lambda row: manifest.kinds[row.kind].order):
                receipt = await r.connector.revoke(row)
                assert receipt.result is Result.COMMANDED
                if row.kind is K.SESSION:
                    commanded = receipt.evidence[-1].commanded_on_vendor_clock()
            (left,) = await r.connector.list_access(leaver)
            assert left.kind is K.SESSION
            assert commanded is not None
            assert left.ended_at is not None
            assert left.ended_at >= commanded
            assert r.held(leaver.id) == set()
            assert r.changed() == {leaver.id}

    @pytest.mark.parametrize(("kind", "prefix"), ONE_EACH)
    async def test_twice(self, kind: EntitlementKind, prefix: str) -> None:
        """Revoking again changes nothing and says so, with evidence."""
        async with rig() as r:
            row = await first(r, "E1001", kind, prefix)
            assert (await r.connector.revoke(row)).result is Result.COMMANDED
            held = r.held(row.account_id)
            again = await r.connector.revoke(row)
            told = kind not in {K.SIGN_IN, K.SESSION}
            assert again.result is (Result.ALREADY_ABSENT if told else Result.COMMANDED)
            assert again.evidence
            assert r.held(row.account_id) == held

    @pytest.mark.parametrize(("kind", "prefix"), ONE_EACH)
    async def test_lost_answer(self, kind: EntitlementKind, prefix: str) -> None:
        """When the answer to a write is lost, its outcome is unknown; it is not sent again."""
        async with rig() as r:
            row = await first(r, "E1001", kind, prefix)
            r.stage.faults.append(Fault("^(PATCH|POST|DELETE) /v1.0", drop=True, after=True))
            with pytest.raises(OutcomeUnknown) as raised:
                await r.connector.revoke(row)
            assert len(writes(r)) == 1
            assert raised.value.evidence[-1].status is None
            assert row.id not in r.held(row.account_id)

    @pytest.mark.parametrize("status", [500, 502, 503, 504, 507])
    async def test_gateway_error(self, status: int) -> None:
        """A 5xx on a write may hide that it was done: no second one is sent, by us or by the SDK."""
        async with rig() as r:
            row = await first(r, "E1001", K.GROUP)
            r.stage.faults.append(
                Fault("DELETE", status=status, body="<html>", headers={"Retry-After": "0"}, after=True)
            )
            with pytest.raises(OutcomeUnknown):
                await r.connector.revoke(row)
            assert len(writes(r)) == 1
            assert row.id not in r.held(row.account_id)

    @pytest.mark.parametrize("fault", [Fault("/token", drop=True, times=None), Fault("/token", status=503, times=None)])
    async def test_no_sign_in(self, fault: Fault) -> None:
        """Where no token was to be had for a write, it was surely not sent: that is no unknown outcome, and it is tried again."""
        async with rig() as r:
            r.stage.faults.append(fault)
            row = Entitlement(Service.MICROSOFT365, r.account_id("E1010"), K.SIGN_IN, ACCOUNT)
            with pytest.raises(Unreachable):
                await r.connector.revoke(row)
            assert writes(r) == []
            fault.times = 1
            assert (await r.connector.revoke(row)).result is Result.COMMANDED

    async def test_throttled(self) -> None:
        """A throttled write surely did nothing: it is sent again when the vendor says, once."""
        async with rig() as r:
            row = await first(r, "E1001", K.SIGN_IN)
            r.stage.faults.append(Fault("PATCH", status=429, headers={"Retry-After": "0"}))
            assert (await r.connector.revoke(row)).result is Result.COMMANDED
            assert len(writes(r)) == 2

    async def test_throttled_for_long(self) -> None:
        """A wait that is longer than ours to bear ends the tries, and is passed on."""
        async with rig() as r:
            row = await first(r, "E1001", K.SIGN_IN)
            r.stage.faults.append(Fault("PATCH", status=429, headers={"Retry-After": "300"}))
            with pytest.raises(Throttled) as raised:
                await r.connector.revoke(row)
            assert raised.value.retry_after is not None
            assert raised.value.retry_after.total_seconds() == 300
            assert len(writes(r)) == 1

    @pytest.mark.parametrize(
        ("kind", "prefix", "permission"),
        [
            (K.SIGN_IN, "", "User.EnableDisableAccount.All"),
            (K.SESSION, "", "User.RevokeSessions.All"),
            (K.GRANT, "oauth2/", "DelegatedPermissionGrant.ReadWrite.All"),
            (K.GRANT, "approle/", "AppRoleAssignment.ReadWrite.All"),
            (K.ROLE, "eligible/", "RoleEligibilitySchedule.ReadWrite.Directory"),
            (K.GROUP, "owner/", "Group.ReadWrite.All"),
        ],
    )
    async def test_missing_permission(self, kind: EntitlementKind, prefix: str, permission: str) -> None:
        """A missing permission is our fault, not the account's state: an error that names it."""
        async with rig(permissions=BOTH - {permission}) as r:
            row = await first(r, "E1001", kind, prefix)
            with pytest.raises(Denied, match="Authorization_RequestDenied") as raised:
                await r.connector.revoke(row)
            assert permission in raised.value.advice
            assert r.changed() == set()

    async def test_permission_to_remove_eligible_roles(self) -> None:
        """The permission that is named for removing eligible roles is not accepted for the call that removes them."""
        narrow = BOTH - {"RoleEligibilitySchedule.ReadWrite.Directory"} | {"RoleEligibilitySchedule.Remove.Directory"}
        async with rig(permissions=narrow) as r:
            (ability,) = [one for one in (await r.connector.probe()).abilities if one.kind is K.ROLE]
            assert not ability.can_revoke
            assert "RoleEligibilitySchedule.ReadWrite.Directory" in (ability.problem or "")
            with pytest.raises(Denied, match="Authorization_RequestDenied"):
                await r.connector.revoke(await first(r, "E1001", K.ROLE, "eligible/"))

    async def test_what_could_not_be_read(self) -> None:
        """A row that stands for "could not look" is not something to revoke."""
        async with rig(permissions=READ_TIER - {"Directory.Read.All"}) as r:
            with pytest.raises(Unintelligible):
                await r.connector.revoke(await first(r, "E1001", K.GRANT))

    @pytest.mark.parametrize(
        ("kind", "vendor_id"), [(K.SESSION, "one"), (K.GRANT, "abc"), (K.ROLE, "made/up"), (K.GROUP, "approle/x")]
    )
    async def test_vendor_id_of_another_form(self, kind: EntitlementKind, vendor_id: str) -> None:
        """A vendor id that this connector never gives out is refused before anything is sent."""
        async with rig() as r:
            with pytest.raises(Unintelligible):
                await r.connector.revoke(Entitlement(Service.MICROSOFT365, r.account_id("E1001"), kind, vendor_id))
            assert writes(r) == []

    async def test_stale_replica(self) -> None:
        """A directory that still shows what it calls gone is believed in neither: the outcome is unknown."""
        async with rig(replica_lag=50) as r:
            row = await first(r, "E1001", K.GROUP)
            await r.connector.revoke(row)
            again = await r.connector.revoke(row)
            assert again.result is Result.UNKNOWN
            assert row.id in {late.id for late in await rows(r, "E1001", K.GROUP)}

    async def test_replica_catches_up(self) -> None:
        """Read late, the cut is seen."""
        async with rig(replica_lag=1) as r:
            row = await first(r, "E1001", K.SIGN_IN)
            await r.connector.revoke(row)
            while await rows(r, "E1001", K.SIGN_IN):
                pass
            assert row.id not in r.held(row.account_id)

    async def test_given_again(self) -> None:
        """Each "not there" is followed by a read of its own: what an earlier one did not show is not called gone."""
        async with rig() as r:
            row = await first(r, "E1001", K.GROUP)
            await r.connector.revoke(row)
            assert (await r.connector.revoke(row)).result is Result.ALREADY_ABSENT
            await r.connector.restore(row, row.prestate)
            body = json.dumps({"error": {"code": "Request_ResourceNotFound", "message": ""}})
            r.stage.faults.append(Fault("DELETE", status=404, body=body))
            assert (await r.connector.revoke(row)).result is Result.UNKNOWN

    async def test_gone_but_unreadable(self) -> None:
        """If the read after a "not there" fails, absence is not claimed."""
        async with rig() as r:
            row = await first(r, "E1001", K.GROUP)
            await r.connector.revoke(row)
            r.stage.faults.append(Fault("memberOf", status=500, times=None))
            assert (await r.connector.revoke(row)).result is Result.UNKNOWN

    async def test_removal_answered_as_absent(self) -> None:
        """The answer "does not exist" may come to the very request that removed an eligibility: a read decides."""
        async with rig() as r:
            row = await first(r, "E1001", K.ROLE, "eligible/")
            body = json.dumps({"error": {"code": "RoleAssignmentDoesNotExist", "message": ""}})
            r.stage.faults.append(Fault("roleEligibilityScheduleRequests", status=400, body=body, after=True))
            assert (await r.connector.revoke(row)).result is Result.ALREADY_ABSENT
            assert row.id not in r.held(row.account_id)

    async def test_code_is_compared_whole(self) -> None:
        """A code that only contains the one for "not there" is another code."""
        async with rig() as r:
            row = await first(r, "E1001", K.GROUP)
            body = json.dumps({"error": {"code": "Request_ResourceNotFoundInTenant", "message": ""}})
            r.stage.faults.append(Fault("DELETE", status=404, body=body))
            with pytest.raises(Unintelligible):
                await r.connector.revoke(row)

    async def test_false_answer(self) -> None:
        """Sessions are ended when the vendor answers true, not when it answers."""
        async with rig() as r:
            row = await first(r, "E1001", K.SESSION)
            r.stage.faults.append(Fault("revokeSignInSessions", status=200, body='{"value": false}'))
            with pytest.raises(Unintelligible, match="not true"):
                await r.connector.revoke(row)

    async def test_html_after_a_write(self) -> None:
        """A success that cannot be read leaves the outcome unknown."""
        async with rig() as r:
            row = await first(r, "E1001", K.SESSION)
            r.stage.faults.append(Fault("revokeSignInSessions", status=200, body="<html>"))
            with pytest.raises(OutcomeUnknown):
                await r.connector.revoke(row)

    async def test_role_over_one_unit(self) -> None:
        """Only the assignment that was named is removed: the other scope stays."""
        async with rig() as r:
            before = [row for row in await rows(r, "adm-sho.ito", K.ROLE) if "/" not in row.vendor_id]
            scoped = next(row for row in before if row.prestate["directoryScopeId"] != "/")
            assert (await r.connector.revoke(scoped)).result is Result.COMMANDED
            left = {row.id for row in await rows(r, "adm-sho.ito", K.ROLE) if "/" not in row.vendor_id}
            assert left == {row.id for row in before} - {scoped.id}


class TestRefusals:
    async def test_synced_user_comes_back(self) -> None:
        """A cloud-only block of a synced account is accepted, seen, and undone by the next synchronisation."""
        async with rig() as r:
            row = await first(r, "E1004", K.SIGN_IN)
            assert (await r.connector.revoke(row)).result is Result.COMMANDED
            assert await rows(r, "E1004", K.SIGN_IN) == []
            r.tenant.sync_cycle()
            assert await rows(r, "E1004", K.SIGN_IN) == [row]

    async def test_synced_user_cut_where_mastered(self) -> None:
        """Once Active Directory has it disabled, the block stays."""
        async with rig() as r:
            r.tenant.directory.on_premises[r.account_id("E1004")] = False
            r.tenant.sync_cycle()
            assert await rows(r, "E1004", K.SIGN_IN) == []

    async def test_privileged_is_not_tried(self) -> None:
        """Where our service principal does not reach, nothing is sent, and the receipt says what to do."""
        async with rig() as r:
            receipt = await r.connector.revoke(await first(r, "adm-sho.ito", K.SIGN_IN))
            assert receipt.result is Result.REFUSED
            assert "Privileged Authentication Administrator" in receipt.text
            assert writes(r) == []

    @pytest.mark.parametrize("kind", [K.SIGN_IN, K.SESSION])
    async def test_privileged_refused_by_the_vendor(self, kind: EntitlementKind) -> None:
        """A 403 because of what the account is, is a refusal with a remedy, not a missing permission of ours."""
        async with rig() as r:
            row = replace(await first(r, "adm-sho.ito", kind), guard=None)
            receipt = await r.connector.revoke(row)
            assert receipt.result is Result.REFUSED
            assert 403 in {seen.status for seen in receipt.evidence}
            assert "Privileged Authentication Administrator" in receipt.text
            assert r.changed() == set()

    async def test_denied_and_roles_unreadable(self) -> None:
        """If we may not even see whether it is an administrator, the 403 stays our credential's problem."""
        lacking = {"RoleManagement.Read.Directory", "RoleManagement.ReadWrite.Directory"}
        async with rig(permissions=BOTH - lacking) as r:
            with pytest.raises(Denied):
                await r.connector.revoke(await first(r, "adm-sho.ito", K.SESSION))

    async def test_privileged_within_reach(self) -> None:
        """With the role, an administrator is cut like anybody else."""
        async with rig(own_roles=["Privileged Authentication Administrator"]) as r:
            row = await first(r, "adm-sho.ito", K.SIGN_IN)
            assert (await r.connector.revoke(row)).result is Result.COMMANDED
            guarded = replace(row, guard=Guard.PRIVILEGED)
            assert (await r.connector.revoke(guarded)).result is Result.COMMANDED

    @pytest.mark.parametrize(
        ("person", "label"),
        [("E1011", "All of 開発部"), ("E1004", "File server (AD)"), ("E1007", "IT tools")],
        ids=["dynamic", "synced", "last owner"],
    )
    async def test_groups_that_refuse(self, person: str, label: str) -> None:
        """If asked all the same, the directory refuses, and the receipt says so with its code."""
        async with rig() as r:
            row = next(
                row
                for row in await rows(r, person, K.GROUP)
                if row.label == label and (label != "IT tools" or row.vendor_id.startswith("owner/"))
            )
            receipt = await r.connector.revoke(row)
            assert receipt.result is Result.REFUSED
            assert receipt.text.startswith("Request_BadRequest")
            assert r.changed() == set()

    async def test_mail_enabled_group(self) -> None:
        """What only Exchange can change is not sent to Graph."""
        async with rig() as r:
            row = next(row for row in await rows(r, "E1015", K.GROUP) if row.state is EntitlementState.NO_API)
            with pytest.raises(Unintelligible):
                await r.connector.revoke(row)
            assert writes(r) == []

    async def test_role_assignable_group(self) -> None:
        """A group that carries roles needs the permission over roles as well, and the error names both."""
        async with rig(permissions=BOTH - {"RoleManagement.ReadWrite.Directory"}) as r:
            row = next(row for row in await rows(r, "adm-sho.ito", K.GROUP) if row.prestate["isAssignableToRole"])
            with pytest.raises(Denied) as raised:
                await r.connector.revoke(row)
            assert "RoleManagement.ReadWrite.Directory" in raised.value.advice

    async def test_last_global_administrator(self) -> None:
        """The directory itself keeps its last Global Administrator."""
        async with rig() as r:
            role = next(row for row in await rows(r, "break-glass", K.ROLE) if row.label == "Global Administrator")
            assert (await r.connector.revoke(role)).result is Result.COMMANDED
            last = next(row for row in await rows(r, "E1009", K.ROLE) if row.label == "Global Administrator")
            assert last.guard is Guard.LAST_ADMIN
            assert (await r.connector.revoke(last)).result is Result.REFUSED


class TestTiers:
    async def test_two_applications(self) -> None:
        """With a write tier set, reads come from one application and writes from the other."""
        more = {"write_client_id": None, "write_client_secret": None}
        async with rig(permissions=READ_TIER) as probe:
            own = probe.tenant.credentials("write")
            more = {"write_client_id": own.client_id, "write_client_secret": own.client_secret}
        async with rig(permissions=READ_TIER, settings=more) as r:
            assert (await r.connector.revoke(await first(r, "E1001", K.SIGN_IN))).result is Result.COMMANDED
            assert r.tenant.audit[-1]["initiatedBy"]["app"]["appId"] == own.client_id

    async def test_read_tier_cannot_write(self) -> None:
        """The reading application alone can cut nobody."""
        async with rig(permissions=READ_TIER) as r:
            with pytest.raises(Denied):
                await r.connector.revoke(await first(r, "E1001", K.SIGN_IN))
            assert r.changed() == set()


class TestRestore:
    @pytest.mark.parametrize(
        ("kind", "prefix"), [(K.SIGN_IN, ""), (K.ROLE, "eligible/"), (K.GROUP, ""), (K.GROUP, "owner/")]
    )
    async def test_back_as_before(self, kind: EntitlementKind, prefix: str) -> None:
        """What a wrong cut took is given back and seen; a second time changes nothing."""
        async with rig() as r:
            row = await first(r, "E1001", kind, prefix)
            await r.connector.revoke(row)
            assert row.id not in r.held(row.account_id)
            for _ in range(2):
                assert (await r.connector.restore(row, row.prestate)).result is Result.COMMANDED
            assert row.id in {back.id for back in await rows(r, "E1001", kind)}
            assert r.changed() == set()

    async def test_role_with_its_scope(self) -> None:
        """A role comes back over the unit that it was given for, not over the tenant."""
        async with rig() as r:
            row = next(r_ for r_ in await rows(r, "adm-sho.ito", K.ROLE) if r_.prestate["directoryScopeId"] != "/")
            await r.connector.revoke(row)
            for _ in range(2):
                assert (await r.connector.restore(row, row.prestate)).result is Result.COMMANDED
            assert r.changed() == set()

    async def test_eligibility_with_its_end(self) -> None:
        """An eligibility that was to end, ends at the same time when it is given back."""
        async with rig() as r:
            user, role = r.account_id("E1001"), "4a5d8f65-41da-4de4-8968-e035b65339cf"
            r.tenant.directory.make_eligible(user, role, "/", "2027-03-31T15:00:00Z")
            row = next(r_ for r_ in await rows(r, "E1001", K.ROLE) if r_.label == "Reports Reader")
            await r.connector.revoke(row)
            await r.connector.restore(row, row.prestate)
            (back,) = [r_ for r_ in await rows(r, "E1001", K.ROLE) if r_.label == "Reports Reader"]
            assert str(back.prestate["endDateTime"]).startswith("2027-03-31T15:00:00")

    @pytest.mark.parametrize("kind", [K.GRANT, K.SESSION])
    async def test_enrolled_anew(self, kind: EntitlementKind) -> None:
        """Consent and sessions are the person's to give again: nothing is sent."""
        async with rig() as r:
            row = await first(r, "E1001", kind)
            with pytest.raises(ConnectorError, match="enrolled anew"):
                await r.connector.restore(row, row.prestate)
            assert writes(r) == []

    async def test_refused(self) -> None:
        """A group that has become dynamic meanwhile refuses its old member, and the receipt says so."""
        async with rig() as r:
            row = await first(r, "E1001", K.GROUP)
            await r.connector.revoke(row)
            r.tenant.directory.groups[row.vendor_id]["groupTypes"] = ["DynamicMembership"]
            r.tenant.directory.groups[row.vendor_id]["mailEnabled"] = False
            receipt = await r.connector.restore(row, row.prestate)
            assert receipt.result is Result.REFUSED

    async def test_freeze(self) -> None:
        """Nothing dies with the block here, so nothing has to be taken before it."""
        async with rig() as r:
            assert await r.connector.freeze(Account(Service.MICROSOFT365, r.account_id("E1001"))) == []


class TestNeverSent:
    async def test_nobody_listens(self) -> None:
        """A connection that was refused did nothing, writes included."""
        async with rig() as r:
            row = await first(r, "E1001", K.SIGN_IN)
            graph = r.connector._writer  # type: ignore[attr-defined]  # the real one
            graph.client().adapter.base_url = "https://127.0.0.1:9/v1.0"
            with pytest.raises(Unreachable):
                await r.connector.revoke(row)
            assert writes(r) == []
