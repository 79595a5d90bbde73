"""A finished case with outsiders who vouch for its log: what tests of records begin with."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from cryptography import x509

from audit import certificate_keys, keys, policy
from audit.anchor_config import AnchorConfig
from audit.anchor_files import AnchorFiles
from casework.decisions import signatures as waiving
from casework.record.exporting import ExportConfig as Export
from emulators.outsiders import outsiders
from models.tables import Case
from models.vocabulary import EntitlementKind, EntitlementState, OpenReason, Service
from portal.record.pages import made_by, pages
from tests.casework.conftest import Office

NAME = "髙橋 <script>alert(1)</script>𠮷野家"
LABEL = "e1@example.test"
SIGN_IN = "account"
KANA, MANAGER = "タカハシ ツキコ", "月 影子"
PERSONAL = (
    "髙橋", "𠮷野家", "alert(1)", "タカハシ", "月 影子", "hr.sato", "told by phone", LABEL, "all-hands", "leaver-g1"
)  # fmt: skip
"""What may stand nowhere once the case is erased."""


async def finished(office: Office) -> Case:
    """Carry a leaver with a hostile name through to the end: a waiver, an attestation and a full truth table included."""
    office.clock.at = datetime.now(UTC) - timedelta(minutes=2)
    office.paper.holders.clear()
    office.paper.add("leaver-g1", employee_no="E1", email=LABEL, name=NAME)
    office.paper.blind = {EntitlementKind.GRANT: EntitlementState.NO_API}
    case = office.report(
        name=NAME, kana=KANA, manager=MANAGER, employment_ends_on=_yesterday(office), other_emails=None
    )
    waiver = waiving.waive_for_tenant(
        office.context, connection=Service.GOOGLE_WORKSPACE, kind=EntitlementKind.GRANT, accepts=OpenReason.NO_API, reason="no API shows them",
        until=office.clock.at.date() + timedelta(days=60), by="tenant.lead", compensating="monthly review",
    )  # fmt: skip
    waiving.approve(office.context, waiver.id, by="tenant.ciso")
    await office.run(case.id)
    row = f"google_workspace:leaver-g1:sign_in:{SIGN_IN}"
    waiving.attest(office.context, case_id=case.id, entitlement_id=row, statement="told by phone", by="hr.sato")
    office.clock.at = datetime.now(UTC)
    return office.context.case(case.id)


def _yesterday(office: Office) -> str:
    return str(office.clock.at.date() - timedelta(days=2))


@contextlib.contextmanager
def export_office(office: Office, folder: Path) -> Iterator[Export]:
    """Open authority, witness and keys in *folder*, and lay the trust material into `folder/trust`."""
    trust = folder / "trust"
    trust.mkdir(parents=True)
    signer = keys.open_or_create(folder / "log.key", office.context.store.trail.origin)
    certifier = certificate_keys.open_or_create(folder / "certificate.key")
    (trust / "log.vkey").write_text(signer.verifier.vkey + "\n")
    (trust / "case.pub.pem").write_bytes(certificate_keys.public_pem(certifier.public_key))
    with outsiders(folder / "outside", trust) as there:
        rules = policy.read(Path(there.env["LASTDAY_WITNESS_POLICY_FILE"]).read_text())
        (trust / "policy").write_text(
            f"log {signer.verifier.vkey}\n" + Path(there.env["LASTDAY_WITNESS_POLICY_FILE"]).read_text()
        )
        roots = Path(there.env["LASTDAY_TIMESTAMP_ROOTS_FILE"]).read_bytes()
        (trust / "tsa-ca.pem").write_bytes(roots)
        berth = AnchorConfig(
            office.context.store.engine, office.context.store.trail, (signer,), AnchorFiles(folder / "anchors", office.context.store.trail.origin),
            lambda: httpx.Client(trust_env=False, timeout=10), rules, (there.env["LASTDAY_TIMESTAMP_URLS"],),
            tuple(x509.load_pem_x509_certificates(roots)),
        )  # fmt: skip
        yield Export(berth, certifier, pages, made_by())
