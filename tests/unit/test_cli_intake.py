"""HR's notices from the terminal: what they open, what is refused, and how both are told."""

from __future__ import annotations

import io

import pytest

from tests.terminal_house import House

GOOD = "employee_no,name,employment_ends_on,kind\nE1001,田中 美咲,2026-11-30,resignation\n"
ONE_BAD = GOOD + "E1002,佐藤 健,2026-02-31,resignation\n"
CASE_KEYS = {"case", "employee_no", "state", "due_at", "cut_at", "for_real", "outcome", "created", "corrected", "note"}


class TestDepart:
    def test_csv(self, house: House) -> None:
        """A row is a case, cut at the end of the last day in the person's zone."""
        answer = house.json("depart", "--csv", house.file("n.csv", GOOD))
        (case,) = answer["cases"]
        assert set(case) == CASE_KEYS
        assert (case["employee_no"], case["state"], case["outcome"]) == ("E1001", "open", "created")
        assert case["due_at"] == "2026-11-30T15:00:00+00:00"
        assert answer["refused"] == []

    def test_japanese_spreadsheet(self, house: House) -> None:
        """Japanese headers, as Japanese spreadsheets save them, say the same."""
        text = "社員番号,氏名,退職日,区分,備考\r\nE1001,田中 美咲,2026年11月30日,自己都合,花\r\n"
        answer = house.json("depart", "--csv", house.file("n.csv", text.encode("cp932")))
        assert [case["outcome"] for case in answer["cases"]] == ["created"]
        assert answer["unknown_columns"] == ["備考"]

    def test_json_file(self, house: House) -> None:
        """A JSON notice is taken like a row."""
        text = '{"departures": [{"employee_no": "E1001", "name": "田中 美咲", "employment_ends_on": "2026-11-30", "kind": "解雇"}]}'
        answer = house.json("depart", "--from-json", house.file("n.json", text))
        assert [case["outcome"] for case in answer["cases"]] == ["created"]

    def test_standard_input(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        """A dash reads standard input."""
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(GOOD.encode())))
        assert len(house.json("depart", "--csv", "-")["cases"]) == 1

    def test_twice(self, house: House) -> None:
        """The same notice twice is one case."""
        path = house.file("n.csv", GOOD)
        first, second = house.json("depart", "--csv", path), house.json("depart", "--csv", path)
        assert second["cases"][0]["case"] == first["cases"][0]["case"]
        assert second["cases"][0]["outcome"] == "same"

    def test_other_date(self, house: House) -> None:
        """Another date for an open case is refused: it is a reschedule, and the remedy names it."""
        case = house.one_case()
        answer = house.json("depart", "--csv", house.file("n.csv", GOOD), code=2)
        assert answer["cases"] == []
        assert f"lastday reschedule {case}" in answer["refused"][0]["remedy"]

    def test_bad_row_refuses_all(self, house: House) -> None:
        """One bad row refuses the whole file, and nothing is written."""
        before = house.sizes()
        answer = house.json("depart", "--csv", house.file("n.csv", ONE_BAD), code=2)
        (refused,) = answer["refused"]
        assert (refused["row"], refused["column"], refused["value"]) == (3, "employment_ends_on", "2026-02-31")
        assert refused["reason"]
        assert refused["remedy"]
        assert answer["cases"] == []
        assert house.sizes() == before

    def test_each_row(self, house: House) -> None:
        """With --each-row the good rows are taken, the bad ones reported, and the exit code still says so."""
        answer = house.json("depart", "--csv", house.file("n.csv", ONE_BAD), "--each-row", code=2)
        assert [case["employee_no"] for case in answer["cases"]] == ["E1001"]
        assert [refused["row"] for refused in answer["refused"]] == [3]

    def test_leave_row(self, house: House) -> None:
        """A leave of absence is never a departure."""
        text = "employee_no,name,employment_ends_on,kind\nE1008,山本 さくら,2026-11-30,休職\n"
        answer = house.json("depart", "--csv", house.file("n.csv", text), code=2)
        assert answer["refused"][0]["code"] == "leave_is_no_departure"

    def test_for_real_is_recorded(self, house: House) -> None:
        """The decision that vendors may be changed stands on the case; the default is a plan."""
        planned = house.json("show", house.one_case())
        decided = house.json("show", house.one_case("--for-real", number="E1002"))
        assert (planned["for_real"], decided["for_real"]) == (False, True)

    def test_who_reported(self, house: House) -> None:
        """The case names who reported it."""
        assert house.json("show", house.one_case("--as", "hanako"))["departure"]["reported_by"] == "hanako"

    def test_nothing_given(self, house: House) -> None:
        """Without a notice there is nothing to do."""
        said = house.lastday("depart", "--json")
        assert said.code == 2
        assert set(said.json) == {"error", "remedy"}

    def test_two_sources(self, house: House) -> None:
        """A file and options at once are refused: nobody knows which one counts."""
        assert house.lastday("depart", "--csv", house.file("n.csv", GOOD), "--name", "x").code == 2

    def test_missing_file(self, house: House) -> None:
        """A file that is not there is a sentence and a remedy, in JSON too."""
        said = house.lastday("depart", "--csv", "nowhere.csv", "--json")
        assert said.code == 2
        assert "No such file" in said.json["error"]
        assert "Traceback" not in said.err

    def test_unknown_option(self, house: House) -> None:
        """A typing error on the command line is told like any other refusal."""
        said = house.lastday("depart", "--cvs", "n.csv", "--json")
        assert said.code == 2
        assert "--cvs" in said.json["error"]

    def test_in_japanese(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        """A Japanese terminal is refused in Japanese."""
        monkeypatch.delenv("LASTDAY_LANGUAGE")
        monkeypatch.setenv("LANG", "ja_JP.UTF-8")
        answer = house.json("depart", "--csv", house.file("n.csv", ONE_BAD), code=2)
        assert answer["refused"][0]["reason"] == "暦にない日付です。"

    def test_for_people(self, house: House) -> None:
        """Without --json a table is shown, and what others wrote is text, never markup."""
        text = "employee_no,name,employment_ends_on,kind\nE1001,[bold]x[/],2026-02-31,resignation\n"
        said = house.lastday("depart", "--csv", house.file("n.csv", text))
        assert said.code == 2
        assert "2026-02-31" in said.out
        assert "Nothing was taken" in said.out


class TestLeave:
    def test_opens_a_case_of_its_own(self, house: House) -> None:
        """A leave of absence is a case whose kind says so."""
        words = ("--employee-no", "E1008", "--name", "山本 さくら", "--last-working-at", "2026-11-30")
        (case,) = house.json("leave", *words)["cases"]
        assert house.json("show", case["case"])["departure"]["kind"] == "leave"

    def test_departure_row(self, house: House) -> None:
        """A departure is no leave."""
        answer = house.json("leave", "--csv", house.file("n.csv", GOOD), code=2)
        assert answer["refused"][0]["code"] == "departure_is_no_leave"
