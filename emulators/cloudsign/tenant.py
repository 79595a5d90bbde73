"""The emulated team: one sender's documents, tokens, and the rules by which a document moves."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.applications import Starlette

from emulators.cloudsign.routes import routes
from emulators.pledges import PLEDGES, Pledge

DRAFT, SENT, COMPLETED, CLOSED, TEMPLATE, IMPORTED = 0, 1, 2, 3, 4, 13
SENDER = {"email": "hr@hoshizora.example", "name": "星空商事 人事部", "organization": "星空商事株式会社"}
CLIENT_ID = "c1d0a9f2-7b64-4c55-9e1b-hoshizora"
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Options:
    """
    How this team behaves.

    *page_size*: documents a page, the vendor's is 100.  *administrator*: whether the user may list the team's documents.
    *web_api*: whether the option was ordered.  *token_seconds*: life of a token.  *null_lists*: an empty list is null.
    """

    page_size: int = 100
    administrator: bool = False
    web_api: bool = True
    token_seconds: int = 3600
    null_lists: bool = False
    pledges: tuple[Pledge, ...] = PLEDGES
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


class Tenant:
    """One team of CloudSign.  *documents*: by id; *files*: their bytes; *mails*: sent mails as (document, address)."""

    def __init__(self, **options: Any) -> None:
        self.options = Options(**options)
        self.documents: dict[str, Document] = {}
        self.attributes: dict[str, dict[str, Any]] = {}
        self.files: dict[str, Callable[[], bytes]] = {}
        self.tokens: dict[str, datetime] = {}
        self.mails: list[tuple[str, str]] = []
        self._order: list[tuple[str, str]] | None = None
        self._numbers = itertools.count(1)
        for pledge in self.options.pledges:
            self.keep(pledge)
        self.app = Starlette(routes=routes(self))

    def credentials(self) -> dict[str, str]:
        """Return the client id."""
        return {"client_id": CLIENT_ID}

    def token(self) -> str:
        """Return the token: the same one until it expires."""
        now = self.options.clock()
        for token, until in self.tokens.items():
            if until > now:
                return token
        made = f"cs-token-{next(self._numbers):06d}"
        self.tokens[made] = now + timedelta(seconds=self.options.token_seconds)
        return made

    def new_id(self) -> str:
        return hashlib.sha256(f"document {next(self._numbers)}".encode()).hexdigest()[:32]

    def order(self) -> list[tuple[str, str]]:
        """Return (last processed, id) of every document, the oldest first; kept until a document moves."""
        if self._order is None:
            self._order = sorted((str(d["last_processed_at"]), d["id"]) for d in self.documents.values())
        return self._order

    def crowd(self, count: int) -> None:
        """Let *count* more people have signed contracts, spread over the ten years to 2025."""
        for n in range(count):
            at = datetime(2016, 1, 1, tzinfo=UTC) + timedelta(seconds=n * (10 * 365 * 86400 // count))
            made = self.draft("業務委託契約書", "", at=at)
            self.add_file(made, "契約書.pdf", lambda: b"%PDF-1.7\n%%EOF\n")
            self.add_participant(made, f"partner{n}@elsewhere.example", f"取引先 担当{n % 1000}", "ja")
            self.send(made, at=at, mail=False)
            self.answer(made, "signed", at=at)

    # -- documents ------------------------------------------------------------------------------------------------------

    def keep(self, pledge: Pledge) -> Document:
        """Put one of the company's papers among the documents."""
        made = self.draft(pledge.title, "", at=pledge.at)
        self.add_file(made, f"{pledge.title}.pdf", pledge.content)
        if pledge.state == "scan":
            made |= {"status": IMPORTED, "note": pledge.name}
            self.attributes[made["id"]] = _attribute(made, contract_at=pledge.on.isoformat())
            return made
        self.add_participant(made, pledge.email, pledge.name, pledge.language)
        if pledge.expires_on is not None:
            self.attributes[made["id"]] = _attribute(made, validity_end_at=pledge.expires_on.isoformat())
        self.send(made, at=pledge.at, mail=False)
        if pledge.state in {"signed", "declined"}:
            self.answer(made, pledge.state, at=pledge.at)
        elif pledge.state == "voided":
            self._move(made, CLOSED, 10, pledge.at)
        return made

    def draft(self, title: str, note: str, *, message: str = "", at: datetime | None = None) -> Document:
        now = rfc3339(at or self.options.clock())
        made: Document = {
            "id": self.new_id(), "user_id": hashlib.sha256(b"sender").hexdigest()[:32], "title": title, "note": note,
            "message": message, "status": DRAFT, "can_transfer": False, "private": False, "sent_at": None,
            "last_processed_at": now, "created_at": now, "updated_at": now, "files": [],
            "participants": [participant(self.new_id(), 0, **SENDER)],
        }  # fmt: skip
        self.documents[made["id"]] = made
        self._order = None
        return made

    def delete(self, document: Document) -> None:
        del self.documents[document["id"]]
        self._order = None

    def add_file(self, document: Document, name: str, content: Callable[[], bytes]) -> None:
        file_id = self.new_id()
        order = len(document["files"])
        document["files"].append({"id": file_id, "name": name, "order": order, "total_pages": 1, "widgets": []})
        self.files[file_id] = content

    def add_participant(self, document: Document, email: str, name: str, language: str) -> None:
        order = len(document["participants"])
        made = participant(self.new_id(), order, email=email, name=name, organization="", language_code=language)
        document["participants"].append(made)

    def send(self, document: Document, *, at: datetime | None = None, mail: bool = True) -> None:
        """Send a draft, or remind the people that the document waits for."""
        if document["status"] == DRAFT:
            now = rfc3339(at or self.options.clock())
            document |= {"status": SENT, "sent_at": now, "last_processed_at": now, "updated_at": now}
            document["participants"][0] |= {"status": 6, "processed_at": now}
            for who in document["participants"][1:]:
                who["status"] = 4
            self._order = None
        if mail:
            self.mails += [(document["id"], who["email"]) for who in document["participants"][1:]]

    def answer(self, document: Document, state: str, *, at: datetime | None = None) -> None:
        """Let the recipients sign or decline."""
        if state == "declined":
            document["decline_comment"] = "署名しません"
            self._move(document, CLOSED, 9, at)
        else:
            self._move(document, COMPLETED, 7, at)

    def sign_first_of_two(self, document_id: str) -> None:
        """Let the recipient sign, with the company's to follow."""
        document = self.documents[document_id]
        self.add_participant(document, "hr@hoshizora.example", "人事部長", "ja")
        document["participants"][1] |= {"status": 7, "processed_at": rfc3339(self.options.clock())}
        document["participants"][2]["status"] = 4

    def take_back(self, document_id: str) -> None:
        """Cancel a sent document, as its sender does."""
        self._move(self.documents[document_id], CLOSED, 10, None)

    def _move(self, document: Document, status: int, theirs: int, at: datetime | None) -> None:
        now = rfc3339(at or self.options.clock())
        document |= {"status": status, "last_processed_at": now, "updated_at": now}
        self._order = None
        for who in document["participants"][1:]:
            who.update({"status": theirs} | ({"processed_at": now} if theirs != 10 else {}))

    def document_of(self, employee_no: str, title: str) -> Document:
        """Return one of the company's papers by its signer and title, the newest."""
        pledges = [p for p in self.options.pledges if p.employee_no == employee_no and p.title == title]
        found = [d for d in self.documents.values() if d["title"] == title and _names(d, pledges[-1])]
        return max(found, key=lambda d: str(d["last_processed_at"]))


def participant(identity: str, order: int, *, email: str, name: str, organization: str, language_code: str = "ja") -> dict[str, Any]:  # fmt: skip
    """Return a participantModel."""
    return {
        "id": identity, "email": email, "name": name, "organization": organization, "order": order, "status": 2,
        "access_code": "", "language_code": language_code, "advanced_authn_request": False, "tel": "",
        "recipient_id": "", "callback": False,
    }  # fmt: skip


def rfc3339(at: datetime) -> str:
    """Return an instant as the vendor writes it."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _names(document: Document, pledge: Pledge) -> bool:
    return document["note"] == pledge.name or any(who["email"] == pledge.email for who in document["participants"])


def _attribute(document: Document, **known: str) -> dict[str, Any]:
    return {
        "document_id": document["id"], "title": "", "counterparty": "", "contract_at": None, "validity_start_at": None,
        "validity_end_at": None, "validity_end_notice_at": None, "auto_update": 0, "local_id": "", "amount": None,
        "created_at": document["created_at"], "updated_at": document["updated_at"], "options": [], **known,
    }  # fmt: skip
