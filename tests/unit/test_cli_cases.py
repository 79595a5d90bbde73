"""Cases and decisions from the terminal, as far as they need no tenant."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from casework.view.reading.case import case_view
from cli.contexts import in_context
from tests.terminal_house import House

CHECKOUT = Path(__file__).resolve().parents[2]
ONE_PERSON = ("--employee-no", "E1", "--name", "星 空子", "--employment-ends-on", "2026-11-30", "--kind", "resignation")
NO_CASE = "case-0000000000000000"
CONTRACT = {"case", "state", "due_at", "departure", "accounts", "findings", "questions", "nda", "downloads"}


class TestShow:
    def test_list(self, house: House) -> None:
        """Every case is listed, the nearest instant first."""
        late, soon = house.one_case(ends_on="2026-12-31"), house.one_case(number="E1002", ends_on="2026-11-30")
        assert [row["case"] for row in house.json("show")["cases"]] == [soon, late]

    def test_one(self, house: House) -> None:
        """A case is shown in the contract's shape; what is not collected says so."""
        shown = house.json("show", house.one_case())
        assert set(shown) >= CONTRACT
        assert (shown["nda"]["state"], shown["downloads"]["state"]) == ("not_collected", "not_collected")

    def test_is_the_view(self, house: House) -> None:
        """What a program gets is the whole view, nothing beside it, and fits the schema in docs."""
        case = house.one_case()
        shown = house.json("show", case)
        view = in_context(lambda context: case_view(context, case))
        assert shown == view.model_dump(mode="json") | {"read_at": shown["read_at"]}
        jsonschema.validate(shown, json.loads((CHECKOUT / "docs" / "case.schema.json").read_text(encoding="utf-8")))

    def test_for_people(self, house: House) -> None:
        """The name is shown to those who sit at this terminal."""
        assert "田中 美咲" in house.lastday("show", house.one_case()).out

    def test_unknown(self, house: House) -> None:
        """A case that is not there is told with a remedy."""
        assert set(house.json("show", NO_CASE, code=2)) == {"error", "remedy"}


class TestReschedule:
    def test_to_another_day(self, house: House) -> None:
        """The case keeps its id and gets the new instant."""
        case = house.one_case()
        moved = house.json("reschedule", case, "--ends-on", "2026年12月31日")
        assert moved == {"case": case, "state": "open", "due_at": "2026-12-31T15:00:00+00:00", "outcome": "rescheduled"}

    def test_now(self, house: House) -> None:
        """--now moves the instant and leaves the last day as it was."""
        case = house.one_case(ends_on="2027-01-31")
        due_at = house.json("reschedule", case, "--now")["due_at"]
        assert due_at < "2027-01-31"
        assert house.json("show", case)["departure"]["employment_ends_on"] == "2027-01-31"

    @pytest.mark.parametrize(
        "words", [("--ends-on", "2026-02-31"), (), ("--ends-on", "2026-12-31", "--last-working-at", "x")]
    )
    def test_bad_date(self, house: House, words: tuple[str, ...]) -> None:
        """A date that nobody can read moves nothing."""
        case = house.one_case()
        assert set(house.json("reschedule", case, *words, code=2)) == {"error", "remedy"}
        assert house.json("show", case)["due_at"] == "2026-11-20T15:00:00+00:00"


class TestWithdraw:
    def test_before_the_cut(self, house: House) -> None:
        """A withdrawn case ends; the same departure may be reported again, as a case of its own."""
        case = house.one_case()
        assert house.json("withdraw", case, "--reason", "stays")["state"] == "withdrawn"
        assert house.one_case() != case

    def test_twice(self, house: House) -> None:
        """What has ended cannot be withdrawn."""
        case = house.one_case()
        house.json("withdraw", case, "--reason", "stays")
        assert "withdraw" in house.json("withdraw", case, "--reason", "stays", code=2)["error"]

    def test_without_reason(self, house: House) -> None:
        """A withdrawal needs a reason."""
        assert house.lastday("withdraw", house.one_case()).code == 2


class TestRestore:
    def test_needs_a_second_person(self, house: House) -> None:
        """Who asks for a restore does not approve it."""
        request = house.json("restore", house.one_case(), "--reason", "wrong person", "--as", "taro")["request"]
        assert "same person" in house.json("approve", request, "--as", "Taro", code=2)["error"]
        assert house.json("approve", request, "--as", "hanako") == {"id": request, "approved": "restore"}

    @pytest.mark.parametrize(
        "words",
        [
            ("--go", "--reason", "x"),
            ("--go", "--account", "slack:U1"),
            ("--go", "--not-ours"),
            ("--entitlement", "slack:U1:group:S1", "--go"),
            ("--reason", "x", "--account", "slack:U1"),
            ("--entitlement", "slack:U1:group:S1"),
        ],
    )
    def test_refuses_what_does_not_go_together(self, house: House, words: tuple[str, ...]) -> None:
        """An account goes with the reason, an answer with its entitlement; an account or a row that is not there is refused."""
        assert house.lastday("restore", house.one_case(), *words).code == 2

    def test_neither_asked_nor_carried_out(self, house: House) -> None:
        """Without --reason or --go there is nothing to do."""
        assert house.lastday("restore", house.one_case()).code == 2

    def test_return_of_a_departure(self, house: House) -> None:
        """Only a leave of absence is returned from."""
        assert "no leave" in house.json("return", house.one_case(), code=2)["error"]


class TestDecisions:
    def test_answer_unknown_question(self, house: House) -> None:
        """An answer to nothing is refused."""
        assert "no such question" in house.json("answer", "q-0", "--none", code=2)["error"]

    def test_answer_says_nothing(self, house: House) -> None:
        """An answer names accounts, or none of them."""
        assert house.lastday("answer", "q-0").code == 2

    def test_approve_nothing(self, house: House) -> None:
        """There is nothing to approve under an unknown id."""
        assert "nothing to approve" in house.json("approve", "waiver-0", code=2)["error"]

    def test_attest_unknown(self, house: House) -> None:
        """Nobody signs for an entitlement that the case does not have."""
        words = ("slack:U1:sign_in:account", "--statement", "done by hand")
        assert "has no entitlement" in house.json("attest", house.one_case(), *words, code=2)["error"]

    def test_standing_waiver(self, house: House) -> None:
        """A standing waiver is asked for by one person and approved by another."""
        place = ("--tenant", "--service", "slack", "--kind", "grant", "--until", "2027-03-31")
        asked = house.json("waive", *place, "--reason", "no API", "--as", "taro")
        assert asked["outcome"] == "requested"
        assert house.json("approve", asked["waiver"], "--as", "hanako")["approved"] == "waiver until 2027-03-31"

    @pytest.mark.parametrize(
        "words",
        [
            ("--until", "2027-03-31", "--reason", "x"),
            ("--tenant", "--service", "salesforce", "--kind", "grant", "--until", "2027-03-31", "--reason", "x"),
            ("--tenant", "--service", "slack", "--kind", "grant", "--until", "2199-03-31", "--reason", "x"),
            ("--tenant", "--service", "slack", "--kind", "grant", "--until", "2027-03-31"),
            (NO_CASE, "slack:U1:grant:x", "--until", "2027-03-31", "--reason", "x"),
        ],
        ids=["nothing named", "unknown service", "too long", "no reason", "unknown case"],
    )
    def test_waiver_refused(self, house: House, words: tuple[str, ...]) -> None:
        """A waiver without place, reason or reasonable end is refused."""
        assert set(house.json("waive", *words, code=2)) == {"error", "remedy"}


class TestPause:
    def test_a_case(self, house: House) -> None:
        """The case and the list say so, the answer says how it ends; one person cannot end it, two can."""
        case = house.one_case("--for-real")
        made = house.json("pause", case, "--reason", "wrong person?", "--as", "taro")
        assert made | {"pause": ""} == {
            "pause": "", "case": case, "company": None, "everything": False, "outcome": "paused",
        }  # fmt: skip
        shown = house.json("show", case, code=1)
        assert [(one["id"], one["paused_by"], one["reason"]) for one in shown["pauses"]] == [
            (made["pause"], "taro", "wrong person?")
        ]
        page = house.lastday("show", case).out
        assert "PAUSED, AND OVERDUE" in page
        assert [row["paused"] for row in house.json("show")["cases"]] == [True]
        assert "Paused" in house.lastday("show").out
        asked = house.json("resume", made["pause"], "--reason", "it was right", "--as", "hanako")
        assert asked["outcome"] == "requested"
        assert "same person" in house.json("approve", asked["request"], "--as", "hanako", code=2)["error"]
        assert house.json("approve", asked["request"], "--as", "taro")["approved"] == "resume"
        assert house.json("show", case)["pauses"][0]["resumed_at"] is not None

    @pytest.mark.parametrize(
        "words", [(), ("--everything", "--company", "default"), (NO_CASE, "--everything"), (NO_CASE,)]
    )
    def test_names_one_thing(self, house: House, words: tuple[str, ...]) -> None:
        """Neither nothing nor two things are paused, nor what does not exist."""
        assert set(house.json("pause", *words, "--reason", "r", code=2)) == {"error", "remedy"}
