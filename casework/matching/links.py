"""What is known of a person's accounts beyond one case: so that a question is answered once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from sqlmodel import Session, select

from casework.context import Context
from casework.matching.deciding import Key
from connectors.names import spellings
from models.tables import AccountLink, Case, CaseAccount
from models.vocabulary import Fact, Standing

Links: TypeAlias = "dict[Key, AccountLink]"


def of_person(session: Session, case: Case) -> Links:
    """Return what is known of the accounts of the case's person, by account."""
    links = session.exec(
        select(AccountLink).where(AccountLink.company == case.company, AccountLink.employee_key == case.employee_key)
    ).all()
    return {(link.connection, link.account_id): link for link in links}


def words(case: Case, links: Links) -> dict[Key, bool]:
    """
    Return what persons have said in earlier cases of the same person: an account is theirs, or is not.

    A link that two facts made is no word: facts are read again.  Nor is one of somebody else who was given the same number.
    """
    name = spellings(str(case.leaver["name"]))
    return {
        key: link.theirs
        for key, link in links.items()
        if link.person is not None and link.case_id != case.id and name & spellings(link.name)
    }


def remember(
    context: Context, session: Session, case: Case, row: CaseAccount, links: Links, facts: Iterable[Fact]
) -> None:
    """
    Write that the account is the person's, or by the word of whoever decided it that it is not.

    A word is never replaced by facts.
    """
    key = row.connection, row.vendor_id
    link, theirs, told = links.get(key), row.standing is Standing.ACCEPTED, sorted(map(str, facts))
    if link is not None and link.person is not None and row.decided_by is None:
        return
    if link is not None and (link.theirs, link.facts, link.person) == (theirs, told, row.decided_by):
        return
    written = AccountLink(
        id=None if link is None else link.id, company=case.company, employee_key=case.employee_key, connection=row.connection, account_id=row.vendor_id,
        case_id=case.id, name=case.leaver["name"], theirs=theirs, facts=told, person=row.decided_by, linked_at=context.now(),
    )  # fmt: skip
    links[key] = session.merge(written)


def forget(session: Session, case: Case, row: CaseAccount, links: Links) -> None:
    """Take the link away that this case made: its answer was taken back, or its facts no longer hold."""
    link = links.get((row.connection, row.vendor_id))
    if link is not None and link.case_id == case.id:
        session.delete(link)
        del links[row.connection, row.vendor_id]
