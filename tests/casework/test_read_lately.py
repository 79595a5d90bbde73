"""What was read a moment ago is not read again, unless something may have come of it since, or it was no read that counts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import col, select

from casework import runbook
from casework.access import observing, planning
from casework.context import Context
from casework.errors import StillOpen
from casework.lifecycle import wake
from casework.matching import searching
from casework.truth.rows import accepted
from connectors.contract import Kinds, Listing
from models.tables import Case, CaseAccount, Plan
from models.vocabulary import Account, Entitlement, EntitlementKind, EntitlementState, Guard, Service
from tests.casework.conftest import Office
from tests.casework.shown import show
from tests.casework.test_pause import planned

GOOGLE, K = Service.GOOGLE_WORKSPACE, EntitlementKind
SIGN_IN = frozenset({K.SIGN_IN})
MINUTE = timedelta(minutes=1)


@pytest.fixture
def read(office: Office, monkeypatch: pytest.MonkeyPatch) -> list[Kinds]:
    """The kinds of each listing, as they are asked for."""
    asked, listed = list[Kinds](), office.paper.list_access

    async def list_access(account: Account, kinds: Kinds | None = None) -> Listing:
        asked.append(frozenset(kinds or office.paper.manifest.kinds))
        return await listed(account, kinds)

    monkeypatch.setattr(office.paper, "list_access", list_access)
    return asked


def taken(office: Office, case_id: str) -> None:
    """Let a run take the case now."""
    with office.context.store.write() as session:
        session.get_one(Case, case_id).next_run_at = office.clock()


async def due(office: Office) -> tuple[Case, CaseAccount]:
    """Return a case that a run has taken, that is due and was listed just now, with its account."""
    case = await planned(office)
    taken(office, case.id)
    await planning.take_inventory(office.context, case.id)
    (account,) = accepted(office.context, case.id)
    return case, account


class TestUnread:
    async def test_nothing_that_a_fresh_read_showed(self, office: Office) -> None:
        """Read since the instant and within the time, and nothing asked of it: no kind is read again, for that time."""
        _, account = await due(office)
        kinds = frozenset(office.paper.manifest.kinds)
        assert planning.unread_since(office.context, account, kinds, MINUTE) == frozenset()
        office.clock.pass_by(minutes=1)
        assert planning.unread_since(office.context, account, kinds, MINUTE) == kinds

    async def test_what_was_read_before_the_instant(self, office: Office) -> None:
        """Only what is read since the instant tells what the leaver holds at it, a second before it does not."""
        case = office.report()
        office.clock.at = case.due_at - timedelta(seconds=2)
        taken(office, case.id)
        await runbook.make_plan(office.context, case.id)
        office.clock.at = case.due_at + timedelta(seconds=2)
        (account,) = accepted(office.context, case.id)
        assert planning.unread_since(office.context, account, SIGN_IN, MINUTE) == SIGN_IN

    async def test_what_another_run_read(self, office: Office) -> None:
        """What a person has signed for since the run before is read by the next one, and so is what nobody's run has read."""
        _, account = await due(office)
        office.clock.pass_by(seconds=1)
        taken(office, account.case_id)
        assert planning.unread_since(office.context, account, SIGN_IN, MINUTE) == SIGN_IN

    async def test_everything_once_somebody_woke_the_case(self, office: Office) -> None:
        """A correction or an answer in the middle of a run asks for new reads, however fresh the others are."""
        case, account = await due(office)
        with office.context.store.write() as session:
            wake(session, session.get_one(Case, case.id))
        kinds = frozenset(office.paper.manifest.kinds)
        assert planning.unread_since(office.context, account, kinds, MINUTE) == kinds

    async def test_what_was_asked_for(self, office: Office) -> None:
        """What became of a request is told by a read that follows it: its kind is read again, the others are not; the block always is."""
        _, account = await due(office)
        await runbook.contain(office.context, account.case_id, GOOGLE)
        kinds = frozenset(office.paper.manifest.kinds)
        again = planning.unread_since(office.context, account, kinds, MINUTE)
        assert again >= {K.SIGN_IN, K.SESSION, K.GRANT}
        assert not again & {K.GROUP, K.ROLE}
        await planning.take_inventory(office.context, account.case_id)
        assert planning.unread_since(office.context, account, kinds, MINUTE) == SIGN_IN

    async def test_what_was_asked_for_and_is_there_still(self, office: Office) -> None:
        """A kind of which a read shows something that was asked for is read again, however lately it was read."""
        _, account = await due(office)
        await runbook.contain(office.context, account.case_id, GOOGLE)
        office.paper.holders["g1"].held[K.GRANT].add("app-1")
        await planning.take_inventory(office.context, account.case_id)
        again = planning.unread_since(office.context, account, frozenset(office.paper.manifest.kinds), MINUTE)
        assert K.GRANT in again

    async def test_what_was_read_before_the_block(self, office: Office) -> None:
        """Once the account is seen blocked, every kind is read that was not read since, and all of them while it is not seen so."""
        _, account = await due(office)
        kinds = frozenset(office.paper.manifest.kinds)
        assert planning.unread_since(office.context, account, kinds, MINUTE, blocked=True) == kinds
        await runbook.contain(office.context, account.case_id, GOOGLE)
        assert planning.unread_since(office.context, account, kinds, MINUTE, blocked=True) == kinds
        await planning.take_inventory(office.context, account.case_id)
        assert planning.unread_since(office.context, account, kinds, MINUTE, blocked=True) == SIGN_IN

    async def test_what_was_read_before_the_block_of_a_sign_in_that_could_not_be_read_first(
        self, office: Office
    ) -> None:
        """The row that stood for the look was closed before the block was: the later of the two instants counts, and both must have come."""
        office.paper.blind = {K.SIGN_IN: EntitlementState.UNREADABLE}
        case, account = await due(office)
        office.paper.blind = {}
        await planning.take_inventory(office.context, case.id)
        kinds = frozenset(office.paper.manifest.kinds)
        assert planning.unread_since(office.context, account, kinds, MINUTE, blocked=True) == kinds
        await planning.take_inventory(office.context, case.id)
        await runbook.contain(office.context, case.id, GOOGLE)
        assert planning.unread_since(office.context, account, kinds, MINUTE, blocked=True) == kinds

    async def test_everything_of_an_account_whose_sign_in_nobody_has_seen(self, office: Office) -> None:
        """It was accepted a moment ago: there is no row of it, and no instant from which a read would count."""
        case = office.report()
        office.clock.pass_by(hours=10)
        await searching.find_in(office.context, case.id, GOOGLE)
        taken(office, case.id)
        (account,) = accepted(office.context, case.id)
        assert planning.unread_since(office.context, account, SIGN_IN, MINUTE, blocked=True) == SIGN_IN

    async def test_what_could_not_be_read(self, office: Office) -> None:
        """A look that failed is made again, although the one before it succeeded a moment ago."""
        _, account = await due(office)
        office.paper.blind = {K.GROUP: EntitlementState.UNREADABLE}
        await planning.take_inventory(office.context, account.case_id)
        kinds = frozenset({K.GROUP, K.GRANT})
        assert planning.unread_since(office.context, account, kinds, MINUTE) == {K.GROUP}

    async def test_an_administrator(self, office: Office) -> None:
        """Who else rules over the tenant is read anew before each cut: another may have left it a second ago."""
        office.paper.rulers = frozenset({"g1", "g2"})
        _, account = await due(office)
        assert planning.unread_since(office.context, account, SIGN_IN | {K.GROUP}, MINUTE) == SIGN_IN


class TestTheCut:
    @pytest.mark.parametrize(("seconds", "reads"), [(5, 1), (30, 2)])
    async def test_reads_the_sign_in_once(self, office: Office, read: list[Kinds], seconds: int, reads: int) -> None:
        """A sign-in that was read seconds ago is not read again before the block; one that was read longer ago is."""
        case, _ = await due(office)
        office.clock.pass_by(seconds=seconds)
        read.clear()
        await runbook.contain(office.context, case.id, GOOGLE)
        assert read.count(SIGN_IN) == reads

    async def test_a_guard_that_came_up_since_the_plan_stops_it(self, office: Office) -> None:
        """A sign-in whose read is half a minute old is read again, and what guards it now is respected."""
        case, _ = await due(office)
        office.clock.pass_by(seconds=30)
        office.paper.holders["g1"].guards["account"] = Guard.PRIMARY_OWNER
        await runbook.contain(office.context, case.id, GOOGLE)
        assert (office.paper.writes, office.paper.holders["g1"].active) == ([], True)

    async def test_what_is_left_to_take_is_listed_once(self, office: Office, read: list[Kinds]) -> None:
        """Of what was listed within the minute, what nothing was asked of is not listed again when it is taken away."""
        case, _ = await due(office)
        await runbook.contain(office.context, case.id, GOOGLE)
        read.clear()
        await runbook.deprovision(office.context, case.id, GOOGLE)
        assert read
        assert all(K.GROUP not in kinds for kinds in read)
        assert office.paper.holders["g1"].held[K.GROUP] == set()

    async def test_what_came_up_meanwhile_is_taken_before_it_closes(self, office: Office) -> None:
        """A group that the leaver joined between the listing and the block is seen when observing, and taken away."""
        case, _ = await due(office)
        office.paper.holders["g1"].held[K.GROUP].add("late")
        await office.run(case.id)
        assert office.paper.holders["g1"].held[K.GROUP] == set()
        assert show(office.context, case.id)["state"] == "closed"

    async def test_a_kind_that_was_read_before_the_block_alone_keeps_the_case_open(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What the leaver granted between the listing and the block is not seen while observing fails: nothing is closed over it."""
        grants, look = office.paper.holders["g1"].held[K.GRANT], observing._look
        grants.clear()
        case = office.report()
        office.clock.pass_by(hours=10)

        async def blindly(context: Context, case_id: str, *, first: bool) -> None:
            office.paper.blind = {K.GRANT: EntitlementState.UNREADABLE}
            await look(context, case_id, first=first)

        office.paper.before = lambda row: grants.add("late") if row.kind is K.SIGN_IN else None
        monkeypatch.setattr(observing, "_look", blindly)
        with pytest.raises(StillOpen, match="not_read_grant 1"):
            await office.run(case.id)
        monkeypatch.undo()
        office.paper.blind = {}
        await office.run(case.id)
        assert (show(office.context, case.id)["state"], grants) == ("closed", set())


class TestListed:
    async def test_is_what_was_listed_whole(self, office: Office, read: list[Kinds]) -> None:
        """An account counts as listed once it was listed whole, not when each kind happens to be known; then nothing is read again."""
        case = await planned(office)
        (account,) = accepted(office.context, case.id)
        with office.context.store.write() as session:
            session.get_one(CaseAccount, account.id).listed_at = None
        taken(office, case.id)
        for asked in (frozenset({K.SIGN_IN}), frozenset(office.paper.manifest.kinds)):
            await planning.take_inventory(office.context, case.id, kinds=asked)
            assert accepted(office.context, case.id)[0].listed_at is None
        await planning.take_inventory(office.context, case.id, known_for=MINUTE)
        assert accepted(office.context, case.id)[0].listed_at is not None
        read.clear()
        await planning.take_inventory(office.context, case.id, known_for=MINUTE)
        assert read == []


class TestCameBack:
    async def test_whatever_joined_while_the_account_was_open_again(self, office: Office) -> None:
        """Enabled after its kinds were read, given a client, seen at the first look: they are read anew after the second block."""
        holder, case = office.paper.holders["g1"], office.report()

        def enable(row: Entitlement) -> None:
            if row.kind is K.GROUP:
                office.paper.after = lambda _: None
                holder.active = True
                holder.held[K.GRANT].add("app-3")

        office.paper.after = enable
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        assert (office.context.case(case.id).state, holder.active, holder.held[K.GRANT]) == ("closed", False, set())
        with office.context.store.read() as session:
            plans = session.exec(select(Plan).order_by(col(Plan.id))).all()
        assert any(line["entitlement"].endswith("app-3") for line in plans[-1].content), "sealed before it is taken"
