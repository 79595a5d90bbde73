"""One view of a case for everybody: the same from the database and from JSON, bound by a digest, and opaque for Prefect."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import jsonschema
import pytest
from rich.table import Table
from sqlmodel import select

from casework import runbook
from casework.access import rechecking
from casework.intake.moving import withdraw
from casework.truth.findings import assess
from casework.view.case import CaseView, PendingConsent
from casework.view.prefect_view import OpaqueView, opaque
from casework.view.reading.case import case_view, look
from cli.tables import document_page
from models.tables import CaseAccount, Comeback, Finding
from models.vocabulary import (
    CONNECTION,
    CaseState,
    DepartureKind,
    EntitlementKind,
    EntitlementState,
    FindingKind,
    Opener,
    RestoreOutcome,
    Standing,
)
from portal.record.composing import compose
from portal.record.pages import page
from portal.sections.front import at_work, document
from tests.casework.conftest import Office
from tests.casework.leaving import PERSONAL, finished
from tests.casework.records import gather
from tests.documents import schema
from tests.portal.test_record import DOWNLOADS, NDA
from tests.unit.printed import printed
from tests.unit.reading_source import ROOT

TOKYO = ZoneInfo("Asia/Tokyo")


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LASTDAY_LANGUAGE", "en")


@pytest.fixture
async def asked(office: Office) -> CaseView:
    """A case with something of everything: a closed account, a finding, a question, papers, downloads, signatures."""
    office.paper.add("g3", email="other@example.test", name="月 影子")
    case = office.report(employee_no="E7", email="e7@example.test", name="月 影子")
    await runbook.make_plan(office.context, case.id)
    whole = case_view(office.context, (await finished(office)).id)
    doubtful = case_view(office.context, case.id)
    assert doubtful.questions
    finding = {"kind": "still_open", "service": "slack", "account": "U1", "entitlement": "slack:U1:group:S1",
               "entitlement_kind": "group", "text": "open", "remedy": "close it", "opened_at": case.due_at, "resolved_at": None}  # fmt: skip
    found = type(whole).model_validate(whole.model_dump() | {"findings": [finding]})
    return found.model_copy(update={"questions": doubtful.questions, "nda": NDA, "downloads": DOWNLOADS})


def as_json(view: CaseView) -> dict[str, Any]:
    """Return what a program gets: text that was written and read again."""
    read: dict[str, Any] = json.loads(json.dumps(view.model_dump(mode="json")))
    return read


class TestShape:
    def test_schema_is_current(self) -> None:
        """docs/case.schema.json is what the code gives: `python -m tests.documents schema` prints it."""
        assert (ROOT / "docs" / "case.schema.json").read_text(encoding="utf-8") == schema()

    def test_fits_the_schema(self, asked: CaseView) -> None:
        """A case with everything in it fits the schema; one with a state that nobody knows does not."""
        known = json.loads((ROOT / "docs" / "case.schema.json").read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator.check_schema(known)
        shown = as_json(asked)
        jsonschema.validate(shown, known)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(shown | {"state": "done"}, known)

    def test_is_the_same_from_json(self, asked: CaseView) -> None:
        """Whoever reads the JSON back has the view: nothing is lost and nothing is added."""
        again = CaseView.model_validate(as_json(asked))
        assert again == asked
        assert again.digest == asked.digest == as_json(asked)["digest"]

    def test_instants_have_a_zone(self, asked: CaseView) -> None:
        """A time of which nobody knows the zone is no time."""
        with pytest.raises(ValueError, match="timezone"):
            CaseView.model_validate(as_json(asked) | {"due_at": "2026-11-30T15:00:00"})


def of_row(view: CaseView, **changed: object) -> CaseView:
    """Return *view* with another first row."""
    account = view.accounts[0]
    rows = (account.entitlements[0].model_copy(update=changed), *account.entitlements[1:])
    return view.model_copy(update={"accounts": (account.model_copy(update={"entitlements": rows}), *view.accounts[1:])})


def of_first(part: str, **changed: object) -> Callable[[CaseView], CaseView]:
    """Return what gives a view with another first one of *part*."""

    def change(view: CaseView) -> CaseView:
        first, *others = getattr(view, part)
        return view.model_copy(update={part: (first.model_copy(update=changed), *others)})

    return change


def of_downloads(**changed: object) -> Callable[[CaseView], CaseView]:
    return lambda view: view.model_copy(update={"downloads": view.downloads.model_copy(update=changed)})


class TestDigest:
    @pytest.mark.parametrize(
        "change",
        [
            lambda view: of_row(view, state=EntitlementState.STILL_OPEN),
            lambda view: of_row(view, observed_at=None),
            lambda view: view.model_copy(update={"state": CaseState.RESTORING}),
            lambda view: view.model_copy(update={"findings": ()}),
            of_first("findings", text="closed by now"),
            of_first("findings", kind=FindingKind.REFUSED),
            lambda view: view.model_copy(update={"questions": ()}),
            of_first("questions", options=()),
            of_first("waivers", approved_by="somebody else"),
            of_first("attestations", statement="not so"),
            of_first("accounts", decided_by="somebody else"),
            of_first("plans", sha256="0" * 64),
            of_first("searches", problem="down"),
            lambda view: view.model_copy(update={"nda": view.nda.model_copy(update={"papers": ()})}),
            of_downloads(sources=()),
            of_downloads(summary_sha256="0" * 64),
        ],
    )
    def test_binds(self, asked: CaseView, change: Callable[[CaseView], CaseView]) -> None:
        """Another state, finding, question, signature, account, plan, paper or reading is another digest."""
        assert change(asked).digest != asked.digest

    @pytest.mark.parametrize(
        "change",
        [
            lambda view: view.model_copy(update={"read_at": view.read_at + timedelta(days=1)}),
            lambda view: of_first("searches", searched_at=view.read_at)(view),
            lambda view: view.model_copy(update={"nda": view.nda.model_copy(update={"checked_at": view.read_at})}),
            of_first("looks", verdict="quiet"),
            of_downloads(confidential="shown", folders=()),
            of_downloads(state="partial", not_begun=("slack/?",)),
            lambda view: of_first("accounts", timing=view.accounts[0].timing.model_copy(update={"sla_minutes": 7}))(
                view
            ),
        ],
    )
    def test_does_not_bind_a_look(self, asked: CaseView, change: Callable[[CaseView], CaseView]) -> None:
        """Who looks, when, and how often changes nothing as long as the same is seen."""
        assert change(asked).digest == asked.digest

    async def test_stands_while_the_same_is_seen(self, office: Office) -> None:
        """Hours pass, the case is looked at again, evidence is shown: as long as nothing changed, the digest stands."""
        case = await finished(office)
        before = case_view(office.context, case.id)
        office.clock.pass_by(hours=2)
        assert (await rechecking.look_again(office.context))["looked"] == [case.id]
        assert case_view(office.context, case.id).digest == before.digest
        assert look(office.context, case.id, by="legal").digest == before.digest
        office.paper.holders["leaver-g1"].active = True
        office.clock.pass_by(days=2)
        await rechecking.look_again(office.context)
        assert case_view(office.context, case.id).digest != before.digest


def texts_in(schema: object) -> Iterator[dict[str, Any]]:
    """Yield whatever in *schema* lets a text stand somewhere, or anything at all."""
    if isinstance(schema, dict):
        if schema.get("type") == "string" or schema == {} or "additionalProperties" in schema:
            yield schema
        for part in schema.values():
            yield from texts_in(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from texts_in(part)


class TestOpaque:
    def test_has_no_field_for_a_person(self) -> None:
        """Words of our enums, numbers, instants, random names of ours: no field in which a name, address or title fits."""
        found = list(texts_in(OpaqueView.model_json_schema()))
        assert {field["pattern"] for field in found if "pattern" in field} == {"^[a-z]+-[0-9a-f]+$", f"^{CONNECTION}$"}
        bound = {"pattern", "enum"}
        assert [field for field in found if not bound & set(field) and field.get("format") != "date-time"] == []

    async def test_says_nothing_of_anybody(self, office: Office, asked: CaseView) -> None:
        """Of a case with a name, an address, titles and labels, nothing but kinds, states and counts is left."""
        said = opaque(asked).model_dump_json()
        assert json.loads(said)["truth"]
        assert [word for word in (*PERSONAL, "example.test", "g1", "leaver") if word in said] == []

    def test_refuses_a_name(self, asked: CaseView) -> None:
        """What is no random name of ours does not pass as one."""
        with pytest.raises(ValueError, match="pattern"):
            opaque(of_first("questions", id="田中 美咲")(asked))

    def test_counts_the_leavers_rows_alone(self, asked: CaseView) -> None:
        """What a namesake's account holds is none of the case's progress."""
        assert opaque(asked).rows > 0
        assert opaque(of_first("accounts", standing=Standing.REJECTED)(asked)).rows == 0


class TestTerminal:
    async def test_shows_whatever_somebody_has_to_act_on(self, asked: CaseView) -> None:
        """Every row, finding, question with its candidates and command, and a service that could not be searched stand on the page."""
        view = of_first("searches", problem="down for maintenance")(asked)
        shown = text_of(view)
        rows = [row for account in view.taken for row in account.entitlements]
        assert rows
        assert [row.what for row in rows if row.what not in shown] == []
        assert "down for maintenance" in shown
        assert "slack:U1:group:S1" in shown
        for question in view.questions:
            how = f"  lastday answer {question.id} --revision {question.revision}"
            wanted = [f"{how} --account google_workspace:{one.account}\n" for one in question.options]
            assert [command for command in (*wanted, f"{how} --none\n") if command not in shown] == []
        assert f"lastday evidence {view.case}" in shown

    async def test_says_what_must_not_be_overlooked(self, asked: CaseView) -> None:
        """A plan only, an erasure, a legal hold and a consent that is waited for are said before anything else."""
        at = asked.read_at
        waiting = PendingConsent(id="q-7", verb="erase")
        changed = {"for_real": False, "erased_at": at, "held_at": at, "approvals_waiting": (waiting,)}
        front = text_of(asked.model_copy(update=changed)).partition("Truth table")[0]
        for words in ("Plan only.", "was erased", "legal hold", "second person: erase q-7"):
            assert words in front, words
            assert words not in text_of(asked)

    async def test_is_short_where_nothing_is_in_doubt(self, office: Office) -> None:
        """How accounts were found and when each was due is told while one is asked about, unread or not closed, and no longer."""
        whole = case_view(office.context, (await finished(office)).id)
        second = whole.taken[0].model_copy(update={"id": "g2"})
        whole = whole.model_copy(update={"accounts": (*whole.accounts, second)})
        doubts = {
            "Services searched, accounts considered": (
                of_first("accounts", standing=Standing.ASKED),
                of_first("searches", problem="down"),
            ),
            "Due, commanded, effective cut-off": (
                of_first("accounts", timing=whole.taken[0].timing.model_copy(update={"effective_cutoff_at": None})),
            ),
        }
        for title, changes in doubts.items():
            assert title not in text_of(whole)
            assert [change for change in changes if title not in text_of(change(whole))] == []

    async def test_tells_each_row_on_a_line(self, office: Office) -> None:
        """A row has its kind, its state, who confirmed it and when, beside its account; one that nobody has listed says so."""
        whole = case_view(office.context, (await finished(office)).id)
        lines = text_of(whole).splitlines()
        for row in whole.taken[0].entitlements:
            seen = f"{row.observed_at.astimezone(TOKYO):%Y-%m-%d %H:%M:%S}" if row.observed_at else row.detail.signed_by
            words = (row.kind.replace("_", " "), row.what, row.state.replace("_", " "), seen or "-")
            assert [line for line in lines if all(word in line for word in words)], words
        unlisted = text_of(of_first("accounts", entitlements=())(whole))
        assert "Its access has not been listed yet." in unlisted


class TestExposure:
    async def test_lasts_while_an_account_is_unlisted(self, office: Office) -> None:
        """A case has no exposure while one of the leaver's accounts is not seen closed, be it that nobody has listed what it holds."""
        case = await finished(office)
        whole = case_view(office.context, case.id)
        assert whole.exposure_minutes == whole.taken[0].timing.exposure_minutes is not None
        with office.context.store.write() as session:
            known = session.exec(select(CaseAccount).where(CaseAccount.case_id == case.id)).one()
            session.add(CaseAccount.model_validate(dict(known) | {"id": None, "vendor_id": "unlisted"}))
        assert case_view(office.context, case.id).exposure_minutes is None


class TestAnotherEnd:
    async def test_what_was_given_back_says_so(self, office: Office) -> None:
        """A row that a restore gave back, or could not, bears its fate beside its state, on the terminal and in the record."""
        whole = case_view(office.context, (await finished(office)).id)
        detail = whole.accounts[0].entitlements[0].detail
        given = of_row(whole, detail=detail.model_copy(update={"restored": RestoreOutcome.RE_ENROL}))
        facts = replace(gather(office.context, whole.case), view=given)
        assert "re enrol" not in text_of(whole)
        assert "re enrol" in text_of(given)
        assert "再登録待ち" in page(compose(facts)).decode()

    async def test_of_nobody_is_none(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        """A withdrawn case has no account to close and no paper to expect, and says both in the reader's language."""
        case = office.report()
        withdraw(office.context, case.id, by="hr", reason="stays")
        shown = text_of(case_view(office.context, case.id))
        assert "not all closed" not in shown
        assert "State: not expected" in shown
        monkeypatch.setenv("LASTDAY_LANGUAGE", "ja")
        assert "状態: 対象外" in text_of(case_view(office.context, case.id))

    async def test_each_kind_has_its_title(self, office: Office) -> None:
        """A leave is no offboarding, and an employment that goes on is no departure."""
        view = case_view(office.context, office.report().id)
        stays = case_view(office.context, office.report(employee_no="E2", kind="continued").id)
        leave = view.model_copy(update={"departure": view.departure.model_copy(update={"kind": DepartureKind.LEAVE})})
        assert [document(one, ()).title.en for one in (view, stays, leave)] == [
            "Record of an offboarding", "Record of a departure that does not take place", "Record of a leave of absence",
        ]  # fmt: skip

    async def test_who_stays_has_no_exposure(self, office: Office) -> None:
        """A withdrawn case owes no cut-off: neither exposure nor SLA is measured, and the record says that nobody leaves."""
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        withdraw(office.context, case.id, by="hr", reason="stays")
        office.clock.pass_by(days=40)
        shown = text_of(case_view(office.context, case.id))
        assert "Nobody leaves" in shown
        assert "nothing had been taken away" in shown
        assert not {"Longest exposure", "Within SLA"} & {line.partition(":")[0].strip() for line in shown.splitlines()}
        assert (
            "Longest exposure" not in page(compose(gather(office.context, case.id))).decode().partition("<section")[0]
        )

    async def test_what_was_taken_back_is_counted_by_its_fate(self, office: Office) -> None:
        """A restored case counts what became of each row, not what was closed; its title says that it was taken back."""
        whole = case_view(office.context, (await finished(office)).id)
        detail = whole.accounts[0].entitlements[0].detail
        given = of_row(whole, detail=detail.model_copy(update={"restored": RestoreOutcome.RE_ENROL}))
        given = given.model_copy(update={"state": CaseState.RESTORED})
        shown = text_of(given)
        assert document(given, ()).title.en == "Record of an offboarding that was taken back"
        assert "re enrol 1" in shown
        assert "Seen closed · signed for · open" not in shown

    async def test_a_reopened_case_says_so(self, office: Office) -> None:
        """A case that a look opened again, and that is not closed since, says so before anything else."""
        whole = case_view(office.context, (await finished(office)).id)
        opened = of_first("looks", verdict="reopened")(whole)
        assert "Open again" not in text_of(opened)
        assert "Open again" in text_of(opened.model_copy(update={"closed_at": None}))

    async def test_a_look_that_was_none_says_so(self, office: Office) -> None:
        """A look in which a service could not be read is told in words, in both languages."""
        whole = case_view(office.context, (await finished(office)).id)
        facts = replace(gather(office.context, whole.case), view=of_first("looks", verdict="not_looked")(whole))
        record = page(compose(facts)).decode()
        assert "not looked: a service could not be read" in record
        assert "未実施: 読み取れないサービスあり" in record


class TestComingBack:
    async def test_is_told_to_everybody(self, office: Office) -> None:
        """An account that came back says so on the terminal and in the record: when, when it was cut again, who tells by whom."""
        case = office.report()
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        assert "came back" not in text_of(case_view(office.context, case.id))
        office.paper.holders["g1"].active = True
        office.clock.pass_by(hours=2)
        await rechecking.look_again(office.context)
        (back,) = [a.came_back_at for a in case_view(office.context, case.id).taken]
        assert back is not None
        assert "not closed again yet" in text_of(case_view(office.context, case.id))
        await office.run(case.id)
        told = text_of(case_view(office.context, case.id))
        came_back = f"came back: seen open at {back.astimezone(TOKYO):%Y-%m-%d %H:%M:%S}, cut again at"
        assert came_back in told
        record = page(compose(gather(office.context, case.id))).decode()
        assert came_back in record
        assert "再び有効と確認" in record

    async def test_names_nobody_for_what_came_back_later(self, office: Office) -> None:
        """Who enabled an account once is not said to have brought back what came back after it was closed again."""
        case = office.report()
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        office.paper.holders["g1"].active = True
        office.clock.pass_by(hours=2)
        await rechecking.look_again(office.context)
        with office.context.store.write() as session:
            back = session.exec(select(Comeback)).one()
            back.opener, back.opened_by = Opener.NAMED, "admin@example.test"
            session.add(back)
        await office.run(case.id)
        assert "by admin@example.test" in text_of(case_view(office.context, case.id))
        office.paper.holders["g1"].held[EntitlementKind.GROUP].add("sales")
        office.clock.pass_by(days=2)
        await rechecking.look_again(office.context)
        told = text_of(case_view(office.context, case.id))
        assert "came back" in told
        assert "by admin@example.test" not in told

    async def test_plain_case_has_no_finding(self, office: Office) -> None:
        """What is found, commanded and seen closed in time is no finding: a plain case's record has none, not even a resolved one."""
        case = office.report()
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        view = case_view(office.context, case.id)
        assert (view.state, view.findings, view.resolved_findings) == (CaseState.CLOSED, (), ())
        record = page(compose(gather(office.context, case.id))).decode()
        assert "No finding was ever opened." in record
        assert "came back" not in record


class TestFindings:
    async def test_are_told_in_both_languages(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is to be done is told in the reader's language; a finding from before that was kept is worded anew, and stays the same."""
        case = office.report()
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        office.paper.holders["g1"].active = True
        office.clock.pass_by(hours=2)
        await rechecking.look_again(office.context)
        found = case_view(office.context, case.id).findings
        [back] = [one for one in found if one.entitlement_kind is EntitlementKind.SIGN_IN]
        assert back.text.startswith("it came back: seen open at ")
        assert back.text_ja.startswith("元に戻った: ")
        assert "手作業で取り除いて署名してください" in back.remedy_ja
        with office.context.store.write() as session:
            for row in session.exec(select(Finding).where(Finding.case_id == case.id)):
                row.text_ja = row.remedy_ja = ""
                session.add(row)
        office.clock.pass_by(hours=1)
        with office.context.store.write() as session:
            assess(office.context, session, case.id)
        assert case_view(office.context, case.id).findings == found
        monkeypatch.setenv("LASTDAY_LANGUAGE", "ja")
        tables = [
            part for part in document_page(at_work(case_view(office.context, case.id))) if isinstance(part, Table)
        ]
        shown = {str(cell) for table in tables for column in table.columns for cell in column.cells}
        assert any(back.remedy_ja in cell for cell in shown)
        assert back.remedy_ja in page(compose(gather(office.context, case.id))).decode()


def text_of(view: CaseView) -> str:
    """Return a case as a terminal shows it."""
    return printed(document_page(at_work(view)))
