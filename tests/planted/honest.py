"""What happens to honest people in half a year, some of which looks like a leak."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from casework.intake.employment import Employment
from models.vocabulary import ActivityKind as K
from tests.planted.calendar import EVENING, NIGHT, days_between
from tests.planted.people import ACCOUNT, DAYS, FILES, MAIL, ROLES, Person


def _some_day(p: Person, first: int = 20, last: int = DAYS - 10) -> date:
    return p.first_on + timedelta(days=p.chance.randint(first, last))


def ordinary(p: Person) -> None:
    """Nothing else happens."""


def night_shift(p: Person) -> None:
    """Always at night, weekends among it."""
    p.calendar.hours, p.calendar.works_weekends = NIGHT, 0.3


def shift_change(p: Person) -> None:
    """Another shift, in the window or before it."""
    p.calendar.shift = (_some_day(p, 120), p.chance.choice((EVENING, NIGHT)))


def overtime(p: Person) -> None:
    """Weeks of evenings, in the window for some."""
    first = _some_day(p, 100)
    p.calendar.late = set(days_between(first, first + timedelta(days=p.chance.randint(10, 40))))


def migration(p: Person) -> None:
    """The company replaced the computer, and a sync client filled the new one in a day or two."""
    day = next(one for one in p.worked() if one >= _some_day(p, 60, DAYS - 12))
    p.devices.append((day, "pc-2"))
    for _ in range(p.chance.randint(1_500, 12_000)):
        on = day + timedelta(days=p.chance.randint(0, 1))
        p.extra.append(
            (FILES, p.act(K.SYNC, on, p.chance.randrange(24), folder=f"old/{p.chance.randrange(60)}", device="pc-2"))
        )


def replaced_pc(p: Person) -> None:
    """Another computer, without moving anything."""
    day = _some_day(p, 60)
    p.devices.append((day, "pc-2"))
    p.extra.append((ACCOUNT, p.act(K.DEVICE, day)))


def new_phone(p: Person) -> None:
    """A telephone with which to sign in."""
    p.extra.append((ACCOUNT, p.act(K.DEVICE, _some_day(p))))


def new_hire(p: Person) -> None:
    """Came a few weeks or months ago; HR's notice says so for every other one."""
    p.began_on = p.notice_on - timedelta(days=p.chance.randint(5, 70))
    if p.chance.random() < 0.5:
        p.hr = Employment(joined_on=p.began_on)
    p.phases.append((p.began_on, p.began_on + timedelta(days=20), 0.6, 0.5))


def returner(p: Person) -> None:
    """Back from months of leave, which HR noted for every other one."""
    first = _some_day(p, 1, 60)
    last = first + timedelta(days=p.chance.randint(50, 90))
    p.calendar.off.append((first, last))
    if p.chance.random() < 0.5:
        p.hr = Employment(leaves=((first, last),))


def paid_leave(p: Person) -> None:
    """Uses up the days off before leaving."""
    p.calendar.off.append((p.ends_on - timedelta(days=p.chance.randint(5, 27)), p.ends_on))


def data_engineer(p: Person) -> None:
    """Programs fetch hundreds of files every day."""
    p.role, a_day = ROLES["engineer"], p.chance.randint(60, 400)
    for day in p.worked():
        for _ in range(max(0, round(p.chance.gauss(a_day, 0.5 * a_day)))):
            p.extra.append((FILES, p.act(K.DOWNLOAD, day, p.chance.randrange(24), by_program=True, folder="lake")))


def month_end(p: Person) -> None:
    """Closes the books: hundreds or thousands of files on the last working day of a month."""
    p.role, p.closing = ROLES["accountant"], p.chance.randint(300, 2_500)


def handover(p: Person) -> None:
    """Fetches the team's files in the last weeks, puts them in order, writes it all down, and lets colleagues into the mailbox."""
    for day in [day for day in p.worked() if day >= p.ends_on - timedelta(days=10)]:
        for kind, most in ((K.DOWNLOAD, 80), (K.UPLOAD, 60), (K.EDIT, 30)):
            for _ in range(p.chance.randrange(most)):
                p.extra.append((FILES, p.act(kind, day, folder=f"handover/{p.chance.randrange(40)}")))
    p.extra.append((MAIL, p.act(K.FORWARD, p.ends_on, target="successor@example.test")))
    p.extra.append((MAIL, p.act(K.DELEGATE, p.ends_on, target="successor@example.test")))


def team_handover(p: Person) -> None:
    """A manager who fetches what the whole team leaves behind, and files it anew."""
    p.role = ROLES["manager"]
    for day in [day for day in p.worked() if day >= p.ends_on - timedelta(days=7)]:
        for _ in range(p.chance.randint(40, 160)):
            p.extra.append((FILES, p.act(K.DOWNLOAD, day, folder=f"team-{p.chance.randrange(40)}")))
            p.extra.append((FILES, p.act(p.chance.choice((K.UPLOAD, K.EDIT)), day)))


def auditor(p: Person) -> None:
    """Reviews a department each quarter: hundreds of files a day, many of them marked, for a week or two."""
    for first in (p.first_on + timedelta(days=p.chance.randint(10, 30) + 90 * n) for n in range(3)):
        for day in p.worked():
            if first <= day <= first + timedelta(days=9):
                for _ in range(p.chance.randint(40, 160)):
                    kind = p.chance.choice((K.DOWNLOAD, K.VIEW, K.VIEW))
                    title = p.chance.choice(("社外秘_台帳.xlsx", "台帳.xlsx"))
                    p.extra.append((FILES, p.act(kind, day, object_id=f"x{p.chance.randrange(9000)}", title=title)))


def trip(p: Person) -> None:
    """Two journeys, by hotels' networks."""
    for first in (_some_day(p), _some_day(p, DAYS - 28, DAYS - 8)):
        for day in days_between(first, first + timedelta(days=p.chance.randint(1, 6))):
            p.journeys[day] = f"198.51.100.{p.chance.randrange(200)}"


def home_office(p: Person) -> None:
    """Two or three days a week by the line at home, which changes its address now and then."""
    for day in p.worked():
        if p.chance.random() < 0.5:
            p.journeys[day] = f"192.0.2.{day.month}"


def promotion(p: Person) -> None:
    """Another task from some day on: more of everything, or less."""
    work = p.chance.choice((0.6, 1.5, 2.0, 3.0))
    p.phases.append((_some_day(p, 60), p.ends_on, work * p.chance.uniform(0.8, 1.4), work))


def project(p: Person) -> None:
    """A project of some weeks, with more of everything."""
    first, work = _some_day(p, 30, DAYS - 20), p.chance.uniform(1.2, 2.5)
    p.phases.append((first, first + timedelta(days=p.chance.randint(15, 60)), work * p.chance.uniform(0.8, 1.5), work))


def recordings(p: Person) -> None:
    """Fetches the recording of a meeting now and then."""
    for _ in range(p.chance.randint(3, 12)):
        size = p.chance.randint(150, 900) * 10**6
        p.extra.append((FILES, p.act(K.DOWNLOAD, _some_day(p, 0), size=size, title="会議録画.mp4")))


def new_tool(p: Person) -> None:
    """Lets applications in, one of which reads some files."""
    for _ in range(p.chance.randint(1, 4)):
        day = _some_day(p)
        p.extra.append((ACCOUNT, p.act(K.GRANT, day, target=f"tool-{p.chance.randrange(9)}")))
        p.extra += [(FILES, p.act(K.DOWNLOAD, day, by_program=True)) for _ in range(p.chance.randint(0, 60))]


def private_matter(p: Person) -> None:
    """Sends the own payslip home, fetches the own photographs, or sets up an old scanner: to the logs it is what a leak would be."""
    day = _some_day(p, 100)
    p.extra.append(
        p.chance.choice((
            (FILES, p.act(K.EXTERNAL_SHARE, day, target=p.leaver.other_emails[0])), (ACCOUNT, p.act(K.TAKEOUT, day)),
            (ACCOUNT, p.act(K.APP_PASSWORD, day)),
        ))
    )  # fmt: skip


HONEST: dict[Callable[[Person], None], float] = {
    ordinary: 40, night_shift: 4, shift_change: 3, overtime: 4, migration: 3, replaced_pc: 3, new_phone: 3, new_hire: 4, returner: 4,
    paid_leave: 5, data_engineer: 2, month_end: 4, handover: 5, team_handover: 1, auditor: 2, trip: 4, home_office: 5, promotion: 4, project: 6, recordings: 3,
    new_tool: 3, private_matter: 0.2,
}  # fmt: skip
"""What happens, and to how many of a hundred."""
APART = (new_hire, private_matter)
"""Those of whom nobody could say what is a leak and what is not: nobody among them leaks."""
