"""Microsoft 365: tenants that are not like our rehearsal's, and answers that are allowed but unusual."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from connectors.errors import Unreachable
from connectors.kit.answers import instant
from emulators.fault_proxy import Fault
from emulators.microsoft365.permissions import READ_TIER
from models.vocabulary import Account, Entitlement, EntitlementKind, EntitlementState, Guard, RevocationResult, Service
from tests.contract.rig import Rig
from tests.contract.rig_microsoft365 import rig

K, State, Result = EntitlementKind, EntitlementState, RevocationResult
REACHING = ("Privileged Authentication Administrator",)


def account(r: Rig, person: str) -> Account:
    """Return *person*'s account, by id alone."""
    return Account(Service.MICROSOFT365, r.account_id(person))


async def rows(r: Rig, person: str, kind: EntitlementKind) -> list[Entitlement]:
    """List one kind of *person*."""
    return await r.connector.list_access(account(r, person), frozenset({kind}))


class TestAnswersToWrites:
    @pytest.mark.parametrize(("status", "body"), [(204, ""), (200, ""), (200, "{}"), (200, '{"@odata.context": "x"}')])
    async def test_sessions_without_a_word(self, status: int, body: str) -> None:
        """An ending that was accepted without "true" is commanded: the stamp tells the rest."""
        async with rig() as r:
            (row,) = await rows(r, "E1001", K.SESSION)
            r.stage.faults.append(Fault("revokeSignInSessions", status=status, body=body, after=True))
            assert (await r.connector.revoke(row)).result is Result.COMMANDED

    async def test_empty_success(self) -> None:
        """A write answered by an empty 200 instead of a 204 succeeded."""
        async with rig() as r:
            (row,) = await rows(r, "E1001", K.SIGN_IN)
            r.stage.faults.append(Fault("PATCH", status=200, body="", after=True))
            assert (await r.connector.revoke(row)).result is Result.COMMANDED
            assert await rows(r, "E1001", K.SIGN_IN) == []


class TestStamps:
    @pytest.mark.parametrize(
        "text",
        ["2026-11-22T00:00:01", "2026-11-22T00:00:01Z", "2026-11-22T00:00:01.9876543Z", "2026-11-22T09:00:01+09:00"],
    )
    def test_forms(self, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """A stamp means the same instant on every machine; one without a zone is in Greenwich time."""
        with monkeypatch.context() as patch:
            patch.setenv("TZ", "Asia/Tokyo")
            time.tzset()
            read = instant("microsoft365", text, "at")
        time.tzset()
        assert read is not None
        assert read.replace(microsecond=0).isoformat() == "2026-11-22T00:00:01+00:00"


class TestWhoSignsInHere:
    async def test_type_unknown(self) -> None:
        """Old accounts have no type: they sign in here, and their sessions can be ended."""
        async with rig() as r:
            r.tenant.directory.users[r.account_id("E1001")]["userType"] = None
            (row,) = await rows(r, "E1001", K.SESSION)
            assert (row.state, row.vendor_id) == (State.FOUND, "account")

    async def test_partner_made_member(self) -> None:
        """Who was invited and then made a member still signs in at home: no stamp of ours ends that."""
        async with rig() as r:
            r.tenant.directory.users[r.account_id("X2001")]["userType"] = "Member"
            (row,) = await rows(r, "X2001", K.SESSION)
            assert row.state is State.NO_API


class TestRoles:
    async def test_eligible_not_readable(self) -> None:
        """Active roles can be taken away although the eligible ones cannot be read, which a row says."""
        async with rig(permissions=READ_TIER - {"RoleEligibilitySchedule.Read.Directory"}) as r:
            listed = await rows(r, "E1009", K.ROLE)
            assert sorted(row.state for row in listed) == [State.FOUND, State.FOUND, State.UNREADABLE]
            assert next(row for row in listed if row.state is State.UNREADABLE).vendor_id == "*"

    async def test_gone_without_the_plan(self) -> None:
        """On a tenant without eligible roles an active one can be seen to be gone."""
        async with rig(plan="free") as r:
            row = next(row for row in await rows(r, "E1009", K.ROLE) if row.label == "Exchange Administrator")
            assert (await r.connector.revoke(row)).result is Result.COMMANDED
            assert (await r.connector.revoke(row)).result is Result.ALREADY_ABSENT
            assert "*" not in {left.vendor_id for left in await rows(r, "E1009", K.ROLE)}

    async def test_own_role_without_scope(self) -> None:
        """A role of ours whose scope is not told reaches nobody."""
        async with rig() as r:
            own = next(iter((await r.connector.probe()).own_account_ids))
            held = {"id": "1", "principalId": own, "roleDefinitionId": "62e90394-69f5-4237-9190-012177145e10"}
            r.stage.faults.append(Fault("roleAssignments", status=200, body=json.dumps({"value": [held]})))
            assert any("out of our" in problem for problem, _ in (await r.connector.probe()).problems)


class TestSpellingOfIds:
    async def test_last_admin(self) -> None:
        """Ids are the same in capitals: the last administrator is not overlooked for it."""
        async with rig(own_roles=REACHING) as r:
            r.tenant.directory.users[r.account_id("break-glass")]["accountEnabled"] = False
            for row in r.tenant.directory.role_assignments.values():
                row["principalId"] = row["principalId"].upper()
            (row,) = await rows(r, "E1009", K.SIGN_IN)
            assert row.guard is Guard.LAST_ADMIN

    async def test_last_owner(self) -> None:
        """Nor is the last owner."""
        async with rig() as r:
            body = json.dumps(
                {"value": [{"@odata.type": "#microsoft.graph.user", "id": r.account_id("E1007").upper()}]}
            )
            r.stage.faults.append(Fault("/owners", status=200, body=body))
            owned = [row for row in await rows(r, "E1007", K.GROUP) if row.vendor_id.startswith("owner/")]
            assert [row.guard for row in owned] == [Guard.LAST_OWNER]


class TestTwoAdministrators:
    @pytest.mark.parametrize("lag", [0, 50])
    async def test_leave_at_once(self, lag: int) -> None:
        """Two administrators who leave in the same minute do not vouch for each other: one is left who can sign in."""
        async with rig(own_roles=REACHING, replica_lag=lag) as r:
            both = [(await rows(r, person, K.SIGN_IN))[0] for person in ("E1009", "break-glass")]
            assert [row.guard for row in both] == [None, None]
            receipts = await asyncio.gather(*(r.connector.revoke(row) for row in both))
            assert sorted(receipt.result for receipt in receipts) == [Result.COMMANDED, Result.REFUSED]
            left = [r.tenant.directory.users[row.account_id]["accountEnabled"] for row in both]
            assert sorted(left) == [False, True]

    async def test_others_unreadable(self) -> None:
        """An administrator is not blocked while it cannot be seen whether another one is left; a later run looks again."""
        async with rig(own_roles=REACHING) as r:
            (row,) = await rows(r, "E1009", K.SIGN_IN)
            r.stage.faults.append(Fault("GET /v1.0/users[?]", status=503, times=3))
            with pytest.raises(Unreachable):
                await r.connector.revoke(row)
            assert r.changed() == set()
            assert (await r.connector.revoke(row)).result is Result.COMMANDED

    async def test_second_run_without_roles(self) -> None:
        """Once roles and role-assignable groups are gone, an administrator out of reach is cut like anybody else."""
        async with rig() as r:
            (row,) = await rows(r, "adm-sho.ito", K.SIGN_IN)
            assert (await r.connector.revoke(row)).result is Result.REFUSED
            for kind in (K.ROLE, K.GROUP):
                for held in await rows(r, "adm-sho.ito", kind):
                    assert (await r.connector.revoke(held)).result is Result.COMMANDED
            (row,) = await rows(r, "adm-sho.ito", K.SIGN_IN)
            assert row.guard is None
            assert (await r.connector.revoke(row)).result is Result.COMMANDED
