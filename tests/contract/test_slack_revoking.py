"""Taking Slack access away, and giving it back."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from connectors.errors import ConnectorError, Denied, NotOnPlan, OutcomeUnknown, Throttled, Unintelligible
from emulators.fault_proxy import Fault
from models.vocabulary import (
    Account,
    Entitlement,
    EntitlementKind,
    Guard,
    RevocationResult,
    Service,
)
from tests.contract.rig import Rig
from tests.contract.rig_slack import rig

K = EntitlementKind
WRITES = ("DELETE", "PATCH", "session.reset", "users.update", "Assignments")


async def listed(r: Rig, employee_no: str, kind: EntitlementKind) -> list[Entitlement]:
    """Return a fresh listing of one kind."""
    return await r.connector.list_access(Account(Service.SLACK, r.account_id(employee_no)), frozenset({kind}))


def writes(r: Rig) -> list[str]:
    """Return the writing requests that reached the tenant."""
    lines = [q.line for q in r.stage.journal]
    return [line for line in lines if any(w in line for w in WRITES) and "list" not in line]


class TestDeactivation:
    @pytest.mark.parametrize("plan", ["business_plus", "enterprise"])
    async def test_seen(self, plan: str) -> None:
        """The command is taken, a fresh read sees the account closed, and nobody else is touched."""
        async with rig(plan=plan, web_lag=1) as r:
            (row,) = await listed(r, "E1001", K.SIGN_IN)
            receipt = await r.connector.revoke(row)
            assert receipt.result is RevocationResult.COMMANDED
            assert [(e.what, e.status) for e in receipt.evidence] == [(f"DELETE /scim/v2/Users/{row.account_id}", 204)]
            assert await listed(r, "E1001", K.SIGN_IN) != []
            assert await listed(r, "E1001", K.SIGN_IN) == []
            assert r.changed() == {row.account_id}
            assert [e["action"] for e in r.tenant.audit] == ["user_deactivated"]

    async def test_twice(self) -> None:
        """Slack takes the same command again, and nothing changes."""
        async with rig() as r:
            (row,) = await listed(r, "E1001", K.SIGN_IN)
            for _ in range(2):
                assert (await r.connector.revoke(row)).result is RevocationResult.COMMANDED
            assert len(r.tenant.audit) == 1

    async def test_own_credential(self) -> None:
        """The account that our token belongs to is refused before any write."""
        async with rig() as r:
            row = Entitlement(Service.SLACK, r.tenant.automation_id, K.SIGN_IN, r.tenant.automation_id)
            receipt = await r.connector.revoke(row)
            assert receipt.result is RevocationResult.REFUSED
            assert writes(r) == []

    async def test_primary_owner(self) -> None:
        """Nobody's request deactivates the primary owner: the receipt says what to do first."""
        async with rig() as r:
            (row,) = await listed(r, "E1009", K.SIGN_IN)
            receipt = await r.connector.revoke(row)
            assert receipt.result is RevocationResult.REFUSED
            assert "transfer the ownership" in receipt.text
            assert receipt.evidence[-1].code == "cannot_disable_primary_owner"

    async def test_owner_by_an_administrator(self) -> None:
        """An administrator's token cannot touch an owner."""
        async with rig(token_role="admin") as r:
            (row,) = await listed(r, "E1007", K.SIGN_IN)
            receipt = await r.connector.revoke(row)
            assert receipt.result is RevocationResult.REFUSED
            assert "cannot_modify_owner" in receipt.text

    async def test_pro(self) -> None:
        """On Pro there is no way to send it."""
        async with rig(plan="pro") as r:
            (row,) = await listed(r, "E1001", K.SIGN_IN)
            with pytest.raises(NotOnPlan):
                await r.connector.revoke(row)
            assert r.changed() == set()

    async def test_unknown_account(self) -> None:
        """That SCIM does not know an account is no proof of its being closed."""
        async with rig() as r:
            with pytest.raises(Unintelligible, match="no_such_user"):
                await r.connector.revoke(Entitlement(Service.SLACK, "U0NEVER", K.SIGN_IN, "U0NEVER"))

    async def test_locked_object(self) -> None:
        """A second write to the same account, while one is under way, is a wait and not a failure."""
        async with rig(write_seconds=0.05) as r:
            (row,) = await listed(r, "E1001", K.SIGN_IN)
            results = await asyncio.gather(*(r.connector.revoke(row) for _ in range(2)), return_exceptions=True)
            assert any(not isinstance(x, BaseException) for x in results)
            late = [x for x in results if isinstance(x, BaseException)]
            assert all(isinstance(x, Throttled) and x.code == "resource_locked" for x in late)
            assert 429 in {q.status for q in r.stage.journal}

    @pytest.mark.parametrize(
        ("status", "body"),
        [(405, "Method Not Allowed"), (501, ""), (404, '{"Errors":{"description":"bad_endpoint","code":404}}')],
    )
    async def test_server_without_deletions(self, status: int, body: str) -> None:
        """A server that has no deletion did nothing: the account is switched off by a patch, and by nothing else."""
        async with rig() as r:
            (row,) = await listed(r, "E1001", K.SIGN_IN)
            r.stage.faults.append(Fault("DELETE", status=status, body=body, times=None))
            receipt = await r.connector.revoke(row)
            assert [(e.what.split()[0], e.status) for e in receipt.evidence] == [("DELETE", status), ("PATCH", 200)]
            assert await listed(r, "E1001", K.SIGN_IN) == []
            assert r.changed() == {row.account_id}

    @pytest.mark.parametrize("status", [200, 202, 204])
    async def test_forms_of_success(self, status: int) -> None:
        """Version 1 answers 200 and version 2 answers 204: either is taken, and only a read says that it is done."""
        async with rig() as r:
            (row,) = await listed(r, "E1001", K.SIGN_IN)
            r.stage.faults.append(Fault("DELETE", status=status))
            assert (await r.connector.revoke(row)).result is RevocationResult.COMMANDED
            assert await listed(r, "E1001", K.SIGN_IN) != []

    async def test_its_token_dies(self) -> None:
        """With the account its own tokens die; a token of ours that dies so is named as revoked."""
        async with rig() as r:
            r.tenant.deactivate(r.tenant.members[r.tenant.automation_id], "console")
            with pytest.raises(Denied, match="invalid_authentication"):
                await r.connector.revoke(Entitlement(Service.SLACK, r.account_id("E1001"), K.SIGN_IN, "x"))
            assert (await listed(r, "E1001", K.ROLE))[0].problem == "slack: cannot call admin.roles.listAssignments: token_revoked"  # fmt: skip


class TestLostWrites:
    @pytest.mark.parametrize("kind", [K.SIGN_IN, K.SESSION, K.ROLE, K.GROUP])
    @pytest.mark.parametrize("after", [True, False], ids=["carried out", "not carried out"])
    @pytest.mark.parametrize("how", ["drop", "502"])
    async def test_outcome_unknown(self, kind: EntitlementKind, how: str, *, after: bool) -> None:
        """A write whose answer is lost may have been carried out: it is not sent again, and a read decides."""
        async with rig() as r:
            row = (await listed(r, "E1001", kind))[0]
            fault = Fault("|".join(WRITES[:4]) + "|removeAss", after=after, drop=how == "drop", status=None if how == "drop" else 502, times=None)  # fmt: skip
            r.stage.faults.append(fault)
            with pytest.raises(OutcomeUnknown) as failure:
                await r.connector.revoke(row)
            assert len(writes(r)) == 1
            assert failure.value.evidence[-1].status == (None if how == "drop" else 502)
            r.stage.faults.clear()
            still = {e.id for e in await listed(r, "E1001", kind)}
            assert (row.id in still) is not after

    async def test_timeout(self) -> None:
        """A write that is not answered in time is unknown too."""
        async with rig(timeout=1) as r:
            (row,) = await listed(r, "E1001", K.SIGN_IN)
            r.stage.faults.append(Fault("DELETE", delay=1.5))
            with pytest.raises(OutcomeUnknown, match="TimeoutError"):
                await r.connector.revoke(row)

    async def test_throttled_write_is_sent_again(self) -> None:
        """What the vendor declined for now did nothing, and is tried again after the time it named."""
        async with rig() as r:
            (row,) = await listed(r, "E1001", K.SIGN_IN)
            r.stage.faults.append(Fault("DELETE", status=429, headers={"retry-after": "1"}))
            receipt = await r.connector.revoke(row)
            assert [e.status for e in receipt.evidence] == [429, 204]


class TestSession:
    async def test_one_reset_serves_all(self) -> None:
        """All sessions end with one reset, sent after one look at each place; asked again, they are found gone."""
        async with rig() as r:
            rows = await listed(r, "E1001", K.SESSION)
            receipts = await asyncio.gather(*(r.connector.revoke(row) for row in rows))
            assert {x.result for x in receipts} == {RevocationResult.COMMANDED}
            assert writes(r) == ["POST /api/admin.users.session.reset"]
            assert len([q for q in r.stage.journal if "session.list" in q.path]) == 3 + 3
            assert (await r.connector.revoke(rows[0])).result is RevocationResult.ALREADY_ABSENT
            assert await listed(r, "E1001", K.SESSION) == []
            assert r.changed() == {r.account_id("E1001")}

    async def test_primary_owner(self) -> None:
        """Slack resets no primary owner."""
        async with rig() as r:
            receipt = await r.connector.revoke((await listed(r, "E1009", K.SESSION))[0])
            assert receipt.result is RevocationResult.REFUSED

    async def test_below_enterprise(self) -> None:
        """Without a session API nothing is sent: it ends with the block, and that is looked at."""
        async with rig(plan="business_plus") as r:
            (row,) = await listed(r, "E1001", K.SESSION)
            assert (await r.connector.revoke(row)).result is RevocationResult.REFUSED
            r.tenant.deactivate(r.tenant.members[row.account_id], "console")
            assert (await r.connector.revoke(row)).result is RevocationResult.ALREADY_ABSENT
            assert writes(r) == []


class TestRole:
    async def test_gone(self) -> None:
        """An assignment is removed alone; removing it again finds it gone by looking."""
        async with rig(page_size=1) as r:
            row = (await listed(r, "E1001", K.ROLE))[0]
            assert (await r.connector.revoke(row)).result is RevocationResult.COMMANDED
            assert (await r.connector.revoke(row)).result is RevocationResult.ALREADY_ABSENT
            assert row.id not in r.held(row.account_id)
            assert r.changed() == {row.account_id}

    async def test_rejected(self) -> None:
        """Slack's partial failure, with the assignment still there, is a refusal that says why."""
        async with rig() as r:
            row = (await listed(r, "E1001", K.ROLE))[0]
            body = '{"ok":false,"error":"failed_for_some_entities","rejected_entities":[{"id":"C0","error":"no_permission"}]}'
            r.stage.faults.append(Fault("removeAssignments", status=200, body=body))
            receipt = await r.connector.revoke(row)
            assert (receipt.result, receipt.text) == (
                RevocationResult.REFUSED,
                "failed_for_some_entities: no_permission",
            )

    async def test_rank_below_enterprise(self) -> None:
        """An owner's rank ends with the account: it cannot be taken by itself."""
        async with rig(plan="business_plus") as r:
            row = (await listed(r, "E1007", K.ROLE))[0]
            assert (await r.connector.revoke(row)).result is RevocationResult.REFUSED
            gone = replace(row, vendor_id="is_primary_owner")
            assert (await r.connector.revoke(gone)).result is RevocationResult.ALREADY_ABSENT


class TestGroup:
    async def test_only_the_leaver_goes(self) -> None:
        """The list is written without the leaver, everybody else in it, in order."""
        async with rig() as r:
            for row in await listed(r, "E1001", K.GROUP):
                group = r.tenant.groups[row.vendor_id.split("/")[1]]
                before = list(group.users)
                assert (await r.connector.revoke(row)).result is RevocationResult.COMMANDED
                assert group.users == [u for u in before if u != row.account_id]
                assert (await r.connector.revoke(row)).result is RevocationResult.ALREADY_ABSENT
            assert r.changed() == {r.account_id("E1001")}

    async def test_two_leavers_at_once(self) -> None:
        """Two leavers of one group both go: neither write brings the other back."""
        async with rig() as r:
            rows = [e for n in ("E1001", "E1002", "E1010") for e in await listed(r, n, K.GROUP) if e.label == "hanami"]
            await asyncio.gather(*(r.connector.revoke(row) for row in rows))
            assert r.changed() == {r.account_id(n) for n in ("E1001", "E1002", "E1010")}

    async def test_newcomer_since_the_listing(self) -> None:
        """The list that is written is the one read just before, not the one of the plan."""
        async with rig() as r:
            row = next(e for e in await listed(r, "E1001", K.GROUP) if e.label == "hanami")
            group = r.tenant.groups[row.vendor_id.split("/")[1]]
            group.users.append(r.account_id("E1103"))
            await r.connector.revoke(row)
            assert r.account_id("E1103") in group.users

    async def test_put_back(self) -> None:
        """Somebody else's write that puts the leaver back is met by another, and in the end said."""
        async with rig() as r:
            row = next(e for e in await listed(r, "E1001", K.GROUP) if e.label == "hanami")
            group = r.tenant.groups[row.vendor_id.split("/")[1]]
            body = '{"ok":true,"usergroup":{"id":"%s","users":[]}}' % group.id  # noqa: UP031  # braces
            r.stage.faults.append(Fault("users.update", status=200, body=body, times=None))
            receipt = await r.connector.revoke(row)
            assert len(writes(r)) == 3
            assert "putting the account back" in receipt.text
            assert await listed(r, "E1001", K.GROUP) != []

    async def test_never_emptied(self) -> None:
        """The last member is not taken out: disabling the group is somebody's decision."""
        async with rig() as r:
            row = next(e for e in await listed(r, "E1012", K.GROUP) if e.label == "press")
            receipt = await r.connector.revoke(row)
            assert receipt.result is RevocationResult.REFUSED
            assert "successor" in receipt.text
            assert writes(r) == []

    async def test_governed_elsewhere(self) -> None:
        """Groups of the identity provider, and locked ones, are left to those who govern them."""
        async with rig() as r:
            guarded = [e for e in await listed(r, "E1013", K.GROUP) if e.guard is not None]
            assert {e.guard for e in guarded} == {Guard.MASTERED_ELSEWHERE, Guard.PRIVILEGED}
            for row in guarded:
                assert (await r.connector.revoke(row)).result is RevocationResult.REFUSED
            assert writes(r) == []

    async def test_not_by_this_token(self) -> None:
        """A workspace that lets only owners change groups refuses, and the receipt has its word."""
        async with rig(plan="business_plus") as r:
            row = (await listed(r, "E1001", K.GROUP))[0]
            r.stage.faults.append(Fault("users.update", status=200, body='{"ok":false,"error":"permission_denied"}'))
            receipt = await r.connector.revoke(row)
            assert receipt.result is RevocationResult.REFUSED
            assert receipt.evidence[-1].code == "permission_denied"

    async def test_answer_without_the_list(self) -> None:
        """What the answer shows does not matter: the list is read after."""
        async with rig() as r:
            row = (await listed(r, "E1001", K.GROUP))[0]
            r.stage.faults.append(Fault("users.update", status=200, body='{"ok":true}', after=True))
            assert (await r.connector.revoke(row)).result is RevocationResult.COMMANDED
            assert len(writes(r)) == 1
            assert await r.connector.revoke(row)
            assert row.id not in r.held(row.account_id)

    async def test_exact_codes(self) -> None:
        """`team_not_found` is not `user_not_found`: a wrong workspace is never a success."""
        async with rig() as r:
            row = replace((await listed(r, "E1001", K.GROUP))[0], vendor_id="T0WRONG/S01")
            with pytest.raises(ConnectorError, match="team_not_found"):
                await r.connector.revoke(row)


class TestGrant:
    async def test_no_request_exists(self) -> None:
        """Tokens of others have no request: it is said, and `auth.revoke`, which would kill our own, is never sent."""
        async with rig() as r:
            (row,) = await listed(r, "E1001", K.GRANT)
            with pytest.raises(NotOnPlan):
                await r.connector.revoke(row)
            assert r.stage.journal == []


class TestWholeCut:
    @pytest.mark.parametrize("plan", ["business_plus", "enterprise"])
    async def test_nothing_is_held(self, plan: str) -> None:
        """After the manifest's order of revocations the leaver holds nothing, and nobody else lost anything."""
        async with rig(plan=plan, page_size=1) as r:
            account = Account(Service.SLACK, r.account_id("E1001"))
            rows = [e for e in await r.connector.list_access(account) if e.vendor_id != "*"]
            for row in sorted(rows, key=lambda e: r.connector.manifest.kinds[e.kind].order):
                if r.connector.manifest.kinds[row.kind].implied_by is None:
                    await r.connector.revoke(row)
            assert r.held(account.id) == set()
            assert r.changed() == {account.id}
            assert [e.kind for e in await r.connector.list_access(account)] == [K.GRANT]
            assert not [q for q in r.stage.journal if "auth.revoke" in q.path]
            assert await r.connector.freeze(account) == []


class TestRestore:
    async def test_all_that_can_be(self) -> None:
        """A wrong cut is undone: account, groups (beside who came since), roles."""
        async with rig() as r:
            account = Account(Service.SLACK, r.account_id("E1001"))
            rows = [e for e in await r.connector.list_access(account) if e.kind in {K.SIGN_IN, K.GROUP, K.ROLE}]
            for row in rows:
                await r.connector.revoke(row)
            hanami = next(g for g in r.tenant.groups.values() if g.handle == "hanami")
            hanami.users.append(r.account_id("E1103"))
            for row in rows:
                receipt = await r.connector.restore(row, row.prestate)
                assert (receipt.result, receipt.text) == (RevocationResult.COMMANDED, "")
            assert {e.id for e in rows} <= r.held(account.id)
            assert r.account_id("E1103") in hanami.users

    async def test_again(self) -> None:
        """Giving back what is there changes nothing."""
        async with rig() as r:
            account = Account(Service.SLACK, r.account_id("E1001"))
            rows = await r.connector.list_access(account, frozenset({K.SIGN_IN, K.GROUP, K.ROLE}))
            results = {(await r.connector.restore(row, row.prestate)).result for row in rows}
            assert results == {RevocationResult.COMMANDED, RevocationResult.ALREADY_ABSENT}
            assert r.changed() == set()

    async def test_session(self) -> None:
        """Sessions are opened by their person."""
        async with rig() as r:
            row = (await listed(r, "E1001", K.SESSION))[0]
            with pytest.raises(NotOnPlan, match="cannot give back a session"):
                await r.connector.restore(row, row.prestate)

    async def test_refused(self) -> None:
        """What Slack refuses to give back is said."""
        async with rig(token_role="admin") as r:
            (owner,) = await listed(r, "E1007", K.SIGN_IN)
            assert (await r.connector.restore(owner, {})).result is RevocationResult.REFUSED
            (role, *_) = await listed(r, "E1001", K.ROLE)
            r.tenant.deactivate(r.tenant.members[role.account_id], "console")
            assert (await r.connector.restore(role, role.prestate)).text == "failed_for_some_users: user_not_found"

    async def test_group_that_may_not_be_written(self) -> None:
        """A group that is gone, governed elsewhere or refuses the list is left, and that is said."""
        async with rig() as r:
            rows = {e.label: e for e in await listed(r, "E1013", K.GROUP)}
            for label in ("from-idp", "all-tokyo"):
                r.tenant.groups[rows[label].vendor_id.split("/")[1]].users.remove(r.account_id("E1013"))
            idp = await r.connector.restore(rows["from-idp"], {})
            gone = await r.connector.restore(replace(rows["all-tokyo"], vendor_id="T0HOSHI01/S0GONE"), {})
            r.stage.faults.append(Fault("users.update", status=200, body='{"ok":false,"error":"invalid_users"}'))
            invalid = await r.connector.restore(rows["all-tokyo"], {})
            assert {x.result for x in (idp, gone, invalid)} == {RevocationResult.REFUSED}

    async def test_group_write_not_seen(self) -> None:
        """A list that was accepted, but does not show the account after, is said."""
        async with rig() as r:
            row = next(e for e in await listed(r, "E1013", K.GROUP) if e.label == "all-tokyo")
            group = r.tenant.groups[row.vendor_id.split("/")[1]]
            group.users.remove(r.account_id("E1013"))
            body = f'{{"ok":true,"usergroup":{{"id":"{group.id}","users":[]}}}}'
            r.stage.faults.append(Fault("users.update", status=200, body=body))
            assert "not seen" in (await r.connector.restore(row, {})).text

    async def test_another_one_answers(self) -> None:
        """An activation that answers for another account is not understood."""
        async with rig() as r:
            (row,) = await listed(r, "E1001", K.SIGN_IN)
            r.stage.faults.append(Fault("PATCH", status=200, body='{"id":"U0OTHER","active":true}'))
            with pytest.raises(Unintelligible, match="another"):
                await r.connector.restore(row, {})
