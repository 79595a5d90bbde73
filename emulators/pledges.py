"""
The confidentiality papers that the company's people have signed, refused or not signed.

They are the same in each emulated register.  Bytes are made on request, because a signature takes time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cache

from emulators import documents
from emulators.company import DOMAIN, Person, person

ENTRY, EXIT, PROJECT = "入社時誓約書", "退職時秘密保持誓約書", "新製品プロジェクト 秘密保持契約書"


@dataclass(frozen=True, slots=True)
class Pledge:
    """
    One paper.  *state*: signed, waiting, declined, voided, scan.  *body*: signed, scan, altered (changed after signing).

    *signer_name*, *signer_email*: those of the day, if they differ from today's.
    """

    employee_no: str
    title: str
    on: date
    state: str = "signed"
    body: str = "signed"
    signer_name: str | None = None
    signer_email: str | None = None
    expires_on: date | None = None
    language: str = "ja"

    @property
    def who(self) -> Person:
        return person(self.employee_no)

    @property
    def name(self) -> str:
        return self.signer_name or self.who.name

    @property
    def email(self) -> str:
        return self.signer_email or self.who.email

    @property
    def at(self) -> datetime:
        """The instant of its last change: 05:30 UTC, an early afternoon in Tokyo."""
        return datetime.combine(self.on, time(5, 30), UTC)

    def content(self) -> bytes:
        """Return the PDF."""
        return _content(self.body, self.who.romaji, self.at)


@cache
def _content(body: str, name: str, at: datetime) -> bytes:
    if body == "scan":
        return documents.scan_pdf()
    made = documents.signed(name, at=at, stamped=True)
    return documents.changed_afterwards(made) if body == "altered" else made


PLEDGES = (
    # both pledges signed
    Pledge("E1001", ENTRY, date(2020, 4, 1)),
    Pledge("E1001", EXIT, date(2026, 10, 30)),
    # the namesake has both, and the other 佐藤 健 has none
    Pledge("E1003", ENTRY, date(2020, 4, 1)),
    Pledge("E1003", EXIT, date(2026, 10, 20)),
    # a scan only
    Pledge("E1004", ENTRY, date(2010, 4, 1), state="scan", body="scan"),
    # signed under a former name, at a former address
    Pledge("E1005", ENTRY, date(2018, 4, 2), signer_name="渡辺 由美", signer_email=f"yumi.watanabe@{DOMAIN}"),
    # refused
    Pledge("E1007", ENTRY, date(2021, 10, 1)),
    Pledge("E1007", EXIT, date(2026, 11, 2), state="declined"),
    # altered after signing
    Pledge("E1010", ENTRY, date(2019, 4, 1), body="altered"),
    # expired, and a project's
    Pledge("E1011", PROJECT, date(2021, 4, 1), expires_on=date(2024, 3, 31), language="en"),
    # sent, and not signed yet; an earlier one was withdrawn
    Pledge("E1012", "Exit pledge of confidentiality", date(2026, 11, 5), state="voided", language="en"),
    Pledge("E1012", "Exit pledge of confidentiality", date(2026, 11, 9), state="waiting", language="en"),
    # no confidentiality paper at all
    Pledge("E1013", "雇用契約書", date(2022, 4, 1)),
)
