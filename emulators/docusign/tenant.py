"""The emulated account: one user's envelopes and their states, its integration's key and consent."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from starlette.applications import Starlette

from emulators import documents
from emulators.docusign.routes import routes
from emulators.pledges import PLEDGES, Pledge

Envelope = dict[str, Any]
_STATUS = {
    "signed": "completed",
    "scan": "completed",
    "waiting": "delivered",
    "declined": "declined",
    "voided": "voided",
}


@dataclass(frozen=True, slots=True)
class Options:
    """
    How this account behaves.

    *page_size*: caps a client's page size.  *consent*: whether an administrator has granted the integration its scopes.
    *text_lag*: searches by text and by custom field for which new envelopes stay hidden.  *years*: how far a search without a date
    looks back.  *seals*: whether each download is sealed anew.
    """

    page_size: int = 1000
    consent: bool = True
    text_lag: int = 0
    years: int = 2
    seals: bool = False
    pledges: tuple[Pledge, ...] = PLEDGES
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


class Tenant:
    """One DocuSign account.  *envelopes*: by id; *documents*: their bytes; *mails*: sent mails as (envelope, address)."""

    def __init__(self, **options: Any) -> None:
        self.options = Options(**options)
        self.account_id, self.user_id, self.integration_key = (
            str(uuid5(NAMESPACE_URL, name)) for name in ("account", "user", "integration")
        )
        self.key = _key()
        self.envelopes: dict[str, Envelope] = {}
        self.documents: dict[str, Callable[[], bytes]] = {}
        self.hidden: dict[str, int] = {}
        self.tokens: set[str] = set()
        self.mails: list[tuple[str, str]] = []
        self.numbers = itertools.count(1)
        for pledge in self.options.pledges:
            self.keep(pledge)
        self.app = Starlette(routes=routes(self))

    def credentials(self) -> dict[str, str]:
        """Return the integration's names for the account and its user."""
        return {"account_id": self.account_id, "user_id": self.user_id, "integration_key": self.integration_key}

    def key_file(self, directory: Path) -> Path:
        """Write the integration's RSA key in PEM, for its owner alone."""
        path = directory / "docusign.pem"
        path.touch(mode=0o600)
        path.write_bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return path

    def keep(self, pledge: Pledge) -> Envelope:
        """Put one of the company's papers among the envelopes."""
        fields = {"expires_on": pledge.expires_on.isoformat()} if pledge.expires_on is not None else {}
        made = self.create(pledge.title, [(pledge.email, pledge.name)], pledge.content, fields=fields, at=pledge.at)
        status, now = _STATUS[pledge.state], stamp(pledge.at)
        made |= {"status": status, "statusChangedDateTime": now, "lastModifiedDateTime": now}
        if status in {"completed", "declined", "voided"}:
            made[f"{status}DateTime"] = now
        if status == "voided":
            made["voidedReason"] = "sent by mistake"
        for signer in made["recipients"]["signers"]:
            signer.update(_signer_as(status, now))
        return made

    def crowd(self, count: int) -> None:
        """Let *count* more people have signed contracts, spread over the ten years to 2025."""
        for n in range(count):
            at = datetime(2016, 1, 1, tzinfo=UTC) + timedelta(seconds=n * (10 * 365 * 86400 // count))
            signer = (f"partner{n}@elsewhere.example", f"取引先 担当{n % 1000}")
            self.create("業務委託契約書", [signer], lambda: b"%PDF-1.7\n%%EOF\n", fields={}, at=at)

    def create(
        self,
        subject: str,
        signers: list[tuple[str, str]],
        content: Callable[[], bytes],
        *,
        fields: dict[str, str],
        transaction_id: str | None = None,
        at: datetime | None = None,
    ) -> Envelope:
        """Make an envelope that is sent."""
        envelope_id = str(uuid5(NAMESPACE_URL, f"envelope {next(self.numbers)}"))
        now = stamp(at or self.options.clock())
        made: Envelope = {
            "envelopeId": envelope_id, "emailSubject": subject, "status": "sent", "createdDateTime": now,
            "sentDateTime": now, "initialSentDateTime": now, "statusChangedDateTime": now, "lastModifiedDateTime": now,
            "envelopeUri": f"/envelopes/{envelope_id}", "documentsCombinedUri": f"/envelopes/{envelope_id}/documents/combined",
            "purgeState": "unpurged", "allowReassign": "true", "enableWetSign": "true",
            "sender": {"userId": self.user_id, "userName": "人事部", "email": "hr@hoshizora.example"},
            "customFields": {
                "textCustomFields": [
                    {"fieldId": str(n), "name": name, "show": "false", "required": "false", "value": value}
                    for n, (name, value) in enumerate(fields.items(), start=1)
                ],
                "listCustomFields": [],
            },
            "recipients": {
                "signers": [
                    {"recipientId": str(n), "recipientIdGuid": str(uuid5(NAMESPACE_URL, f"{envelope_id} {n}")), "email": email,
                     "name": name, "routingOrder": str(n), "recipientType": "signer", "status": "sent", "sentDateTime": now}
                    for n, (email, name) in enumerate(signers, start=1)
                ],
                "recipientCount": str(len(signers)), "currentRoutingOrder": "1",
            },
        }  # fmt: skip
        if transaction_id is not None:
            made["transactionId"] = transaction_id
        self.envelopes[envelope_id] = made
        self.documents[envelope_id] = content
        return made

    def sign(self, envelope_id: str, *, decline: bool = False) -> None:
        """Let the signers sign, or decline."""
        status, now = ("declined" if decline else "completed"), stamp(self.options.clock())
        made = self.envelopes[envelope_id]
        made |= {"status": status, f"{status}DateTime": now, "statusChangedDateTime": now, "lastModifiedDateTime": now}
        for signer in made["recipients"]["signers"]:
            signer.update(_signer_as(status, now))

    def sign_first_of_two(self, envelope_id: str) -> None:
        """Let the signer sign, with the company's to follow."""
        made, now = self.envelopes[envelope_id], stamp(self.options.clock())
        first, *_ = signers = made["recipients"]["signers"]
        signers.append(
            {
                **first,
                "recipientId": "2",
                "routingOrder": "2",
                "name": "人事部長",
                "email": "hr@hoshizora.example",
                "status": "sent",
            }
        )
        first.update(_signer_as("completed", now))
        made |= {"status": "delivered", "statusChangedDateTime": now, "lastModifiedDateTime": now}

    def take_back(self, envelope_id: str, reason: str = "sent by mistake") -> None:
        """Void a sent envelope, as its sender does."""
        now = stamp(self.options.clock())
        self.envelopes[envelope_id] |= {
            "status": "voided", "voidedReason": reason, "statusChangedDateTime": now, "lastModifiedDateTime": now,
        }  # fmt: skip

    def download(self, envelope_id: str) -> bytes:
        """Return the envelope's documents; with the option *seals*, each download is sealed at this moment."""
        content = self.documents[envelope_id]()
        return (
            documents.signed("DocuSign, Inc.", body=content, field="Seal", stamped=True)
            if self.options.seals
            else content
        )

    def mail(self, envelope: Envelope) -> None:
        """Mail to each signer of the envelope."""
        self.mails += [(envelope["envelopeId"], signer["email"]) for signer in envelope["recipients"]["signers"]]


def _signer_as(status: str, now: str) -> dict[str, str]:
    return {
        "completed": {"status": "completed", "signedDateTime": now, "deliveredDateTime": now},
        "declined": {"status": "declined", "declinedDateTime": now, "declinedReason": "署名しません"},
        "delivered": {"status": "delivered", "deliveredDateTime": now},
    }.get(status, {})


def stamp(at: datetime) -> str:
    """Return an instant as the vendor writes it: seven digits of a second."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}0Z"


@cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)
