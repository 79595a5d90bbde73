"""The record as people read it: whole, self-contained, and safe whatever stands in it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from itertools import pairwise

import pypdfium2
import pytest

from audit.events import EventType
from casework.decisions import pausing, signatures
from casework.record.facts import RecordFacts
from casework.view.downloads import Downloads
from casework.view.papers import Paper, Papers
from casework.visible_text import visible
from models.vocabulary import EntitlementState
from portal.document import Clock
from portal.record.composing import compose
from portal.record.drawing import timeline
from portal.record.pages import page, pages, pdf
from portal.sections.access import _alike
from tests.casework.conftest import Office, empty_database, make_office, office  # noqa: F401  # fixtures
from tests.casework.leaving import NAME, finished
from tests.casework.records import gather, record_of

NO_PAPER: dict[str, object] = dict.fromkeys(field.alias or name for name, field in Paper.model_fields.items()) | {
    "signatures": [],
    "text": "",
    "text_ja": "",
}
HOSTILE = '"><img src=x onerror=alert(2)>\u202egnp.exe\u200b & 髙橋'
NDA = Papers.model_validate({
    "state": "refused",
    "checked_at": "2026-11-20T01:02:03+00:00",
    "papers": [
        NO_PAPER | {"kind": "entry_pledge", "state": "signed", "register": "folder", "title": HOSTILE, "signer": HOSTILE, "signed_on": "2019-04-01",
         "survives": True, "expires_on": None, "sha256": "ab" * 32, "signature": "verified", "text": "on file", "text_ja": "保管済み"},
        NO_PAPER | {"state": "missing"},
    ],
    "pledge": {"state": "declined", "register": "folder", "title": HOSTILE, "language": "ja", "sha256": "ef" * 32, "requested_by": HOSTILE,
               "requested_at": "2026-11-20T01:02:03+00:00", "sent_at": None, "reminders": 2, "reminded_at": None, "problem": None},
    "trade_secret": [{"test": "usefulness", "shows": [HOSTILE], "shows_ja": ["有用"], "asks": [], "asks_ja": [], "answer": None}],
})  # fmt: skip
DOWNLOADS = Downloads.model_validate({
    "state": "partial",
    "sources": [
        {"service": "slack", "source": "audit_logs", "verdict": "not_available", "reason": "not_on_plan", "text": HOSTILE, "text_ja": "",
         "account": "U1", "round": 2, "from": "2026-11-01T00:00:00+00:00", "until": "2026-11-30T00:00:00+00:00", "oldest": None, "newest": None,
         "pages": 0, "records": 0, "duplicates": 0, "lag": 86400, "retention": None, "caveats": [], "file": None, "sha256": None,
         "content_sha256": None, "difference": {"new": 2, "late": 2, "text": "2 came late", "text_ja": "遅延2件"}}
    ],
    "counts": {"download": 37000},
    "risks": [{"reason": "volume", "text": HOSTILE, "text_ja": "目立つ", "figures": {}, "unclean": False}],
    "notice_from": "2026-11-20",
    "days": {"first": "2026-11-16", "counts": [3, 0, 4, 2, 900, 40, 0, 5], "usual": [{"median": 3, "limit": 30.5}] * 7},
    "folders": [{"folder": HOSTILE, "count": 3}],
    "exits": [{"kind": "forward", "at": "2026-11-20T01:02:03+00:00", "service": "slack", "text": HOSTILE}],
    "silence": [{"service": "slack", "account": "U1", "state": "silent", "text": HOSTILE, "text_ja": "", "cut_effective_by": None,
                 "residual": 0, "events": []}],
})  # fmt: skip
SECTIONS = {
    "timeline", "notice", "cutoffs", "truth", "listings", "findings", "waivers", "people", "nda", "secrets", "downloads", "accounts", "looks", "events",
    "proof", "verify",
}  # fmt: skip


@pytest.fixture
async def facts(office: Office) -> RecordFacts:  # noqa: F811  # the fixture imported above
    """A finished case whose names, papers and downloads are written by somebody hostile."""
    found = gather(office.context, (await finished(office)).id, by=HOSTILE, rehearsal=True)
    return told(replace(found, sha256="0" * 64, revision=2, former="1" * 64), nda=NDA, downloads=DOWNLOADS)


def told(facts: RecordFacts, **changed: object) -> RecordFacts:
    """Return the same record of a case of which something else is known."""
    return replace(facts, view=facts.view.model_copy(update=changed))


class Tags(HTMLParser):
    """Collects what a browser would make of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: bytes) -> Tags:
    tags = Tags()
    tags.feed(html.decode())
    return tags


class TestPage:
    def test_runs_and_fetches_nothing(self, facts: RecordFacts) -> None:
        """No script, no handler, no address outside: whatever the names say, the page is the page."""
        html = page(compose(facts))
        seen = read(html)
        names = {tag for tag, _ in seen.tags}
        assert not names & {"script", "iframe", "link", "object", "embed", "form", "base", "foreignobject"}
        attributes = [(name, value or "") for _, found in seen.tags for name, value in found.items()]
        assert [name for name, _ in attributes if name.startswith("on")] == []
        assert [n for n, _ in attributes if n in {"src", "href", "xlink:href"}] == []
        style = re.search(r"<style>(.*?)</style>", html.decode(), re.DOTALL)
        assert style is not None
        assert "url(" not in style[1]
        assert "@import" not in style[1]

    def test_names_are_text_and_nothing_is_invisible(self, facts: RecordFacts) -> None:
        """A hostile name stands there letter by letter; marks that turn writing round are shown by their number."""
        seen = read(page(compose(facts)))
        assert NAME in seen.text
        assert "〈U+202E〉gnp.exe〈U+200B〉" in seen.text
        assert "\u202e" not in seen.text
        assert visible("葛\u200d城\x1b[31m") == "葛〈U+200D〉城〈U+001B〉[31m"

    def test_has_every_part_in_both_languages(self, facts: RecordFacts) -> None:
        """Timeline, truth table, papers, downloads, findings, waivers, who asked and approved, digests, how to verify."""
        seen = read(page(compose(facts)))
        assert {found["id"] for tag, found in seen.tags if tag == "section"} == SECTIONS
        for words in ("worthless against the operator", "運用者に対する証明力はまったくない", "hr.sato", "tenant.ciso", "monthly review",
                      "0" * 64, "1" * 64, "37,000", "遮断を確認", "observed closed", "署名拒否", "cosign verify-blob-attestation"):  # fmt: skip
            assert words in seen.text, words
        assert "not closed when this was written" not in seen.text

    def test_says_whose_name_nobody_made_sure_of(self, facts: RecordFacts) -> None:
        """A name that was only typed bears the word, in both languages; one that was made sure of, or of which nothing is known, does not."""
        sure, old = "sec.sato", "hr.before"
        first = next(told for told in facts.told if told.by == "hr.sato")
        assert first.made_sure_by == "unauthenticated"
        told = (first, replace(first, by=sure, made_sure_by="oidc"), replace(first, by=old, made_sure_by=None))
        seen = read(page(compose(replace(facts, told=told))))
        assert "hr.sato (unauthenticated)" in seen.text
        assert "hr.sato (本人認証なし)" in seen.text
        assert f"{sure} (" not in seen.text
        assert f"{old} (" not in seen.text

    @pytest.mark.parametrize(
        ("by", "made_sure_by", "shown"),
        [("hr.sato", "unauthenticated", "hr.sato (unauthenticated)"), ("sec.sato", "oidc", "sec.sato"), ("old", None, "old"), (None, None, "–")],
    )  # fmt: skip
    def test_who_exported(self, facts: RecordFacts, by: str | None, made_sure_by: str | None, shown: str) -> None:
        """The newest export says who made it, and that nobody made sure where so it was; after an erasure nobody."""
        earlier, last = facts.told[-1], replace(facts.told[-1], by=by, made_sure_by=made_sure_by)
        assert last.type == "case.exported"
        (proof,) = [part for part in compose(replace(facts, told=(earlier, last))).sections if part.id == "proof"]
        assert [line.en for line in proof.facts["Exported by"].lines] == [shown]

    def test_is_the_same_for_the_same_facts(self, office: Office) -> None:  # noqa: F811  # the fixture imported above
        """Page and PDF are made of record.json alone: again, they are the same bytes."""
        record = record_of(office.context, office.report().id)
        assert pages(record) == pages(record)

    def test_an_open_case_says_so(self, office: Office) -> None:  # noqa: F811  # the fixture imported above
        """What is exported as it stands carries its banner, and counts nothing as closed."""
        case = office.report(for_real=False)
        made = pages(record_of(office.context, case.id))
        text = read(made["record.html"]).text
        assert "not closed when this was written" in text
        assert "Plan only." in text
        assert "Not collected" in text
        assert "not closed when" in made["README.en.txt"].decode()

    async def test_a_pause_is_told(self, office: Office) -> None:  # noqa: F811  # the fixture imported above
        """Who has paused the case or everything, from when until when and why stand at its front: what was late is explained."""
        case = office.report()
        made = pausing.pause(office.context, by="it.taro", reason="the wrong person?")
        front = read(pages(record_of(office.context, case.id))["record.html"]).text
        assert re.search(r"PAUSED\. .*pause-\S+ \(everything\), \S+ \S+, it.taro: the wrong person\?", front)
        request = pausing.request_resumption(office.context, made.id, by="it.taro", reason="no")
        signatures.approve(office.context, request.id, by="it.hanako")
        after = read(pages(record_of(office.context, case.id))["record.html"]).text
        assert re.search(r"Was paused.*, \S+ \S+ – \S+ \S+, it.taro", after)


class TestNothingKnown:
    @pytest.mark.parametrize(
        ("changed", "erased", "said"),
        [
            ({}, False, "nothing has been summarised yet"),
            ({"problem": "cannot read this summary", "remedy": "Read it anew."}, False, "cannot read this summary. Read it anew."),
            ({}, True, "Erased with the personal data"),
        ],
    )  # fmt: skip
    def test_is_not_nothing(self, facts: RecordFacts, changed: dict[str, str], erased: bool, said: str) -> None:
        """Without a summary that was read the record says why, and never that nothing stands out; with one that found nothing it does."""
        unknown = told(facts, downloads=DOWNLOADS.model_copy(update={"risks": None, **changed}))
        if erased:
            unknown = replace(unknown, told=(replace(facts.told[-1], type=EventType.PAYLOAD_ERASED),))
        text = read(page(compose(unknown))).text
        assert said in text
        assert "Nothing stands out" not in text
        found_nothing = told(facts, downloads=DOWNLOADS.model_copy(update={"risks": ()}))
        assert "Nothing stands out" in read(page(compose(found_nothing))).text


class TestMany:
    def test_a_timeline_stays_in_its_frame(self, facts: RecordFacts) -> None:
        """However often a case was opened again: each step is drawn, none on another, none outside."""
        again = replace(next(one for one in facts.told if one.type == "case.closed"), type=EventType.CASE_REOPENED)
        busy = replace(
            facts, told=(*facts.told, *[replace(again, at=again.at + timedelta(minutes=n)) for n in range(90)])
        )
        drawn = re.findall(r'<circle cx="([0-9.]+)" cy="[0-9.]+" r="8"', timeline(busy, Clock("Asia/Tokyo")).svg)
        places = [float(place) for place in drawn]
        assert len(places) > 90
        assert min(places) >= 170
        assert max(places) <= 970
        assert all(later > sooner for sooner, later in pairwise(places))

    def test_one_time_zone(self, facts: RecordFacts) -> None:
        """Every time of a page is of the case's zone, that of the page itself too."""
        text = read(page(compose(facts))).text
        assert not re.search(r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+][0-9]{2}:[0-9]{2})", text)

    def test_two_hundred_groups_are_one_line(self, facts: RecordFacts) -> None:
        """Rows that differ in name and time alone stand in one line, all of them by name to be unfolded; what is odd stands by itself."""
        account = facts.view.accounts[0]
        group = next(row for row in account.entitlements if row.kind == "group")
        many = [
            group.model_copy(
                update={
                    "id": f"google_workspace:leaver-g1:group:g{n:03}",
                    "detail": group.detail.model_copy(update={"label": f"team {n:03}"}),
                }
            )
            for n in range(200)
        ]
        back = many[7].model_copy(
            update={"detail": many[7].detail.model_copy(update={"came_back_at": group.observed_at})}
        )
        opened = [
            group.model_copy(
                update={
                    "id": f"google_workspace:leaver-g1:group:o{n}",
                    "state": "still_open",
                    "observed_at": None,
                    "cut_effective_by": None,
                }
            )
            for n in range(6)
        ]
        assert len(_alike(opened)) == 6, "who must act sees each"
        crowded = told(facts, accounts=(account.model_copy(update={"entitlements": (*many[:7], back, *many[8:])}),))
        seen = read(page(compose(crowded)))
        folded = [tag for tag, _ in seen.tags].count("details")
        assert folded == 1
        assert "×199" in seen.text
        assert "team 000 … team 199" in seen.text
        assert all(f"team {n:03}" in seen.text for n in range(200))
        with pypdfium2.PdfDocument(pdf(compose(crowded))) as crowd, pypdfium2.PdfDocument(pdf(compose(facts))) as plain:
            assert len(crowd) <= len(plain) + 1
            text = "".join(crowd[number].get_textpage().get_text_range() for number in range(len(crowd)))
        assert "team 199" in text


class TestPrinted:
    def test_opens_and_says_the_same(self, facts: RecordFacts) -> None:
        """The PDF opens in a reader that is not ours, with the Japanese name; a letter that the font lacks is shown by number."""
        made = pdf(compose(facts))
        assert b"pdfaid:part" in made or b"pdfaid" in made
        with pypdfium2.PdfDocument(made) as printed:
            text = "".join(printed[number].get_textpage().get_text_range() for number in range(len(printed)))
        assert "髙橋 <script>alert(1)</script>〈U+20BB7〉野家" in text
        assert "タカハシ ツキコ" in text
        assert "worthless against the operator" in text.replace("\r\n", " ")

    def test_every_state_has_a_word(self, facts: RecordFacts) -> None:
        """No state of an entitlement, however bad, stops the printing."""
        account = facts.view.accounts[0]
        rows = tuple(account.entitlements[0].model_copy(update={"state": state}) for state in EntitlementState)
        odd = told(facts, accounts=(account.model_copy(update={"entitlements": rows}),))
        assert pdf(compose(odd)).startswith(b"%PDF-1.7")
