"""Registers that misbehave, papers that come back again and again, and cases that were erased."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import pytest

from casework.decisions import signatures as waiving
from casework.erasure import erasing
from casework.errors import BadRequest
from casework.intake import moving
from casework.nda import checking, follow_up, pledging, rulings
from casework.policy import NdaPolicy, Policy
from emulators import documents
from models.tables import Case
from models.vocabulary import TradeSecretTest
from tests.casework.registers import (
    FAR,
    LAST_DAY,
    MakeOffice,
    Shelf,
    nda,
    nda_context,
    pledge_of,
    signed,
    states,
)


class TestLoops:
    async def test_a_paper_that_came_back_altered(self, make_office: MakeOffice) -> None:
        """A pledge that came back and does not count is judged once; then rounds have their own hours."""
        office, shelf = make_office(), Shelf()
        registers = nda_context(office, shelf)
        case = office.report(employment_ends_on=LAST_DAY)
        await pledging.send_pledge(registers, case.id, by="hr")
        signed(shelf, shelf.delivered[0], sha256="0" * 64)
        for _ in range(5):
            office.clock.pass_by(minutes=16)
            await follow_up.follow_up_with(registers)
        assert states(nda(office.context, case))["exit_pledge"] == "altered"
        assert shelf.searches == 1

    async def test_a_paper_that_came_back_with_another_s_signature(self, make_office: MakeOffice) -> None:
        """What came back and is not the leaver's word is judged once as well, though it leaves the pledge unsigned."""
        office, shelf = make_office(), Shelf()
        registers = nda_context(office, shelf)
        case = office.report(employment_ends_on=LAST_DAY)
        await pledging.send_pledge(registers, case.id, by="hr")
        signed(shelf, shelf.delivered[0])
        shelf.content = documents.signed("月 影子", at=FAR)
        for _ in range(5):
            office.clock.pass_by(minutes=16)
            await follow_up.follow_up_with(registers)
        assert (states(nda(office.context, case))["exit_pledge"], shelf.searches) == ("unsigned", 1)

    async def test_one_case_that_breaks(self, make_office: MakeOffice) -> None:
        """A register that breaks in a way nobody foresaw stops no other case, is told, and is asked again later."""
        office, shelf = make_office(), Shelf()
        registers = nda_context(office, shelf)
        first, second = (office.report(employee_no=number, employment_ends_on=LAST_DAY) for number in ("E1", "E2"))
        for case in (first, second):
            await checking.check(registers, case.id)
        office.clock.pass_by(days=2)
        shelf.breaks = True
        assert await follow_up.follow_up_with(registers) == 2
        for case in (first, second):
            assert nda(office.context, case)["state"] == "unreadable"
            assert "美咲" not in str(nda(office.context, case))
        assert await follow_up.follow_up_with(registers) == 0

    async def test_closed_while_the_register_was_down(self, make_office: MakeOffice) -> None:
        """What was unreadable at the close is looked for again, once a day, and is on record when it can be read."""
        office, shelf = make_office(), Shelf(pledge_of("p", completed=True, signer_employee_no="E1"))
        office.paper.add("g1", employee_no="E1", email="e1@example.test", name="星 空子")
        registers = nda_context(office, shelf)
        case = office.report()
        shelf.breaks = True
        office.clock.pass_by(hours=10)
        await checking.check(registers, case.id)
        await office.run(case.id)
        assert office.context.case(case.id).state == "closed"
        shelf.breaks = False
        office.clock.pass_by(hours=1)
        assert await follow_up.follow_up_with(registers) == 0
        office.clock.pass_by(hours=24)
        assert await follow_up.follow_up_with(registers) == 1
        assert states(nda(office.context, case))["exit_pledge"] == "signed"
        office.clock.pass_by(days=200)
        assert await follow_up.follow_up_with(registers) == 0

    async def test_thousands_of_exchanges(self, make_office: MakeOffice) -> None:
        """However many requests a look took, its event fits into the trail."""
        office, shelf = make_office(), Shelf(exchanges=3000)
        case = office.report()
        await checking.check(nda_context(office, shelf), case.id)
        assert nda(office.context, case)["looks"] == [
            {"register": "shelf", "found": 0, "problem": None, "remedy": None}
        ]

    async def test_refusal_then_a_signed_paper(self, make_office: MakeOffice) -> None:
        """Who declined and signs after all has signed; nobody is asked in between."""
        office, shelf = make_office(), Shelf()
        registers = nda_context(office, shelf)
        case = office.report(employment_ends_on=LAST_DAY)
        await pledging.send_pledge(registers, case.id, by="hr")
        rulings.refuse(office.context, case.id, witness="S", on=date(2026, 11, 30), by="hr")
        await checking.check(registers, case.id)
        assert states(nda(office.context, case))["exit_pledge"] == "refused"
        signed(shelf, shelf.delivered[0])
        office.clock.pass_by(days=2)
        assert await follow_up.follow_up_with(registers) == 1
        assert states(nda(office.context, case))["exit_pledge"] == "signed"
        assert shelf.reminded == []


class TestErased:
    async def test_nothing_is_looked_for_or_written(self, make_office: MakeOffice, tmp_path: Path) -> None:
        """An erased case stays empty: nobody looks for documents, follows pledges or records anything personal of it."""
        office, shelf = make_office(Policy(nda=NdaPolicy(signing_days=400))), Shelf()
        registers = nda_context(office, shelf)
        context = office.context
        case = office.report(employment_ends_on=LAST_DAY)
        await pledging.send_pledge(registers, case.id, by="hr")
        moving.withdraw(context, case.id, by="hr", reason="r")
        request = erasing.request_erasure(context, case.id, by="it.lead", basis="retention")
        waiving.approve(context, request.id, by="ciso.yamada")
        erasing.erase(context, case.id)
        with context.store.write() as session:
            row = session.get_one(Case, case.id)
            row.state = row.state.__class__.CLOSED  # whatever state it was erased in
            session.add(row)
        office.clock.pass_by(days=20)
        await follow_up.follow_up_with(registers)
        await checking.check(registers, case.id)
        assert shelf.searches == 0
        verbs: Sequence[Callable[[], object]] = (
            lambda: rulings.refuse(context, case.id, witness="S", on=date(2026, 11, 30), by="hr"),
            lambda: rulings.rule(context, case.id, "shelf:p", theirs=True, reason="r", by="hr"),
            lambda: rulings.answer(context, case.id, TradeSecretTest.USEFULNESS, "secret", by="legal"),
            lambda: pledging.write_pledge(context, case.id, tmp_path / "p.pdf", by="hr"),
        )
        for verb in verbs:
            with pytest.raises(BadRequest, match="erased"):
                verb()
