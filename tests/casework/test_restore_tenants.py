"""Restores on the emulated tenants, through the vendors' own SDKs."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from audit.trail import Trail
from casework import runbook
from casework.access import cutting
from casework.access import restore as restoring
from casework.context import Context
from casework.decisions import signatures as waiving
from casework.intake.reading import read_options
from casework.intake.submission import open_cases
from casework.matching import answering
from casework.policy import ObservationPolicy, Policy, RestorePolicy
from casework.store import Store, open_engine
from casework.truth.rows import rows_of
from connectors.errors import Denied
from connectors.slack.connector import SlackConnector
from emulators.company import person
from emulators.google_workspace.state import AppPassword
from models.tables import Case, CaseAccount
from models.vocabulary import AccountKind, MatchReason, RevocationResult, Service, Standing
from tests.casework.conftest import empty_database
from tests.casework.paper import Killed
from tests.casework.shown import show
from tests.contract import rig_google_workspace, rig_microsoft365, rig_slack
from tests.contract.rig import Rig

__all__ = ["empty_database"]

RIGS: dict[str, Any] = {
    "google_workspace": rig_google_workspace.rig,
    "slack": rig_slack.rig,
    "microsoft365": rig_microsoft365.rig,
}
LEAVER = "E1001"
QUICK = Policy(
    observe=ObservationPolicy(deadline_seconds=3, first_wait_seconds=0.05, longest_wait_seconds=0.2),
    restore=RestorePolicy(deadline_seconds=3),
)


@dataclass
class House:
    """A context with one emulated tenant."""

    context: Context
    rig: Rig

    def report(self, number: str = LEAVER, days_ago: int = 2, **other: Any) -> Case:
        who = person(number)
        day = str((datetime.now(UTC) - timedelta(days=days_ago)).date())
        given = {
            "employee_no": number,
            "name": who.name,
            "email": who.email,
            "employment_ends_on": day,
            "kind": "resignation",
        } | other
        return open_cases(self.context, read_options(**given), reported_by="hr", for_real=True).opened[0].case

    async def run(self, case: Case, *, asked: bool = False) -> None:
        """Cut in a run's order; findings stay findings."""
        service = self.rig.service
        async with runbook.claim(self.context, case.id, self.context.name("run")):
            await runbook.make_plan(self.context, case.id)
            if asked:
                for question in show(self.context, case.id)["questions"]:
                    doubtful = [one["account"] for one in question["options"] if one["standing"] == "asked"]
                    answering.answer(self.context, question["id"], chosen=doubtful, by="it")
            await runbook.contain(self.context, case.id, service)
            await runbook.deprovision(self.context, case.id, service)
            await runbook.observe_until_closed(self.context, case.id)

    async def restore(self, case: Case, account: str | None = None) -> dict[str, Any]:
        request = restoring.request_restore(self.context, case.id, by="hr", reason="wrong person", account=account)
        waiving.approve(self.context, request.id, by="it")
        await restoring.restore(self.context, case.id)
        return show(self.context, case.id)


@asynccontextmanager
async def house(name: str, tmp_path: Path, empty: Path, **options: Any) -> AsyncIterator[House]:
    shutil.copy(empty, tmp_path / "case.db")
    engine = open_engine(f"sqlite:///{tmp_path}/case.db")
    async with RIGS[name](**options) as rig:
        store = Store(engine, Trail("test.example/audit/2026"))
        yield House(Context(store, QUICK, {rig.service: rig.connector}), rig)
    engine.dispose()


def fates(shown: dict[str, Any], kind: str) -> list[str | None]:
    return [
        row["detail"]["restored"]
        for account in shown["accounts"]
        for row in account["entitlements"]
        if row["kind"] == kind and row["detail"]["restored"]
    ]


class TestGroups:
    @pytest.mark.parametrize("name", ["google_workspace", "microsoft365"])
    async def test_removed_by_another_administrator_are_not_given_back(
        self, name: str, tmp_path: Path, empty_database: Path
    ) -> None:
        """A group that another administrator took away just before our request stays away; the restore asks about it."""
        async with house(name, tmp_path, empty_database) as there:
            case = there.report()
            await runbook.make_plan(there.context, case.id)
            await cutting.contain(there.context, case.id, there.rig.service)
            account = there.rig.account_id(LEAVER)
            group = self.remove_one(there, account)
            await cutting.deprovision(there.context, case.id, there.rig.service)
            with there.context.store.read() as session:
                results = {row.vendor_id: row.result for row in rows_of(session, case.id)}
            assert results[group] is RevocationResult.ALREADY_ABSENT
            shown = await there.restore(case)
            held = {row.split(":", 3)[3] for row in there.rig.held(account) if ":group:" in row}
            assert group not in held
            taken = {vendor_id for vendor_id, result in results.items() if result is RevocationResult.COMMANDED}
            assert held & taken
            assert fates(shown, "group").count("asked") == 1
            assert fates(shown, "group").count("restored") == len(held & taken)
            (finding,) = [f for f in shown["findings"] if f["entitlement"].endswith(group)]
            restoring.confirm(there.context, case.id, finding["entitlement"], by="it", ours=True)
            await restoring.restore(there.context, case.id)
            assert group in {row.split(":", 3)[3] for row in there.rig.held(account) if ":group:" in row}

    def remove_one(self, there: House, account: str) -> str:
        tenant = there.rig.tenant
        if there.rig.service is Service.GOOGLE_WORKSPACE:
            roles = {one.assigned_to for one in tenant.assignments.values()}
            group = next(
                g for g in tenant.groups.values() if account in g.members and g.id not in roles and not g.dynamic
            )
            del group.members[account]
            return str(group.id)
        removable = {
            group
            for group, member in tenant.directory.members
            if member == account and not tenant.directory.groups[group]["mailEnabled"]
            and not tenant.directory.groups[group]["groupTypes"]
        }  # fmt: skip
        group = min(removable)
        del tenant.directory.members[group, account]
        return str(group)


class TestRoles:
    async def test_come_back_on_slack_enterprise_with_a_connector_that_was_not_probed(
        self, tmp_path: Path, empty_database: Path
    ) -> None:
        """A restore in a fresh process knows the plan before it gives back: roles on Enterprise are assigned again."""
        async with house("slack", tmp_path, empty_database, plan="enterprise") as there:
            account = there.rig.account_id(LEAVER)
            before = {row for row in there.rig.held(account) if ":role:" in row}
            case = there.report()
            await there.run(case)
            taken = before - there.rig.held(account)
            assert taken
            fresh: Any = SlackConnector(there.rig.connector._transport)  # type: ignore[attr-defined]  # the same tenant
            there.context.connectors[Service.SLACK] = fresh  # type: ignore[index]  # the test's own dict
            there.context.own_accounts.clear()
            shown = await there.restore(case)
            assert taken <= there.rig.held(account)
            assert fates(shown, "role").count("restored") == len(taken)

    async def test_held_through_a_group_on_google_end_the_restore(self, tmp_path: Path, empty_database: Path) -> None:
        """A role held through a group comes back with the membership; its row has an end, and the restore is restored."""
        async with house("google_workspace", tmp_path, empty_database) as there:
            account = there.rig.account_id(LEAVER)
            before = {row for row in there.rig.held(account) if ":role:" in row or ":group:" in row}
            case = there.report()
            await there.run(case)
            shown = await there.restore(case)
            assert shown["state"] == "restored"
            assert set(fates(shown, "role")) <= {"restored", "not_restorable"}
            assert set(fates(shown, "group")) == {"restored"}
            held = {row for row in there.rig.held(account) if ":role:" in row or ":group:" in row}
            assert len(held) == len(before)

    async def test_come_back_on_microsoft_under_other_ids(self, tmp_path: Path, empty_database: Path) -> None:
        """A role that is assigned anew has another id and the same reach: it is seen back, and the restore ends."""
        async with house("microsoft365", tmp_path, empty_database) as there:
            account = there.rig.account_id(LEAVER)
            role = next(iter(there.rig.tenant.directory.role_assignments.values())) | {
                "id": "asg-1",
                "principalId": account,
            }
            there.rig.tenant.directory.role_assignments["asg-1"] = role
            case = there.report()
            await there.run(case)
            assert not {row for row in there.rig.held(account) if row.endswith(":role:asg-1")}
            shown = await there.restore(case)
            assert (shown["state"], set(fates(shown, "role"))) == ("restored", {"restored"})


class TestAccounts:
    async def test_of_the_leaver_stay_cut_when_the_innocent_one_is_given_back(
        self, tmp_path: Path, empty_database: Path
    ) -> None:
        """Two accounts of one mistyped case: the restore of the colleague's leaves the leaver's suspended."""
        async with house("google_workspace", tmp_path, empty_database) as there:
            colleague = next(
                u for u in there.rig.tenant.users.values() if not u.employee_no and not u.suspended and not u.is_admin
            )
            leaver = there.rig.account_id(LEAVER)
            case = there.report(email=colleague.email)
            await there.run(case, asked=True)
            users = there.rig.tenant.users
            assert (users[leaver].suspended, users[colleague.id].suspended) == (True, True)
            await there.restore(case, f"google_workspace:{colleague.id}")
            assert (users[leaver].suspended, users[colleague.id].suspended) == (True, False)

    async def test_that_another_case_claims_stay_cut(self, tmp_path: Path, empty_database: Path) -> None:
        """A case opened for the wrong day and restored does not give back what the person's own case has taken."""
        async with house("google_workspace", tmp_path, empty_database) as there:
            wrong, right = there.report(employee_no="E9999", name="x", email=None), there.report()
            self.accept(there, wrong, there.rig.account_id(LEAVER))
            await there.run(wrong)
            await there.run(right)
            shown = await there.restore(wrong)
            assert there.rig.tenant.users[there.rig.account_id(LEAVER)].suspended
            assert set(fates(shown, "sign_in")) == {"claimed"}

    def accept(self, there: House, case: Case, account: str) -> None:
        """Let a person have said, wrongly, that the account is this case's leaver's."""
        with there.context.store.write() as session:
            session.add(
                CaseAccount(
                    case_id=case.id, connection=there.rig.service, vendor_id=account, ref=there.context.name("acct"),
                    kind=AccountKind.MEMBER, label="", reason=MatchReason.NAME, standing=Standing.ACCEPTED,
                    decided_by="it",
                )
            )  # fmt: skip


class TestFrozenExits:
    async def dismissed(self, there: House) -> Case:
        """Block at once, in a tenant that refuses to list tokens of a suspended user."""
        case = there.report(kind="dismissal")
        await there.run(case)
        return case

    async def test_are_gone_once_the_account_is_open(self, tmp_path: Path, empty_database: Path) -> None:
        """Grants, app passwords and codes that the suspension froze are gone a moment after it is lifted."""
        async with house("google_workspace", tmp_path, empty_database, tokens_after_suspension="401") as there:
            case = await self.dismissed(there)
            user = there.rig.tenant.users[there.rig.account_id(LEAVER)]
            assert user.suspended
            assert user.grants
            user.app_passwords[7] = AppPassword(7, "Mail")
            password = user.password_sha256
            shown = await there.restore(case)
            assert not user.suspended
            assert (user.grants, user.app_passwords, user.codes) == ({}, {}, 0)
            assert user.password_sha256 not in {password, "known to the user"}
            assert fates(shown, "sign_in") == ["restored"]
            assert "password" not in str(there.rig.stage.journal[-1])

    async def test_that_do_not_go_suspend_the_account_again(
        self, tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """While Google still shows a grant after the time allowed, the account is suspended again and its row says so."""
        monkeypatch.setattr("casework.access.restore_writes.CLEARED_WITHIN", timedelta(seconds=6))
        monkeypatch.setattr("casework.access.restore_writes._BETWEEN", 0.3)
        async with house("google_workspace", tmp_path, empty_database, tokens_after_suspension="401") as there:
            case = await self.dismissed(there)
            user = there.rig.tenant.users[there.rig.account_id(LEAVER)]
            kept = dict(user.grants)

            class Stubborn(dict[str, Any]):
                def __delitem__(self, key: str) -> None:
                    """Nothing goes."""

                def pop(self, key: str, *default: Any) -> Any:
                    return self.get(key)

            user.grants = Stubborn(kept)
            shown = await there.restore(case)
            assert user.suspended
            assert fates(shown, "sign_in") == ["problem"]
            assert any("its exits were" in f["text"] for f in shown["findings"])

    @pytest.mark.parametrize("claimed", [False, True], ids=["the serving process", "the next restore"])
    @pytest.mark.parametrize("when", ["before its outcome is written", "before the exits are cleared"])
    async def test_of_a_killed_restore_are_shut_again(
        self, tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch, when: str, claimed: bool
    ) -> None:
        """
        A restore that is killed between lifting the block and having cleared the exits leaves no account open: whoever comes first,
        the serving process or the next restore, blocks it again before anything else.
        """
        async with house("google_workspace", tmp_path, empty_database, tokens_after_suspension="401") as there:
            case = await self.dismissed(there)
            user = there.rig.tenant.users[there.rig.account_id(LEAVER)]
            await self.killed(there, case, monkeypatch, when)
            assert not user.suspended
            assert user.grants
            context = restarted(there.context)
            assert restoring.lifted(context) == []  # the killed one's lease has not ended yet
            context = replace(context, now=lambda: datetime.now(UTC) + timedelta(minutes=2))
            if claimed:
                user.app_passwords[8] = AppPassword(8, "Mail")
                shown = await self.restored_with_no_new_password(context, case, monkeypatch)
            else:
                assert await restoring.block_interrupted(context) == 1
                shown = show(context, case.id)
            assert user.suspended
            assert restoring.lifted(context) == []
            assert fates(shown, "sign_in") == ["problem"]
            await restoring.restore(context, case.id)
            assert (user.suspended, user.grants, user.app_passwords) == (False, {}, {})
            assert show(context, case.id)["state"] == "restored"

    async def killed(self, there: House, case: Case, patch: pytest.MonkeyPatch, when: str) -> None:
        """Carry the restore to the point of *when*, and let nothing of ours run after it."""
        request = restoring.request_restore(there.context, case.id, by="hr", reason="wrong person")
        waiving.approve(there.context, request.id, by="it")
        point = "casework.access.restore_account." + ("clear" if "exits" in when else "conclude")
        with patch.context() as dying:
            dying.setattr(point, self.dead)
            dying.setattr("casework.access.restore_account._block_again", self.dead)
            dying.setattr("casework.claims._let_go", lambda *_, **__: None)
            with pytest.raises(Killed):
                await restoring.restore(there.context, case.id)

    @staticmethod
    def dead(*_: object, **__: object) -> Any:
        raise Killed

    async def restored_with_no_new_password(self, context: Context, case: Case, patch: pytest.MonkeyPatch) -> Any:
        """Restore while no new password can be set: the account could not be lifted anew."""

        async def denied(*_: object) -> Denied:
            return Denied("google_workspace: cannot change password", code="403")

        with patch.context() as failing:
            failing.setattr("casework.access.restore_account.change_password", denied)
            await restoring.restore(context, case.id)
        return show(context, case.id)


def restarted(context: Context) -> Context:
    """Return the context of a process that has just started."""
    return replace(context, own_accounts={}, leases={}, probing={})
