"""The tables are a cache of the trail: what somebody changes in them by hand is named, and makes no record."""

from __future__ import annotations

import contextlib
import json
import subprocess
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from audit.events import EventType
from audit.record import Told
from audit.verify import VerifyStep, verify
from audit.verify.record_and_pages import lines
from casework import runbook
from casework.decisions.signatures import approve
from casework.erasure import erasing
from casework.errors import BadRequest, CaseworkError, StillOpen
from casework.intake.moving import reschedule, withdraw
from casework.population import counting
from casework.record import facts
from casework.record.exporting import export
from casework.recording import seal
from casework.trail.comparing import TableDifference, TableMismatch, differences
from models.tables import Case
from tests.audit.outside_bundle import JQ, PAGE, blocks
from tests.casework.conftest import Office
from tests.casework.leaving import export_office, finished
from tests.casework.records import told

CLOSED_AT = "2026-11-30 09:00:00.000000"
FORGERIES = {
    "a state": ("UPDATE offboarding_case SET state = 'contained' WHERE id = :case", "state"),
    "when it closed": ("UPDATE offboarding_case SET closed_at = :at WHERE id = :case", "closed_at"),
    "when it was contained": ("UPDATE offboarding_case SET contained_at = :at WHERE id = :case", "contained_at"),
    "the instant": ("UPDATE offboarding_case SET due_at = :at WHERE id = :case", "due_at"),
    "the kind": ("UPDATE offboarding_case SET kind = 'dismissal' WHERE id = :case", "kind"),
    "the decision": ("UPDATE offboarding_case SET for_real = 0 WHERE id = :case", "for_real"),
    "another number": ("UPDATE offboarding_case SET employee_no = 'E2' WHERE id = :case", "employee_no"),
    "another company": ("UPDATE offboarding_case SET company = 'acme' WHERE id = :case", "company"),
    "another day": ("UPDATE offboarding_case SET employment_ends_on = '2027-03-01' WHERE id = :case", "employment_ends_on"),
    "another name": (
        "UPDATE offboarding_case SET leaver = json_set(leaver, '$.name', 'X') WHERE id = :case", "leaver",
    ),
    "whose an account is": ("UPDATE account SET standing = 'rejected' WHERE case_id = :case", "account "),
    "an account is hidden": ("DELETE FROM account WHERE case_id = :case", "account "),
    "a row's state": ("UPDATE entitlement SET state = 'still_open' WHERE case_id = :case AND state = 'observed_closed'", "google_workspace:"),
    "when a row was seen closed": (
        "UPDATE entitlement SET observed_at = :at WHERE case_id = :case AND state = 'observed_closed'", "google_workspace:",
    ),
    "until when tokens live": (
        "UPDATE entitlement SET cut_effective_by = :at WHERE case_id = :case AND state = 'observed_closed'",
        "google_workspace:",
    ),
    "a row is hidden": ("DELETE FROM entitlement WHERE case_id = :case AND kind = 'group'", "google_workspace:"),
    "what settles a row": (
        "UPDATE entitlement SET settled_by = (SELECT id FROM attestation WHERE case_id = :case) WHERE case_id = :case AND state = 'waived'",
        "entitlement google_workspace:",
    ),
    "an account of somebody else": ("UPDATE account SET vendor_id = 'someone-else' WHERE case_id = :case", "account "),
    "a row of nobody": ("UPDATE entitlement SET account_id = 'nobody' WHERE case_id = :case AND kind = 'group'", "entitlement google_workspace:"),
    "a row of another kind": ("UPDATE entitlement SET kind = 'grant' WHERE case_id = :case AND kind = 'group'", "entitlement google_workspace:"),
    "when it was signed": ("UPDATE attestation SET attested_at = :at WHERE case_id = :case", "attestation attest-"),
    "who signed": (
        "UPDATE attestation SET person = json_set(person, '$.subject', 'the.ciso') WHERE case_id = :case", "attestation attest-",
    ),
    "no word of ours": ("UPDATE entitlement SET state = 'gone' WHERE case_id = :case AND kind = 'group'", "a column"),
    "no leaver": ("UPDATE offboarding_case SET leaver = '{}' WHERE id = :case", "leaver"),
    "what was signed": ("UPDATE attestation SET statement = 'seen by me' WHERE case_id = :case", "attestation attest-"),
    "a signature is hidden": ("DELETE FROM attestation WHERE case_id = :case", "attestation attest-"),
    "why it was accepted": ("UPDATE waiver SET reason = 'as agreed' WHERE :case IS NOT NULL", "waiver waiver-"),
    "until when it was accepted": ("UPDATE waiver SET until = '2099-12-31' WHERE :case IS NOT NULL", "waiver waiver-"),
    "who accepted it": (
        "UPDATE waiver SET approved_by = json_set(approved_by, '$.subject', 'ceo') WHERE :case IS NOT NULL", "waiver waiver-",
    ),
    "what a read asked": ("UPDATE kind_read SET asked = json_set(asked, '$.root', 'ff') WHERE case_id = :case", "kind_read google_workspace "),
    "how much a read showed": ("UPDATE kind_read SET rows = 7 WHERE case_id = :case AND kind = 'group'", "kind_read google_workspace "),
    "a read is hidden": ("DELETE FROM kind_read WHERE case_id = :case AND kind = 'group'", "kind_read google_workspace "),
    "how many were looked through": ("UPDATE search SET looked_through = 90000 WHERE case_id = :case", "search google_workspace"),
    "a notice": ("UPDATE notice SET source_sha256 = 'ff' WHERE case_id = :case", "notice"),
    "a notice is hidden": ("DELETE FROM notice WHERE case_id = :case", "notice"),
}  # fmt: skip
"""What is done to a closed case by hand, and what the difference is called."""
UNREADABLE = {"no word of ours"}
"""After which the population cannot be read at all."""


def found(office: Office) -> list[TableDifference]:
    with office.context.store.read() as session:
        return [*differences(session)]


def told_of(office: Office, case: Case) -> list[facts.RecordEvent]:
    with office.context.store.read() as session:
        return told(session.connection(), case.id)


def forge(office: Office, case: Case, *statements: str) -> None:
    with office.context.store.engine.begin() as connection:
        for statement in statements:
            named = {"case": case.id} | ({"at": CLOSED_AT} if ":at" in statement else {})
            assert connection.execute(text(statement), named).rowcount > 0, statement


class TestForged:
    @pytest.mark.parametrize("what", FORGERIES)
    async def test_is_named_everywhere_and_makes_no_record(self, office: Office, tmp_path: Path, what: str) -> None:
        """One UPDATE or DELETE: the check and the population name it, and no record is exported."""
        case = await finished(office)
        assert found(office) == []
        statement, name = FORGERIES[what]
        forge(office, case, statement)
        named = found(office)
        assert named
        assert any(name in one.what for one in named), named
        assert {one.case for one in named} == {"tenant" if name.startswith("waiver") else case.id}
        if what in UNREADABLE:
            with pytest.raises(TableMismatch, match="a column: unreadable"):
                counting.count(office.context, date(2026, 1, 1), date(2026, 12, 31))
            return
        listed = counting.count(office.context, date(2026, 1, 1), date(2026, 12, 31)).differences
        assert [one.side for one in listed].count("trail") == len(named)
        with (
            export_office(office, tmp_path / "outside") as outside,
            pytest.raises(TableMismatch, match="not as it was sealed"),
        ):
            export(office.context, outside, case.id, tmp_path / "bundle", by="auditor", as_it_stands=True)
        assert not (tmp_path / "bundle").exists()
        assert "case.exported" not in {one.type for one in told_of(office, case)}

    async def test_closed_by_three_statements(self, office: Office, tmp_path: Path) -> None:
        """A case that never closed is made to read closed, nothing open: state, rows and findings are each named."""
        case = office.report()
        forge(
            office, case,
            "UPDATE offboarding_case SET state = 'closed', contained_at = :at, closed_at = :at WHERE id = :case",
        )  # fmt: skip
        assert {one.what for one in found(office)} == {"state", "contained_at", "closed_at"}
        with (
            export_office(office, tmp_path / "outside") as outside,
            pytest.raises(TableMismatch, match=r"closed_at: .* in the tables, - in the trail"),
        ):
            export(office.context, outside, case.id, tmp_path / "bundle", by="auditor")

    async def test_a_finding_is_hidden(self, office: Office) -> None:
        """A finding that is open is resolved by hand, or removed."""
        case = office.report()
        office.paper.holders.clear()
        office.clock.pass_by(hours=10)
        with pytest.raises(StillOpen):
            await office.run(case.id)
        assert found(office) == []
        forge(
            office,
            case,
            "UPDATE finding SET resolved_at = :at WHERE case_id = :case AND resolved_at IS NULL",
        )
        named = found(office)
        assert named
        assert all(
            one.what.startswith("finding ") and one.what.endswith(": resolved_at") and not one.trail for one in named
        )
        forge(office, case, "DELETE FROM finding WHERE case_id = :case")
        removed = {one.what for one in found(office) if not one.tables}
        assert removed >= {one.what.removesuffix(": resolved_at") for one in named}

    async def test_a_case_is_removed(self, office: Office) -> None:
        """A leaver who is deleted from the tables is missing from no population: the trail saw the case opened."""
        case = await finished(office)
        forge(office, case, "DELETE FROM notice WHERE case_id = :case", "DELETE FROM offboarding_case WHERE id = :case")
        assert found(office) == [TableDifference(case.id, "case", "", "there")]
        (missing,) = counting.count(office.context, date(2026, 1, 1), date(2026, 12, 31)).differences
        assert (missing.side, missing.subject) == ("trail", case.id)
        assert missing.text.startswith("case: the tables differ from what was sealed")

    async def test_a_case_is_invented(self, office: Office) -> None:
        """A case that no event opened is named."""
        case = await finished(office)
        forge(office, case, "UPDATE offboarding_case SET id = 'case-of-nobody' WHERE id = :case")
        assert {(one.case, one.tables, one.trail) for one in found(office) if one.what == "case"} == {
            (case.id, "", "there"), ("case-of-nobody", "there", ""),
        }  # fmt: skip

    async def test_a_payload_is_removed(self, office: Office) -> None:
        """A payload that is gone, or another one, though nothing was erased: that hides what the tables are held against."""
        case = await finished(office)
        with office.context.store.engine.begin() as connection:
            connection.execute(
                text("UPDATE audit_payload SET payload = NULL, salt = NULL, erased_at = :at WHERE idx IN (SELECT idx FROM audit_entry WHERE case_ref = :case AND case_seq = 0)"),
                {"case": case.id, "at": CLOSED_AT},
            )  # fmt: skip
        forge(office, case, "UPDATE offboarding_case SET employee_no = 'E2' WHERE id = :case")
        assert [(one.what, one.event) for one in found(office)] == [("payload", 0), ("employee_no", 1)]

    async def test_a_standing_waiver_whose_words_were_removed(self, office: Office, tmp_path: Path) -> None:
        """The tenant's events bind what a case rests on: their payloads are held against their commitments too."""
        case = await finished(office)
        forge(
            office, case,
            "UPDATE audit_payload SET payload = NULL, salt = NULL, erased_at = :at WHERE idx IN (SELECT idx FROM audit_entry WHERE case_ref = 'tenant') AND :case IS NOT NULL",
            "UPDATE waiver SET reason = 'forged', until = '2099-12-31' WHERE :case IS NOT NULL",
        )  # fmt: skip
        assert ("tenant", "payload") in {(one.case, one.what) for one in found(office)}
        with (
            export_office(office, tmp_path / "outside") as outside,
            pytest.raises(TableMismatch, match="tenant: payload"),
        ):
            export(office.context, outside, case.id, tmp_path / "bundle", by="auditor")

    async def test_a_tenants_payload_of_no_shape(self, office: Office) -> None:
        """What is no JSON is named, and the cases are compared all the same."""
        case = await finished(office)
        with office.context.store.engine.begin() as connection:
            for (name,) in connection.execute(
                text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_payload'")
            ).all():
                connection.execute(text(f"DROP TRIGGER {name}"))
        forge(
            office,
            case,
            "UPDATE audit_payload SET payload = x'ff' WHERE idx IN (SELECT idx FROM audit_entry WHERE case_ref = 'tenant') AND :case IS NOT NULL",
        )
        named = {(one.case, one.what) for one in found(office)}
        assert ("tenant", "a column") in named

    async def test_a_case_of_nobody_is_no_forgery(self, office: Office, tmp_path: Path) -> None:
        """An id that was typed wrongly is refused as such."""
        await finished(office)
        with export_office(office, tmp_path / "outside") as outside, pytest.raises(BadRequest, match="no such case"):
            export(office.context, outside, "case-00", tmp_path / "bundle", by="auditor")

    async def test_one_unreadable_case_hides_no_other(self, office: Office) -> None:
        """What no word of lastday's is ends the comparison of its own case alone."""
        case, other = await finished(office), office.report(employee_no="E7")
        forge(office, case, "UPDATE offboarding_case SET kind = 'gone' WHERE id = :case")
        forge(office, other, "UPDATE offboarding_case SET state = 'closed' WHERE id = :case")
        office.context.store.engine.dispose()
        assert {(one.case, one.what) for one in found(office)} == {(case.id, "a column"), (other.id, "state")}


class TestTrue:
    @pytest.mark.parametrize("active", [True, False])
    async def test_withdrawn_while_its_access_is_listed(
        self, office: Office, monkeypatch: pytest.MonkeyPatch, active: bool
    ) -> None:
        """A row that is found in the moment in which the case ends is sealed, that of an account that was blocked before too."""
        office.paper.holders["g1"].active = active
        case, listed = office.report(), office.paper.list_access

        async def withdrawn(*given: Any, **more: Any) -> Any:
            listing = await listed(*given, **more)
            if office.context.case(case.id).state != "withdrawn":
                withdraw(office.context, case.id, by="hr", reason="stays")
            return listing

        monkeypatch.setattr(office.paper, "list_access", withdrawn)
        with contextlib.suppress(CaseworkError):
            await runbook.make_plan(office.context, case.id)
        assert office.context.case(case.id).state == "withdrawn"
        assert found(office) == []

    async def test_when_the_clock_was_put_back(self, office: Office) -> None:
        """The leaf says when a case was contained and closed, whatever time the log itself had come to."""
        await finished(office)
        office.clock.at += timedelta(minutes=10)
        office.report(employee_no="E8")
        office.clock.at -= timedelta(minutes=10)
        office.paper.add("g9", employee_no="E9", email="e9@example.test", name="星 空子")
        case = office.report(
            employee_no="E9",
            email="e9@example.test",
            employment_ends_on=str(office.clock.at.date() - timedelta(days=2)),
        )
        await office.run(case.id)
        assert office.context.case(case.id).state == "closed"
        assert found(office) == []

    async def test_whatever_became_of_the_case(self, office: Office) -> None:
        """Withdrawn, moved, planned only, erased: nothing differs, since each change was sealed."""
        case = await finished(office)
        gone = office.report(employee_no="E3")
        withdraw(office.context, gone.id, by="hr", reason="stays")
        moved = office.report(employee_no="E4", employment_ends_on="2027-02-28")
        reschedule(office.context, moved.id, ends_on=date(2027, 3, 31), last_working_at=None, by="hr")
        office.report(employee_no="E5", for_real=False)
        assert found(office) == []
        request = erasing.request_erasure(office.context, case.id, by="hr", basis="retention")
        approve(office.context, request.id, by="privacy")
        erasing.erase(office.context, case.id)
        assert found(office) == []
        forge(office, case, "UPDATE offboarding_case SET state = 'contained' WHERE id = :case")
        assert [one.what for one in found(office)] == ["state"]

    async def test_a_case_that_was_never_sealed_as_a_whole(self, office: Office) -> None:
        """Of a case whose rows no event carried the check says no more than that."""
        case = await finished(office)
        old = Case(
            **case.model_dump() | {"id": "case-00000000000000aa", "employee_key": "old", "leaver": dict(case.leaver)}
        )
        with office.context.store.write() as session:
            seal(office.context, session, EventType.CASE_OPENED, old.id, state="open")
        assert found(office) == [TableDifference(old.id, "case", "", "there")]
        with office.context.store.engine.begin() as connection:
            connection.execute(Case.__table__.insert().values(**old.model_dump()))  # type: ignore[attr-defined]  # SQLModel makes it
        assert found(office) == [TableDifference(old.id, "case", "there", "sealed in part")]


@pytest.mark.skipif(not JQ, reason="jq is installed by the machine, not by requirements.lock")
class TestByOtherTools:
    async def test_jq_says_what_verify_says(self, office: Office, tmp_path: Path) -> None:
        """The program of docs/verify.md, run as it is printed, comes to what our verifier comes to; and the verdict says it."""
        case = await finished(office)
        with export_office(office, tmp_path / "outside") as outside:
            export(office.context, outside, case.id, tmp_path / "bundle", by="auditor")
        prelude, listed = blocks(PAGE.read_text("utf-8"))
        derived, summed_up = (f"{prelude}\n{one.lines}" for one in listed if one.step == VerifyStep.RECORD)
        subprocess.run(["bash", "-c", derived], cwd=tmp_path, check=True)
        ran = subprocess.run(["bash", "-c", summed_up], cwd=tmp_path, capture_output=True, text=True, check=True)
        said = json.loads(ran.stdout.removesuffix("true\n"))
        report = verify(tmp_path / "bundle", tmp_path / "outside" / "trust")
        assert report.faults == []
        assert (said["state"], said["for_real"], said["findings"]) == ("closed", True, 0)
        assert said["rows"]["waived"] == 1
        english = [line for line, _ in report.verdict]
        assert english[0].startswith(f"CLOSED at {said['closed_at'][:19]}")
        assert any(line.startswith(f"SIGNED FOR, NOT SEEN: 1 of {sum(said['rows'].values())}") for line in english)
        assert any(line.startswith(f"UNAUTHENTICATED: {said['unauthenticated']} acts") for line in english)


class TestVerdict:
    def told(self, *said: dict[str, Any]) -> list[Told]:
        return [
            ({"seq": seq, "case": "case-1", "time": f"t{seq}"} | one, one.pop("payload", None))
            for seq, one in enumerate(said)
        ]

    def test_of_a_case_that_was_restored(self) -> None:
        """What was closed once and given back is not closed, and what a foreign hand wrote is said to be unreadable."""
        case = {"changed": {"offboarding_case": {"case-1": {"id": "case-1", "state": "closed"}}}}
        odd = {"changed": {"entitlement": ["a"]}}
        events = self.told(
            {"type": "case.opened", "for_real": True, "payload": case}, {"type": "case.closed", "payload": odd}
        )
        restored = self.told(
            {"type": "case.opened", "for_real": True, "payload": case},
            {"type": "case.closed"},
            {"type": "case.restored"},
        )
        assert [line for line, _ in lines(events)] == ["CLOSED at t1", "NOT READABLE: 1 events"]
        assert next(lines(restored))[0] == "NOT CLOSED: the case is restored"

    def test_of_a_case_that_did_not_close(self) -> None:
        """Not closed, planned only, findings, rows not seen closed, erased: each is a line of its own."""
        ours, other = {"connection": "slack", "account_id": "U1"}, {"connection": "slack", "account_id": "U2"}
        tables = {
            "offboarding_case": {"case-1": {"id": "case-1", "state": "contained"}},
            "account": {"1": {"connection": "slack", "vendor_id": "U1", "standing": "accepted"},
                        "2": {"connection": "slack", "vendor_id": "U2", "standing": "rejected"}},
            "entitlement": {"a": ours | {"state": "still_open"}, "b": ours | {"state": "observed_closed"}, "c": other | {"state": "found"}},
            "finding": {"k": {"kind": "still_open"}, "l": {"kind": "still_open", "resolved_at": "t"}},
        }  # fmt: skip
        told = self.told({"type": "case.contained"}, {"type": "payload.erased", "payload": {"whole": tables}})
        assert [line.partition(":")[0] for line, _ in lines(told)] == [
            "NOT CLOSED", "PLAN ONLY", "FINDINGS OPEN", "NOT SEEN CLOSED", "ERASED",
        ]  # fmt: skip
        assert ("NOT SEEN CLOSED: 1 of 2 rows", "停止未確認: 2行中1行") in [*lines(told)]
        assert ("FINDINGS OPEN: 1", "未解決の指摘: 1件") in [*lines(told)]
        assert all(japanese.strip() for _, japanese in lines(told))

    def test_of_an_earlier_version_it_says_what_is_not_shown(self) -> None:
        """Where changes were not sealed, nothing is counted as seen closed."""
        told = self.told({"type": "case.opened", "for_real": True}, {"type": "case.closed"})
        assert [line.partition(":")[0] for line, _ in lines(told)] == ["CLOSED at t1", "NOT SHOWN"]
