"""A connection that is no longer in use: two people say so, and only then is it no longer looked for."""

from __future__ import annotations

from audit.events import EventType
from casework.context import Context
from casework.decisions.signatures import TENANT
from casework.errors import BadRequest
from casework.recording import seal
from casework.truth.retired import verb_of
from models.tables import Approval
from models.vocabulary import Service


def request_retirement(context: Context, service: Service, *, by: str, reason: str) -> Approval:
    """
    Ask for *service* to be retired: cases that had accounts there are closed and looked at without it.

    Counts once a second person has approved it.  Raises `BadRequest` for one that is still configured, or without a reason.
    """
    if service in context.configured:
        raise BadRequest(f"retire: {service} is configured", "Take it out of LASTDAY_SERVICES first.")
    if not reason.strip():
        raise BadRequest("retire: has no reason", "Say what became of the tenant, and of the accounts in it.")
    with context.store.write() as session:
        request = Approval(
            id=context.name("retire"), case_id=TENANT, verb=verb_of(service), reason=reason,
            requested_by=by, requested_at=context.now(),
        )  # fmt: skip
        session.add(request)
        seal(
            context, session, EventType.CASE_APPROVAL_REQUESTED, TENANT, service=service,
            payload={"by": by, "reason": reason, "request": request.id},
        )  # fmt: skip
        return request
