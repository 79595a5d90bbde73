"""People's activity in the form of the organisation's logs: computed entry by entry from their activity profiles."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from emulators.activity_profiles import ActivityProfile, Deed, Verb, mixed, size, title
from emulators.slack.state import ENTERPRISE_ID

ACTIONS: Mapping[Verb, str] = {
    Verb.VIEW: "file_downloaded",  # viewed within Slack: the same word
    Verb.DOWNLOAD: "file_downloaded",
    Verb.PROGRAM_READ: "file_downloaded",
    Verb.UPLOAD: "file_uploaded",
    Verb.MAKE_PUBLIC: "file_public_link_created",
    Verb.SHARE_OUTSIDE: "external_shared_channel_invite_sent",
    Verb.FORWARD: "private_message_forwarded",
    Verb.TAKEOUT: "manual_user_export_started",
    Verb.GRANT: "app_installed",
    Verb.SIGN_IN: "user_login",
}
"""Each verb's name in the Audit Logs.  Verbs outside Slack are not listed."""

PLACES = ("203.0.113.10", "198.51.100.23", "192.0.2.77")
PROGRAMS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Slack/4.46",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6) Slack/4.46",
    "python-requests/2.32",
)


class AuditHistory:
    """One person's half year.  *user* is the account's id."""

    def __init__(self, user: str, name: str, habit: ActivityProfile) -> None:
        self.user = user
        self._name = name
        self._logged = habit.only(*ACTIONS)
        self._uploads = habit.only(Verb.UPLOAD, Verb.MAKE_PUBLIC)
        self._grants = habit.only(Verb.GRANT)
        self._logins = habit.only(Verb.SIGN_IN)

    def entries(self, oldest: int, latest: int) -> Span:
        """Return the entries of these seconds, both included."""
        return Span(self, self._logged, oldest, latest)

    def entry(self, deed: Deed) -> dict[str, Any]:
        """Return *deed* as an entry of the Audit Logs."""
        kind = "app" if deed.verb is Verb.GRANT else "user" if deed.verb in {Verb.SIGN_IN, Verb.TAKEOUT} else "file"
        thing = {"file": _file_entity(deed), "app": _APP, "user": self._face()}[kind]
        context: dict[str, Any] = {
            "location": {"type": "enterprise", "id": ENTERPRISE_ID, "name": "Hoshizora", "domain": "hoshizora"},
            "ua": PROGRAMS[deed.place],
            "session_id": str(mixed(3, deed.no) % 10**12),
            "ip_address": PLACES[deed.place],
        }
        if deed.verb is Verb.PROGRAM_READ:
            context["app"] = _APP
        return {
            "id": f"{self.user.lower()}-{deed.no:09d}",
            "date_create": int(deed.at.timestamp()),
            "action": ACTIONS[deed.verb],
            "actor": {"type": "user", "user": self._face()},
            "entity": {"type": kind, kind: thing},
            "context": context,
            "details": {},
        }

    def _face(self) -> dict[str, Any]:
        return {"id": self.user, "name": self._name, "email": None, "team": ENTERPRISE_ID}

    def files(self) -> list[dict[str, Any]]:
        """Return what the person uploaded, newest first."""
        return [
            {
                "id": f"F{deed.object_no:08d}{deed.no}",
                "created": int(deed.at.timestamp()),
                "name": title(deed.object_no),
                "title": title(deed.object_no),
                "user": self.user,
                "size": size(deed.object_no),
                "public_url_shared": deed.verb is Verb.MAKE_PUBLIC,
            }
            for deed in reversed(list(self._uploads.deeds()))
        ]

    def logins(self) -> list[dict[str, Any]]:
        """Return one row for each address and program, as team.accessLogs has them."""
        rows: dict[int, dict[str, Any]] = {}
        for deed in self._logins.deeds():
            at = int(deed.at.timestamp())
            row = rows.setdefault(deed.place, {"date_first": at, "count": 0, **self._seen_from(deed.place)})
            row |= {"date_last": at, "count": row["count"] + 1}
        return list(rows.values())

    def _seen_from(self, place: int) -> dict[str, Any]:
        person = {"user_id": self.user, "username": self._name}
        return {
            **person,
            "ip": PLACES[place],
            "user_agent": PROGRAMS[place],
            "isp": None,
            "country": None,
            "region": None,
        }

    def integrations(self) -> list[dict[str, Any]]:
        """Return the applications that the person authorised, newest first."""
        return [
            {
                "app_id": _APP["id"],
                "app_type": _APP["name"],
                "user_id": self.user,
                "user_name": self._name,
                "date": str(int(deed.at.timestamp())),
                "change_type": "added",
                "scope": "files:read,channels:history",
            }
            for deed in reversed(list(self._grants.deeds()))
        ]


class Span(Sequence[dict[str, Any]]):
    """Entries of some seconds, newest first, each computed when it is read."""

    def __init__(self, memory: AuditHistory, habit: ActivityProfile, oldest: int, latest: int) -> None:
        self._memory = memory
        self._habit = habit
        self._first = habit.before(_at(oldest))
        self._end = habit.before(_at(latest + 1))

    def __len__(self) -> int:
        return max(self._end - self._first, 0)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return [self[n] for n in range(*place.indices(len(self)))]
        if not 0 <= place < len(self):
            raise IndexError(place)
        return self._memory.entry(self._habit.deed(self._end - 1 - place))


_APP: dict[str, Any] = {"id": "A0GRABBER1", "name": "File Grabber", "scopes": ["files:read"], "scopes_bot": []}


def _file_entity(deed: Deed) -> dict[str, Any]:
    return {
        "id": f"F{deed.object_no:08d}",
        "name": title(deed.object_no),
        "title": title(deed.object_no),
        "filetype": "xlsx",
    }


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(min(seconds, int(time.time()) + 10**9), UTC)
