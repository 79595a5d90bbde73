"""The ways out of an account whose block a restore lifts: taken first, and shut again if they cannot be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from casework.access import restore as restoring
from casework.intake.reading import read_options
from casework.intake.submission import open_cases
from connectors.contract import Capabilities, Connector, Kinds, Listing
from connectors.errors import Denied, Unreachable
from models.tables import Case
from models.vocabulary import (
    Account,
    ConnectionId,
    Entitlement,
    EntitlementState,
    Service,
)
from tests.casework.conftest import Office
from tests.casework.paper import Killed, Paper
from tests.casework.shown import show
from tests.casework.test_restore import GOOGLE, K, cut, fate, given_back


class TestProbed:
    async def test_before_its_first_use(self, office: Office) -> None:
        """A restore probes the service before it gives anything back: what the plan allows is not known without."""
        case = await cut(office)
        office.context.own_accounts.clear()
        office.paper.probes = 0
        await given_back(office, case)
        assert office.paper.probes == 1

    async def test_failing_is_not_remembered(self, office: Office) -> None:
        """While the probe fails nothing is given back and nothing is called restored; the next restore probes again."""
        case = await cut(office)
        office.context.own_accounts.clear()
        probe = office.paper.probe

        async def fail() -> Capabilities:
            raise Denied("paper: cannot probe: invalid_auth")

        office.paper.probe = fail  # type: ignore[method-assign]  # a credential that was withdrawn
        shown = await given_back(office, case)
        assert (set(fate(shown).values()), office.paper.given) == ({"problem"}, [])
        office.paper.probe = probe  # type: ignore[method-assign]  # the credential is back
        await restoring.restore(office.context, case.id)
        assert office.paper.holders["g1"].active


class TestFrozenExits:
    """Grants and codes that a block froze live again when it is lifted: they go in the same minute."""

    async def dismissed(self, office: Office) -> Case:
        """Block, and be killed right after: grants and codes are left in the blocked account."""
        case = office.report(kind="dismissal")

        def stop(row: Entitlement) -> None:
            if row.kind is K.GRANT:
                office.paper.kill()

        office.paper.before = stop
        with pytest.raises(Killed):
            await office.run(case.id)
        office.paper.dead, office.paper.before = False, lambda _: None
        office.clock.pass_by(minutes=2)
        assert office.paper.holders["g1"].held[K.GRANT] | office.paper.holders["g1"].held[K.BACKUP_CODE]
        return case

    async def test_are_gone_before_anything_else_comes_back(self, office: Office) -> None:
        """A new password, the block lifted, grants and codes gone, and only then groups."""
        case = await self.dismissed(office)
        holder = office.paper.holders["g1"]
        office.paper.writes.clear()
        trail: list[str] = []
        office.paper.after = lambda row: trail.append(f"take {row.kind}")
        office.paper.after_giving = lambda row: trail.append(f"give {row.kind}")
        await given_back(office, case)
        assert holder.active
        assert (holder.held[K.GRANT], holder.held[K.BACKUP_CODE]) == (set(), set())
        assert trail[:2] == ["take password", "give sign_in"]
        assert set(trail[2:5]) == {"take grant", "take backup_code"}

    async def test_that_do_not_go_block_the_account_again(self, office: Office) -> None:
        """If a read still shows an exit after a minute, the account is blocked again, and its row says so."""
        case = await self.dismissed(office)
        holder = office.paper.holders["g1"]
        office.paper.after = lambda row: holder.held[K.GRANT].add("app-1") if row.kind is K.GRANT else None
        shown = await given_back(office, case)
        assert not holder.active
        assert fate(shown)["sign_in:account"] == "problem"
        (finding,) = [f for f in shown["findings"] if ":sign_in:" in f["entitlement"]]
        assert "blocked" in finding["text"]
        assert "grant" in finding["text"]

        office.paper.after = lambda _: None
        await restoring.restore(office.context, case.id)
        assert office.paper.holders["g1"].active
        assert holder.held[K.GRANT] == set()

    async def test_wait_for_a_new_password(self, office: Office) -> None:
        """Where no new password can be set, the block is not lifted: whoever knows the old one could come in first."""
        case = await self.dismissed(office)

        def refuse(row: Entitlement) -> None:
            if row.kind is K.PASSWORD:
                raise Denied("paper: cannot set a password: 403")

        office.paper.before = refuse
        shown = await given_back(office, case)
        assert (office.paper.holders["g1"].active, fate(shown)["sign_in:account"]) == (False, "problem")

    async def test_and_a_block_that_stays_give_nothing_else_back(self, office: Office) -> None:
        """While the account stays blocked, its groups do not come back either: each says so."""
        case = await cut(office)

        def refuse(row: Entitlement) -> None:
            if row.kind is K.PASSWORD:
                raise Denied("paper: cannot set a password: 403")

        office.paper.before = refuse
        shown = await given_back(office, case)
        assert (office.paper.given, fate(shown)["group:sales"]) == ([], "problem")

    async def test_that_cannot_be_blocked_again_are_told_loudly(self, office: Office) -> None:
        """If the vendor refuses to block the account again, the row says that it is open; a later restore goes on with it as ours."""
        case = await self.dismissed(office)
        holder = office.paper.holders["g1"]

        def refuse(row: Entitlement) -> None:
            if row.kind is K.SIGN_IN:
                raise Denied("paper: cannot block: 403")

        office.paper.before = refuse
        office.paper.after = lambda row: holder.held[K.GRANT].add("app-1") if row.kind is K.GRANT else None
        shown = await given_back(office, case)
        assert any("THE ACCOUNT IS OPEN" in f["text"] for f in shown["findings"])

        office.paper.before = office.paper.after = lambda _: None
        await restoring.restore(office.context, case.id)
        assert fate(show(office.context, case.id))["sign_in:account"] == "restored"
        assert holder.held[K.GRANT] == set()

    async def test_that_cannot_be_read_block_the_account_again(self, office: Office) -> None:
        """Not being able to look is no proof that nothing is there."""
        case = await self.dismissed(office)
        office.paper.blind = {K.GRANT: EntitlementState.UNREADABLE}
        await given_back(office, case)
        assert not office.paper.holders["g1"].active

    async def test_block_again_whatever_breaks(self, office: Office) -> None:
        """Also when the connector breaks in the middle, as nobody foresaw."""
        case = await self.dismissed(office)
        listing = office.paper.list_access

        async def broken(account: Account, kinds: Kinds | None = None) -> Listing:
            if kinds is not None and K.GRANT in kinds and office.paper.holders["g1"].active:
                raise AttributeError("no attribute")
            return await listing(account, kinds)

        office.paper.list_access = broken  # type: ignore[method-assign]  # the connector breaks
        shown = await given_back(office, case)
        assert (office.paper.holders["g1"].active, shown["open_intents"]) == (False, 0)

    async def test_stay_where_a_person_returns_from_leave(self, office: Office) -> None:
        """After a leave of absence all of it is still the person's: no new password, no grant taken."""
        reading = read_options(
            employee_no="E1", name="星 空子", email="e1@example.test", employment_ends_on="2026-11-30", kind="leave"
        )
        case = open_cases(office.context, reading, reported_by="hr", for_real=True, leave=True).opened[0].case
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        restoring.request_return(office.context, case.id, by="hr")
        office.paper.writes.clear()
        await restoring.restore(office.context, case.id)
        assert office.paper.writes == []
        assert office.paper.holders["g1"].held[K.GRANT] == {"app-1", "app-2"}


class TestKilled:
    @pytest.mark.parametrize("kind", [K.SIGN_IN, K.GROUP])
    async def test_between_intent_and_outcome(self, office: Office, kind: K) -> None:
        """Killed in the middle of giving back, a second restore goes on: what was ours is still ours, no intent stays open."""
        case = await cut(office)

        def kill(row: Entitlement) -> None:
            if row.kind is kind:
                office.paper.kill()

        office.paper.after_giving = kill
        with pytest.raises(Killed):
            await given_back(office, case)
        office.paper.dead, office.paper.after_giving = False, lambda _: None
        office.clock.pass_by(minutes=2)
        await restoring.restore(office.context, case.id)
        shown = show(office.context, case.id)
        assert (shown["state"], shown["open_intents"]) == ("restored", 0)
        assert {fate(shown)[row] for row in ("sign_in:account", "group:sales", "group:all-hands")} == {"restored"}

    async def test_after_lifting_and_not_blocked_again_is_tried_again(self, office: Office) -> None:
        """An account that a killed restore left open, and that cannot be blocked at first, is not forgotten."""
        case = await cut(office)
        office.paper.after_giving = lambda _: office.paper.kill()
        with pytest.raises(Killed):
            await given_back(office, case)
        assert office.paper.holders["g1"].active
        office.paper.dead = False

        def refuse(_: Entitlement) -> None:
            raise Unreachable("google_workspace: cannot suspend")

        office.paper.before = refuse
        await restoring.block_interrupted(office.context)
        assert restoring.lifted(office.context) == [case.id]
        assert "THE ACCOUNT IS OPEN" in str(show(office.context, case.id)["findings"])
        office.paper.before = lambda _: None
        await restoring.block_interrupted(office.context)
        assert (restoring.lifted(office.context), office.paper.holders["g1"].active) == ([], False)

    async def test_after_lifting_and_not_blocked_again_is_not_restored(self, office: Office) -> None:
        """While rows of an account have no end, since it is open and cannot be blocked, the case is not called restored."""
        case = await cut(office)
        office.paper.after_giving = lambda _: office.paper.kill()
        with pytest.raises(Killed):
            await given_back(office, case)

        def refuse(_: Entitlement) -> None:
            raise Unreachable("google_workspace: cannot suspend")

        office.paper.dead, office.paper.before = False, refuse
        await restoring.restore(office.context, case.id)
        assert office.context.case(case.id).state == "restoring"

    async def test_after_lifting_is_blocked_by_a_service_that_was_probed(self, office: Office) -> None:
        """A process that has used no service yet probes it first here too: which tenant answers is not known without."""
        case = await cut(office)
        office.paper.after_giving = lambda _: office.paper.kill()
        with pytest.raises(Killed):
            await given_back(office, case)
        office.context.own_accounts.clear()
        office.paper.dead, office.paper.probes = False, 0
        asked: list[int] = []
        office.paper.before = lambda _: asked.append(office.paper.probes)
        await restoring.block_interrupted(office.context)
        assert (asked, office.paper.holders["g1"].active) == ([1], False)

    async def test_after_lifting_is_blocked_whatever_another_service_does(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An account that a killed restore left open is blocked although another service of the case cannot be opened."""
        slack = Paper(service=Service.SLACK, now=office.clock)
        slack.add("s1", employee_no="E1", email="e1@example.test", name="星 空子")
        both: dict[ConnectionId, Connector] = {Service.SLACK: slack, GOOGLE: office.paper}
        office = replace(office, context=replace(office.context, connectors=both))
        case = await cut(office)
        office.paper.after_giving = lambda _: office.paper.kill()
        with pytest.raises(Killed):
            await given_back(office, case)
        assert office.paper.holders["g1"].active
        office.paper.dead = False
        office.clock.pass_by(minutes=2)

        async def away() -> Capabilities:
            raise Unreachable("slack: away")

        monkeypatch.setattr(slack, "probe", away)
        await restoring.block_interrupted(replace(office.context, probing={}, own_accounts={}, leases={}))
        assert not office.paper.holders["g1"].active
