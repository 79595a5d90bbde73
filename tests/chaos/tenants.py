"""
The company's tenants in a process of their own: `python -m tests.chaos.tenants FOLDER`, until its standard input ends.

A large company of plain people, of whom two alone rule over Microsoft 365.  Nobody works today: people's habits know of no block, and
a sign-in after it would rightly open a case again.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta
from pathlib import Path

from emulators.activity_profiles import TOKYO, ordinary
from emulators.company import CHARACTERS, PEOPLE, PLAIN_DEPARTMENTS, joiners
from emulators.microsoft365.directory import GLOBAL_ADMINISTRATOR
from emulators.tenants import tenants

PEOPLE.extend(joiners(176))
_PLAIN = [one for one in PEOPLE if one not in CHARACTERS and one.department in PLAIN_DEPARTMENTS]
LEAVERS, ADMINISTRATORS = _PLAIN[:-2], _PLAIN[-2:]


def main(folder: Path) -> None:
    """Tell the settings that lead here, and stay."""
    own = {"own_roles": ("Privileged Authentication Administrator",)}
    with tenants(folder, latency=0.02, spare_owners=True, microsoft=own) as company:
        entra = company.tenants["microsoft365"]
        for number in ("E1009", "break-glass"):
            entra.directory.users[entra.user_id(number)]["accountEnabled"] = False
        for one in ADMINISTRATORS:
            entra.directory.assign(entra.user_id(one.employee_no), GLOBAL_ADMINISTRATOR)
        habit = ordinary("chaos", datetime.now(TOKYO).date() - timedelta(days=1), scale=0.04)
        for user in company.tenants["google_workspace"].users:
            company.tenants["google_workspace"].behave(user, habit)
        for user in entra.directory.users:
            entra.book.behave(user, habit)
        dict.update(company.truths["microsoft365"].first, company.truths["microsoft365"].fingerprints())
        sys.stdout.write(json.dumps(company.env) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
