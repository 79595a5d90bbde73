"""`lastday leave`: HR reports leaves of absence (休職)."""

from __future__ import annotations

from cli.depart import AllOrNothing, Csv, Emails, FromJson, Text
from cli.intake import Given, submit
from cli.options import As, AsJson, ForReal


def leave(
    csv: Csv = None,
    from_json: FromJson = None,
    employee_no: Text = None,
    name: Text = None,
    kana: Text = None,
    romaji: Text = None,
    former_name: Text = None,
    email: Text = None,
    other_emails: Emails = None,
    last_working_at: Text = None,
    manager: Text = None,
    timezone: Text = None,
    all_or_nothing: AllOrNothing = True,
    for_real: ForReal = None,
    as_json: AsJson = False,
    actor: As = None,
) -> int:
    """
    Report leaves of absence: access is disabled after the last working day and given back by `lastday return`.

    Nothing is ever deleted or taken apart.
    """
    fields = {
        "employee_no": employee_no, "name": name, "kana": kana, "romaji": romaji, "former_name": former_name,
        "email": email, "other_emails": other_emails or None, "last_working_at": last_working_at,
        "manager": manager, "timezone": timezone,
    }  # fmt: skip
    typed = {key: value for key, value in fields.items() if value is not None}
    given = Given(csv, from_json, {**typed, "kind": "leave"} if typed else {}, kind="leave", implied=True)
    return submit(given, all_or_nothing=all_or_nothing, for_real=for_real, as_json=as_json, actor=actor, leave=True)
