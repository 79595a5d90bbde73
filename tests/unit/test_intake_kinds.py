"""Which kind of notice a row is: said by the source or by the sender, never assumed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from casework.intake.csv_file import read_csv
from casework.intake.json_file import read_json
from casework.intake.kinds import KindRule
from casework.intake.notice import NoticeReading
from casework.intake.reading import read_options
from models.vocabulary import DepartureKind as Kind

HEAD = "社員番号,氏名,退職日"
ROWS = ("E1,星 空子,2026-11-30", "E2,月 影子,2026-11-30")


def csv(*kinds: str, column: str | None = None, rule: KindRule | None = None) -> NoticeReading:
    """Read two people from a CSV, with a column of this name that says *kinds*."""
    lines = [HEAD, *ROWS]
    if column is not None:
        lines = [",".join(pair) for pair in zip(lines, (column, *kinds), strict=True)]
    return read_csv("\n".join(lines).encode(), rule)


def tree(*kinds: str, column: str | None = None, rule: KindRule | None = None) -> NoticeReading:
    """Read the same two from JSON."""
    people: list[dict[str, Any]] = [
        dict(zip(("employee_no", "name", "employment_ends_on"), row.split(","), strict=True)) for row in ROWS
    ]
    for person, kind in zip(people, kinds, strict=False):
        person[column or ""] = kind
    return read_json(json.dumps(people).encode(), rule)


SOURCES = pytest.mark.parametrize(("read", "known"), [(csv, "区分"), (tree, "kind")], ids=["csv", "json"])


def stopped(reading: NoticeReading) -> tuple[str, str | None, str]:
    """The one refusal of a file of which nothing was taken: its code, the column it names, its remedy."""
    (refusal,) = reading.refused
    assert (reading.notices, reading.rows, refusal.row) == ((), 0, None)
    return refusal.code, refusal.column, refusal.remedy.en


class TestWithoutAColumn:
    @SOURCES
    def test_the_file_stops_and_asks(self, read: Any, known: str) -> None:
        """A file that does not say the kind opens nothing: the two remedies are a word for all, or the column's name."""
        code, column, remedy = stopped(read())
        assert (code, column) == ("no_kind", "kind")
        assert "--kind resignation" in remedy
        assert '[intake] kind_column = "異動区分"' in remedy

    @SOURCES
    def test_the_likely_column_is_named(self, read: Any, known: str) -> None:
        """Where a column looks like the kind but holds words of HR's own, it is the one that the refusal names."""
        code, column, remedy = stopped(read("依願", "育休", column="異動区分"))
        assert (code, column) == ("no_kind", "異動区分")
        assert '[intake] kind_column = "異動区分"' in remedy

    @SOURCES
    def test_a_kind_for_the_whole_file_is_taken(self, read: Any, known: str) -> None:
        """The sender may say it for all rows of a file that does not."""
        reading = read(rule=KindRule(whole="自己都合"))
        assert {notice.kind for notice in reading.notices} == {Kind.RESIGNATION}
        assert len(reading.notices) == 2

    @SOURCES
    def test_an_unknown_kind_for_the_whole_file_is_refused(self, read: Any, known: str) -> None:
        """A typing error on the command line is not a kind."""
        reading = read(rule=KindRule(whole="resigned"))
        assert reading.notices == ()
        assert {refusal.code for refusal in reading.refused} == {"unknown_kind"}


class TestUnknownColumn:
    @SOURCES
    @pytest.mark.parametrize("rule", [None, KindRule(whole="resignation"), KindRule(whole="leave", implied=True)])
    def test_with_a_kind_of_ours_in_it_stops_the_file(self, read: Any, known: str, rule: KindRule | None) -> None:
        """One row that says 休職 in a column that we do not know, and nobody of the file is cut, whatever was typed."""
        code, column, remedy = stopped(read("", "休職", column="異動区分", rule=rule))
        assert (code, column) == ("kind_elsewhere", "異動区分")
        assert '[intake] kind_column = "異動区分"' in remedy
        assert "--kind resignation" in remedy

    def test_beside_the_known_one_stops_the_file_too(self) -> None:
        """Two columns that both hold kinds: nobody here knows which one counts, until policy names it."""
        text = f"{HEAD},区分,異動区分\n{ROWS[0]},自己都合,休職\n"
        assert stopped(read_csv(text.encode()))[:2] == ("kind_elsewhere", "異動区分")
        (kept,) = read_csv(text.encode(), KindRule("区分")).notices
        (moved,) = read_csv(text.encode(), KindRule("異動区分")).notices
        assert (kept.kind, kept.extra) == (Kind.RESIGNATION, {"異動区分": "休職"})
        assert (moved.kind, moved.extra) == (Kind.LEAVE, {"区分": "自己都合"})

    def test_in_json_the_named_key_counts_and_ours_is_kept(self) -> None:
        """Policy's key is the kind, whatever else an entry holds under the key that would be ours."""
        person = {"employee_no": "E1", "name": "星 空子", "employment_ends_on": "2026-11-30"}
        raw = json.dumps(person | {"異動区分": "休職", "kind": "自己都合"}).encode()
        (notice,) = read_json(raw, KindRule("異動区分")).notices
        assert (notice.kind, notice.extra) == (Kind.LEAVE, {"kind": "自己都合"})

    @pytest.mark.parametrize("again", ["自己都合", None])
    def test_in_json_two_spellings_of_the_named_key_refuse_the_row(self, again: str | None) -> None:
        """Two keys that policy's name fits are a contradiction, as two headers are: neither is taken."""
        person = {"employee_no": "E1", "name": "星 空子", "employment_ends_on": "2026-11-30"}
        raw = json.dumps(person | {"異動区分": "休職", "異動 区分": again}).encode()
        reading = read_json(raw, KindRule("異動区分"))
        assert reading.notices == ()
        assert [(one.code, one.row, one.column) for one in reading.refused] == [("duplicate_key", 1, "異動 区分")]

    def test_with_words_of_its_own_is_kept(self) -> None:
        """A remark is a remark: only a cell that is a kind and nothing else stops the file."""
        text = f"{HEAD},区分,備考\n{ROWS[0]},自己都合,休職から復帰後に退職\n"
        (notice,) = read_csv(text.encode()).notices
        assert notice.extra == {"備考": "休職から復帰後に退職"}

    @SOURCES
    @pytest.mark.parametrize("column", ["異動区分", "発令事由", "Leave Type", "退職理由"])
    def test_that_may_say_kinds_stops_a_kind_for_all(self, read: Any, known: str, column: str) -> None:
        """A kind typed for all rows does not outvote a filled column that may say, in HR's own words, who only goes on leave."""
        code, named, remedy = stopped(read("依願", "育児のため", column=column, rule=KindRule(whole="resignation")))
        assert (code, named) == ("kind_elsewhere", column)
        assert "remove this column" in remedy

    @SOURCES
    @pytest.mark.parametrize(("column", "cells"), [("異動区分", ("", "")), ("雇用区分", ("正社員", "契約社員"))])
    def test_that_says_nothing_of_the_kind_does_not(
        self, read: Any, known: str, column: str, cells: tuple[str, ...]
    ) -> None:
        """An empty column, and one that says what contract somebody has, leave the typed kind to all rows."""
        reading = read(*cells, column=column, rule=KindRule(whole="resignation"))
        assert [notice.kind for notice in reading.notices] == [Kind.RESIGNATION] * 2


class TestNamedColumn:
    @SOURCES
    def test_says_the_kind_row_by_row(self, read: Any, known: str) -> None:
        """Policy names the column, in any width: each row is what it says there."""
        reading = read("解雇", "休職", column="異動区分", rule=KindRule(" 異動区分"))
        assert [notice.kind for notice in reading.notices] == [Kind.DISMISSAL, Kind.LEAVE]
        assert reading.unknown_columns == ()

    @SOURCES
    def test_with_a_word_that_is_no_kind_refuses_the_row(self, read: Any, known: str) -> None:
        """A word of HR's own is not guessed at."""
        reading = read("自己都合", "発令", column="異動区分", rule=KindRule("異動区分"))
        assert [notice.leaver.employee_no for notice in reading.notices] == ["E1"]
        assert [(r.code, r.value) for r in reading.refused] == [("unknown_kind", "発令")]

    @SOURCES
    def test_that_the_file_lacks_leaves_ours(self, read: Any, known: str) -> None:
        """A file of another system, with our column, is read as ever."""
        reading = read("解雇", "自己都合", column=known, rule=KindRule("異動区分"))
        assert [notice.kind for notice in reading.notices] == [Kind.DISMISSAL, Kind.RESIGNATION]


class TestTwice:
    @SOURCES
    def test_a_word_for_all_beside_a_column_is_refused(self, read: Any, known: str) -> None:
        """--kind never overrides what the file says of one person."""
        reading = read("休職", "自己都合", column=known, rule=KindRule(whole="resignation"))
        assert stopped(reading)[0] == "kind_twice"

    @SOURCES
    def test_the_verbs_own_word_does_not_contradict(self, read: Any, known: str) -> None:
        """`lastday leave` means leaves by itself; a file that says so row by row is no contradiction."""
        reading = read("休職", "休職", column=known, rule=KindRule(whole="leave", implied=True))
        assert {notice.kind for notice in reading.notices} == {Kind.LEAVE}

    def test_a_word_beside_a_list_of_notices_is_no_column(self) -> None:
        """A kind that stands beside `departures` is of none of them, and is not offered as the column that policy should name."""
        people = [dict(zip(("employee_no", "name", "employment_ends_on"), row.split(","), strict=True)) for row in ROWS]
        reading = read_json(json.dumps({"departures": people, "kind": "resignation"}).encode())
        code, column, remedy = stopped(reading)
        assert (code, column) == ("no_kind", "kind")
        assert '[intake] kind_column = "異動区分"' in remedy

    def test_one_entry_of_json_without_the_key_is_refused_alone(self) -> None:
        """What one entry says is not another's kind."""
        reading = tree("自己都合", column="kind")
        assert [notice.leaver.employee_no for notice in reading.notices] == ["E1"]
        assert [(r.row, r.code) for r in reading.refused] == [(2, "no_kind")]


class TestOptions:
    def test_have_no_default(self) -> None:
        """Who reports one person by options says which kind of notice it is."""
        given = dict(zip(("employee_no", "name", "employment_ends_on"), ROWS[0].split(","), strict=True))
        (refusal,) = read_options(**given).refused
        assert (refusal.code, refusal.column) == ("no_kind", "--kind")
        assert read_options(**given, kind="転籍").notices[0].kind is Kind.CONTINUED
