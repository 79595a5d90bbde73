"""What the page of a case says of downloads and of what is asked: never less than is known, and never more."""

from __future__ import annotations

import re
from typing import Any, Final

import pytest

from casework.view.case import CaseView, Finding, Question
from casework.view.downloads import Downloads, Sentence
from cli.app import main
from cli.tables import section_page, table
from cli.terminal import Terminal
from models.vocabulary import Completeness
from portal.document import Clock
from portal.sections.case import findings, open_findings, question
from portal.sections.downloads import downloads, in_short
from portal.sections.papers import in_short as in_short_papers
from portal.sections.papers import nda
from tests.portal.test_record import DOWNLOADS, NDA
from tests.unit.printed import printed


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LASTDAY_LANGUAGE", "en")


CLOCK = Clock("Asia/Tokyo")
NOTHING = Downloads(state="not_collected")
NO_PAPERS = NDA.model_copy(update={"state": "not_collected", "papers": ()})


def known(downloads: Downloads) -> CaseView:
    """Return a case of which nothing else is known."""
    parts: dict[str, Any] = {
        "case": "case-1",
        "erased_at": None,
        "downloads": downloads.model_copy(update={"days": None}),
    }
    return CaseView.model_construct(**parts)


class TestDownloads:
    def test_nothing_read(self) -> None:
        """A case whose logs were not read says so, and names no number."""
        shown = printed(section_page(in_short(known(NOTHING), CLOCK)))
        assert "Not collected." in shown
        assert not re.search("[0-9]", shown)

    def test_read(self) -> None:
        """What was found stands there in the record's sentences, beside how much of it is complete and where the rest is."""
        sources = tuple(DOWNLOADS.sources[0].model_copy(update={"verdict": verdict}) for verdict in Completeness)
        said = Sentence(text="37,000 files were taken.", text_ja="37,000件を取得。")
        shown = in_short(known(Downloads(state="partial", sources=sources, summary=(said,), risks=())), CLOCK)
        assert printed(section_page(shown)).splitlines()[2:] == [
            "  State: partial   Complete readings of logs: 1 / 3",
            "  lastday evidence case-1",
            "  37,000 files were taken.",
        ]

    def test_unreadable(self) -> None:
        """A summary that cannot be read says why and what to do, on both pages."""
        broken = DOWNLOADS.model_copy(
            update={
                "problem": "case-1: cannot read this summary",
                "remedy": "Restore it.",
                "summary": (),
                "risks": None,
            }
        )
        for shown in (in_short(known(broken), CLOCK), downloads(known(broken), CLOCK)):
            assert "Not known: case-1: cannot read this summary. Restore it." in printed(section_page(shown))

    def test_says_what_a_log_never_holds(self) -> None:
        """The caveats of a log stand beside its counts, once each: without them a count says more than it knows."""
        source = DOWNLOADS.sources[0].model_copy(update={"caveats": ("views are counted",)})
        shown = printed(
            section_page(downloads(known(DOWNLOADS.model_copy(update={"sources": (source, source)})), CLOCK))
        )
        assert shown.count("Slack, audit_logs: views are counted") == 1

    def test_not_begun(self) -> None:
        """Logs that nobody has begun to read are named, on both pages."""
        lacking = known(DOWNLOADS.model_copy(update={"not_begun": ("slack/?", "google_workspace/drive")}))
        for section in (in_short, downloads):
            shown = printed(section_page(section(lacking, CLOCK)))
            assert "Not begun to be read: slack/?" in shown
            assert "google_workspace/drive" in shown

    def test_in_japanese(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The page is Japanese where the terminal is."""
        monkeypatch.setenv("LASTDAY_LANGUAGE", "ja")
        shown = printed(section_page(in_short(known(NOTHING), CLOCK)))
        assert "ダウンロード証跡" in shown
        assert "未収集。" in shown
        assert "Not collected" not in shown


NAMESAKE = {
    "reason": "name",
    "account": "s1",
    "label": "s1",
    "kind": "member",
    "standing": "asked",
    "connection": "slack",
}


class TestQuestions:
    @pytest.mark.parametrize(
        ("kind", "options", "how"),
        [
            ("release", [], ["  lastday approve q-1 --revision 3"]),
            (
                "whose_account",
                [NAMESAKE],
                ["  lastday answer q-1 --revision 3 --account slack:s1", "  lastday answer q-1 --revision 3 --none"],
            ),
        ],
    )
    def test_how_to_answer(self, kind: str, options: list[dict[str, str]], how: list[str]) -> None:
        """A question names its revision, the commands that answer it, each on one line, who is asked and until when."""
        asked = Question.model_validate(
            {"id": "q-1", "kind": kind, "connection": None, "text": "?", "revision": 3, "asked_of": ["it", "hr"],
             "wanted_by": "2026-11-30T15:00:00+00:00", "options": options}
        )  # fmt: skip
        shown = printed(section_page(question(asked, CLOCK)))
        assert shown.splitlines()[-len(how) :] == how
        assert "Question q-1: ?" in shown
        assert "Asked of: it, hr   Answer wanted by: 2026-12-01 00:00:00" in shown
        assert ("slack:s1" in shown) is bool(options)


class TestFindings:
    FOUND: Final[dict[str, object]] = {"kind": "still_open", "service": "slack", "account": "U1", "entitlement_kind": "group", "text": "open",
                                       "remedy": "close it", "opened_at": "2026-11-30T15:00:00+00:00", "resolved_at": None}  # fmt: skip

    def test_name_what_is_attested_or_waived(self) -> None:
        """
        At a terminal findings that are alike stand in one row, with each id that a signature needs on a line of its own, however
        narrow it is; a record counts them.
        """
        ids = [f"microsoft365:{'0' * 36}:group:{n:036}" for n in (1, 2)]
        found = tuple(Finding.model_validate({**self.FOUND, "entitlement": one}) for one in ids)
        parts: dict[str, Any] = {"findings": found, "resolved_findings": ()}
        view = CaseView.model_construct(**parts)
        at_work, told = (printed(section_page(one(view, CLOCK)), 80) for one in (open_findings, findings))
        assert at_work.splitlines()[-2:] == [f"  {one}" for one in ids]
        assert at_work.count("close it") == 1
        assert "×2" in told
        assert ids[0] not in told


class TestPapers:
    def test_doubtful_ones_are_shown_to_who_rules_on_them(self) -> None:
        """A paper that may be another person's is named with its id at a terminal, on a line of its own, and only there."""
        doubtful = NDA.papers[0].model_copy(update={"paper": "folder:E9-exit"})
        view = known(NOTHING).model_copy(update={"nda": NDA.model_copy(update={"not_accepted": (doubtful,)})})
        for section in (nda(NDA, CLOCK, doubtful), in_short_papers(view, CLOCK)):
            assert "  folder:E9-exit" in printed(section_page(section), 80).splitlines()
        assert "folder:E9-exit" not in printed(
            section_page(nda(NDA.model_copy(update={"not_accepted": (doubtful,)}), CLOCK))
        )

    def test_stand_on_a_line_each(self) -> None:
        """At work a paper is its kind, state, signer and what to do; its digest, and what a court asks, stand behind `nda show`."""
        shown = printed(section_page(in_short_papers(known(NOTHING).model_copy(update={"nda": NDA}), CLOCK)))
        assert "lastday nda show case-1" in shown
        assert "ab" * 8 not in shown
        (line,) = [line for line in shown.splitlines() if "entry pledge" in line]
        assert "2019-04-01" in line
        assert "on file" in line
        nothing = printed(section_page(in_short_papers(known(NOTHING).model_copy(update={"nda": NO_PAPERS}), CLOCK)))
        assert "Not collected." in nothing
        assert "nda show" not in nothing


class TestWhatOthersWrote:
    HOSTILE = "a\x1b[2J\x1b]0;pwn\x07\u202eb\x9b"

    def test_steers_no_terminal(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Control characters in a cell, a title or a line are shown, never obeyed."""
        page = table("account", title=self.HOSTILE, rows=[(self.HOSTILE,)])
        Terminal(as_json=False, actor="hr").answer({}, page, f"case {self.HOSTILE}")
        told = capsys.readouterr().out
        assert told.count("a〈U+001B〉[2J〈U+001B〉]0;pwn〈U+0007〉〈U+202E〉b〈U+009B〉") == 3
        assert not set("\x1b\x07\u202e\x9b") & set(told)

    def test_nor_in_passing(self, capsys: pytest.CaptureFixture[str]) -> None:
        """What is said on standard error shows them too, the last sentence of a verb included."""
        Terminal(as_json=False, actor="hr").say(self.HOSTILE)
        assert main(["show", "--" + self.HOSTILE]) == 2
        assert not set("\x1b\x07\u202e\x9b") & set(capsys.readouterr().err)
