"""What the page of a case says of downloads and of what is asked: never less than is known, and never more."""

from __future__ import annotations

import pytest

from casework.view.case import Question
from casework.view.downloads import Downloads, Sentence
from cli import evidence, tables
from cli.app import main
from cli.terminal import Terminal
from models.vocabulary import Completeness
from tests.portal.test_record import DOWNLOADS


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LASTDAY_LANGUAGE", "en")


class TestDownloads:
    def test_nothing_read(self) -> None:
        """A case whose logs were not read says so, and names no number."""
        assert tables.downloads("case-1", Downloads(state="not_collected")) == ["Downloads: not collected."]

    def test_read(self) -> None:
        """What was found stands there in the record's sentences, beside how much of it is complete."""
        sources = tuple(DOWNLOADS.sources[0].model_copy(update={"verdict": verdict}) for verdict in Completeness)
        said = Sentence(text="37,000 files were taken.", text_ja="37,000件を取得。")
        shown = tables.downloads("case-1", Downloads(state="partial", sources=sources, summary=(said,)))
        assert shown == [
            "Downloads: partial, 1 of 3 readings of logs complete (lastday evidence case-1)",
            "  37,000 files were taken.",
        ]

    def test_unreadable(self) -> None:
        """A summary that cannot be read says why and what to do, on both pages."""
        broken = DOWNLOADS.model_copy(
            update={"problem": "case-1: cannot read this summary", "remedy": "Restore it.", "summary": ()}
        )
        told = "case-1: cannot read this summary  (Restore it.)"
        assert tables.downloads("case-1", broken)[1:] == [told]
        assert told in evidence._page(broken)

    def test_not_begun(self) -> None:
        """Logs that nobody has begun to read are named, on both pages."""
        lacking = DOWNLOADS.model_copy(update={"not_begun": ("slack/?", "google_workspace/drive")})
        told = "Not begun to be read: slack/?, google_workspace/drive."
        assert told in tables.downloads("case-1", lacking)
        assert told in evidence._page(lacking)

    def test_in_japanese(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The page is Japanese where the terminal is."""
        monkeypatch.setenv("LASTDAY_LANGUAGE", "ja")
        assert tables.downloads("case-1", Downloads(state="not_collected")) == ["ダウンロード記録: 未収集。"]


NAMESAKE = {"reason": "name", "text": "x", "account": "s1", "label": "s1", "kind": "member", "standing": "asked"}


class TestQuestions:
    @pytest.mark.parametrize(
        ("kind", "options", "how"),
        [
            ("release", [], "  lastday approve q-1 --revision 3"),
            (
                "whose_account",
                [NAMESAKE],
                "  lastday answer q-1 --revision 3 --account SERVICE:ID | --none",
            ),
        ],
    )
    def test_how_to_answer(self, kind: str, options: list[dict[str, str]], how: str) -> None:
        """A question names its revision, the verb that answers it, who is asked and until when."""
        asked = Question.model_validate(
            {"id": "q-1", "kind": kind, "connection": None, "text": "?", "revision": 3, "asked_of": ["it", "hr"],
             "wanted_by": "2026-11-30T15:00:00+00:00", "options": options}
        )  # fmt: skip
        title, *_, last = tables.question_page(asked)
        assert last == how
        assert "asked of it, hr, until 2026-1" in str(title)


class TestWhatOthersWrote:
    HOSTILE = "a\x1b[2J\x1b]0;pwn\x07\u202eb\x9b"

    def test_steers_no_terminal(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Control characters in a cell, a title or a line are shown, never obeyed."""
        page = tables.table("account", title=self.HOSTILE, rows=[(self.HOSTILE,)])
        Terminal.of(as_json=False, actor="hr").answer({}, page, f"case {self.HOSTILE}")
        told = capsys.readouterr().out
        assert told.count("a〈U+001B〉[2J〈U+001B〉]0;pwn〈U+0007〉〈U+202E〉b〈U+009B〉") == 3
        assert not set("\x1b\x07\u202e\x9b") & set(told)

    def test_nor_in_passing(self, capsys: pytest.CaptureFixture[str]) -> None:
        """What is said on standard error shows them too, the last sentence of a verb included."""
        Terminal.of(as_json=False, actor="hr").say(self.HOSTILE)
        assert main(["show", "--" + self.HOSTILE]) == 2
        assert not set("\x1b\x07\u202e\x9b") & set(capsys.readouterr().err)
