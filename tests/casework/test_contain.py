"""The containment of an account: what is listed and taken before its block, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlmodel import col, select

from casework import runbook
from casework.errors import StillOpen
from casework.matching.searching import find_everywhere
from casework.policy import CutPolicy, Policy
from casework.truth.findings import assess
from connectors.contract import Capabilities, Kinds, Listing, Manifest
from connectors.kit.limits import Rank, rank_of
from models.tables import Plan
from models.vocabulary import Account, Entitlement, EntitlementKind, Receipt, Service
from tests.casework.conftest import Office
from tests.casework.paper import MANIFEST_ROWS, Killed, Paper
from tests.casework.shown import show

K = EntitlementKind
GOOGLE = Service.GOOGLE_WORKSPACE


def watched(office: Office) -> list[str]:
    """Return what will be listed, kind by kind, and what will be taken (`take group`), in its order."""
    listed, known = list[str](), office.paper.list_access

    async def list_access(account: Account, kinds: Kinds | None = None) -> Listing:
        listed.extend(sorted(kinds or ()))
        return await known(account, kinds)

    office.paper.list_access = list_access  # type: ignore[method-assign]  # looked at on the way
    office.paper.before = lambda row: listed.append(f"take {row.kind}")
    return listed


class BigPlan(Paper):
    """A service of which only the probe tells that its plan has groups."""

    async def probe(self) -> Capabilities:
        self.manifest = Manifest.of(self.service, MANIFEST_ROWS)
        return await super().probe()


class TestContain:
    async def test_knows_the_plan_of_the_service_first(self, make_office: Callable[..., Office]) -> None:
        """A process that has probed nothing yet lists an account that was accepted since the plan by what the service has."""
        office = make_office(kind=BigPlan)
        office.paper.add("g1", employee_no="E1", email="e1@example.test", name="星 空子")
        case = office.report()
        await find_everywhere(office.context, case.id)
        office.clock.pass_by(hours=10)
        small = [row for row in MANIFEST_ROWS if row.kind is not K.SESSION]
        office.paper.manifest = Manifest.of(office.paper.service, small)
        await runbook.contain(replace(office.context, own_accounts={}), case.id, office.paper.service)
        (account,) = show(office.context, case.id)["accounts"]
        assert "session" in {row["kind"] for row in account["entitlements"]}

    async def test_what_goes_after_the_block_is_listed_after_it(self, office: Office) -> None:
        """Of a departure that was not planned ahead and is due: nobody waits for a list of groups to be cut; then all is taken."""
        case = office.report()
        office.clock.pass_by(hours=10)
        listed = watched(office)
        await office.run(case.id)
        early = {"session", *(str(row.kind) for row in MANIFEST_ROWS if row.order <= 0 or row.implied_by is K.SIGN_IN)}
        assert set(listed[: listed.index("take sign_in")]) <= early | {f"take {kind}" for kind in early}
        assert "role" in listed[: listed.index("take sign_in")], "gone with the block, and to be known of"
        assert listed.index("take group") > listed.index("group") > listed.index("take sign_in")
        assert show(office.context, case.id)["state"] == "closed"

    async def test_what_is_listed_before_it_has_its_time(self, make_office: Callable[..., Office]) -> None:
        """
        A vendor that does not answer on what goes before the block holds it up no longer than policy grants.  What is gone with the
        block is then an open item, as in an emergency.
        """
        office = make_office(policy=Policy(cut=CutPolicy(precut_seconds=0.1)))
        office.paper.add("g1", employee_no="E1", email="e1@example.test", name="星 空子")
        case = office.report()
        office.clock.pass_by(hours=10)
        blocked, known = asyncio.Event(), office.paper.list_access

        async def list_access(account: Account, kinds: Kinds | None = None) -> Listing:
            if kinds and K.GRANT in kinds:
                await blocked.wait()
            return await known(account, kinds)

        office.paper.list_access = list_access  # type: ignore[method-assign]  # slow on purpose
        office.paper.after = lambda row: blocked.set() if row.kind is K.SIGN_IN else None
        async with asyncio.timeout(30):
            with pytest.raises(StillOpen):
                await office.run(case.id)
        assert office.paper.holders["g1"].held[K.GRANT] == set()
        (finding,) = show(office.context, case.id)["findings"]
        assert (finding["kind"], ":backup_code:" in finding["entitlement"]) == ("still_open", True)

    async def test_a_listing_that_fails_before_it(self, office: Office) -> None:
        """Whatever goes wrong with what goes before the block, the block comes and the sessions end."""
        case = office.report()
        office.clock.pass_by(hours=10)
        known = office.paper.list_access

        async def list_access(account: Account, kinds: Kinds | None = None) -> Listing:
            if kinds and K.GRANT in kinds:
                raise KeyError("a grant of an odd shape")
            return await known(account, kinds)

        office.paper.list_access = list_access  # type: ignore[method-assign]  # odd on purpose
        taken: list[str] = []
        office.paper.before = lambda row: taken.append(str(row.kind))
        await find_everywhere(office.context, case.id)
        await runbook.contain(office.context, case.id, GOOGLE)
        assert {"sign_in", "session"} <= set(taken)

    async def test_each_service_by_its_own_order(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        """What another service takes before its block, and this one after it, waits here."""
        later = tuple(replace(row, order=20) if row.kind is K.GRANT else row for row in MANIFEST_ROWS)
        office.paper.manifest = Manifest.of(office.paper.service, later)
        other = Paper(Service.SLACK)
        office.context = replace(office.context, connectors={GOOGLE: office.paper, Service.SLACK: other})
        case = office.report()
        office.clock.pass_by(hours=10)
        listed, known = list[Kinds](), office.paper.list_access

        async def list_access(account: Account, kinds: Kinds | None = None) -> Listing:
            listed.append(frozenset(kinds or ()))
            return await known(account, kinds)

        monkeypatch.setattr(office.paper, "list_access", list_access)
        await find_everywhere(office.context, case.id)
        await runbook.contain(office.context, case.id, GOOGLE)
        assert listed
        assert all(K.GRANT not in kinds for kinds in listed)

    async def test_an_emergency_lists_its_containment_alone(self, office: Office) -> None:
        """It is cut first, and what would be gone with the block becomes an open item."""
        case = office.report(kind="dismissal")
        listed = watched(office)
        with pytest.raises(StillOpen):
            await office.run(case.id)
        assert set(listed[: listed.index("take sign_in")]) == {"sign_in", "session"}
        with office.context.store.read() as session:
            scopes = session.exec(select(Plan.scope).where(Plan.case_id == case.id).order_by(col(Plan.id))).all()
        assert (scopes[0], scopes[-1]) == ("containment", "full")

    async def test_an_emergency_s_second_account(self, office: Office) -> None:
        """An account that is found after the containment of an emergency is blocked as fast as the first: nothing else is listed before."""
        case = office.report(kind="dismissal")
        await find_everywhere(office.context, case.id)
        await runbook.contain(office.context, case.id, GOOGLE)
        assert show(office.context, case.id)["contained_at"] is not None
        office.paper.add("g2", employee_no="E1", email="e1.second@example.test", name="星 空子")
        await find_everywhere(office.context, case.id)
        listed = watched(office)
        await runbook.contain(office.context, case.id, GOOGLE)
        assert set(listed[: listed.index("take sign_in")]) == {"sign_in", "session"}

    async def test_listing_and_taking_share_the_time_before_it(
        self, make_office: Callable[..., Office], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What the listing has used of policy's seconds is not granted again to what is taken before the block."""
        office = make_office(policy=Policy(cut=CutPolicy(precut_seconds=300)))
        office.paper.add("g1", employee_no="E1", email="e1@example.test", name="星 空子")
        case = office.report()
        office.clock.pass_by(hours=10)
        loop, blocked, known = asyncio.get_running_loop(), asyncio.Event(), office.paper.list_access
        time, passed, ask = loop.time, [0.0], office.paper.revoke

        async def list_access(account: Account, kinds: Kinds | None = None) -> Listing:
            if kinds and K.GRANT in kinds and not blocked.is_set():
                passed[0] = 299.5
            return await known(account, kinds)

        async def revoke(entitlement: Entitlement) -> Receipt:
            if entitlement.kind is K.GRANT:
                await asyncio.wait_for(blocked.wait(), 5)
            return await ask(entitlement)

        office.paper.list_access = list_access  # type: ignore[method-assign]  # slow on purpose
        office.paper.revoke = revoke  # type: ignore[method-assign]  # slower
        office.paper.after = lambda row: blocked.set() if row.kind is K.SIGN_IN else None
        await find_everywhere(office.context, case.id)
        monkeypatch.setattr(loop, "time", lambda: time() + passed[0])
        await runbook.contain(office.context, case.id, GOOGLE)
        assert office.paper.holders["g1"].held[K.GRANT] == set()

    @pytest.mark.parametrize("kind", ["resignation", "dismissal"])
    async def test_each_account_by_itself(self, office: Office, kind: str) -> None:
        """An account whose access takes long to list holds up the block of no other one."""
        office.paper.add("g2", employee_no="E1", email="e1.second@example.test", name="星 空子")
        case = office.report(kind=kind)
        office.clock.pass_by(hours=10)
        blocked, known = asyncio.Event(), office.paper.list_access

        async def list_access(account: Account, kinds: Kinds | None = None) -> Listing:
            if account.id == "g1":
                await asyncio.wait_for(blocked.wait(), 5)
            return await known(account, kinds)

        office.paper.list_access = list_access  # type: ignore[method-assign]  # slow on purpose
        office.paper.after = lambda row: blocked.set() if (row.account_id, row.kind) == ("g2", K.SIGN_IN) else None
        await find_everywhere(office.context, case.id)
        await runbook.contain(office.context, case.id, GOOGLE)
        assert blocked.is_set()
        assert {holder.active for holder in office.paper.holders.values()} == {False}

    async def test_a_sign_in_that_came_back(self, office: Office) -> None:
        """An account that is enabled again while its case is observed is blocked, and seen blocked, with the rank of a due cut."""
        case = office.report()
        office.clock.pass_by(hours=10)
        await runbook.contain(office.context, case.id, GOOGLE)
        await runbook.deprovision(office.context, case.id, GOOGLE)
        office.paper.holders["g1"].active = True
        ranks, known = list[tuple[str, Rank]](), office.paper.list_access

        async def list_access(account: Account, kinds: Kinds | None = None) -> Listing:
            ranks.append((" ".join(sorted(kinds or ())), rank_of()))
            return await known(account, kinds)

        office.paper.list_access = list_access  # type: ignore[method-assign]  # to see the rank
        office.paper.before = lambda row: ranks.append((f"revoke {row.kind}", rank_of()))
        await runbook.observe_until_closed(office.context, case.id)
        assert not office.paper.holders["g1"].active
        block = ranks.index(("revoke sign_in", Rank.DUE))
        assert ranks[block + 1] == ("sign_in", Rank.DUE)

    @pytest.mark.parametrize("kind", ["resignation", "dismissal"])
    async def test_sessions_that_take_long_to_list(self, make_office: Callable[..., Office], kind: str) -> None:
        """A vendor that allows few listings of sessions holds up no block; the sessions are listed, and ended, after it."""
        office = make_office(policy=Policy(cut=CutPolicy(precut_seconds=0.1)))
        office.paper.add("g1", employee_no="E1", email="e1@example.test", name="星 空子")
        case = office.report(kind=kind)
        office.clock.pass_by(hours=10)
        blocked, taken, known = asyncio.Event(), list[str](), office.paper.list_access
        contained = list[object]()

        async def list_access(account: Account, kinds: Kinds | None = None) -> Listing:
            assert rank_of(urgent=False) is Rank.DUE
            if kinds and K.SESSION in kinds:
                await asyncio.wait_for(blocked.wait(), 8)
                elsewhere = replace(office.context, connectors={}, configured=frozenset({GOOGLE}))  # a terminal, say
                with elsewhere.store.write() as session:
                    assess(elsewhere, session, case.id)
                contained.append(show(office.context, case.id)["contained_at"])
            return await known(account, kinds)

        def after(row: Entitlement) -> None:
            taken.append(str(row.kind))
            if row.kind is K.SIGN_IN:
                blocked.set()

        office.paper.list_access, office.paper.after = list_access, after  # type: ignore[method-assign]  # slow on purpose
        await find_everywhere(office.context, case.id)
        await runbook.contain(office.context, case.id, GOOGLE)
        assert taken.index("sign_in") < taken.index("session")
        assert set(contained) == {None}, "not before the sessions were listed and ended"
        assert show(office.context, case.id)["contained_at"] is not None

    async def test_killed_between_the_block_and_the_sessions(self, office: Office) -> None:
        """The next process ends the sessions that were never listed, before it lists anything else."""
        case = office.report(kind="dismissal")
        known = office.paper.list_access

        async def list_access(account: Account, kinds: Kinds | None = None) -> Listing:
            if kinds and K.SESSION in kinds:
                if not office.paper.holders["g1"].active:
                    raise Killed
                await asyncio.sleep(3)
            return await known(account, kinds)

        office.paper.list_access = list_access  # type: ignore[method-assign]  # slow, then the end
        await find_everywhere(office.context, case.id)
        with pytest.raises(Killed):
            await runbook.contain(office.context, case.id, GOOGLE)
        assert show(office.context, case.id)["contained_at"] is None
        office.paper.list_access = known  # type: ignore[method-assign]  # as it was
        taken = watched(office)
        await runbook.contain(office.context, case.id, GOOGLE)
        assert "take session" in taken
        assert set(taken) <= {"sign_in", "session", "take session"}
        assert show(office.context, case.id)["contained_at"] is not None

    @pytest.mark.parametrize("odd", [K.SIGN_IN, K.SESSION, K.GRANT])
    async def test_one_odd_answer_makes_no_other_kind_unreadable(self, office: Office, odd: EntitlementKind) -> None:
        """Whatever a vendor answers about one kind, the others are listed and taken; that kind is unreadable."""
        case = office.report()
        office.clock.pass_by(hours=10)
        known = office.paper.list_access

        async def list_access(account: Account, kinds: Kinds | None = None) -> Listing:
            if kinds and odd in kinds:
                raise KeyError("an answer of an odd shape")
            return await known(account, kinds)

        office.paper.list_access = list_access  # type: ignore[method-assign]  # odd on purpose
        with pytest.raises(StillOpen):
            await office.run(case.id)
        (account,) = show(office.context, case.id)["accounts"]
        states = {row["kind"]: row["state"] for row in account["entitlements"]}
        assert states[odd] == "unreadable"
        others = {state for kind, state in states.items() if kind not in {odd, "role"}}
        assert others <= {"observed_closed", "commanded"}, "a session is seen ended only beside a block that is seen"
