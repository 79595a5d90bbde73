"""CSV files as Japanese HR departments, their spreadsheets and their accidents make them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from casework.intake.columns import Column
from casework.intake.csv_file import read_csv
from casework.intake.decoding import MOST_BYTES
from casework.intake.kinds import KindRule
from casework.intake.notice import NoticeReading
from casework.intake.reading import MOST_ROWS
from models.vocabulary import DepartureKind, Leaver

HEAD = "employee_no,name,employment_ends_on"


def codes(reading: NoticeReading) -> list[tuple[str, int | None, str | None]]:
    return [(refusal.code, refusal.row, refusal.column) for refusal in reading.refused]


def rows(*lines: str, head: str = HEAD) -> NoticeReading:
    """Read a file of resignations, unless it has a column of the kind."""
    return read_csv("\n".join((head, *lines)).encode(), KindRule(whole="resignation", implied=True))


class TestFile:
    def test_all_columns(self) -> None:
        """Every column of the contract, under its Japanese header and in another order, reaches the notice."""
        head = "退職日,区分,社員番号,氏名,フリガナ,ローマ字,旧姓,メールアドレス,その他メール,最終出社日,上長,timezone"
        row = (
            "2026年11月30日,解雇,Ｅ１００１　,髙橋　由美,タカハシ ユミ,Takahashi Yumi,渡辺 由美,yumi@hoshizora.example,"
            '"y@mail.example;y2@mail.example",2026-11-20 18:00,小林 誠,Europe/Berlin'
        )
        assert len(head.split(",")) == len(Column)
        (notice,) = read_csv(f"{head}\r\n{row}\r\n".encode("cp932")).notices
        assert notice.leaver == Leaver(
            "E1001",
            "髙橋 由美",
            "yumi@hoshizora.example",
            ("y@mail.example", "y2@mail.example"),
            "タカハシ ユミ",
            "Takahashi Yumi",
            "渡辺 由美",
        )
        assert (notice.row, notice.kind, notice.manager) == (2, DepartureKind.DISMISSAL, "小林 誠")
        assert notice.last_working_at == datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
        assert (notice.employment_ends_on, notice.timezone) == (date(2026, 11, 30), "Europe/Berlin")

    def test_unknown_columns(self) -> None:
        """A column that we do not know is kept and reported, and is never an error; formulas in it are text."""
        reading = rows("E1,x,2026-11-30,=1+1,,late", head=HEAD + ",備考,,備考")
        assert reading.unknown_columns == ("備考", "備考 (column 6)")
        assert reading.notices[0].extra == {"備考": "=1+1", "備考 (column 6)": "late"}
        assert not reading.refused

    def test_blank_rows_are_counted_but_not_read(self) -> None:
        """Rows are numbered as the spreadsheet shows them, so that the sender finds the one that is refused."""
        reading = rows("", ",,", '"E1","two\nlines",2026-11-30', "E2,x,never")
        assert [(n.row, n.leaver.name) for n in reading.notices] == [(4, "two lines")]
        assert codes(reading) == [("bad_date", 5, "employment_ends_on")]
        assert reading.rows == 2

    @pytest.mark.parametrize(
        ("raw", "code"),
        [
            (b"", "empty_file"),
            (b"\xef\xbb\xbf\r\n", "empty_file"),
            (b"\n,,\n", "empty_file"),
            (HEAD.encode(), "no_rows"),
            (HEAD.encode("utf-16"), "utf16"),
            (HEAD.encode() + b"\nE1,\0,2026-11-30", "nul_byte"),
            (b"x" * (MOST_BYTES + 1), "too_large"),
            (HEAD.replace(",", ";").encode() + b"\nE1;x;2026-11-30", "wrong_separator"),
            (HEAD.replace(",", "\t").encode() + b"\nE1\tx\t2026-11-30", "wrong_separator"),
            (b"name,employment_ends_on\nx,2026-11-30", "missing_header"),
            ((HEAD + ",氏名").encode() + b"\nE1,x,2026-11-30,x", "duplicate_header"),
            (HEAD.encode() + b'\nE1,"x,2026-11-30\nE2,y,2026-11-30', "broken_quotes"),
            (HEAD.encode() + b'\nE1,"x"y,2026-11-30', "broken_quotes"),
            (HEAD.encode() + b"\nE1," + b"x" * 140_000 + b",2026-11-30", "broken_quotes"),
            (HEAD.encode() + b"\nx" * (MOST_ROWS + 1), "too_many"),
            (b"a," * 600, "too_many"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_refused_whole(self, raw: bytes, code: str) -> None:
        """A file whose rows cannot be told apart for sure is refused whole, and nothing of it is taken."""
        reading = read_csv(raw)
        assert [refusal.code for refusal in reading.refused] == [code]
        assert reading.notices == ()
        assert reading.rows == 0

    def test_broken_quotes_are_found(self) -> None:
        """The row in which the quotation marks go wrong is named, as the spreadsheet counts."""
        assert codes(rows("", "E1,x,2026-11-30", 'E2,"y"z,2026-11-30')) == [("broken_quotes", 4, None)]

    def test_wrong_separator_is_named(self) -> None:
        """Who sends semicolons is told so, and not that every column is missing."""
        assert "semicolons" in rows("E1;x;2026-11-30", head=HEAD.replace(",", ";")).refused[0].said.en


class TestEncoding:
    TEXT = "社員番号,氏名,退職日,区分\nE1,髙﨑 德子,2026-11-30,自己都合\n"

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
    @pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
    def test_of_japanese_spreadsheets(self, encoding: str, ending: str) -> None:
        """UTF-8 with or without mark, and CP932, are read alike, with any line ending."""
        text = self.TEXT if encoding != "cp932" else self.TEXT.replace("德", "徳")
        (notice,) = read_csv(text.replace("\n", ending).encode(encoding)).notices
        assert notice.leaver.name in {"髙﨑 德子", "髙﨑 徳子"}

    @pytest.mark.parametrize(
        ("name", "encoding"),
        [
            ("José García", "cp1252"),
            ("Sean O’Brien", "cp1252"),
            ("Hélène", "cp1252"),
            ("田中 美咲", "euc-jp"),
            ("Müller", "latin-1"),
        ],
    )
    def test_another_one_never_garbles_a_name(self, name: str, encoding: str) -> None:
        """A file in an encoding that we do not read is refused, even where its bytes would pass for Japanese."""
        (refusal,) = read_csv(f"{HEAD}\nE1,{name},2026-11-30\n".encode(encoding)).refused
        assert refusal.code in {"unreadable_encoding", "doubtful_encoding"}
        assert any(c.isdigit() for c in refusal.said.en), "the offset is named"

    def test_offset_counts_the_mark(self) -> None:
        """The offset is the file's own, byte order mark included."""
        (refusal,) = read_csv(b"\xef\xbb\xbfname\xff").refused
        assert "offset 7 " in refusal.said.en


class TestRow:
    @pytest.mark.parametrize("row", ["E1,x", "E1,x,y,2026-11-30"])
    def test_ragged(self, row: str) -> None:
        """A row of another length is refused: its values may stand under the wrong headers."""
        assert codes(rows(row)) == [("ragged_row", 2, None)]

    def test_all_too_short(self) -> None:
        """Rows that end before the column of the kind are too short; the file says the kind all the same."""
        assert codes(read_csv(f"{HEAD},kind\nE1,x\n".encode())) == [("ragged_row", 2, None)]

    def test_trailing_commas(self) -> None:
        """Empty cells beyond the headers are a spreadsheet's habit and no error."""
        assert len(rows("E1,x,2026-11-30,,,").notices) == 1

    def test_every_flaw_is_named_at_once(self) -> None:
        """The sender gets everything that is wrong in a row in one answer, by the file's own headers."""
        head = "社員番号,氏名,退職日,メールアドレス,その他メール,区分,timezone"
        reading = rows("E 1,,2026-02-30,a@b@c,x y@,退社,JST", head=head)
        assert sorted((column or "", code) for code, _, column in codes(reading)) == sorted(
            [
                ("社員番号", "bad_employee_no"),
                ("氏名", "missing_value"),
                ("退職日", "no_such_date"),
                ("メールアドレス", "bad_email"),
                ("その他メール", "bad_email"),
                ("区分", "unknown_kind"),
                ("timezone", "unknown_timezone"),
            ]
        )

    @pytest.mark.parametrize(
        ("name", "code"),
        [
            ("a\x1b[31m", "bad_character"),
            ("\u202eimat", "bad_character"),
            ("田\ufffd", "bad_character"),
            ("田\ue000", "bad_character"),
            ("x" * 201, "too_long"),
        ],
    )
    def test_unreadable_name(self, name: str, code: str) -> None:
        """A name with damage, control characters or private ones is refused, and shown so that it does no harm."""
        (refusal,) = rows(f"E1,{name},2026-11-30").refused
        assert refusal.code is code
        assert refusal.value is not None
        assert refusal.value.isprintable()

    def test_formulas(self) -> None:
        """What looks like a formula is text in a name, and no employee number."""
        assert rows("E1,=cmd|x,2026-11-30").notices[0].leaver.name == "=cmd|x"
        assert codes(rows('"=""001""",x,2026-11-30')) == [("bad_employee_no", 2, "employee_no")]

    @pytest.mark.parametrize("number", ["001001", "E-1001", "e1001", "Ｅ‐１００１"])
    def test_employee_number(self, number: str) -> None:
        """Width and dashes are folded; leading zeros and case stay, since they may tell people apart."""
        expected = {"Ｅ‐１００１": "E-1001"}.get(number, number)
        assert rows(f"{number},x,2026-11-30").notices[0].leaver.employee_no == expected

    def test_other_emails(self) -> None:
        """Several addresses are separated by semicolons, commas or spaces, and each is kept once."""
        head = HEAD + ",email,other_emails"
        (notice,) = rows(
            'E1,x,2026-11-30,a@x.example,"b@x.example；c@x.example、a@x.example　b@x.example"', head=head
        ).notices
        assert notice.leaver.other_emails == ("b@x.example", "c@x.example")
        assert codes(rows("E1,x,2026-11-30,," + ";".join(f"{n}@x.example" for n in range(21)), head=head)) == [
            ("too_many", 2, "other_emails")
        ]

    @pytest.mark.parametrize(
        ("text", "kind"),
        [(k, k) for k in DepartureKind]
        + [
            ("自己都合", DepartureKind.RESIGNATION),
            ("Contract End", DepartureKind.CONTRACT_END),
            ("退職撤回", DepartureKind.WITHDRAWN),
            *(
                (word, DepartureKind.CONTINUED)
                for word in ("継続雇用", "定年再雇用", "契約→正社員", "転籍", "在籍出向")
            ),
        ],
    )
    def test_kind(self, text: str, kind: DepartureKind) -> None:
        """The kind is read in either language: leave, withdrawal and an employment that goes on are notices too."""
        (notice,) = rows(f"E1,x,2026-11-30,{text}", head=HEAD + ",kind").notices
        assert notice.kind is kind

    def test_kind_left_out(self) -> None:
        """An empty cell in the column of the kind is asked about, whatever the command says of the others."""
        assert codes(rows("E1,x,2026-11-30,", head=HEAD + ",kind")) == [("missing_value", 2, "kind")]

    def test_leave_without_an_end(self) -> None:
        """Who goes on leave has no last day of employment: the last working day will do."""
        head = HEAD + ",last_working_at,kind"
        assert rows("E1,x,,2026-10-31,休職", head=head).notices[0].employment_ends_on == date(2026, 10, 31)
        assert codes(rows("E1,x,,2026-10-31,解雇", head=head)) == [("missing_value", 2, "employment_ends_on")]
        assert codes(rows("E1,x,,,休職", head=head)) == [("missing_value", 2, "employment_ends_on")]

    def test_last_day_after_the_end(self) -> None:
        """A last working day after the end of the employment is a mistake in one of the two."""
        head = HEAD + ",last_working_at"
        assert codes(rows("E1,x,2026-11-30,2026-12-01", head=head)) == [("last_day_after_end", 2, "last_working_at")]
        assert rows("E1,x,2026-11-30,2026-11-30", head=head).notices


class TestSamePerson:
    def test_twice_alike(self) -> None:
        """The same person twice with the same date is one notice, filled from both rows."""
        reading = rows("E1,x,2026-11-30,", "e1,x,2026/11/30,x@y.example", head=HEAD + ",email")
        assert [(n.row, n.leaver.email) for n in reading.notices] == [(2, "x@y.example")]
        assert reading.same == {3: 2}
        assert not reading.refused

    def test_two_dates(self) -> None:
        """With different dates both rows are refused: nobody here knows which one is right."""
        reading = rows("E1,x,2026-11-30", "E2,y,2026-11-30", "E1,x,2026-12-31")
        assert codes(reading) == [("two_dates", 2, "employment_ends_on"), ("two_dates", 4, "employment_ends_on")]
        assert [n.leaver.employee_no for n in reading.notices] == ["E2"]

    @pytest.mark.parametrize(
        ("column", "one", "other"),
        [
            ("kind", "自己都合", "継続雇用"), ("kind", "自己都合", "解雇"), ("last_working_at", "2026-11-20", "2026-11-27"),
            ("manager", "小林 誠", "星 空子"), ("timezone", "Asia/Tokyo", "Europe/Berlin"), ("email", "a@x.example", "b@x.example"),
            ("kana", "ア", "イ"), ("romaji", "A", "B"), ("former_name", "甲", "乙"),
        ],
    )  # fmt: skip
    def test_contradiction_in_any_column(self, column: str, one: str, other: str) -> None:
        """Whatever two rows of one person say differently, nobody here knows which one is right, and none is taken."""
        reading = rows(f"E1,x,2026-11-30,{one}", f"E1,x,2026-11-30,{other}", head=f"{HEAD},{column}")
        assert codes(reading) == [("contradicting_rows", row, "employee_no") for row in (2, 3)]
        assert column in reading.refused[0].said.en
        assert reading.notices == ()

    @pytest.mark.parametrize(
        ("unread", "code", "named"),
        [
            ("ｅ1,x,2027-06-30,育児休業", "unknown_kind", "kind"),
            ("E1,x,2027/3/32,自己都合", "no_such_date", "employment_ends_on"),
            ("E1,,2026-11-30,自己都合", "missing_value", "name"),
            ("E1,x,2026-11-30", "ragged_row", "columns"),
        ],
    )
    @pytest.mark.parametrize("turn", [1, -1], ids=["after", "before"])
    def test_with_a_row_that_cannot_be_read(self, unread: str, code: str, named: str, turn: int) -> None:
        """A row that nobody could read may say that the person stays: their other rows are not taken either."""
        lines = ("E1,x,2026-11-30,自己都合", unread)[::turn]
        reading = rows(*lines, "E2,y,2026-11-30,自己都合", head=f"{HEAD},kind")
        assert [n.leaver.employee_no for n in reading.notices] == ["E2"]
        told = {refusal.code: refusal for refusal in reading.refused}
        assert set(told) == {code, "contradicting_rows"}
        assert "Rows 2, 3 " in told["contradicting_rows"].said.en
        assert named in told["contradicting_rows"].said.en

    def test_a_row_of_nobody_stops_nobody(self) -> None:
        """A refused row without a number is nobody's, and the others are taken."""
        reading = rows(",x,2026-11-30", "E1,x,2026-11-30")
        assert [n.leaver.employee_no for n in reading.notices] == ["E1"]

    def test_contradiction(self) -> None:
        """Two names under one number may be two people: both rows are refused."""
        reading = rows("E1,x,2026-11-30", "E1,y,2026-11-30")
        assert [(code, row) for code, row, _ in codes(reading)] == [
            ("contradicting_rows", 2),
            ("contradicting_rows", 3),
        ]
        assert "name" in reading.refused[0].said.en
        assert "氏名" in reading.refused[0].said.ja
