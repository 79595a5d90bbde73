"""The demo's environment: a fresh directory with database, keys and policy, and the emulated company."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from casework.errors import Misconfigured
from emulators.activity_profiles import heavy_leaver
from emulators.company import Person, person
from emulators.tenants import Company, tenants, write_env

LEAVERS = ("E1001", "E1002", "E1004", "E1010")
NAMESAKE = "E1003"
_WITHOUT_ADDRESS = "E1002"
_DISMISSED = "E1010"
HOARDER = "E1001"
"""Took 37,000 files in the last month, at night and at weekends, after half a year of ordinary days."""

POLICY = """\
# The demo's rules: as the defaults, but with waits that fit into two minutes.
[cut]
at = "last_working"       # so that the instant can lie seconds ahead

[observe]
deadline_seconds = 6
first_wait_seconds = 0.5
longest_wait_seconds = 2

[sweep]
again_seconds = [900]     # what ended with findings rests, until a person has acted

[activity]
before_seconds = 5
after_seconds = 40        # the sweep goes on with what takes longer

[nda]
company = "星空商事株式会社"
"""


@dataclass(frozen=True, slots=True)
class Environment:
    """
    The open environment.  *home*: everything that the demo leaves behind, except the bundles (in *records*) and the trust material
    (in *trust*), which is never kept with the bundles.
    """

    home: Path
    records: Path
    trust: Path
    company: Company
    env: Mapping[str, str]


ENV_FILE = "demo.env"
MARK = "REHEARSAL.txt"
"""The file that marks a folder as a rehearsal's, which a later rehearsal may empty."""


@contextlib.contextmanager
def rehearsal(home: Path) -> Iterator[Environment]:
    """
    Open the environment in *home*, and change this process's settings and current folder to it, so that no other `.env` is read.
    First empties *home* and the folders of an earlier rehearsal beside it: the new keys could not verify the old records.  Raises
    `Misconfigured` if one of the folders has something else.
    """
    home = home.resolve()
    records, trust = home.with_name("records"), home.with_name("trust")
    for folder, ours in ((home, ENV_FILE), (records, MARK), (trust, MARK)):
        if folder.exists() and any(folder.iterdir()) and not (folder / ours).exists():
            raise Misconfigured(
                f"demo: {folder} holds something else",
                "Choose another directory with --home: records and trust go beside it.",
            )
    for folder in (home, records, trust):
        shutil.rmtree(folder, ignore_errors=True)
    for folder in (records, trust):
        folder.mkdir(parents=True)
        (folder / MARK).write_text(
            "Made by a rehearsal: worthless against the operator.\n予行演習の成果物。運用者に対する証明力はない。\n",
            encoding="utf-8",
        )
    home.mkdir(parents=True, mode=0o700)
    (home / "policy.toml").write_text(POLICY, encoding="utf-8")
    with ExitStack() as stack:
        company = stack.enter_context(
            # Slack without employee numbers, like most workspaces: only the name is left for matching
            tenants(
                home / "tenants",
                sync_every=4,
                spare_owners=True,
                trust=trust,
                slack_options={"employee_numbers": False},
            )
        )
        company.tenants["google_workspace"].behave(
            company.truths["google_workspace"].account_id(HOARDER),
            heavy_leaver(
                HOARDER, (datetime.now(ZoneInfo("Asia/Tokyo")) - timedelta(days=1)).date()
            ),  # whole days alone
        )
        env = company.env | _house(home)
        write_env(home / ENV_FILE, env)
        stack.enter_context(settings(env))
        stack.enter_context(contextlib.chdir(home))
        yield Environment(home, records, trust, company, env)


def _house(home: Path) -> dict[str, str]:
    return {
        "LASTDAY_DATABASE_URL": f"sqlite:///{home / 'lastday.db'}",
        "LASTDAY_SERVICES": "google_workspace,slack,microsoft365",
        "LASTDAY_POLICY_FILE": str(home / "policy.toml"),
        "LASTDAY_AUDIT_ORIGIN": "lastday.hoshizora.example/audit/2026",
        "LASTDAY_AUDIT_KEY_FILE": str(home / "keys" / "log.key"),
        "LASTDAY_ANCHOR_FOLDER": str(home / "anchors"),
        "LASTDAY_EVIDENCE_FOLDER": str(home / "evidence"),
        "LASTDAY_EVIDENCE_KEY_FILE": str(home / "keys" / "evidence.key"),
        "LASTDAY_CERTIFICATE_KEY_FILE": str(home / "keys" / "certificate.key"),
    }


@contextlib.contextmanager
def settings(env: Mapping[str, str]) -> Iterator[None]:
    """Add *env* to this process's environment for the length of the block."""
    before = dict(os.environ)
    os.environ.update(env)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def write_notices(path: Path, *, ahead: timedelta) -> datetime:
    """Write HR's file in a Japanese spreadsheet's encoding (CP932), with the instant *ahead* of now; return the instant."""
    zone = ZoneInfo("Asia/Tokyo")
    due = (datetime.now(UTC) + ahead).astimezone(zone).replace(microsecond=0)
    lines = ["社員番号,氏名,フリガナ,メールアドレス,最終出社日,退職日,区分"]
    lines += [_notice(person(number), due) for number in LEAVERS]
    path.write_text("\r\n".join(lines) + "\r\n", encoding="cp932", newline="")
    return due


def _notice(leaver: Person, due: datetime) -> str:
    email = "" if leaver.employee_no == _WITHOUT_ADDRESS else leaver.email
    kind = "解雇" if leaver.employee_no == _DISMISSED else "自己都合"
    ends_on = (due + timedelta(days=7)).date()
    return f"{leaver.employee_no},{leaver.name},{leaver.kana},{email},{due:%Y-%m-%d %H:%M:%S},{ends_on},{kind}"
