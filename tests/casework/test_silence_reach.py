"""Until when the silence after the cut is known, and by which reads and names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from casework import runbook
from casework.matching.searching import find_in
from connectors.activity import LogName, UnreadSpan
from connectors.contract import FoundAccounts
from connectors.errors import Denied
from models.vocabulary import Leaver, Service
from tests.casework.conftest import Office
from tests.casework.quiet import cut, ledger, read
from tests.casework.test_silence import _find_as, _rename, hide


class TestUntilWhen:
    """Silence reaches as far as passes without a lack join, from the block on."""

    @pytest.mark.parametrize("reason", ["names_unseen", "names_denied"])
    @pytest.mark.parametrize(("renamed", "state"), [(False, "silent"), (True, "not_read")])
    async def test_without_former_names(self, logged: Office, reason: str, renamed: bool, state: str) -> None:
        """Names from before the departure do not matter after the cut; one that was searched then, and is not any more, does."""
        ledger(logged).gaps, ledger(logged).names = (UnreadSpan(reason, "not seen"),), (LogName("E1@example.test"),)
        case, _ = await cut(logged)
        ledger(logged).names = (LogName("renamed@x.test" if renamed else "E1@example.test"), LogName("more@x.test"))
        logged.clock.pass_by(hours=25)
        shown = (await read(logged, case))["downloads"]
        assert (shown["silence"][0]["state"], shown["verdict"]) == (state, "cannot_say")

    @pytest.mark.parametrize(
        "lacks",
        [
            (UnreadSpan("names_unseen", "not seen"),),
            (UnreadSpan("retention", "kept 5 days", None, datetime(2026, 11, 25, tzinfo=UTC)),),
        ],
    )
    @pytest.mark.parametrize("fault", [Denied("scope"), None])
    async def test_what_lacks_something_for_good_stands_for_nothing_later(
        self, logged: Office, lacks: tuple[UnreadSpan, ...], fault: Denied | None
    ) -> None:
        """A log that is not read after the cut proves nothing, whatever the pass before it may be forgiven."""
        ledger(logged).gaps = lacks
        case, effective_by = await cut(logged)
        await read(logged, case)
        ledger(logged).fault = lambda *_: fault
        ledger(logged).gaps = (*lacks, UnreadSpan("search_failed", "failed 3 times"))
        hide(logged, effective_by)
        logged.clock.pass_by(hours=25)
        assert (await read(logged, case))["downloads"]["silence"][0]["state"] == "not_read"

    async def test_renamed_before_the_first_look(self, logged: Office) -> None:
        """Where former names cannot be seen, the one by which the account was found must be searched."""
        ledger(logged).gaps, ledger(logged).names = (
            (UnreadSpan("names_unseen", "not seen"),),
            (LogName("left-e1@example.test"),),
        )
        case, effective_by = await cut(logged)
        hide(logged, effective_by)
        logged.clock.pass_by(hours=25)
        assert (await read(logged, case))["downloads"]["silence"][0]["state"] == "not_read"

    async def test_renamed_after_the_block_and_found_again(self, logged: Office) -> None:
        """The name that the account had at the block must be searched, by whatever name a later search finds it."""
        ledger(logged).gaps, ledger(logged).names = (
            (UnreadSpan("names_unseen", "not seen"),),
            (LogName("left-e1@example.test"),),
        )
        case, effective_by = await cut(logged)
        hide(logged, effective_by)
        await _find_as(logged, case.id, "left-e1@example.test")
        logged.clock.pass_by(hours=25)
        assert (await read(logged, case))["downloads"]["silence"][0]["state"] == "not_read"

    @pytest.mark.parametrize(("asked", "state"), [("left-e1@example.test", "silent"), ("E1@example.test", "not_read")])
    async def test_by_every_name_since_the_block(self, logged: Office, asked: str, state: str) -> None:
        """Both names that an account had since its block are asked for, in whatever letters."""
        ledger(logged).gaps = (UnreadSpan("names_unseen", "not seen"),)
        ledger(logged).names = (LogName("E1@Example.test"), LogName(asked))
        case, _ = await cut(logged)
        await _find_as(logged, case.id, "left-e1@example.test")
        ledger(logged).names = (LogName("e1@example.test"), LogName(asked))
        logged.clock.pass_by(hours=25)
        assert (await read(logged, case))["downloads"]["silence"][0]["state"] == state

    async def test_renamed_before_the_block(self, logged: Office) -> None:
        """A name that the account had lost by the last search before the block does not matter after it."""
        ledger(logged).gaps, ledger(logged).names = (
            (UnreadSpan("names_unseen", "not seen"),),
            (LogName("new-e1@example.test"),),
        )
        case = logged.report()
        await runbook.make_plan(logged.context, case.id)
        await _find_as(logged, case.id, "new-e1@example.test")
        logged.clock.pass_by(hours=10)
        await logged.run(case.id)
        await read(logged, case)
        logged.clock.pass_by(hours=30)
        assert (await read(logged, case))["downloads"]["silence"][0]["state"] == "silent"

    async def test_renamed_while_a_search_is_under_way(self, logged: Office) -> None:
        """A search that began before the block, and answered after a rename, makes the new name none that the account had at the block."""
        ledger(logged).gaps, ledger(logged).names = (
            (UnreadSpan("names_unseen", "not seen"),),
            (LogName("left-e1@example.test"),),
        )
        case = logged.report()
        await runbook.make_plan(logged.context, case.id)
        logged.clock.pass_by(hours=10)
        find, begun = logged.paper.find_accounts, list[str]()

        async def slow(leaver: Leaver) -> FoundAccounts:
            if not begun:
                begun.append(case.id)
                logged.clock.pass_by(seconds=60)
                await logged.run(case.id)
                logged.clock.pass_by(seconds=60)
                _rename(logged, "left-e1@example.test")
            return await find(leaver)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(logged.paper, "find_accounts", slow)
            await find_in(logged.context, case.id, Service.GOOGLE_WORKSPACE)
        hide(logged, logged.clock.at)
        logged.clock.pass_by(hours=30)
        assert (await read(logged, case))["downloads"]["silence"][0]["state"] == "not_read"

    @pytest.mark.parametrize(
        ("back_before", "asked", "state"),
        [
            (False, ["e1@example.test"], "not_read"),
            (False, ["new-e1@example.test"], "not_read"),
            (False, ["e1@example.test", "new-e1@example.test"], "silent"),
            (True, ["e1@example.test"], "silent"),
            (True, ["new-e1@example.test"], "not_read"),
        ],
    )
    async def test_renamed_and_back(self, logged: Office, back_before: bool, asked: list[str], state: str) -> None:
        """Renamed before the block and back after it: both names count.  Back before it: the one that the account had at the block."""
        ledger(logged).gaps, ledger(logged).names = (
            (UnreadSpan("names_unseen", "not seen"),),
            tuple(map(LogName, asked)),
        )
        case = logged.report()
        await runbook.make_plan(logged.context, case.id)
        await _find_as(logged, case.id, "new-e1@example.test")
        if back_before:
            await _find_as(logged, case.id, "e1@example.test")
        logged.clock.pass_by(hours=8)
        await logged.run(case.id)
        await _find_as(logged, case.id, "e1@example.test")
        await read(logged, case)
        logged.clock.pass_by(hours=30)
        assert (await read(logged, case))["downloads"]["silence"][0]["state"] == state

    @pytest.mark.parametrize("other", ["search_failed", "fewer", "unproven", "address", "name_reused", "truncated"])
    async def test_every_lack_counts_not_the_first_one_alone(self, logged: Office, other: str) -> None:
        ledger(logged).gaps = (UnreadSpan("names_denied", "may not be seen"), UnreadSpan(other, "nothing came"))
        case, effective_by = await cut(logged)
        hide(logged, effective_by)
        logged.clock.pass_by(hours=25)
        assert (await read(logged, case))["downloads"]["silence"][0]["state"] == "not_read"

    async def test_a_name_that_is_searched_no_more(self, logged: Office) -> None:
        """Whole by the names of today, and blind for what is logged under the one that the account had at the block."""
        ledger(logged).names = (LogName("e1@example.test"), LogName("alias@example.test"))
        case, _ = await cut(logged)
        await read(logged, case)
        ledger(logged).names = (LogName("e1@example.test"),)
        logged.clock.pass_by(hours=25)
        assert (await read(logged, case))["downloads"]["silence"][0]["state"] == "not_read"

    async def test_a_name_that_was_given_up_before_the_block(self, logged: Office) -> None:
        ledger(logged).names = (
            LogName("e1@example.test"),
            LogName("old@x.test", None, logged.clock.at - timedelta(days=9)),
        )
        case, _ = await cut(logged)
        await read(logged, case)
        ledger(logged).names = (LogName("e1@example.test"),)
        logged.clock.pass_by(hours=25)
        assert (await read(logged, case))["downloads"]["silence"][0]["state"] == "silent"

    async def test_deleted_a_week_after(self, logged: Office) -> None:
        """What was proved before stands, and goes on by the same name."""
        ledger(logged).names = (LogName("e1@example.test"),)
        case, _ = await cut(logged)
        await read(logged, case)
        logged.clock.pass_by(hours=25)
        first = (await read(logged, case))["downloads"]["silence"][0]
        ledger(logged).gaps = (UnreadSpan("names_unseen", "deleted"),)
        logged.clock.pass_by(days=7)
        second = (await read(logged, case))["downloads"]["silence"][0]
        assert (first["state"], second["state"]) == ("silent", "silent")
        assert first["text"] < second["text"]

    async def test_a_look_that_failed_later_leaves_what_was_proved(self, logged: Office) -> None:
        """The sentence says until when, which does not move on."""
        case, _ = await cut(logged)
        await read(logged, case)
        logged.clock.pass_by(hours=25)
        first = (await read(logged, case))["downloads"]["silence"][0]
        ledger(logged).fault = lambda *_: Denied("scope")
        logged.clock.pass_by(days=7)
        second = (await read(logged, case))["downloads"]
        assert (second["silence"][0]["text"], second["verdict"]) == (first["text"], "cannot_say")
