"""Confidentiality papers at the terminal: looked for, asked for, refused, ruled on; every answer in both languages."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from emulators import documents
from emulators.nda_folder import write_folder
from tests.terminal_house import House

TODAY = date.today()  # noqa: DTZ011  # as the terminal's own clock has it
LAST, SIGNED = str(TODAY + timedelta(days=30)), str(TODAY - timedelta(days=3))
NO_CASE = "case-0000000000000000"
RULES = {"id": "rules", "kind": "work_rules", "title": "就業規則 第42条"}
DOUBTFUL = {
    "id": "out", "file": "out.pdf", "kind": "exit_pledge", "signer_name": "田中 美咲", "signed_on": SIGNED, "status": "署名済",
}  # fmt: skip


@pytest.fixture(autouse=True)
def folder(house: House, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The register of the house: the work rules, and a pledge that may be the leaver's."""
    monkeypatch.delenv("LASTDAY_NDA_REGISTERS", raising=False)
    monkeypatch.delenv("LASTDAY_NDA_ROOTS_FILE", raising=False)
    monkeypatch.setenv("LASTDAY_NDA_FOLDER", str(house.directory / "nda"))
    return write_folder(house.directory / "nda", [RULES, DOUBTFUL], {"out.pdf": documents.scan_pdf()})


@pytest.fixture
def case(house: House) -> str:
    return house.one_case(ends_on=LAST)


def states(answer: dict[str, list[dict[str, str]]]) -> dict[str, str]:
    return {paper["kind"]: paper["state"] for paper in answer["papers"]}


class TestEveryVerb:
    @pytest.mark.parametrize(
        "words",
        [
            ("check",), ("show",), ("pledge",), ("pledge", "--file", "p.pdf"), ("refuse", "--witness", "S", "--on", SIGNED),
            ("accept", "folder:out", "--reason", "r"), ("answer", "usefulness", "--text", "t"),
        ],
    )  # fmt: skip
    def test_of_no_case(self, house: House, words: tuple[str, ...]) -> None:
        """A case that is not there is told with a remedy, nothing is written, and no file is made."""
        before = house.sizes()
        said = house.json("nda", words[0], NO_CASE, *words[1:], code=2)
        assert set(said) == {"error", "remedy"}
        assert "no such case" in said["error"]
        assert house.sizes() == before
        assert not (house.directory / "p.pdf").exists()

    def test_speaks_both_languages(self, house: House, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """What people read is in their language; JSON has both."""
        verbs = (
            (("show",), "entry pledge", "入社時誓約書"),
            (("pledge", "--file", "p.pdf"), "exit pledge filed", "退職時誓約書（filed）"),
            (("accept", "folder:out", "--reason", "r", "--as", "hr"), "ruled by hr", "hrが判断"),
            (("answer", "usefulness", "--text", "t"), "recorded", "記録しました"),
        )
        house.lastday("nda", "check", case)
        for words, english, japanese in verbs:
            for language, expected in (("en", english), ("ja", japanese)):
                monkeypatch.setenv("LASTDAY_LANGUAGE", language)
                assert expected in house.lastday("nda", words[0], case, *words[1:]).out
        paper = house.json("nda", "show", case, code=1)["papers"][0]
        assert paper["text"]
        assert paper["text_ja"]


class TestCheck:
    def test_judges_what_is_on_file(self, house: House, case: str, folder: Path) -> None:
        """A round says of each paper what it amounts to; while one is lacking the command ends with 1."""
        found = house.json("nda", "check", case, code=1)
        assert states(found) == {"entry_pledge": "missing", "exit_pledge": "missing", "work_rules": "signed"}
        assert [paper["paper"] for paper in found["not_accepted"]] == ["folder:out"]
        mine = {"signer_name": "田中 美咲", "signer_employee_no": "E1001", "survives": "はい"}
        signed = [DOUBTFUL | mine, DOUBTFUL | mine | {"id": "in", "kind": "entry_pledge", "signed_on": "2020-04-01"}]
        write_folder(folder, [RULES, *signed], {})
        assert set(states(house.json("nda", "check", case)).values()) == {"signed"}
        assert house.json("nda", "show", case)["state"] == "signed"

    def test_register_down(self, house: House, case: str, folder: Path) -> None:
        """A register that cannot be read is told with a remedy, and is neither "no papers" nor a failure of the command."""
        (folder / "manifest.csv").unlink()
        found = house.json("nda", "check", case, code=1)
        assert set(states(found).values()) == {"unreadable"}
        assert found["looks"][0]["remedy"]
        assert "no manifest" in house.lastday("nda", "show", case).out

    def test_unknown_register(self, house: House, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """A register whose name is none makes papers unreadable too."""
        monkeypatch.setenv("LASTDAY_NDA_REGISTERS", "nowhere")
        assert house.json("nda", "check", case, code=1)["state"] == "unreadable"

    def test_withdrawn(self, house: House, case: str) -> None:
        """Of a departure that does not take place nothing is expected."""
        house.json("withdraw", case, "--reason", "stays")
        assert house.json("nda", "check", case)["state"] == "not_expected"


class TestPledge:
    def test_to_a_file(self, house: House, case: str) -> None:
        """Written once, the same again; another file of that name stays as it is."""
        first = house.json("nda", "pledge", case, "--file", "p.pdf", "--language", "en")
        assert (first["state"], first["register"]) == ("filed", None)
        content = (house.directory / "p.pdf").read_bytes()
        assert content.startswith(b"%PDF-")
        assert house.json("nda", "pledge", case, "--file", "p.pdf")["sha256"] == first["sha256"]
        assert (house.directory / "p.pdf").read_bytes() == content
        house.file("mine.pdf", "years of work")
        assert "exists" in house.json("nda", "pledge", case, "--file", "mine.pdf", code=2)["error"]
        assert (house.directory / "mine.pdf").read_text() == "years of work"

    @pytest.mark.parametrize("words", [("--language", "fr"), ("--file", "none/p.pdf")])
    def test_odd_options(self, house: House, case: str, words: tuple[str, str]) -> None:
        """A language that there is not, or a folder: refused with what to write, and nobody counts as asked."""
        assert house.json("nda", "pledge", case, *words, code=2)["remedy"]
        assert (house.json("nda", "show", case, code=1)["pledge"] or {"state": "rejected"})["state"] == "rejected"

    def test_through_the_register(self, house: House, case: str, folder: Path) -> None:
        """A folder keeps it to be signed by hand, once however often it is asked for."""
        for _ in range(2):
            assert house.json("nda", "pledge", case)["register"] == "folder"
        assert len(list((folder / "outbox").glob("*.pdf"))) == 1
        found = house.json("nda", "check", case, code=1)
        assert (states(found)["exit_pledge"], found["pledge"]["state"]) == ("unsigned", "filed")

    def test_of_a_leave(self, house: House, case: str) -> None:
        """Nobody is asked whose departure was withdrawn."""
        house.json("withdraw", case, "--reason", "stays")
        assert "nobody leaves" in house.json("nda", "pledge", case, code=2)["error"]


class TestRefuse:
    def test_is_recorded(self, house: House, case: str) -> None:
        """Declining is written down with day and witness; nobody asks again."""
        day = date.fromisoformat(SIGNED)
        said = house.json(
            "nda",
            "refuse",
            case,
            "--witness",
            "人事 佐藤",
            "--on",
            f"{day.year}年{day.month}月{day.day}日",
            "--as",
            "hr",
        )
        assert (said["witness"], said["refused_on"]) == ("人事 佐藤", SIGNED)
        shown = house.json("nda", "show", case, code=1)
        assert states(shown)["exit_pledge"] == "refused"
        assert "declined" in house.json("nda", "pledge", case, code=2)["error"]

    @pytest.mark.parametrize(("witness", "on"), [("S", "yesterday"), ("S", "2999-01-01"), (" ", SIGNED)])
    def test_odd(self, house: House, case: str, witness: str, on: str) -> None:
        """Without a witness, or for no day or one that lies ahead, nothing is recorded."""
        assert house.json("nda", "refuse", case, "--witness", witness, "--on", on, code=2)["remedy"]
        assert house.sizes()["pledge_refusal"] == 0


class TestAccept:
    def test_ruling(self, house: House, case: str) -> None:
        """A doubtful paper counts once somebody has ruled, and does not once somebody has ruled otherwise."""
        house.lastday("nda", "check", case)
        assert house.json("nda", "accept", case, "folder:out", "--reason", "the original is here")["theirs"]
        assert states(house.json("nda", "show", case, code=1))["exit_pledge"] == "signed"
        house.json("nda", "accept", case, "folder:out", "--reason", "a cousin's", "--not-theirs")
        assert states(house.json("nda", "show", case, code=1))["exit_pledge"] == "missing"

    @pytest.mark.parametrize(("paper", "reason"), [("folder:none", "r"), ("out", "r"), ("", "r"), ("folder:out", " ")])
    def test_odd(self, house: House, case: str, paper: str, reason: str) -> None:
        """A paper that was not found, or a ruling without a reason, is refused."""
        house.lastday("nda", "check", case)
        assert house.json("nda", "accept", case, paper, "--reason", reason, code=2)["remedy"]
        assert house.sizes()["paper_ruling"] == 0


class TestAnswer:
    def test_latest_counts(self, house: House, case: str) -> None:
        """Each answer is kept, the latest is shown with who gave it."""
        for text in ("first", "価格表の計算に使う"):
            house.json("nda", "answer", case, "usefulness", "--text", text, "--as", "legal")
        tests = {test["test"]: test["answer"] for test in house.json("nda", "show", case, code=1)["trade_secret"]}
        assert (tests["usefulness"]["text"], tests["usefulness"]["by"]) == ("価格表の計算に使う", "legal")
        assert house.sizes()["question"] == 2

    @pytest.mark.parametrize(("test", "text"), [("utility", "t"), ("usefulness", " "), ("usefulness", "x" * 4001)])
    def test_odd(self, house: House, case: str, test: str, text: str) -> None:
        """No such test, no answer, or one beyond measure: refused with what to write."""
        assert house.json("nda", "answer", case, test, "--text", text, code=2)["remedy"]
        assert house.sizes()["question"] == 0
