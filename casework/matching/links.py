"""What is known of a person's accounts beyond one case: so that a question is answered once."""

from __future__ import annotations

from collections.abc import Iterable

from sqlmodel import Session, select

from casework.desk import Desk
from casework.matching.deciding import Key
from connectors.names import spellings
from models.tables import AccountLink, Case, CaseAccount
from models.vocabulary import Fact, Standing


def words_of_people(session: Session, case: Case) -> dict[Key, bool]:
    """
    Return what persons have said in earlier cases of the same person: an account is theirs, or is not.

    A link that two facts made is no word: facts are read again.  Nor is one of somebody else who was given the same number.
    """
    links = session.exec(select(AccountLink).where(AccountLink.employee_key == case.employee_key)).all()
    name = spellings(str(case.leaver["name"]))
    return {
        (link.service, link.account_id): link.theirs
        for link in links
        if link.person is not None and link.case_id != case.id and name & spellings(link.name)
    }


def remember(desk: Desk, session: Session, case: Case, row: CaseAccount, facts: Iterable[Fact]) -> None:
    """
    Write that the account is the person's, or by the word of whoever decided it that it is not.

    A word is never replaced by facts.
    """
    link, theirs, told = _link(session, case, row), row.standing is Standing.ACCEPTED, sorted(map(str, facts))
    if link is not None and link.person is not None and row.decided_by is None:
        return
    if link is not None and (link.theirs, link.facts, link.person) == (theirs, told, row.decided_by):
        return
    link = link or AccountLink(
        case_id=case.id,
        employee_key=case.employee_key,
        name="",
        service=row.service,
        account_id=row.vendor_id,
        theirs=theirs,
    )
    link.case_id, link.name, link.theirs = case.id, str(case.leaver["name"]), theirs
    link.facts, link.person, link.linked_at = told, row.decided_by, desk.now()
    session.add(link)


def forget(session: Session, case: Case, row: CaseAccount) -> None:
    """Take the link away that this case made: its answer was taken back, or its facts no longer hold."""
    link = _link(session, case, row)
    if link is not None and link.case_id == case.id:
        session.delete(link)


def _link(session: Session, case: Case, row: CaseAccount) -> AccountLink | None:
    return session.exec(
        select(AccountLink).where(
            AccountLink.employee_key == case.employee_key,
            AccountLink.service == row.service,
            AccountLink.account_id == row.vendor_id,
        )
    ).first()
