"""A company with a log, three keys, a witness and an authority, whose time is moved by hand: what bundles are made of."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import zstandard
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from rfc3161_client import TimestampRequestBuilder
from sqlalchemy import Connection, Engine, create_engine

from audit import anchors, bundle, certificate_keys, checkpoint, keys, reading, tables, timestamp
from audit.anchors import Anchor
from audit.bundle import BoundFile, BundleContents, CertificateParties
from audit.certificate import Certificate
from audit.certificate_keys import CertificateFileSigner
from audit.checkpoint import Checkpoint
from audit.cosignature import WitnessKey, cosign
from audit.events import EventType
from audit.exchanges import bind
from audit.fields import Json
from audit.keys import FileSigner
from audit.leaf import LOG_CASE, Event, canonical, stamp
from audit.record import derive, tables_of
from audit.trail import Trail
from emulators.timestamping import Authority
from emulators.timestamping.certificates import CertificateChain, issue
from tests.audit.samples import ORIGIN, Clock

CASE = "case-4f2a90c17b3e5d68"
OTHERS = ("case-aaaa0000aaaa0000", "case-bbbb1111bbbb1111")
PAGES: Mapping[str, bytes] = {
    "README.ja.txt": "この案件の記録です。\n".encode(),
    "README.en.txt": b"The record of one case.\n\nPlan only. not closed when this was written\n",
    "record.html": "<!doctype html><title>記録</title>\n".encode(),
    "record.pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n%%EOF\n",
}
EXCHANGES: list[dict[str, Json]] = [
    {
        "what": f"GET /sessions?page={n}",
        "sent_at": f"2026-11-23T01:02:03.00{n}+00:00",
        "status": 200,
        "response_sha256": "cd" * 32,
    }
    for n in range(3)
]
DOWNLOADS = "".join(f'{{"file":"図面 {n}","bytes":{n * 7}}}\n' for n in range(200)).encode()


def changed(case: str = CASE, **columns: Json) -> dict[str, Json]:
    """Return what a payload says of the case's table."""
    return {"changed": {"offboarding_case": {case: columns}}}


def pages(connection: Connection, case: str) -> Mapping[str, bytes]:
    """Return a bundle's pages: those of an earlier version for a case of which no event says what changed."""
    payloads = reading.payloads(connection, case)
    events = [(entry.record, payloads.get(entry.idx)) for entry in reading.entries(connection, case)]
    if not tables_of(events).rows:
        return PAGES
    record = canonical(derive(events))
    said = "0 · 0 · 0</b> Plan only. not closed when this was written"
    named = f"<!doctype html><title>記録</title><p>{hashlib.sha256(record).hexdigest()} <b>{said}\n"
    return {**PAGES, "record.json": record, "record.html": named.encode()}


@dataclass(slots=True)
class Witness:
    """Someone else's key and memory: it cosigns a head once, and never an older or another one."""

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    seen: int = 0

    @property
    def public(self) -> WitnessKey:
        raw = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return WitnessKey("witness.auditfirm.example/w1", raw)

    def line(self, head: Checkpoint, at: datetime) -> bytes:
        if head.size <= self.seen:
            raise RuntimeError("the witness has signed a head of this size")
        self.seen = head.size
        return cosign(head.text, self.public, self.key.sign, at).encode()


@dataclass(slots=True)
class House:
    """
    The company, since *ago*, or as it was left in *folder*.

    *witness* None: nobody cosigns; *papers*: the authority's; *stamps*: whether it is asked.  *signers*: who signs the log.
    """

    folder: Path
    clock: Clock = field(default_factory=Clock)
    witness: Witness | None = field(default_factory=Witness)
    papers: CertificateChain | None = None
    ago: timedelta = timedelta(days=3)
    stamps: bool = True
    signers: list[FileSigner] = field(default_factory=list)
    engine: Engine = field(init=False)
    authority: Authority = field(init=False)
    log_key: FileSigner = field(init=False)
    case_key: CertificateFileSigner = field(init=False)

    def __post_init__(self) -> None:
        self.clock.now -= self.ago
        self.authority = Authority(self.papers or issue(now=self.clock()), clock=self.clock)
        self.log_key = keys.open_or_create(self.folder / "log.key", ORIGIN)
        self.signers = self.signers or [self.log_key]
        self.case_key = certificate_keys.open_or_create(self.folder / "case.key")
        self.engine = tables.prepare(create_engine(f"sqlite:///{self.folder}/trail.db"))
        if not (self.folder / "trail.db").exists():
            with self.engine.begin() as connection:
                tables.create(connection)
                anchors.create(connection)

    @property
    def trail(self) -> Trail:
        return Trail(ORIGIN, self.clock, skew=None)

    def tell(self, what: str, case: str = CASE, payload: Json = None, **said: Json) -> int:
        """Append one event a second later; return its place in the log."""
        self.clock.move(seconds=1)
        with self.engine.begin() as connection:
            return self.trail.append(connection, Event(EventType(what), case, "svc:worker-1", said), payload).idx

    def write(self, case: str = CASE, outcome: bool = True) -> None:
        """One announced write, and what became of it."""
        op = secrets.token_hex(16)
        who: Json = {"name": "田中 美咲", "entitlement": f"slack:U{op[:6]}:session:{op[6:12]}"}
        self.tell("revoke.intent", case, who, op=op, service="slack", kind="session")
        if outcome:
            self.tell("revoke.outcome", case, who, op=op, result="commanded", service="slack", kind="session")

    def collect(self, case: str = CASE) -> None:
        """Bind the downloads' file."""
        packed = zstandard.compress(DOWNLOADS)
        told: Json = {
            "name": "evidence/downloads.jsonl.zst",
            "sha256": hashlib.sha256(packed).hexdigest(),
            "content_sha256": hashlib.sha256(DOWNLOADS).hexdigest(),
            "size": len(packed),
        }
        self.tell("evidence.bound", case, {"window": "30 days"}, evidence=[told], service="google_workspace")

    def see(self, bound: Sequence[Mapping[str, Json]], listed: Sequence[Mapping[str, Json]] | None) -> None:
        """Tell what a read saw, binding its exchanges; the payload lists them, or with None leaves them to an earlier one."""
        payload: dict[str, Json] = {"entitlement": "slack:U1:session:s1"}
        payload |= {} if listed is None else {"exchanges": [dict(one) for one in listed]}
        said = {"state": "observed_closed", "service": "slack", "kind": "session"}
        self.tell("observe.seen", payload=payload, evidence=bind(bound), **said)

    def stamped(self, content: bytes) -> bytes:
        """Ask the authority, which answers with its own time and no other."""
        return self.authority.answer(TimestampRequestBuilder(data=content).build().as_bytes())

    def anchor(self) -> Anchor:
        """Sign, have it cosigned, freeze, have it stamped, tell of it."""
        self.clock.move(seconds=2)
        with self.engine.begin() as connection:
            size = self.trail.size(connection)
            head = Checkpoint(ORIGIN, size, self.trail.root(connection, size))
        note = checkpoint.sign(head, self.signers)
        if self.witness is not None:
            note += self.witness.line(head, self.clock())
        made = Anchor(ORIGIN, size, note, ("w1",), self.witness is not None, self.clock())
        self.clock.move(seconds=1)
        with self.engine.begin() as connection:
            anchors.freeze(connection, made)
            said: dict[str, Json] = {"size": size, "root": note.decode().split("\n")[2], "quorum": made.quorum}
            said |= {"checkpoint_sha256": made.checkpoint_sha256} | (
                self._stamp(connection, made) if self.stamps else {}
            )
            event = Event(EventType.ANCHOR_RECORDED, LOG_CASE, "svc:anchor", said)
            anchors.record(connection, made, self.trail.append(connection, event).idx)
        return made

    def _stamp(self, connection: Connection, made: Anchor) -> dict[str, Json]:
        tsr = self.stamped(made.note)
        at = timestamp.verify(tsr, made.note, [self.authority.papers.root]).gen_time
        anchors.stamp(connection, made, tsr, at)
        return {"tsr_sha256": hashlib.sha256(tsr).hexdigest(), "tsa_time": stamp(at)}

    def work(self) -> None:
        """Two days: a case opened, cut and closed, others beside it, an anchor a day."""
        who: dict[str, Json] = {"name": "田中 美咲", "email": "misaki@example.jp"}
        self.tell("case.opened", payload=who | changed(id=CASE, state="open"))
        for other in OTHERS:
            self.tell("case.opened", other, {"name": "佐藤 健"})
        self.tell("plan.sealed", plan_sha256="ab" * 32, payload={"rows": [1, 2]})
        self.anchor()
        for _ in range(2):
            self.clock.move(hours=23)
            self.write()
            self.write(OTHERS[0])
            self.anchor()
        self.collect()
        self.see(EXCHANGES, EXCHANGES)
        self.see(EXCHANGES, None)
        self.tell("case.closed", payload=changed(state="closed"), count=2, states={"observed_closed": 2})
        self.anchor()

    def export(self, folder: Path, case: str = CASE, evidence: bool = True) -> Certificate:
        """Write the case's bundle, tell the log of its certificate, and anchor that."""
        parts = [BoundFile("evidence/downloads.jsonl.zst", [zstandard.compress(DOWNLOADS)])] if evidence else []
        with self.engine.connect().execution_options(sqlite_begin="DEFERRED") as reader, reader.begin():
            contents = BundleContents(case, pages(reader, case), parts)
            return bundle.write(reader, folder, contents, self.seal, self._announce)

    @property
    def seal(self) -> CertificateParties:
        return CertificateParties(self.case_key, self.stamped if self.stamps else None, quorum=self.witness is not None)

    def _announce(self, issued: Certificate) -> None:
        with self.engine.begin() as connection:
            self.trail.append_many(connection, [issued.draft("svc:export")])

    def erase(self, indices: list[int]) -> None:
        """Erase payloads, and tell of it."""
        with self.engine.begin() as connection:
            for idx in indices:
                gone = tables.audit_payload.update().where(tables.audit_payload.c.idx == idx)
                connection.execute(gone.values(salt=None, payload=None, erased_at=datetime.now(UTC)))
        self.tell("payload.erased", idx=list(indices), basis="request")

    def trust(self, folder: Path) -> Path:
        """Write the trust material, as it is handed over apart."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "log.vkey").write_text(self.log_key.verifier.vkey + "\n")
        (folder / "case.pub.pem").write_bytes(certificate_keys.public_pem(self.case_key.public_key))
        if self.stamps:
            (folder / "tsa-ca.pem").write_bytes(self.authority.papers.root_pem)
        rules = [f"log {self.log_key.verifier.vkey}"]
        if self.witness is not None:
            rules += [f"witness w1 {self.witness.public.vkey}"]
        rules += [f"quorum {'none' if self.witness is None else 'w1'}"]
        (folder / "policy").write_text("\n".join(rules) + "\n")
        return folder


def exported(folder: Path) -> tuple[House, Path, Path]:
    """Return a house after two days' work, the bundle of its case, and the trust material."""
    folder.mkdir(parents=True, exist_ok=True)
    house = House(folder)
    house.work()
    house.export(folder / "bundle")
    return house, folder / "bundle", house.trust(folder / "trust")
