"""Whatever bytes arrive as an HR notice, nothing breaks and nothing is half taken."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable
from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casework.intake.columns import Column
from casework.intake.csv_file import read_csv
from casework.intake.dates import end_of_day
from casework.intake.json_file import read_json
from casework.intake.notice import NoticeReading
from casework.intake.reading import read_options
from tests.unit.hostile_notices import TRAPS, csv_files, good_rows, json_files

_QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]
SOME = settings(max_examples=300, deadline=None, suppress_health_check=_QUIET)
MANY = settings(max_examples=3_400, deadline=None, suppress_health_check=_QUIET)  # three kinds: over 10,000 in all

_json_or_csv = st.sampled_from((read_csv, read_json))


def judge(reading: NoticeReading, raw: bytes) -> None:
    """Hold one reading to its promises."""
    assert reading.sha256 == hashlib.sha256(raw).hexdigest()
    noticed = [notice.row for notice in reading.notices]
    same = [*reading.same]
    refused = {refusal.row for refusal in reading.refused if reading.rows}
    taken = noticed + same
    assert len(set(taken)) == len(taken), "a row is taken once"
    assert not refused & set(taken), "no row is both taken and refused"
    assert len(refused) + len(taken) == reading.rows, "every row is taken or refused"
    assert reading.rows or len(reading.refused) == 1, "a file without rows says why"
    for refusal in reading.refused:
        texts = (*refusal.said, *refusal.remedy)
        assert all(text and "{" not in text for text in texts), "a refusal says why and what to do, in both languages"
        for text in (*texts, refusal.value or "", refusal.column or ""):
            assert text.isprintable(), "nothing that a terminal would obey"
            text.encode()
    for notice in reading.notices:
        end = end_of_day(notice.employment_ends_on, ZoneInfo(notice.timezone))
        assert date(2000, 1, 1) <= notice.employment_ends_on <= date(2100, 12, 31)
        assert notice.last_working_at is None or notice.last_working_at <= end
        assert notice.leaver.employee_no.strip()
        assert notice.leaver.name.strip()


def _bytes(raw: bytes, read: Callable[[bytes], NoticeReading]) -> None:
    judge(read(raw), raw)


def _csv(raw: bytes) -> None:
    judge(read_csv(raw), raw)


def _json(raw: bytes) -> None:
    judge(read_json(raw), raw)


class TestHostileInput:
    @SOME
    @given(raw=st.binary(max_size=200), read=_json_or_csv)
    def test_random_bytes(self, raw: bytes, read: Callable[[bytes], NoticeReading]) -> None:
        """Bytes without sense are refused, with a reason."""
        _bytes(raw, read)

    @SOME
    @given(raw=csv_files())
    def test_tables_with_traps(self, raw: bytes) -> None:
        """Each row of a hostile table is a notice or a refusal, never both, never neither."""
        _csv(raw)

    @SOME
    @given(raw=json_files())
    def test_trees_with_traps(self, raw: bytes) -> None:
        """Each entry of a hostile tree is a notice or a refusal, never both, never neither."""
        _json(raw)

    @SOME
    @given(
        fields=st.dictionaries(st.sampled_from(list(Column)), st.none() | st.sampled_from(TRAPS) | st.text(max_size=20))
    )
    def test_options(self, fields: dict[Column, str | None]) -> None:
        """The command's own options are read with the same care, and are always one row."""
        reading = read_options(**{column.value: text for column, text in fields.items()})
        judge(NoticeReading(reading.notices, reading.refused, (), reading.rows, hashlib.sha256(b"").hexdigest()), b"")
        assert reading.rows == 1


@pytest.mark.chaos
class TestTenThousandHostileInputs:
    @MANY
    @given(raw=st.binary(max_size=1000), read=_json_or_csv)
    def test_random_bytes(self, raw: bytes, read: Callable[[bytes], NoticeReading]) -> None:
        """Bytes without sense are refused, with a reason."""
        _bytes(raw, read)

    @MANY
    @given(raw=csv_files())
    def test_tables_with_traps(self, raw: bytes) -> None:
        """Each row of a hostile table is a notice or a refusal, never both, never neither."""
        _csv(raw)

    @MANY
    @given(raw=json_files())
    def test_trees_with_traps(self, raw: bytes) -> None:
        """Each entry of a hostile tree is a notice or a refusal, never both, never neither."""
        _json(raw)


class TestHarmlessInput:
    @settings(max_examples=200, deadline=None, suppress_health_check=_QUIET)
    @given(
        rows=st.lists(good_rows(), min_size=1, max_size=4),
        order=st.permutations(list(Column)),
        japanese=st.booleans(),
        encoding=st.sampled_from(("utf-8", "utf-8-sig", "cp932")),
        ending=st.sampled_from(("\n", "\r\n", "\r")),
    )
    def test_is_taken(
        self, rows: list[dict[Column, str]], order: list[Column], japanese: bool, encoding: str, ending: str
    ) -> None:
        """Rows that nothing is wrong with are taken in every encoding, line ending, language and order of columns."""
        out = io.StringIO(newline="")
        writer = csv.writer(out, lineterminator=ending)
        writer.writerow([c.said.ja if japanese else c.value for c in order])
        kept = ("á", "김민준") if encoding == "cp932" else ()
        for n, row in enumerate(rows):
            row[Column.EMPLOYEE_NO] = f"E{n}"
            alone = (
                encoding == "cp932" and n == 0
            )  # half-width kana without a kanji could be another encoding's letters
            if alone or any(part in row[Column.NAME] for part in kept):
                row[Column.NAME] = "佐藤 健"
            writer.writerow([row[c] for c in order])
        raw = out.getvalue().encode(encoding)
        reading = read_csv(raw)
        judge(reading, raw)
        assert [notice.leaver.employee_no for notice in reading.notices] == [f"E{n}" for n in range(len(rows))]
        assert not reading.refused
