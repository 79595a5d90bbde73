"""The intents and outcomes of a restore: what is given back, and what is taken so that giving back is safe."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session

from casework.access import fates
from casework.access.revoking import as_entitlement, finish, finish_failed
from casework.access.rows import rows_of
from casework.claims import require_lease
from casework.desk import Desk
from casework.recording import seal_intent, seal_outcome
from connectors.errors import ConnectorError, OutcomeUnknown
from models.tables import Case, CaseAccount, CaseEntitlement
from models.vocabulary import Evidence, Restored, RevocationResult, Service

GIVE, TAKE = "restore", "revoke"


def failure_of(service: Service, exc: Exception) -> ConnectorError:
    """Return what went wrong as a connector's failure; of what none foresaw the outcome is not known."""
    if isinstance(exc, ConnectorError):
        return exc
    what = "no answer in time" if isinstance(exc, TimeoutError) else type(exc).__name__
    return OutcomeUnknown(f"{service}: {what}")


def announce(desk: Desk, account: CaseAccount, row: CaseEntitlement, verb: str) -> list[Case]:
    """
    Commit the intent before the request leaves; but if another case claims the account, nothing: return those cases.

    The claim is asked for in the intent's own transaction: a case that was decided a moment ago counts.
    """
    with desk.store.write() as session:
        require_lease(desk, session.get_one(Case, account.case_id))
        others = fates.claimants(desk, session, account.case_id, account.service, account.vendor_id)
        if others and verb == GIVE:
            return others
        row.op = desk.name("op")
        if verb == GIVE:
            row.restored = Restored.PENDING if row.restored is not Restored.CONFIRMED else row.restored
        else:
            row.attempts += 1
        session.add(row)
        seal_intent(desk, session, row, account.ref, verb=verb)
    return []


def conclude(
    desk: Desk,
    account: CaseAccount,
    row: CaseEntitlement,
    result: RevocationResult,
    evidence: Sequence[Evidence],
    text: str = "",
) -> None:
    """Commit what became of giving *row* back.  What the cut's own request came to stays as it was."""
    with desk.store.write() as session:
        seal_outcome(desk, session, row, account.ref, evidence, result=result, text=text, verb=GIVE)
        row.op = None
        session.add(row)


async def take(desk: Desk, account: CaseAccount, row: CaseEntitlement) -> ConnectorError | None:
    """Take *row* away in the course of a restore; return the failure, if it is one."""
    announce(desk, account, row, TAKE)
    try:
        receipt = await desk.connectors[row.service].revoke(as_entitlement(row))
    except Exception as exc:  # noqa: BLE001  # whatever goes wrong is this row's
        error = failure_of(row.service, exc)
        finish_failed(desk, account, row, error)
        return error
    finish(desk, account, row, receipt)
    return None


def close_intents(desk: Desk, account: CaseAccount) -> None:
    """Give an outcome to the intents that a crash, or a time limit, left open: nobody knows what became of them."""
    with desk.store.write() as session:
        for row in rows_of(session, account.case_id, account):
            if row.op is not None:
                _unknown(desk, session, account, row)


def _unknown(desk: Desk, session: Session, account: CaseAccount, row: CaseEntitlement) -> None:
    giving = row.restored in {Restored.PENDING, Restored.CONFIRMED}
    if not giving:
        row.result = RevocationResult.UNKNOWN
    seal_outcome(
        desk, session, row, account.ref, (), result=RevocationResult.UNKNOWN,
        text="interrupted before an answer", verb=GIVE if giving else TAKE,
    )  # fmt: skip
    row.op = None
    session.add(row)
