"""What HR's notices make of cases: whose they are, when they are cut, what a second word changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from audit.commitment import Commitment, CommittedPerson, folded_name, folded_number
from audit.leaf import read
from audit.tables import audit_entry, audit_payload
from casework import runbook
from casework.access.rechecking import look_again
from casework.errors import BadRequest, QuestionsOpen, StillOpen
from casework.intake.csv_file import read_csv
from casework.intake.moving import reschedule, withdraw
from casework.intake.reading import read_options
from casework.intake.submission import SubmissionResult, open_cases
from casework.lifecycle import begun
from casework.matching import answering
from casework.policy import CutPolicy, Policy
from models.actor import Actor, at_terminal
from models.tables import Case, CaseAccount, CaseEntitlement
from models.vocabulary import CaseState, Entitlement, EntitlementKind, Service, Standing
from tests.casework.conftest import Office
from tests.casework.shown import show

K = EntitlementKind
GOOGLE = Service.GOOGLE_WORKSPACE
MARCH = date(2027, 3, 31)
NIGHTLY = "社員番号,氏名,メールアドレス,退職日,区分\nE1,星 空子,e1@example.test,{day},自己都合\n"


def send(office: Office, text: str, **more: Any) -> SubmissionResult:
    """Take HR's file."""
    return open_cases(office.context, read_csv(text.encode()), reported_by="hr", for_real=True, **more)


def one(office: Office, **fields: Any) -> SubmissionResult:
    """Take one notice of a departure on 30 November."""
    given = {"name": "星 空子", "employment_ends_on": "2026-11-30", "kind": "resignation"} | fields
    return open_cases(office.context, read_options(**given), reported_by="hr", for_real=True)


def events(office: Office, case_id: str) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """The case's events: type, leaf, payload."""
    with office.context.store.read() as session:
        rows = session.connection().execute(
            select(audit_entry.c.leaf, audit_payload.c.payload)
            .join(audit_payload, audit_payload.c.idx == audit_entry.c.idx, isouter=True)
            .where(audit_entry.c.case_ref == case_id)
            .order_by(audit_entry.c.idx)
        )
        return [(read(leaf)["type"], read(leaf), json.loads(bytes(said)) if said else {}) for leaf, said in rows]


def all_cases(office: Office) -> list[Case]:
    with office.context.store.read() as session:
        return list(session.exec(select(Case)).all())


def mark_begun(office: Office, case_id: str, asked: int = 1) -> None:
    """Have a sign-in asked for, as `begin` does."""
    with office.context.store.write() as session:
        row = session.exec(select(CaseEntitlement).where(CaseEntitlement.case_id == case_id, CaseEntitlement.kind == K.SIGN_IN)).one()  # fmt: skip
        row.attempts = asked


class TestSameDeparture:
    """The same departure: the same number with a name or an address that agrees, and the same last day."""

    @pytest.mark.parametrize("day", ["2026-11-30", "2027-03-31"])
    def test_two_contractors_of_one_number_are_two_people(self, office: Office, day: str) -> None:
        """
        "001" of two partner firms, in two files, with one last day or two: the later one stops and asks, naming the other case alone;
        the earlier one is not lost, and relies on the number no more.
        """
        first = one(office, employee_no="001", name="John Miller", email="john@partner-a.test").opened[0].case
        later = one(
            office, employee_no="００１", name="山田 花子", email="hanako@partner-b.test", employment_ends_on=day
        )
        (refusal,) = later.refused
        assert (later.opened, refusal.code) == ((), "other_person")
        told = " ".join((*refusal.said, *refusal.remedy))
        assert first.id in told
        assert not any(word in told for word in ("Miller", "john@", "partner-a"))
        assert [case.id for case in all_cases(office)] == [first.id]
        assert show(office.context, first.id)["departure"]["number_disputed"]
        assert [kind for kind, *_ in events(office, first.id)][-2:] == ["case.number_disputed", "case.changed"]

    async def test_a_dispute_is_kept_though_the_file_is_refused(self, office: Office) -> None:
        """A file is refused whole for it, and written down is only that the number is in dispute: once, however often it comes."""
        first = one(office, employee_no="001", name="John Miller").opened[0].case
        text = "社員番号,氏名,退職日,区分\n001,山田 花子,2026-11-30,契約満了\nE2,月 影子,2026-11-30,自己都合\n"
        for _ in range(2):
            assert send(office, text).opened == ()
        assert [case.id for case in all_cases(office)] == [first.id]
        assert [kind for kind, _, _ in events(office, first.id)].count("case.number_disputed") == 1
        await runbook.make_plan(office.context, first.id)
        send(office, text)
        assert office.context.case(first.id).state is CaseState.WAITING, "nor is the case planned anew each night"

    @pytest.mark.parametrize(
        "fields",
        [
            {"name": "ほし そらこ", "email": "E1@Example.test"},
            {"name": "星　空子", "email": "new@example.test"},
            {"name": "別名 花子", "email": "new@example.test", "other_emails": "e1@example.test"},
            {"name": "佐々木 空子", "email": "new@example.test", "former_name": "星"},
        ],
        ids=["address", "name", "former-address", "former-name"],
    )
    def test_one_of_name_and_address_is_enough(self, office: Office, fields: dict[str, Any]) -> None:
        """Who is married, or got a new address, is the same person still, and so is one whose former one is given."""
        case = one(office, employee_no="E1", email="e1@example.test").opened[0].case
        (taken,) = one(office, employee_no="E1", **fields).opened
        assert (taken.case.id, taken.disposition) == (case.id, "same")
        assert not taken.case.number_disputed

    def test_a_shared_mailbox_is_no_agreement(self, office: Office) -> None:
        """A firm's own mailbox among the further addresses of two contractors does not make one person of them."""
        one(office, employee_no="001", name="John Miller", other_emails="info@partner.test")
        (refusal,) = one(office, employee_no="001", name="山田 花子", other_emails="info@partner.test").refused
        assert refusal.code == "other_person"

    def test_a_shared_family_name_of_old_is_no_agreement(self, office: Office) -> None:
        """Two people who were both born 田中 are two people."""
        one(office, employee_no="001", name="佐藤 花子", former_name="田中")
        (refusal,) = one(office, employee_no="001", name="鈴木 一郎", former_name="田中").refused
        assert refusal.code == "other_person"

    def test_a_shared_department_is_no_agreement(self, office: Office) -> None:
        """What two names have in brackets does not make one person of them."""
        one(office, employee_no="001", name="田中 美咲（営業部）")
        (refusal,) = one(office, employee_no="001", name="佐藤 太郎（営業部）").refused
        assert refusal.code == "other_person"

    async def test_a_number_given_again_after_closing_proves_nothing_in_either_case(self, office: Office) -> None:
        """Another person under the number of a closed case is a departure of its own; neither case relies on the number."""
        former = office.report()
        office.clock.pass_by(hours=10)
        await office.run(former.id)
        (taken,) = one(office, employee_no="E1", name="山田 花子", employment_ends_on="2027-03-31").opened
        assert taken.disposition == "created"
        assert taken.remark is not None
        assert former.id in taken.remark.said.en
        assert {case.number_disputed for case in all_cases(office)} == {True}
        for repeated in (
            office.report(),
            one(office, employee_no="E1", name="山田 花子", employment_ends_on="2027-03-31").opened[0].case,
        ):
            assert repeated.id in {former.id, taken.case.id}, "and each one's own notice is known again"
        assert office.context.case(former.id).state is CaseState.CLOSED

    async def test_a_number_given_again_for_the_day_of_a_closed_case_is_asked_about(self, office: Office) -> None:
        """Two people under one number who leave on one day are doubtful, closed or not: the later one is not cut unasked."""
        former = office.report()
        office.clock.pass_by(hours=10)
        await office.run(former.id)
        later = one(office, employee_no="E1", name="山田 花子", employment_ends_on=str(former.employment_ends_on))
        assert (later.opened, [refusal.code for refusal in later.refused]) == ((), ["other_person"])

    def test_another_company_has_numbers_of_its_own(self, office: Office) -> None:
        """A person is (company, number): the same number and day in another company is another case."""
        office.report()
        reading = read_options(employee_no="E1", name="山田 花子", employment_ends_on="2026-11-30", kind="dismissal")
        intake = open_cases(office.context, reading, reported_by="hr", company="subsidiary")
        assert intake.opened[0].disposition == "created"
        assert {(case.company, case.number_disputed) for case in all_cases(office)} == {
            ("default", False), ("subsidiary", False),
        }  # fmt: skip


class TestCorrections:
    """A second notice of the same departure is taken for particulars at any time, and voids what rested on the old ones."""

    async def test_a_colleague_named_by_a_wrong_address_is_not_cut_once_it_is_corrected(self, office: Office) -> None:
        """HR names a colleague's address, corrects it before the day: the colleague keeps everything, the leaver is cut."""
        office.paper.holders.clear()
        office.paper.add("g1", email="e1@example.test", name="星 空子")
        office.paper.add("g2", email="e2@example.test", name="月 影子")
        case = office.report(email="e2@example.test")
        await runbook.make_plan(office.context, case.id)
        assert standings(office, case.id)["g2"] is Standing.ASKED  # an address alone is no fact
        assert office.report(email="e1@example.test").id == case.id
        assert standings(office, case.id)["g2"] is not Standing.ACCEPTED
        assert office.context.case(case.id).state is CaseState.PLANNED
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        assert {write.split(":")[1] for write in office.paper.writes} == {"g1"}
        assert office.paper.holders["g2"].active
        assert not office.paper.holders["g1"].active

    async def test_between_a_run_s_plan_and_its_cut_stops_the_intent(self, office: Office) -> None:
        """The correction comes while a run is about to cut: in the intent's own transaction the account is doubtful."""
        office.paper.holders.clear()
        office.paper.add("g1", email="e1@example.test", name="星 空子")  # accepted on address and name
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        office.clock.pass_by(hours=10)
        office.report(email="other@example.test")
        with pytest.raises(BadRequest, match="an account is asked"):
            await intents(office, case.id)
        assert office.paper.writes == []

    async def test_of_a_case_that_has_begun_are_taken_and_move_nothing(
        self, make_office: Callable[..., Office]
    ) -> None:
        """Once a sign-in was asked for, particulars are still taken, and the instant stays, whatever dates they bring."""
        office = make_office(Policy(cut=CutPolicy(at="last_working")))
        office.paper.add("g1", employee_no="E1", email="e1@example.test", name="星 空子")
        case = office.report(last_working_at="2026-11-29")
        await office.run(case.id)
        due_at = office.context.case(case.id).due_at
        for hour, (state, asked) in enumerate((("cutting", 1), ("contained", 1), ("contained", 0), ("closed", 1))):
            put(office, case.id, CaseState(state))
            mark_begun(office, case.id, asked)  # none: somebody had blocked the account before us
            office.report(manager=f"上長 {hour}", last_working_at=f"2026-11-30 {hour + 8}:00")
            shown = show(office.context, case.id)
            assert office.context.case(case.id).due_at == due_at
            assert (shown["departure"]["manager"], shown["state"]) == (f"上長 {hour}", state)

    def test_a_day_without_a_zone_is_the_cases(self, make_office: Callable[..., Office]) -> None:
        """A source that names no zone says the same last day again: nobody is cut earlier for it; an offset of its own counts."""
        office = make_office(Policy(cut=CutPolicy(at="last_working")))
        said = {"employee_no": "E1", "last_working_at": "2026-12-20", "employment_ends_on": "2026-12-31"}
        first = one(office, timezone="America/New_York", **said).opened[0].case
        (again,) = one(office, **said).opened
        assert (again.corrected, again.case.due_at) == ((), first.due_at)
        (moved,) = one(office, **said | {"last_working_at": "2026-12-21T18:00"}).opened
        assert moved.case.due_at == datetime(2026, 12, 21, 23, tzinfo=UTC)
        (moved,) = one(office, **said | {"last_working_at": "2026-12-21T18:00+09:00"}).opened
        assert moved.case.due_at == datetime(2026, 12, 21, 9, tzinfo=UTC)

    def test_of_dates_before_the_block_have_the_case_wait_again(self, make_office: Callable[..., Office]) -> None:
        """The first steps have begun, the block has not: another last day worked is taken, and the case waits for it."""
        office = make_office(Policy(cut=CutPolicy(at="last_working")))
        case = office.report(last_working_at="2026-11-29")
        put(office, case.id, CaseState.CUTTING)
        office.report(last_working_at="2026-11-30 20:00")
        moved = office.context.case(case.id)
        assert (moved.state, moved.due_at.isoformat()) == (CaseState.WAITING, "2026-11-30T11:00:00+00:00")

    async def test_a_new_address_in_the_middle_of_a_run_keeps_the_case_open(self, office: Office) -> None:
        """Whoever bears an address that came after the search was not looked for: that run closes nothing over it, the next one asks."""
        office.paper.add("g9", email="e1.new@example.test", name="")
        case = office.report()
        office.clock.pass_by(hours=10)

        def correct(row: Entitlement) -> None:
            if row.kind is K.GROUP:
                office.report(email="e1.new@example.test")

        office.paper.after = correct
        with pytest.raises(StillOpen, match="notice_since_search"):
            await office.run(case.id)
        assert office.context.case(case.id).next_run_at is None, "wanted at once"
        with pytest.raises(QuestionsOpen):
            await office.run(case.id)

    async def test_a_new_address_digest_a_closed_case_again(self, office: Office) -> None:
        """Whoever bears the corrected address has not been looked for: closed was said too early."""
        office.paper.add("g9", email="e1.new@example.test", name="")
        case = office.report()
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        office.report(email="e1.new@example.test")
        shown = show(office.context, case.id)
        assert (shown["state"], shown["closed_at"]) == ("deprovisioned", None)
        with pytest.raises(QuestionsOpen):
            await office.run(case.id)
        (question,) = show(office.context, case.id)["questions"]
        answering.answer(office.context, question["id"], chosen=["g9"], by="it")
        await office.run(case.id)
        assert not office.paper.holders["g9"].active
        assert show(office.context, case.id)["state"] == "closed"

    def test_what_a_source_has_no_column_for_it_does_not_say(self, office: Office) -> None:
        """HR's nightly export without a column of the reading corrects none; an empty cell says that there is none."""
        case = office.report(kana="ホシ ソラコ", manager="上長 一郎")
        (taken,) = send(office, NIGHTLY.format(day="2026-11-30")).opened
        assert (taken.case.id, taken.corrected) == (case.id, ())
        text = NIGHTLY.replace("e1@example.test", "").format(day="2026-11-30")
        assert send(office, text).opened[0].corrected == ("email",)
        shown = show(office.context, case.id)["departure"]
        assert (shown["kana"], shown["manager"], shown["email"]) == ("ホシ ソラコ", "上長 一郎", None)

    async def test_say_which_fields_changed_and_seal_their_values_apart(self, office: Office) -> None:
        """The leaf names the fields, the payload what they say now: nobody's name or address stands in a leaf."""
        case = office.report()
        office.report(email="other@example.test", manager="上長 一郎")
        kind, leaf, said = next(e for e in events(office, case.id) if e[0] == "case.corrected")
        assert (kind, leaf["corrected"]) == ("case.corrected", ["email", "manager"])
        assert said["said"] == {"email": "other@example.test", "manager": "上長 一郎"}
        assert "other@example.test" not in json.dumps(leaf)

    async def test_leave_alone_what_a_person_decided_and_what_was_taken(self, office: Office) -> None:
        """An answer given by a person stands, and an account from which something was taken is finished, or given back."""
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        mark_begun(office, case.id)
        office.report(kana="ホシ ソラコ")
        assert standings(office, case.id)["g1"] is Standing.ACCEPTED
        with office.context.store.write() as session:
            for row in session.exec(select(CaseEntitlement)).all():
                row.attempts = 0
            session.exec(select(CaseAccount)).one().decided_by = "it"
        office.report(kana="ホシゾラ ソラコ")
        assert standings(office, case.id)["g1"] is Standing.ACCEPTED


def standings(office: Office, case_id: str) -> dict[str, Standing]:
    with office.context.store.read() as session:
        return {a.vendor_id: a.standing for a in session.exec(select(CaseAccount)).all() if a.case_id == case_id}


def put(office: Office, case_id: str, state: CaseState) -> None:
    with office.context.store.write() as session:
        session.get_one(Case, case_id).state = state


async def intents(office: Office, case_id: str) -> None:
    """Begin to cut what the plan has, as a run that looked a moment ago."""
    from casework.access.revoking import begin

    with office.context.store.read() as session:
        (account,) = session.exec(select(CaseAccount).where(CaseAccount.case_id == case_id)).all()
        rows = list(session.exec(select(CaseEntitlement).where(CaseEntitlement.kind == K.SIGN_IN)).all())
    begin(office.context, account, rows)


class TestEmergency:
    """An emergency is recorded as one; no notice undoes it, and it never gets a later instant."""

    async def test_a_nightly_export_moves_no_half_cut_emergency(self, office: Office) -> None:
        """HR's export of the night still says March: it is the same departure, with a note, and the case stays where it is."""
        case = office.report(employment_ends_on="2027-03-31")
        reschedule(office.context, case.id, ends_on=MARCH, last_working_at=None, by="security", now=True)
        await runbook.make_plan(office.context, case.id)
        await runbook.contain(office.context, case.id, GOOGLE)
        due_at = office.context.case(case.id).due_at
        for day in ("2027-03-31", "2027-04-30"):
            (taken,) = send(office, NIGHTLY.format(day=day)).opened
            assert (taken.case.id, taken.disposition) == (case.id, "same")
        assert taken.remark is not None
        assert taken.remark.code == "kept_at_once"
        kept = office.context.case(case.id)
        assert (kept.due_at, kept.employment_ends_on, kept.at_once_by) == (due_at, MARCH, "security")
        with pytest.raises(StillOpen, match="still_open 1"):  # the backup codes: blocked first, they are for IT
            await office.run(case.id)
        assert show(office.context, case.id)["state"] == "deprovisioned"

    def test_takes_particulars_and_no_dates_from_a_notice_of_another_day(self, office: Office) -> None:
        """The night's export corrects the address of an emergency; the last day worked that it still plans is none."""
        case = office.report(kind="dismissal", email="typo@example.test")
        text = "社員番号,氏名,メールアドレス,最終出社日,退職日,区分\nE1,星 空子,e1@example.test,2027-03-01,2027-03-31,自己都合\n"
        (taken,) = send(office, text).opened
        assert (taken.case.id, taken.corrected) == (case.id, ("email",))
        assert office.context.case(case.id).last_working_at is None

    def test_the_rest_of_the_file_is_taken(self, office: Office) -> None:
        """One emergency in a nightly file stops none of the other departures."""
        office.report(kind="dismissal")
        text = NIGHTLY.format(day="2027-03-31") + "E2,月 影子,e2@example.test,2027-03-31,自己都合\n"
        assert [taken.disposition for taken in send(office, text).opened] == ["same", "created"]

    def test_a_dismissal_is_one(self, office: Office) -> None:
        """A dismissal is cut at once, who reported it is on the case, and another kind of notice changes neither."""
        case = office.report(kind="dismissal")
        assert (case.at_once_at, case.at_once_by) != (None, None)
        assert case.due_at <= office.clock.at
        (taken,) = send(office, NIGHTLY.format(day="2026-11-30")).opened
        assert taken.remark is not None
        assert (taken.case.id, str(taken.case.kind)) == (case.id, "dismissal")

    def test_is_not_rescheduled(self, office: Office) -> None:
        """Another day for an emergency is refused: who stays is withdrawn.  Again at once changes nothing."""
        case = office.report(kind="dismissal")
        with pytest.raises(BadRequest, match="cannot reschedule an emergency"):
            reschedule(office.context, case.id, ends_on=MARCH, last_working_at=None, by="hr")
        office.clock.pass_by(hours=1)
        again = reschedule(
            office.context, case.id, ends_on=case.employment_ends_on, last_working_at=None, by="x", now=True
        )
        assert (again.due_at, again.at_once_by) == (case.due_at, "hr")

    def test_never_makes_an_overdue_case_due_later(self, office: Office) -> None:
        """--now for a case whose instant has passed does not shorten its exposure on paper."""
        case = office.report(employment_ends_on="2026-11-20")
        moved = reschedule(office.context, case.id, ends_on=date(2026, 11, 20), last_working_at=None, by="hr", now=True)
        assert moved.due_at == case.due_at

    def test_for_a_case_that_is_there_is_taken_whatever_its_date(self, office: Office) -> None:
        """`depart --at-once` with another last day is no reschedule to be asked about: the case is due now."""
        case = office.report(employment_ends_on="2027-03-31")
        reading = read_options(employee_no="E1", name="星 空子", employment_ends_on="2026-12-31", kind="resignation")
        (taken,) = open_cases(office.context, reading, reported_by="security", at_once=True).opened
        assert taken.case.id == case.id
        assert taken.case.due_at <= office.clock.at
        assert taken.case.at_once_by == "security"


class TestBegun:
    """Begun means that a sign-in was asked for."""

    async def test_what_goes_early_on_the_last_working_day_does_not_freeze_the_date(
        self, make_office: Callable[..., Office]
    ) -> None:
        """Groups go on the last day worked, weeks before the end; HR may still move the day, and is then not cut."""
        office = make_office(Policy(cut=CutPolicy(early=frozenset({K.GROUP}))))
        office.paper.add("g1", employee_no="E1", email="e1@example.test", name="星 空子")
        case = office.report(last_working_at="2026-11-30", employment_ends_on="2026-12-20")
        await runbook.make_plan(office.context, case.id)
        office.clock.pass_by(hours=10)
        await runbook.take_early(office.context, case.id)
        assert office.paper.writes
        assert office.context.case(case.id).state is CaseState.WAITING
        moved = reschedule(office.context, case.id, ends_on=MARCH, last_working_at=None, by="hr")
        assert moved.due_at.date() == MARCH
        with pytest.raises(BadRequest, match="cannot withdraw"):
            withdraw(office.context, case.id, by="hr", reason="stays")

    async def test_a_case_is_not_moved_onto_a_day_that_has_one(self, office: Office) -> None:
        """One departure a day: the closed one's day is taken; a leave of absence that begins on a day is another thing."""
        former = office.report()
        office.clock.pass_by(hours=10)
        await office.run(former.id)
        later = office.report(employment_ends_on="2027-03-31")
        reading = read_options(employee_no="E1", name="星 空子", employment_ends_on="2027-01-31", kind="leave")
        assert open_cases(office.context, reading, reported_by="hr", leave=True).opened
        with pytest.raises(BadRequest, match="this person's case for that day"):
            reschedule(office.context, later.id, ends_on=date(2026, 11, 30), last_working_at=None, by="hr")
        moved = reschedule(office.context, later.id, ends_on=date(2027, 1, 31), last_working_at=None, by="hr")
        assert moved.employment_ends_on == date(2027, 1, 31)

    async def test_a_case_says_that_it_is_being_cut(self, office: Office) -> None:
        """From the first intent at its instant a case is `cutting`, not `waiting`, and cannot be moved once a sign-in was asked."""
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        office.clock.pass_by(hours=10)
        seen: list[str] = []
        office.paper.before = lambda _: seen.append(show(office.context, case.id)["state"])
        await runbook.contain(office.context, case.id, GOOGLE)
        assert set(seen) == {"cutting"}
        with office.context.store.read() as session:
            assert begun(session, case.id)
        put(office, case.id, CaseState.WAITING)
        with pytest.raises(BadRequest, match="cannot reschedule: a sign-in was asked"):
            reschedule(office.context, case.id, ends_on=MARCH, last_working_at=None, by="hr")


class TestContinued:
    """An employment that goes on (定年再雇用, 契約→正社員, 転籍, 在籍出向) is recorded and never cut."""

    @pytest.mark.parametrize("kind", ["定年再雇用", "正社員登用", "転籍", "在籍出向", "continued"])
    async def test_digest_no_cut(self, office: Office, kind: str) -> None:
        """The notice is kept and sealed under a case that is withdrawn from its first moment; nothing is ever asked for."""
        (taken,) = one(office, employee_no="E1", email="e1@example.test", kind=kind).opened
        assert (taken.disposition, taken.case.state, taken.case.for_real) == ("continued", CaseState.WITHDRAWN, False)
        assert [event for event, _, _ in events(office, taken.case.id)] == [
            "case.opened", "case.withdrawn", "case.noticed",
        ]  # fmt: skip
        office.clock.pass_by(hours=10)
        assert (await look_again(office.context))["looked"] == []
        with pytest.raises(BadRequest):
            await office.run(taken.case.id)
        assert office.paper.writes == []

    def test_again_is_the_same(self, office: Office) -> None:
        """The nightly export repeats it: one case."""
        first, second = (one(office, employee_no="E1", kind="転籍").opened[0].case.id for _ in range(2))
        assert first == second

    def test_stops_at_an_open_departure(self, office: Office) -> None:
        """Nobody here ends an open departure by it, nor cuts on in silence: HR is asked."""
        case = office.report()
        (refusal,) = one(office, employee_no="E1", kind="転籍").refused
        assert refusal.code == "continued_but_open"
        assert f"lastday withdraw {case.id}" in refusal.remedy.en
        withdraw(office.context, case.id, by="hr", reason="stays")
        assert one(office, employee_no="E1", kind="転籍").opened

    def test_does_not_stand_in_the_way_of_a_later_departure(self, office: Office) -> None:
        """Who went on and then leaves after all is a departure like any other."""
        kept = one(office, employee_no="E1", kind="転籍").opened[0].case.id
        assert office.report().id != kept


class TestSealed:
    async def test_every_accepted_notice_with_a_commitment_to_the_person(self, office: Office) -> None:
        """Each notice, the repeated one too, is an event whose digest digest with the payload's salt and HR's own words."""
        case = office.report()
        office.report()
        said: dict[str, Any] = {
            "company": "default",
            "employee_no": "ｅ1 ",
            "name": "星　空子",
            "day": date(2026, 11, 30),
        }
        noticed = [(leaf, payload) for kind, leaf, payload in events(office, case.id) if kind == "case.noticed"]
        opened = [(leaf, payload) for kind, leaf, payload in events(office, case.id) if kind == "case.opened"]
        assert [leaf["choice"] for leaf, _ in noticed] == ["created", "same"]
        made = [
            (leaf["person_commitment"], payload["salt"], payload["person_salt"])
            for leaf, payload in [*opened, *noticed]
        ]

        def opens(
            sha256: str, salt: str, person_salt: str, company: str, employee_no: str, name: str, day: date
        ) -> bool:
            person = CommittedPerson(company, folded_number(employee_no), folded_name(name), person_salt)
            return Commitment(str(day), person.sha256, salt).sha256 == sha256

        assert all(opens(*one, **said) for one in made)
        assert len({sha256 for sha256, *_ in made}) == 3, "the same person is not seen to be the same from outside"
        others: tuple[dict[str, Any], ...] = (
            {"company": "x"},
            {"employee_no": "E2"},
            {"name": "月 影子"},
            {"day": date(2026, 12, 1)},
        )
        for other in others:
            assert not any(opens(*one, **(said | other)) for one in made)

    async def test_who_sent_it_and_that_nobody_made_sure(self, office: Office) -> None:
        """A terminal's actor is sealed as one, with host and account, unauthenticated; nothing of it is in a leaf."""
        who = at_terminal("hr.sato")
        reading = read_options(employee_no="E1", name="星 空子", employment_ends_on="2026-11-30", kind="dismissal")
        case = open_cases(office.context, reading, reported_by=who).opened[0].case
        assert (case.reported_by, who.issuer, who.authenticated_by) == ("hr.sato", "terminal", "unauthenticated")
        for kind, leaf, payload in events(office, case.id):
            assert Actor(**payload["by"]) == who, kind
            assert "hr.sato" not in json.dumps(leaf)

    def test_how_late_the_notice_came(self, office: Office) -> None:
        """The leaf of the opening says by how many minutes the notice came after the due instant."""
        case = office.report(employment_ends_on="2026-11-25")
        (_, leaf, _), *_ = events(office, case.id)
        assert leaf["notice_late_minutes"] == timedelta(days=4, hours=15) / timedelta(minutes=1)
        assert "exposure_minutes" not in leaf
