"""The person of a notice: the cases with the same number, whether they are this person's, and the commitment to the person."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from sqlmodel import Session, col, select

from audit.commitment import commit, folded_number
from casework.lifecycle import TAKEN_BACK
from connectors.full_names import former_full_names, written_names
from connectors.matching import fold_email
from connectors.names import spellings
from models.tables import Case
from models.vocabulary import Leaver


def cases_of(session: Session, company: str, employee_no: str) -> list[Case]:
    """Return the cases under a company's number that are not taken back; they may be several people's."""
    query = select(Case).where(
        Case.company == company, Case.employee_key == employee_key(employee_no), col(Case.state).not_in(TAKEN_BACK)
    )
    return list(session.exec(query.order_by(col(Case.opened_at), col(Case.id))).all())


def same_person(case: Case, leaver: Leaver) -> bool:
    """
    Whether *leaver*, who has the case's number, is the case's person: the name agrees, or the address.

    A further address is only compared with the other's company address: two further addresses may be one shared mailbox.
    """
    ours = case.person
    return bool(_names(ours) & _names(leaver)) or _address_in(ours, leaver) or _address_in(leaver, ours)


def _address_in(one: Leaver, other: Leaver) -> bool:
    known = {fold_email(address) for address in (other.email, *other.other_emails) if address}
    return one.email is not None and fold_email(one.email) in known


def _names(leaver: Leaver) -> frozenset[str]:
    names = (*written_names(leaver), *former_full_names(leaver))
    return frozenset(form for name in names for form in spellings(name))


def as_json(leaver: Leaver) -> dict[str, Any]:
    """Return the leaver in JSON's types: lists, no tuples."""
    return asdict(leaver) | {"other_emails": list(leaver.other_emails)}


@dataclass(frozen=True, slots=True)
class CommittedDigest:
    """*sha256* for the leaf, the *salts* for the payload."""

    sha256: str
    salts: dict[str, str]


def committed(case: Case) -> CommittedDigest:
    """Commit to the case's person and last day."""
    return committed_to(case.company, case.person, case.employment_ends_on)


def committed_to(company: str, leaver: Leaver, day: date) -> CommittedDigest:
    """Commit to one person's last day, under fresh salts."""
    commitment, person = commit(company, leaver.employee_no, leaver.name, str(day))
    return CommittedDigest(commitment.sha256, {"salt": commitment.salt, "person_salt": person.salt})


def employee_key(employee_no: str) -> str:
    """Fold width, case and surrounding space of an employee number, for comparing."""
    return folded_number(employee_no)
