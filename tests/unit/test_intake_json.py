"""Notices as JSON, and from the command's own options."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from casework.intake.json_file import read_json
from casework.intake.reading import read_options
from models.vocabulary import DepartureKind

GOOD = {"employee_no": "E1001", "name": "田中 美咲", "employment_ends_on": "2026-11-30", "kind": "resignation"}


def refusals(text: str | bytes) -> list[tuple[str, int | None, str | None]]:
    reading = read_json(text if isinstance(text, bytes) else text.encode())
    return [(refusal.code, refusal.row, refusal.column) for refusal in reading.refused]


def one(**changes: Any) -> str:
    return json.dumps(GOOD | changes)


class TestShape:
    @pytest.mark.parametrize("whole", [GOOD, [GOOD], {"departures": [GOOD]}])
    def test_three_ways(self, whole: Any) -> None:
        """One object, a list, or a list under `departures` say the same."""
        (notice,) = read_json(json.dumps(whole).encode()).notices
        assert (notice.row, notice.leaver.name, notice.employment_ends_on) == (1, "田中 美咲", date(2026, 11, 30))
        assert notice.kind is DepartureKind.RESIGNATION

    @pytest.mark.parametrize(
        ("raw", "code"),
        [
            (b"", "empty_file"), (b" \n", "empty_file"), (b"[]", "no_rows"), (b'{"departures":[]}', "no_rows"),
            (b"1", "wrong_shape"), (b'"x"', "wrong_shape"), (b"null", "wrong_shape"), (b"1" * 5000, "wrong_shape"),
            (b'{"departures":{}}', "wrong_shape"), (b'{"departures":[],"departures":[]}', "duplicate_key"),
            (b"{", "broken_json"), (b"[1,]", "broken_json"), (b"]]", "broken_json"), (b"'x'", "broken_json"),
            (b'["', "broken_json"), (b"[NaN]", "not_finite"), (b"[-Infinity]", "not_finite"),
            (b"[" * 200_000, "too_deep"), (b'{"a":' * 200_000, "too_deep"), (b"[" * 17 + b"]" * 17, "too_deep"),
            ("{}".encode("utf-16"), "utf16"), (b"{}\0", "nul_byte"), ("{'田'}".encode("cp932"), "unreadable_encoding"),
        ],
    )  # fmt: skip
    def test_refused_whole(self, raw: bytes, code: str) -> None:
        """What is not JSON, or not notices, is refused whole with the reason."""
        assert [found[:2] for found in refusals(raw)] == [(code, None)]

    def test_brackets_in_text_are_not_depth(self) -> None:
        """Only real nesting counts as depth."""
        assert read_json(one(name="[" * 100 + '"\\{{').encode()).notices

    def test_endless_quotes_take_no_time(self) -> None:
        """A hostile run of quotation marks is refused as quickly as it is read."""
        assert refusals(b'["' + b'\\"' * 500_000)[0][0] == "broken_json"


class TestObject:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (one(employee_no=1001), ("wrong_type", 1, "employee_no")),
            (one(name=["x"]), ("wrong_type", 1, "name")),
            (one(name=True), ("wrong_type", 1, "name")),
            (one(other_emails=["a@x.example", 1]), ("wrong_type", 1, "other_emails")),
            (one(name="\ud800"), ("bad_character", 1, "name")),
            (one(note="\ud800"), ("bad_character", 1, "note")),
            (one(note=["\ud800"]), ("bad_character", 1, "note")),
            (one(name=None), ("missing_value", 1, "name")),
            (one(kind=None), ("missing_value", 1, "kind")),
            ('{"employee_no":"1","employee_no":"2","kind":"resignation"}', ("duplicate_key", 1, "employee_no")),
            (one(note={})[:-3] + '{"a":1,"a":2}}', ("duplicate_key", 1, "a")),
            ("[[]]", ("wrong_shape", 1, None)),
        ],
    )
    def test_refused(self, text: str, expected: tuple[str, int, str]) -> None:
        """Types are strict, keys stand once, and half characters are no characters."""
        assert refusals(text) == [expected]

    def test_the_good_beside_the_bad(self) -> None:
        """A bad entry does not take the good ones down with it."""
        reading = read_json(
            json.dumps([GOOD, 7, GOOD | {"employee_no": "E2", "name": ""}, GOOD | {"employee_no": "E3"}]).encode()
        )
        assert [notice.row for notice in reading.notices] == [1, 4]
        assert [refusal.row for refusal in reading.refused] == [2, 3]
        assert reading.rows == 4

    def test_one_notice_from_two_entries(self) -> None:
        """What either entry of a person says counts as said: an address that only the second one has is no silence."""
        second = {key: text for key, text in GOOD.items() if key != "kind"} | {
            "kind": "resignation",
            "email": "m@x.example",
        }
        (notice,) = read_json(json.dumps([GOOD, second | {"other_emails": ["n@x.example"]}]).encode()).notices
        assert (notice.leaver.email, notice.leaver.other_emails) == ("m@x.example", ("n@x.example",))
        assert {"email", "other_emails"} <= notice.given

    def test_unknown_keys(self) -> None:
        """Unknown keys are kept as they were written, huge numbers too, and reported."""
        text = one(note="x")[:-1] + ', "deep": {"n": 1e999, "m": [' + "9" * 5000 + ", null]}}"
        reading = read_json(text.encode())
        assert reading.unknown_columns == ("note", "deep")
        assert reading.notices[0].extra["deep"] == '{"n": 1e999, "m": [' + "9" * 5000 + ", null]}"

    def test_other_emails(self) -> None:
        """Further addresses are a list, or one string."""
        for value in (["a@x.example", "b@x.example"], "a@x.example;b@x.example"):
            assert read_json(one(other_emails=value).encode()).notices[0].leaver.other_emails == (
                "a@x.example",
                "b@x.example",
            )


class TestOptions:
    def test_good(self) -> None:
        """The command's options make one notice, by the same rules."""
        reading = read_options(**GOOD, other_emails=["a@x.example", "b@x.example"], manager=None)
        assert reading.notices[0].leaver.other_emails == ("a@x.example", "b@x.example")
        assert reading.rows == 1

    def test_bad(self) -> None:
        """A refusal names the option as it is typed."""
        (refusal,) = read_options(**(GOOD | {"employment_ends_on": "tomorrow"})).refused
        assert (refusal.code, refusal.column) == ("bad_date", "--employment-ends-on")
