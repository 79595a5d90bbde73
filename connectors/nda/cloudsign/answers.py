"""CloudSign's documents (documentModel of Web API 0.31) as papers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from connectors.kit.answers import instant
from connectors.nda.contract import Paper

WHO = "cloudsign"
DRAFT, SENT, COMPLETED, CLOSED, TEMPLATE, IMPORTED = 0, 1, 2, 3, 4, 13
WORDS: Mapping[int, str] = {
    DRAFT: "下書き",
    SENT: "先方確認中",
    COMPLETED: "締結済",
    CLOSED: "取消、または却下",
    TEMPLATE: "テンプレート",
    IMPORTED: "インポート書類",
}
AGREED, _DECLINED = 7, 9  # participantModel.status
_TOKYO = ZoneInfo("Asia/Tokyo")
MARK = "lastday:"


def papers_of(document: Mapping[str, Any]) -> list[Paper]:
    """
    Return one paper for each recipient: a document that several sign binds each of them.

    An imported document (a scan) has no recipients; its note, CloudSign's place for the other party's name, names the signer.
    Call it within `connectors.kit.answers.understood`: a document of another shape raises.
    """
    paper = _common(document)
    if document["status"] == IMPORTED:
        return [replace(paper, signer_name=document.get("note") or None, completed=True)]
    return [_signed_by(paper, who, document) for who in recipients(document)] or [paper]


def recipients(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the participants besides the sender, whose order is 0."""
    return sorted((who for who in document.get("participants") or () if who["order"] > 0), key=lambda who: who["order"])


def mark(document: Mapping[str, Any]) -> str | None:
    """Return the key that `send` wrote into the document's note, which recipients do not see."""
    note = document.get("note") or ""
    return note.removeprefix(MARK) if note.startswith(MARK) else None


def with_attribute(paper: Paper, attribute: Mapping[str, Any] | None) -> Paper:
    """Return *paper* with its end date from the document's 書類情報, and the signing date if it has none."""
    if attribute is None:
        return paper
    signed_on = paper.signed_on or _day(attribute.get("contract_at"))
    return replace(paper, expires_on=_day(attribute.get("validity_end_at")), signed_on=signed_on)


def _common(document: Mapping[str, Any]) -> Paper:
    status, files = document["status"], document.get("files") or ()
    details = {"files": str(len(files))} if len(files) > 1 else {}
    if document.get("decline_comment"):
        details["decline_comment"] = document["decline_comment"]
    return Paper(
        register=WHO,
        id=document["id"],
        kind=None,
        title=document.get("title") or "",
        status=WORDS.get(status, str(status)),
        completed=status == COMPLETED,
        media_type="application/pdf" if files else None,
        details=MappingProxyType(details),
    )


def _signed_by(paper: Paper, who: Mapping[str, Any], document: Mapping[str, Any]) -> Paper:
    status = document["status"]
    at = instant(WHO, who.get("processed_at") or document.get("last_processed_at"), "processed_at")
    declined = status == CLOSED and who["status"] == _DECLINED
    return replace(
        paper,
        signer_name=who.get("name") or None,
        signer_email=who.get("email") or None,
        language=who.get("language_code") or None,
        signed_on=at.astimezone(_TOKYO).date() if at is not None and status == COMPLETED else None,
        declined_at=at if declined else None,
        void=status == CLOSED and not declined,
    )


def _day(text: object) -> date | None:
    return date.fromisoformat(text[:10]) if isinstance(text, str) and text else None
