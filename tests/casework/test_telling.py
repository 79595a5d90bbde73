"""A transaction tells the trail all of its events at its end, and none of them if it comes to none."""

from __future__ import annotations

import re
from typing import Any

import pytest

from audit.events import EventType
from audit.trail import Trail
from casework.recording import seal
from tests.casework.conftest import Office
from tests.unit.test_house_rules import lines


def told(office: Office) -> list[str]:
    with office.context.store.read() as session:
        return [entry.record["type"] for entry in office.context.store.trail.entries(session.connection())]


class TestTelling:
    def test_in_their_order_and_at_once(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        """One append a transaction, in the order in which the events happened."""
        appends: list[int] = []
        real = Trail.append_many

        def counted(self: Trail, connection: Any, drafts: Any) -> Any:
            appends.append(len(drafts))
            return real(self, connection, drafts)

        case, before = office.report(), told(office)
        monkeypatch.setattr(Trail, "append_many", counted)
        with office.context.store.write() as session:
            for event in (EventType.CASE_PLANNED, EventType.CASE_WAITING, EventType.CASE_CUTTING):
                seal(office.context, session, event, case.id, state=case.state)
            assert appends == []
        assert (appends, told(office)) == ([3], [*before, "case.planned", "case.waiting", "case.cutting"])

    def test_nothing_where_the_transaction_fails(self, office: Office) -> None:
        """What raises leaves no event, nor does the next transaction tell it."""
        case, before = office.report(), told(office)

        def fail() -> None:
            with office.context.store.write() as session:
                seal(office.context, session, EventType.CASE_PLANNED, case.id, state=case.state)
                _ = 1 / 0

        with pytest.raises(ZeroDivisionError):
            fail()
        with office.context.store.write():
            pass
        assert told(office) == before

    def test_nothing_where_it_is_taken_back(self, office: Office) -> None:
        """A file of rows of which one is bad is taken back within its transaction: what went before is told to nobody."""
        case, before = office.report(), told(office)
        with office.context.store.write() as session:
            seal(office.context, session, EventType.CASE_PLANNED, case.id, state=case.state)
            session.rollback()
        assert told(office) == before

    @pytest.mark.parametrize("fields", [{"name": "星 空子"}, {"state": "x" * 70_000}])
    def test_one_that_cannot_be_told_takes_the_others_and_the_rows_with_it(
        self, office: Office, fields: dict[str, Any]
    ) -> None:
        """A field that is not on the white list, or a leaf that is too long, leaves everything as it was."""
        case, before = office.report(), told(office)

        def tell() -> None:
            with office.context.store.write() as session:
                session.merge(case).tries = 7
                seal(office.context, session, EventType.CASE_PLANNED, case.id, state=case.state)
                seal(office.context, session, EventType.CASE_WAITING, case.id, **fields)

        with pytest.raises(ValueError, match=r"leaf|field"):
            tell()
        assert (told(office), office.context.case(case.id).tries) == (before, 0)

    def test_there_are_no_savepoints(self) -> None:
        """An event of a savepoint that is undone would be told: the house has none."""
        found = lines(re.compile(r"begin_nes" r"ted"), suffixes=(".py",))
        assert [line for line in found if not line.startswith(("audit/", "tests/"))] == []
