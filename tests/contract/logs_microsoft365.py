"""What the tests of Microsoft 365's logs share: a leaver's habits, and a reading to the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from connectors.activity import ActivityPage, ActivityRecord, UnreadSpan, Window
from connectors.microsoft365.activity.sources import PURVIEW
from emulators.activity_profiles import EVERY_DAY, ROUND_THE_CLOCK, ActivityProfile, Strand, Verb
from models.vocabulary import Account, Service
from tests.contract.rig import Rig

NOW = datetime.now(UTC).replace(microsecond=0)
TODAY = NOW.date()
WINDOW = Window(NOW - timedelta(days=20), NOW - timedelta(hours=1))
QUERIES = "/security/auditLog/queries"
RECORDS = r"GET /v1.0/security/auditLog/queries/[^/?]+/records"
POLL = r"GET /v1.0/security/auditLog/queries/[^/?]+$"
SUBMIT = r"POST /v1.0/security/auditLog/queries"


def views(total: int) -> ActivityProfile:
    """Somebody who did *total* things within the window, at all hours."""
    since = TODAY - timedelta(days=18)
    return ActivityProfile(
        "views", [Strand(Verb.VIEW, total, since, TODAY - timedelta(days=1), EVERY_DAY, ROUND_THE_CLOCK)]
    )


def account(r: Rig, person: str = "E1001", habit: ActivityProfile | None = None) -> Account:
    found = Account(Service.MICROSOFT365, r.account_id(person))
    if habit is not None:
        r.tenant.book.behave(found.id, habit)
    return found


@dataclass(slots=True)
class Reading:
    """All that came of one source, page after page, without waiting."""

    pages: list[ActivityPage] = field(default_factory=list)

    @property
    def records(self) -> dict[str, ActivityRecord]:
        return {record.id: record for page in self.pages for record in page.records}

    @property
    def gaps(self) -> list[UnreadSpan]:
        return [gap for page in self.pages for gap in page.gaps]

    @property
    def reasons(self) -> set[str]:
        return {gap.reason for gap in self.gaps}

    @property
    def waits(self) -> list[timedelta]:
        return [page.wait for page in self.pages if page.wait]


async def read(  # what a caller may vary
    r: Rig,
    of: Account,
    source: str = PURVIEW,
    window: Window = WINDOW,
    *,
    cursor: str | None = None,
    before: Callable[[int], None] = lambda _: None,
    most: int = 2000,
) -> Reading:
    """Read to the end; *before* is called with the number of each page."""
    reading = Reading()
    for n in range(most):
        before(n)
        page = await r.connector.activity(of, source, window, cursor)
        reading.pages.append(page)
        cursor = page.cursor
        if cursor is None:
            return reading
    raise AssertionError("the reading does not end")


def truth(r: Rig, of: Account, window: Window = WINDOW) -> set[str]:
    """Return the ids of what the tenant remembers of the account."""
    name = r.tenant.directory.users[of.id]["userPrincipalName"].casefold()
    found = r.tenant.book.found(frozenset({name}), window.from_at, window.until_at, r.tenant.book.now())
    return {row["id"] for row in found}


def submissions(r: Rig) -> int:
    return len(r.tenant.purview.searches)
