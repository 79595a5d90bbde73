"""Links: people's answers on a person's accounts, kept beyond the case, so that a question is answered once.  Facts are read again."""

from __future__ import annotations

from typing import TypeAlias

from sqlalchemy import bindparam
from sqlmodel import Session, select

from casework.context import Context
from casework.matching.deciding import Key
from connectors.names import spellings
from models.tables import AccountLink, Case, CaseAccount
from models.vocabulary import Standing

Links: TypeAlias = "dict[Key, AccountLink]"
_OF_PERSON = select(AccountLink).where(
    AccountLink.company == bindparam("company"), AccountLink.employee_key == bindparam("employee_key")
)


def of_person(session: Session, case: Case) -> Links:
    """Return the links of the case's person, by account."""
    person = {"company": case.company, "employee_key": case.employee_key}
    links = session.exec(_OF_PERSON, params=person).all()
    return {(link.connection, link.account_id): link for link in links}


def words(case: Case, links: Links) -> dict[Key, bool]:
    """Return the answers of earlier cases (True: the person's account), without those on another person with the same number."""
    name = spellings(str(case.leaver["name"]))
    return {
        key: link.theirs
        for key, link in links.items()
        if link.person is not None and link.case_id != case.id and name & spellings(link.name)
    }


def remember(context: Context, session: Session, case: Case, row: CaseAccount, links: Links) -> None:
    """Write the link that the account is the person's, or is not, with the name of the person who decided it."""
    key = row.connection, row.vendor_id
    link, theirs, told = links.get(key), row.standing is Standing.ACCEPTED, row.judged.get("facts", [])
    if link is not None and (link.theirs, link.facts, link.person) == (theirs, told, row.decided_by):
        return
    written = AccountLink(
        id=None if link is None else link.id, company=case.company, employee_key=case.employee_key, connection=row.connection, account_id=row.vendor_id,
        case_id=case.id, name=case.leaver["name"], theirs=theirs, facts=told, person=row.decided_by, linked_at=context.now(),
    )  # fmt: skip
    links[key] = session.merge(written)


def forget(session: Session, case: Case, row: CaseAccount, links: Links) -> None:
    """Delete the link that this case made: its answer was taken back, or holds no longer."""
    link = links.get((row.connection, row.vendor_id))
    if link is not None and link.case_id == case.id:
        session.delete(link)
        del links[row.connection, row.vendor_id]
