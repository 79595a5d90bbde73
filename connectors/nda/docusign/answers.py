"""DocuSign's envelopes, as the SDK reads them, as papers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from connectors.kit.answers import instant
from connectors.nda.columns import COLUMNS, read_cells
from connectors.nda.contract import Paper
from connectors.nda.docusign.errors import WHO

KEY_FIELD = "lastday_key"
_TOKYO = ZoneInfo("Asia/Tokyo")
_OURS = ("signer_employee_no", "expires_on", "scope", "survives")
_FIELDS = MappingProxyType(
    {field: name for name in _OURS for field in (COLUMNS[name][0], name.removeprefix("signer_"))}
)


def papers_of(envelope: Any) -> list[Paper]:
    """
    Return one paper for each signer: an envelope that several sign binds each of them.

    The envelope's text custom fields have what DocuSign itself does not: employee_no, expires_on, scope, survives (or
    社員番号, 有効期限, 対象範囲, 退職後有効).  A word that is neither yes nor no leaves *survives* unknown.  Call it within
    `connectors.kit.answers.understood`: an envelope of another shape raises.
    """
    known, unread = read_cells(_cells_of(envelope))
    details = {"voided_reason": envelope.voided_reason} if envelope.voided_reason else {}
    if envelope.purge_state not in {None, "", "unpurged"}:
        details["purge_state"] = envelope.purge_state
    if problems := [f"{name} cannot be read" for name in unread if name != "survives"]:
        details["problem"] = "; ".join(problems)
    paper = Paper(
        register=WHO,
        id=envelope.envelope_id,
        kind=None,
        title=envelope.email_subject or "",
        status=envelope.status,
        completed=envelope.status == "completed",
        void=envelope.status in {"voided", "deleted"},
        details=MappingProxyType(details),
        **known,
    )
    return [_signed_by(paper, signer) for signer in signers_of(envelope)] or [paper]


def _cells_of(envelope: Any) -> dict[str, str]:
    """Return the envelope's text custom fields that say what we ask for, by the names of a manifest's columns."""
    held = envelope.custom_fields.text_custom_fields if envelope.custom_fields is not None else None
    return {_FIELDS[one.name]: one.value for one in held or () if one.name in _FIELDS and one.value}


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
