"""A case leaves a house that asks a witness alone, or an authority alone; the trust material outlives a change of keys."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from audit import certificate_keys, keys
from audit.note import Verifier
from audit.verify import verify
from casework.errors import BadRequest, Misconfigured
from casework.record.exporting import NotAnchored, export
from casework.settings import CaseworkSettings
from casework.trail import trust
from casework.trail.signing import certificate_signer
from models.actor import at_terminal
from tests.casework.conftest import Office
from tests.casework.leaving import export_office, finished
from tests.casework.records import told


class TestOutsiders:
    async def test_one_sort_alone(self, office: Office, tmp_path: Path) -> None:
        """
        With a witness alone and with an authority alone a record is exported and verified by whoever asks for no more,
        refused by whoever asks for both; with nobody outside nothing leaves.
        """
        case = await finished(office)
        with export_office(office, tmp_path / "outside") as both:
            asks = tmp_path / "outside" / "trust"
            nobody = replace(both, berth=replace(both.berth, policy=None, authorities=()))
            with pytest.raises(NotAnchored):
                export(office.context, nobody, case.id, tmp_path / "nobody", by="auditor")
            witness = replace(both, berth=replace(both.berth, authorities=()))
            export(office.context, witness, case.id, tmp_path / "witness", by="auditor")
            assert not verify(tmp_path / "witness", asks).sound
            roots = (asks / "tsa-ca.pem").read_bytes()
            (asks / "tsa-ca.pem").unlink()
            report = verify(tmp_path / "witness", asks)
            assert (report.faults, len(report.unasked)) == ([], 2)  # and that the other is a rehearsal's
            authority = replace(both, berth=replace(both.berth, policy=None))
            export(office.context, authority, case.id, tmp_path / "authority", by="auditor")
        (asks / "tsa-ca.pem").write_bytes(roots)
        assert not verify(tmp_path / "authority", asks).sound
        (asks / "policy").write_text("quorum none\n")
        report = verify(tmp_path / "authority", asks)
        assert (report.faults, len(report.unasked)) == ([], 2)  # and that the other is a rehearsal's


class TestUnfinished:
    def test_does_not_leave_by_mistake(self, office: Office, tmp_path: Path) -> None:
        """A case that is not closed is exported only by who says that it is meant as it stands; else no look is recorded, and nothing written."""
        office.clock.at = datetime.now(UTC)
        case = office.report()
        with export_office(office, tmp_path / "outside") as outside:
            with pytest.raises(BadRequest, match="not closed"):
                export(office.context, outside, case.id, tmp_path / "bundle", by="auditor")
            assert not (tmp_path / "bundle").exists()
            with office.context.store.read() as session:
                assert "case.exported" not in {event.type for event in told(session.connection(), case.id)}
            export(office.context, outside, case.id, tmp_path / "bundle", by="auditor", as_it_stands=True)
        assert (tmp_path / "bundle" / "record.pdf").exists()


class TestLook:
    async def test_whole_evidence(self, office: Office, tmp_path: Path) -> None:
        """An export is a look at all evidence, papers included, sealed before the certificate, with who exported and that nobody made sure."""
        case = await finished(office)
        with export_office(office, tmp_path / "outside") as outside:
            export(office.context, outside, case.id, tmp_path / "bundle", by=at_terminal("auditor"))
        with office.context.store.read() as session:
            events = told(session.connection(), case.id)
        exported, looked = events[-3:-1]
        assert [event.type for event in events[-3:]] == ["case.exported", "case.evidence_looked", "case.certified"]
        assert looked.fields["scope"] == "evidence"
        assert {(one.by, one.made_sure_by) for one in (exported, looked)} == {("auditor", "unauthenticated")}
        assert b"auditor (unauthenticated)" in (tmp_path / "bundle" / "record.html").read_bytes()


class TestTrustMaterial:
    async def test_stamping_certificate(self, office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Sigstore's tools find the authority by the certificate that stamps; an earlier authority stays in the file."""
        case = await finished(office)
        with export_office(office, tmp_path / "outside") as outside:
            made = export(office.context, outside, case.id, tmp_path / "bundle", by="auditor")
            monkeypatch.setenv("LASTDAY_TRUST_FOLDER", str(tmp_path / "trust"))
            monkeypatch.setenv("LASTDAY_TIMESTAMP_ROOTS_FILE", str(tmp_path / "outside" / "trust" / "tsa-ca.pem"))
            settings = CaseworkSettings()
            file = settings.trust_folder / trust.SIGSTORE
            trust.publish_certificates(settings, outside.signer.public_key)
            file.write_text('{"mediaType": "x", "timestampAuthorities": [{"uri": "earlier"}]}')
            for _ in range(2):
                trust.publish_authority(settings, made, outside.signer.public_key)
            present, earlier = json.loads(file.read_bytes())["timestampAuthorities"]
        assert (len(present["certChain"]["certificates"]) > 1, earlier) == (True, {"uri": "earlier"})

    def test_former_keys_stay(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """After a change of keys the material still names the former ones: earlier heads bear their signatures alone."""
        monkeypatch.setenv("LASTDAY_TRUST_FOLDER", str(tmp_path / "trust"))
        vkeys, files = [], ("first.key", "second.key")
        for name in files:
            monkeypatch.setenv("LASTDAY_AUDIT_KEY_FILE", str(tmp_path / name))
            settings = CaseworkSettings()
            vkeys.append(keys.open_or_create(tmp_path / name, settings.audit_origin).verifier)
            trust.publish(settings)
            trust.publish_certificates(settings, certificate_keys.open_or_create(tmp_path / f"case-{name}").public_key)
        folder = settings.trust_folder
        named = [Verifier.parse(line) for line in (folder / "log.vkey").read_text().splitlines()]
        assert named == vkeys[::-1]
        found = {path.read_bytes() for path in folder.glob("case*.pub.pem")}
        signers = [certificate_keys.open_key(tmp_path / f"case-{name}") for name in files]
        assert found == {certificate_keys.public_pem(signer.public_key) for signer in signers}


class TestCertificateKey:
    def test_file_or_key_store(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The settings name a file, made on first use, or a key store's URI with the public half beside it."""
        monkeypatch.setenv("LASTDAY_CERTIFICATE_KEY_FILE", str(tmp_path / "keys" / "certificate.key"))
        by_file = certificate_signer(CaseworkSettings())
        public = tmp_path / "case.pub.pem"
        public.write_bytes(certificate_keys.public_pem(by_file.public_key))
        monkeypatch.setenv("LASTDAY_CERTIFICATE_KEY_URI", f"file2:{tmp_path / 'keys' / 'certificate.key'}")
        with pytest.raises(Misconfigured, match="no public key"):
            certificate_signer(CaseworkSettings())
        monkeypatch.setenv("LASTDAY_CERTIFICATE_PUBLIC_KEY_FILE", str(public))
        by_uri = certificate_signer(CaseworkSettings())
        assert certificate_keys.verifies(by_file.public_key, b"statement", by_uri.sign(b"statement"))
