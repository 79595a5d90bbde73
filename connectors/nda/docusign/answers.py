"""DocuSign's envelopes, as the SDK reads them, as papers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from connectors.kit.answers import instant
from connectors.nda.contract import Paper
from connectors.nda.docusign.errors import WHO

KEY_FIELD = "lastday_key"
_TOKYO = ZoneInfo("Asia/Tokyo")
_FIELDS = {"社員番号": "employee_no", "有効期限": "expires_on", "対象範囲": "scope", "退職後有効": "survives"}
_YES = MappingProxyType(
    {"yes": True, "true": True, "はい": True, "有": True, "no": False, "false": False, "いいえ": False, "無": False}
)


def papers_of(envelope: Any) -> list[Paper]:
    """
    Return one paper for each signer: an envelope that several sign binds each of them.

    The envelope's text custom fields have what DocuSign itself does not: employee_no, expires_on, scope, survives (or
    社員番号, 有効期限, 対象範囲, 退職後有効).  Call it within `connectors.kit.answers.understood`: an envelope of another
    shape raises.
    """
    fields, title = fields_of(envelope), envelope.email_subject or ""
    details = {"voided_reason": envelope.voided_reason} if envelope.voided_reason else {}
    if envelope.purge_state not in {None, "", "unpurged"}:
        details["purge_state"] = envelope.purge_state
    if (expires_on := _day(fields.get("expires_on"))) is None and fields.get("expires_on"):
        details["problem"] = "expires_on cannot be read"
    paper = Paper(
        register=WHO,
        id=envelope.envelope_id,
        kind=None,
        title=title,
        signer_employee_no=fields.get("employee_no"),
        status=envelope.status,
        completed=envelope.status == "completed",
        void=envelope.status in {"voided", "deleted"},
        scope=fields.get("scope"),
        survives=_YES.get(fields.get("survives", "").casefold()),
        expires_on=expires_on,
        details=MappingProxyType(details),
    )
    return [_signed_by(paper, signer) for signer in signers_of(envelope)] or [paper]


def fields_of(envelope: Any) -> dict[str, str]:
    """Return the envelope's text custom fields by name, the Japanese names of ours in English."""
    held = envelope.custom_fields.text_custom_fields if envelope.custom_fields is not None else None
    return {_FIELDS.get(field.name, field.name): field.value for field in held or () if field.value}


def signers_of(envelope: Any) -> Iterator[Any]:
    """Yield the signers, in person or by mail; recipients of copies and approvers do not sign."""
    if envelope.recipients is not None:
        yield from envelope.recipients.signers or ()
        yield from envelope.recipients.in_person_signers or ()


def _signed_by(paper: Paper, signer: Any) -> Paper:
    signed_at = instant(WHO, signer.signed_date_time, "signedDateTime")
    declined = signer.status == "declined"
    more = {"declined_reason": signer.declined_reason} if declined and signer.declined_reason else {}
    name = getattr(signer, "signer_name", None) or signer.name  # in person, *name* is the host's
    email = getattr(signer, "signer_email", None) or signer.email
    return replace(
        paper,
        signer_name=name or None,
        signer_email=email or None,
        declined_at=instant(WHO, signer.declined_date_time, "declinedDateTime") if declined else None,
        signed_on=signed_at.astimezone(_TOKYO).date() if signed_at is not None else None,
        details=MappingProxyType({**paper.details, **more}),
    )


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text.strip().replace("/", "-")) if text else None
    except ValueError:
        return None
