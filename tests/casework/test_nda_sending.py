"""Pledges sent and reminded of by a person and the sweep at once, by policy, and after a crash."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from casework.errors import BadRequest
from casework.intake import moving
from casework.nda import checking, follow_up, pledging
from casework.policy import NdaPolicy, Policy
from emulators import documents
from tests.casework.conftest import Office
from tests.casework.paper import Killed
from tests.casework.registers import (
    EXIT,
    FAR,
    LAST_DAY,
    Hire,
    MakeOffice,
    Shelf,
    nda,
    nda_context,
    of_kind,
    pledge_of,
)


class TestReminders:
    async def test_signed_elsewhere(self, hire: Hire) -> None:
        """Who has signed on paper is not reminded of the envelope any more."""
        house, shelf = hire(), Shelf()
        registers = replace(house.nda_context, registers={**house.nda_context.registers, "shelf": shelf})
        case = house.office.report(employment_ends_on=LAST_DAY)
        await pledging.send_pledge(registers, case.id, by="hr")
        house.file([EXIT], {"out.pdf": documents.scan_pdf()})
        await checking.check(registers, case.id)
        assert nda(house.office.context, case)["pledge"]["state"] == "returned"
        house.office.clock.pass_by(days=15)
        await follow_up.follow_up_with(registers)
        assert shelf.reminded == []

    async def test_rescheduled(self, make_office: MakeOffice) -> None:
        """Another last day has reminders of its own; a withdrawn departure has none."""
        office, shelf = make_office(), Shelf()
        registers = nda_context(office, shelf)
        case = office.report(employment_ends_on=LAST_DAY)
        await pledging.send_pledge(registers, case.id, by="hr")
        office.clock.pass_by(days=19)
        await follow_up.follow_up_with(registers)
        assert len(shelf.reminded) == 1
        moving.reschedule(office.context, case.id, ends_on=date(2027, 3, 31), last_working_at=None, by="hr")
        office.clock.pass_by(days=99)
        await follow_up.follow_up_with(registers)
        assert len(shelf.reminded) == 2
        moving.withdraw(office.context, case.id, by="hr", reason="stays")
        office.clock.pass_by(days=3)
        await follow_up.follow_up_with(registers)
        assert len(shelf.reminded) == 2

    async def test_two_sweeps(self, make_office: MakeOffice) -> None:
        """Two sweeps at once remind once."""
        office, shelf = make_office(), Shelf()
        registers = nda_context(office, shelf)
        case = office.report(employment_ends_on=LAST_DAY)
        await pledging.send_pledge(registers, case.id, by="hr")
        office.clock.pass_by(days=7)
        await asyncio.gather(*(follow_up.follow_up_with(registers) for _ in range(2)))
        assert len(shelf.reminded) == 1


class TestSending:
    async def test_two_at_once(self, make_office: MakeOffice) -> None:
        """A person and the sweep at the same time deliver one pledge, once."""
        office, shelf = make_office(), Shelf()
        asked = []
        shelf.before_sending = lambda: asked.append(1)
        registers = nda_context(office, shelf)
        case = office.report(employment_ends_on=LAST_DAY)
        both = (pledging.send_pledge(registers, case.id, by=who) for who in ("hr", "policy"))
        await asyncio.gather(*both, follow_up.follow_up_with(registers))
        await follow_up.follow_up_with(registers)
        assert len(asked) == 1

    @pytest.mark.parametrize(("signed_on", "sent"), [(date(2021, 3, 31), 1), (date(2026, 11, 27), 0)])
    async def test_by_policy_to_who_came_back(self, make_office: MakeOffice, signed_on: date, sent: int) -> None:
        """The exit pledge of an earlier departure is none of this one: policy asks for another; it asks nobody who has signed."""
        office = make_office(Policy(nda=NdaPolicy(send=True)))
        shelf = Shelf(pledge_of("old", completed=True, signer_employee_no="E1", signed_on=signed_on))
        registers = nda_context(office, shelf)
        case = office.report(employment_ends_on=LAST_DAY)
        await checking.check(registers, case.id)
        await pledging.send_by_policy(registers, case.id)
        assert len(shelf.delivered) == sent

    @pytest.mark.parametrize(
        ("title", "sent"),
        [("退職時誓約書 営業部", 0), ("秘密保持誓約書", 0), ("雇用契約書", 1), ("入社時誓約書 営業部", 1)],
    )
    async def test_by_policy_beside_a_doubtful_one(self, make_office: MakeOffice, title: str, sent: int) -> None:
        """What may be the exit pledge by its title is named by a person first: nobody is asked to sign a second one by itself."""
        office = make_office(Policy(nda=NdaPolicy(send=True)))
        shelf = Shelf(pledge_of("p", kind=None, title=title, completed=True, signer_employee_no="E1"))
        registers = nda_context(office, shelf)
        case = office.report(employment_ends_on=LAST_DAY)
        await checking.check(registers, case.id)
        lacking = of_kind(nda(office.context, case), "exit_pledge")
        assert (lacking["state"], "1 doubtful" in lacking["text"]) == ("missing", sent == 0)
        await pledging.send_by_policy(registers, case.id)
        assert len(shelf.delivered) == sent

    async def test_killed_while_sending(self, make_office: MakeOffice) -> None:
        """After kill -9 nobody sends until the dead one's turn is over; then the same key is tried again."""
        office, shelf = make_office(), Shelf()
        registers = nda_context(office, shelf)
        case = office.report(employment_ends_on=LAST_DAY)
        keys: list[str] = []

        def die() -> None:
            shelf.before_sending = lambda: keys.append("sent")
            raise Killed

        shelf.before_sending = die
        with pytest.raises(Killed):
            await pledging.send_pledge(registers, case.id, by="hr")
        pledge = await pledging.send_pledge(registers, case.id, by="hr")
        assert (pledge.state, keys) == ("intended", [])
        office.clock.pass_by(minutes=5)
        await follow_up.follow_up_with(registers)
        assert (nda(office.context, case)["pledge"]["state"], shelf.delivered) == ("sent", [pledge.key])

    async def test_what_was_sealed_is_what_is_sent(self, make_office: MakeOffice) -> None:
        """A case that changed before its pledge left: the sealed page is not sent with other words, somebody asks anew."""
        office, shelf = make_office(), Shelf()
        registers = nda_context(office, shelf)
        case = office.report(employment_ends_on=LAST_DAY)

        def die() -> None:
            raise Killed

        shelf.before_sending = die
        with pytest.raises(Killed):
            await pledging.send_pledge(registers, case.id, by="hr")
        shelf.before_sending = lambda: None
        moving.reschedule(office.context, case.id, ends_on=date(2026, 12, 31), last_working_at=None, by="hr")
        office.clock.pass_by(minutes=16)
        await follow_up.follow_up_with(registers)
        assert (nda(office.context, case)["pledge"]["state"], shelf.delivered) == ("rejected", [])
        await pledging.send_pledge(registers, case.id, by="hr")
        assert len(shelf.delivered) == 1

    def test_nobody_guesses_a_digest(self, office: Office, tmp_path: Path) -> None:
        """The same words at the same instant have another digest: who knows the words cannot find the leaf."""
        case = office.report(employment_ends_on=LAST_DAY)
        made = set()
        for name in ("a.pdf", "b.pdf"):
            office.clock.at = FAR
            pledge = pledging.write_pledge(office.context, case.id, tmp_path / name, by="hr")
            made.add(pledge.sha256)
            with office.context.store.write() as session:
                session.delete(pledge)
        assert len(made) == 2

    def test_a_file_that_cannot_be_written(self, office: Office, tmp_path: Path) -> None:
        """A folder that is not there: nothing was asked for; another person's file is not overwritten."""
        case = office.report(employment_ends_on=LAST_DAY)
        with pytest.raises(OSError, match="No such file"):
            pledging.write_pledge(office.context, case.id, tmp_path / "none" / "a.pdf", by="hr")
        assert nda(office.context, case)["pledge"]["state"] == "rejected"
        mine = tmp_path / "thesis.pdf"
        mine.write_bytes(b"years of work")
        with pytest.raises(BadRequest, match="exists"):
            pledging.write_pledge(office.context, case.id, mine, by="hr")
        assert mine.read_bytes() == b"years of work"
