"""What people read is what was sealed: `record.json`, the pages that are made from it, and whoever holds the certificate's key."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from audit import bundle_paths, certificate, checkpoint
from audit.certificate import read_claim
from audit.checkpoint import Checkpoint
from audit.export import export as export_log
from audit.leaf import canonical
from audit.merkle import Frontier
from audit.verify import BundleReport, PageMaker, VerifyStep, verify
from casework.activity import logs
from casework.activity.collecting import collect
from casework.decisions import pausing
from casework.decisions.signatures import approve
from casework.erasure import erasing
from casework.errors import BadRequest
from casework.record import exporting
from casework.record.exporting import ExportConfig as Export
from casework.record.exporting import export
from casework.record.facts import RecordError, read
from casework.trail.comparing import TableDifference, TableMismatch, differences, told_of
from casework.view.case import CaseView
from casework.view.reading.case import view_in
from models.tables import Case
from portal.record.pages import made_by, pages
from portal.record.reviewing import unlike
from tests.audit.outside_bundle import JQ, PAGE, blocks
from tests.casework.conftest import Office
from tests.casework.leaving import export_office, finished
from tests.casework.ledger import DRIVE
from tests.casework.records import record_of
from tests.casework.test_collecting import FIFTY, ledger

AGAIN = PageMaker(made_by(), unlike)


def proved(tmp_path: Path, folder: Path) -> BundleReport:
    return verify(folder, tmp_path / "outside" / "trust", again=AGAIN)


def certified_anew(outside: Export, folder: Path) -> None:
    """List the folder anew, and sign and stamp that, as the holder of the certificate's key can."""
    (folder / bundle_paths.SUMS).unlink()
    claim = read_claim((folder / bundle_paths.CERTIFICATE).read_bytes())
    (folder / bundle_paths.CERTIFICATE).unlink()
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    sums = "".join(f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in files).encode()
    (folder / bundle_paths.SUMS).write_bytes(sums)
    said = replace(claim, sums=hashlib.sha256(sums).hexdigest(), files=len(files))
    made = certificate.issue(said, outside.signer, partial(exporting._stamp, outside.berth))
    (folder / bundle_paths.CERTIFICATE).write_bytes(made.raw)


def edited(name: str, old: str, new: str) -> Callable[[Path, Path], None]:
    def edit(folder: Path, _other: Path) -> None:
        page = (folder / name).read_text("utf-8")
        assert old in page, old
        (folder / name).write_text(page.replace(old, new), "utf-8")

    return edit


def of_another(*names: str) -> Callable[[Path, Path], None]:
    def paste(folder: Path, other: Path) -> None:
        for name in names:
            shutil.copy(other / name, folder / name)

    return paste


def without(name: str) -> Callable[[Path, Path], None]:
    return lambda folder, _other: (folder / name).unlink()


def closed_by_hand(folder: Path, _other: Path) -> None:
    """Make record.json say that nothing is open, and all pages from that."""
    record = json.loads((folder / bundle_paths.RECORD).read_bytes())
    for row in record["tables"]["entitlement"].values():
        row["state"] = "observed_closed"
    raw = canonical(record)
    for name, page in ({bundle_paths.RECORD: raw} | pages(raw)).items():
        (folder / name).write_bytes(page)


def a_warning(folder: Path, _other: Path) -> None:
    """Cut the page's warnings out."""
    lines = (folder / bundle_paths.PAGE).read_text("utf-8").splitlines(keepends=True)
    kept = [line for line in lines if 'class="banner"' not in line]
    assert len(kept) < len(lines)
    (folder / bundle_paths.PAGE).write_text("".join(kept), "utf-8")


FORGERIES: dict[str, tuple[Callable[[Path, Path], None], VerifyStep, str, bool]] = {
    "record.json removed": (without(bundle_paths.RECORD), VerifyStep.RECORD, bundle_paths.RECORD, True),
    "record.json of another case": (of_another(bundle_paths.RECORD), VerifyStep.RECORD, bundle_paths.RECORD, True),
    "record.json and pages of another case": (
        of_another(*bundle_paths.PAGES),
        VerifyStep.RECORD,
        bundle_paths.RECORD,
        True,
    ),
    "all rows closed, pages made from that": (closed_by_hand, VerifyStep.RECORD, bundle_paths.RECORD, True),
    "a state": (
        edited(bundle_paths.RECORD, '"state":"closed"', '"state":"open"'),
        VerifyStep.RECORD,
        bundle_paths.RECORD,
        True,
    ),
    "the form alone": (
        edited(bundle_paths.RECORD, '{"case":', '{ "case":'),
        VerifyStep.RECORD,
        bundle_paths.RECORD,
        True,
    ),
    "page of another case": (of_another(bundle_paths.PAGE), VerifyStep.PAGES, bundle_paths.PAGE, True),
    "print of another case": (of_another(bundle_paths.PRINTED), VerifyStep.PAGES, bundle_paths.PRINTED, False),
    "print removed": (without(bundle_paths.PRINTED), VerifyStep.PAGES, bundle_paths.PRINTED, True),
    "warnings cut out": (a_warning, VerifyStep.PAGES, bundle_paths.PAGE, True),
    "a word in the page": (
        edited(bundle_paths.PAGE, "waived", "observed closed"),
        VerifyStep.PAGES,
        bundle_paths.PAGE,
        False,
    ),
    "a word in a README": (edited("README.en.txt", "closed", "opened"), VerifyStep.PAGES, "README.en.txt", False),
}
"""What is done, the step and the file that are named, and whether a documented step notices it without lastday."""


class TestForged:
    async def test_by_the_holder_of_the_certificates_key(self, office: Office, tmp_path: Path) -> None:
        """Each forgery that is listed and certified anew is noticed by its step, and the right file is named."""
        case, other = await finished(office), office.report(employee_no="E7")
        prelude, listed = blocks(PAGE.read_text("utf-8"))
        steps = [f"{prelude}\n{one.lines}" for one in listed if one.step in {VerifyStep.RECORD, VerifyStep.PAGES}]
        with export_office(office, tmp_path / "outside") as outside:
            export(office.context, outside, case.id, tmp_path / "sound", by="auditor")
            export(office.context, outside, other.id, tmp_path / "other", by="auditor", as_it_stands=True)
            assert proved(tmp_path, tmp_path / "sound").faults == []
            for name, (forge, step, file, by_others) in FORGERIES.items():
                place = tmp_path / name.replace(" ", "-")
                shutil.copytree(tmp_path / "sound", place / "bundle")
                forge(place / "bundle", tmp_path / "other")
                certified_anew(outside, place / "bundle")
                report = proved(tmp_path, place / "bundle")
                assert report.first is not None, name
                assert (report.first.step, report.first.file) == (step, file), name
                assert report.verdict == (), "nothing is summed up of a broken bundle"
                if JQ:
                    ran = [
                        subprocess.run(["bash", "-c", one], cwd=place, capture_output=True, check=False)
                        for one in steps
                    ]
                    assert any(one.returncode for one in ran) is by_others, name

    async def test_names_what_it_says_otherwise(self, office: Office, tmp_path: Path) -> None:
        """The first place at which record.json is not what the events come to."""
        case = await finished(office)
        with export_office(office, tmp_path / "outside") as outside:
            export(office.context, outside, case.id, tmp_path / "bundle", by="auditor")
            closed_by_hand(tmp_path / "bundle", tmp_path)
            certified_anew(outside, tmp_path / "bundle")
        first = proved(tmp_path, tmp_path / "bundle").first
        assert first is not None
        assert first.what.startswith("tables.entitlement.google_workspace:leaver-g1:grant:*.state is not")

    async def test_bytes_that_nothing_of_ours_writes(self, office: Office, tmp_path: Path) -> None:
        """Of a folder of any shape a verdict is given: no events, JSON too deep to read, a row without its columns, a time that no clock has."""
        case = await finished(office)
        with export_office(office, tmp_path / "outside") as outside:
            export(office.context, outside, case.id, tmp_path / "sound", by="auditor")
        record = json.loads((tmp_path / "sound" / bundle_paths.RECORD).read_bytes())
        bare, late = json.loads(json.dumps(record)), json.loads(json.dumps(record))
        bare["tables"]["offboarding_case"][case.id].pop("opened_at")
        late["events"][-1]["time"] = "9999-12-31T23:59:59.999Z"
        deep = b"[" * 200_000
        for name, file, raw in (
            ("deep", bundle_paths.RECORD, deep), ("deep payload", bundle_paths.payload(1), deep), ("list", bundle_paths.RECORD, b"[]"),
            ("bare", bundle_paths.RECORD, canonical(bare)), ("late", bundle_paths.RECORD, canonical(late)), ("first", bundle_paths.event(0), b""), ("all", "", b""),
        ):  # fmt: skip
            folder = tmp_path / name.replace(" ", "-")
            shutil.copytree(tmp_path / "sound", folder)
            if file:
                (folder / file).write_bytes(raw)
            else:
                shutil.rmtree(folder / "events")
            page = (folder / bundle_paths.PAGE).read_text("utf-8")
            (folder / bundle_paths.PAGE).write_text(page + hashlib.sha256(raw).hexdigest(), "utf-8")
            assert not proved(tmp_path, folder).sound, name
            for odd in (raw, canonical(bare), canonical(late)):
                assert unlike(odd, lambda _: b"") is not None

    async def test_another_version_says_so(self, office: Office, tmp_path: Path) -> None:
        """Another version than the one that exported holds the digest against the page, and says that it made none again."""
        case = await finished(office)
        with export_office(office, tmp_path / "outside") as outside:
            export(office.context, outside, case.id, tmp_path / "bundle", by="auditor")
        for again in (None, PageMaker("0.0.0", unlike)):
            report = verify(tmp_path / "bundle", tmp_path / "outside" / "trust", again=again)
            assert report.faults == []
            assert "which alone can make them again" in report.passed[VerifyStep.PAGES]


class TestNewest:
    """Which record it is: of one time, known to the log, the only one of its number, and what came after it."""

    async def test_an_older_head(self, office: Office, tmp_path: Path) -> None:
        """Certified anew three days later, over the same head: the head is named, by the documented lines too; within a day it is one export."""
        case = await finished(office)
        with export_office(office, tmp_path / "outside") as outside:
            export(office.context, outside, case.id, tmp_path / "bundle", by="auditor")
            certified_anew(outside, tmp_path / "bundle")
            assert proved(tmp_path, tmp_path / "bundle").faults == []
        report = verify(tmp_path / "bundle", tmp_path / "outside" / "trust", longest_lag=timedelta(seconds=-4))
        assert [(fault.step, fault.file) for fault in report.faults if fault.step is VerifyStep.FRESH] == [
            (VerifyStep.FRESH, bundle_paths.CHECKPOINT)
        ]

    async def test_what_a_later_log_says(self, office: Office, tmp_path: Path) -> None:
        """The certificate is told there; the second of its number, and one that was never told, are not; a newer record and later events are lines of the verdict."""
        case = await finished(office)
        trust, later = tmp_path / "trust", tmp_path / "later"
        with export_office(office, tmp_path / "outside") as outside:
            export(office.context, outside, case.id, tmp_path / "bundle", by="auditor")
            shutil.copytree(tmp_path / "bundle", tmp_path / "second")
            certified_anew(outside, tmp_path / "second")
            self.exported(office, outside, later)
            shutil.copytree(tmp_path / "outside" / "trust", trust)
            first = verify(tmp_path / "bundle", trust, log=later)
            assert first.faults == []
            own = verify(tmp_path / "bundle", trust, log=tmp_path / "bundle" / "log")
            assert own.faults == []
            assert any(line.startswith("NOT SHOWN: whether the log knows this certificate") for line, _ in own.verdict)
            assert not any(line.startswith(("NOT THE NEWEST", "SINCE")) for line, _ in first.verdict)
            assert self.documented(tmp_path) == 0
            second = verify(tmp_path / "second", trust, log=later)
            assert [(fault.step, fault.what) for fault in second.faults] == [
                (VerifyStep.LATER, "the log records another certificate of its number")
            ]
            erasing.hold(office.context, case.id, by="legal", reason="a matter")
            export(office.context, outside, case.id, tmp_path / "third", by="auditor")
            self.exported(office, outside, later)
            lines = [line for line, _ in verify(tmp_path / "bundle", trust, log=later).verdict]
            assert "NOT THE NEWEST: the log has record number 2, this is 1" in lines
            assert "SINCE THEN: 1 events of the case" in lines
            sooner = verify(tmp_path / "third", trust, log=tmp_path / "bundle" / "log")
            assert sooner.faults == []
            assert any(
                line.startswith("NOT SHOWN: whether the log knows this certificate") for line, _ in sooner.verdict
            )
        shutil.rmtree(tmp_path / "bundle")
        (tmp_path / "second").rename(tmp_path / "bundle")
        assert self.documented(tmp_path) != 0

    async def test_a_shorter_log_of_another_history(self, office: Office, tmp_path: Path) -> None:
        """As if the case had never been: signed with the log's key, and yet no earlier state of the one that the record bears."""
        case = await finished(office)
        office.report(employee_no="E9")
        with export_office(office, tmp_path / "outside") as outside:
            export(office.context, outside, case.id, tmp_path / "bundle", by="auditor")
            forked = self.forked(outside, tmp_path / "bundle" / "log", tmp_path / "fork", case.id)
            report = verify(tmp_path / "bundle", tmp_path / "outside" / "trust", log=forked)
        assert [fault.step for fault in report.faults] == [VerifyStep.LATER]

    async def test_a_record_that_was_removed_with_its_payloads(self, office: Office, tmp_path: Path) -> None:
        """The opening's scope says that there was one."""
        case = await finished(office)
        with export_office(office, tmp_path / "outside") as outside:
            export(office.context, outside, case.id, tmp_path / "bundle", by="auditor")
        (tmp_path / "bundle" / bundle_paths.RECORD).unlink()
        shutil.rmtree(tmp_path / "bundle" / "payloads")
        report = verify(tmp_path / "bundle", tmp_path / "outside" / "trust")
        assert (VerifyStep.RECORD, bundle_paths.RECORD, "it is missing") in [
            (f.step, f.file, f.what) for f in report.faults
        ]

    async def test_a_record_of_another_form(self, office: Office, tmp_path: Path) -> None:
        """One that another version derives is not called forged, and not sound: who can say is named."""
        case = await finished(office)
        with export_office(office, tmp_path / "outside") as outside:
            export(office.context, outside, case.id, tmp_path / "bundle", by="auditor")
            record = tmp_path / "bundle" / bundle_paths.RECORD
            record.write_bytes(canonical({**json.loads(record.read_bytes()), "form": 3}))
            certified_anew(outside, tmp_path / "bundle")
            report = proved(tmp_path, tmp_path / "bundle")
        assert any(fault.what.startswith("it is of form 3, which another version") for fault in report.faults)

    def forked(self, outside: Export, log: Path, folder: Path, case_id: str) -> Path:
        """Return a second history of the log, signed with its key, in which the case is missing."""
        kept = [line for line in (log / "entries.jsonl").read_bytes().splitlines() if case_id.encode() not in line]
        tree = Frontier()
        for line in kept:
            tree.add(line)
        folder.mkdir()
        (folder / "entries.jsonl").write_bytes(b"".join(line + b"\n" for line in kept))
        head = Checkpoint(outside.berth.trail.origin, tree.size, tree.root())
        (folder / "checkpoint").write_bytes(checkpoint.sign(head, outside.berth.signers))
        return folder

    def exported(self, office: Office, outside: Export, folder: Path) -> None:
        with office.context.store.read() as session:
            export_log(session.connection(), outside.berth.signers[0], folder)

    def documented(self, folder: Path) -> int:
        """Run the documented lines of both steps."""
        prelude, found = blocks(PAGE.read_text("utf-8"))
        lines = "\n".join(one.lines for one in found if one.step in {VerifyStep.FRESH, VerifyStep.LATER})
        return subprocess.run(
            ["bash", "-c", f"{prelude}\n{lines}"], cwd=folder, capture_output=True, check=False
        ).returncode


class TestTrue:
    async def test_the_record_is_the_view(self, office: Office) -> None:
        """What a record tells of a case is what everybody is shown of it, part by part."""
        case = await finished(office)
        told = read(record_of(office.context, case.id)).view
        with office.context.store.read() as session:
            shown = view_in(office.context, session, case.id, confidential=True)
        beside = {"read_at", "digest", "closing_requires"}
        assert _plain(told, beside) == _plain(shown, beside)

    async def test_the_documented_lines_hold(self, office: Office, tmp_path: Path) -> None:
        """Each line of the page, as it is printed, on a record without evidence, and on its second one, erased."""
        case = await finished(office)
        prelude, listed = blocks(PAGE.read_text("utf-8"))
        with export_office(office, tmp_path / "outside") as outside:
            export(office.context, outside, case.id, tmp_path / "first" / "bundle", by="auditor")
            request = erasing.request_erasure(office.context, case.id, by="hr", basis="retention")
            approve(office.context, request.id, by="privacy")
            erasing.erase(office.context, case.id)
            office.clock.at = datetime.now(UTC)
            export(office.context, outside, case.id, tmp_path / "second" / "bundle", by="auditor")
        for place in (tmp_path / "first", tmp_path / "second"):
            shutil.copytree(tmp_path / "outside" / "trust", place / "trust")
            found = [(one.step, one.holds(place, prelude)) for one in listed if not one.missing]
            assert [(step, words) for step, (held, words) in found if not held] == []

    async def test_of_an_erased_case(self, office: Office, tmp_path: Path) -> None:
        """An erasure seals all that is left: the record of an erased case is whole and sound, and a table that is changed then is named."""
        case = await finished(office)
        request = erasing.request_erasure(office.context, case.id, by="hr", basis="retention")
        approve(office.context, request.id, by="privacy")
        erasing.erase(office.context, case.id)
        with export_office(office, tmp_path / "outside") as outside:
            export(office.context, outside, case.id, tmp_path / "bundle", by="auditor")
            report = proved(tmp_path, tmp_path / "bundle")
            assert report.faults == []
            assert any(line.startswith("SIGNED FOR, NOT SEEN: 1 of ") for line, _ in report.verdict)
            with office.context.store.engine.begin() as connection:
                connection.execute(text("UPDATE entitlement SET state = 'observed_closed'"))
            with pytest.raises(TableMismatch, match="entitlement google_workspace:acct-"):
                export(office.context, outside, case.id, tmp_path / "again", by="auditor")

    async def test_of_logs_that_are_still_read(self, logged: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        """A record says of each log what is shown of it: one that is being read is not complete, and not forgotten."""
        paper = ledger(logged)
        paper.activity_sources = (DRIVE, replace(DRIVE, name="logins"))
        paper.happened("g1", FIFTY)
        answer = paper.activity

        async def slow(account: Any, source: str, *given: Any, **more: Any) -> Any:
            if source == "logins":
                await asyncio.Event().wait()
            return await answer(account, source, *given, **more)

        monkeypatch.setattr(paper, "activity", slow)
        monkeypatch.setattr(logs, "LONGEST_ANSWER", 0.05)
        logged.clock.at = datetime.now(UTC) - timedelta(days=3)
        case = logged.report(employment_ends_on=str((logged.clock.at - timedelta(days=2)).date()))
        await logged.run(case.id)
        await asyncio.wait_for(collect(logged.context, case.id, seconds=2), 20)
        told = read(record_of(logged.context, case.id)).view.downloads
        with logged.context.store.read() as session:
            shown = view_in(logged.context, session, case.id, confidential=True).downloads
        assert [(one.source, one.verdict, one.reason) for one in told.sources] == [
            (one.source, one.verdict, one.reason) for one in shown.sources
        ]
        assert (told.state, shown.state) == ("partial", "partial")
        assert all_differences(logged) == []
        with logged.context.store.read() as session:
            changed = [
                payload["changed"]
                for _, payload in told_of(session.connection(), case.id)
                if payload and "changed" in payload
            ]
        logged_in = [rows["activity_collection"] for rows in changed if "activity_collection" in rows]
        assert len(logged_in) == 3, "one that begins and one that ends, and nothing on the way"

    async def test_another_companys_pause_is_nobody_elses(self, office: Office) -> None:
        """What was paused of another company stands in no record of this one, that of everything in each."""
        case, other = office.report(), office.report(employee_no="E9")
        with office.context.store.write() as session:
            session.get_one(Case, other.id).company = "acme"
        pausing.pause(office.context, by="sec", reason="of acme alone", company="acme")
        made = pausing.pause(office.context, by="sec", reason="of everything")
        record = record_of(office.context, case.id)
        assert b"of acme alone" not in record
        assert [one.id for one in read(record).view.pauses] == [made.id]

    async def test_a_pause_during_an_export(
        self, office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What changes while outsiders are asked makes no record that lacks it."""
        case, anchored = office.report(), exporting._anchor

        def anchor(*given: Any) -> None:
            pausing.pause(office.context, by="sec", reason="stop everything")
            anchored(*given)

        monkeypatch.setattr(exporting, "_anchor", anchor)
        office.clock.at = datetime.now(UTC)
        with (
            export_office(office, tmp_path / "outside") as outside,
            pytest.raises(BadRequest, match="changed meanwhile"),
        ):
            export(office.context, outside, case.id, tmp_path / "bundle", by="auditor", as_it_stands=True)
        assert not (tmp_path / "bundle").exists()

    async def test_what_was_changed_by_hand_is_not_erased_to_truth(self, office: Office) -> None:
        """An erasure seals what is left: it is refused while that is not what was sealed, and nothing is gone."""
        case = await finished(office)
        request = erasing.request_erasure(office.context, case.id, by="hr", basis="retention")
        approve(office.context, request.id, by="privacy")
        with office.context.store.engine.begin() as connection:
            connection.execute(text("UPDATE entitlement SET state = 'observed_closed', settled_by = NULL"))
        with pytest.raises(TableMismatch, match="entitlement google_workspace"):
            erasing.erase(office.context, case.id)
        assert office.context.case(case.id).leaver["name"]

    def test_what_is_no_record(self) -> None:
        """Bytes that are none, or of no shape of ours, raise one thing."""
        for raw in (
            b"",
            b"[]",
            b"{}",
            b'{"events":[],"tables":{"account":{"1":{"kind":"gone"}}},"downloads":null,"case":"x"}',
        ):
            with pytest.raises(RecordError):
                read(raw)


def all_differences(office: Office) -> list[TableDifference]:
    with office.context.store.read() as session:
        return [*differences(session)]


def _plain(view: CaseView, beside: set[str]) -> dict[str, Any]:
    """Return the view as JSON, without how often was tried, which no record tells."""
    without_tries: dict[str, Any] = {"accounts": {"__all__": {"entitlements": {"__all__": {"detail": {"attempts"}}}}}}
    return view.model_dump(mode="json", exclude=without_tries | dict.fromkeys(beside, True))
