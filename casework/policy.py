"""
The company's rules, one typed file: `policy.toml`.

Every value has a safe default.  An unknown key is an error, so that a typing error turns no rule off in silence.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, ValidationError, model_validator

from casework.errors import Misconfigured
from models.vocabulary import CONNECTION, EntitlementKind, PaperKind

T = TypeVar("T")
_Set: TypeAlias = Annotated[frozenset[T], PlainSerializer(sorted, when_used="json")]
_ACCOUNT = rf"^{CONNECTION}:.+$"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CutPolicy(_Section):
    """
    When and how access is cut.

    *at*: the instant of the cut: the end of the last day of employment, or of the last day worked.
    *early*: kinds that are revoked at the end of the last day worked.
    *precut_seconds*: for how long the steps before the block may delay it.
    *for_real*: whether a case is cut if its reporter does not say; False writes a plan only.
    """

    at: Literal["employment_ends", "last_working"] = "employment_ends"
    early: _Set[EntitlementKind] = frozenset()
    precut_seconds: float = Field(default=20.0, ge=0, le=300)
    for_real: bool = False


class IntakePolicy(_Section):
    """*kind_column*: the column of HR's own files that has the kind of notice; empty: the column is named as in our files."""

    kind_column: str = ""


class BlastRadiusPolicy(_Section):
    """More than *departures* cuts, or *percent* of *headcount*, within *window_hours* stop and ask for a second person."""

    departures: int = Field(default=20, ge=1)
    percent: float = Field(default=10.0, gt=0, le=100)
    headcount: int | None = Field(default=None, ge=1)
    window_hours: float = Field(default=24.0, gt=0)

    @property
    def limit(self) -> int:
        """The number of cuts in one window that need no release."""
        if self.headcount is None:
            return self.departures
        return min(self.departures, max(1, int(self.headcount * self.percent / 100)))


class ObservationPolicy(_Section):
    """For how many seconds a run reads to see its revocations closed, and its first and longest wait between reads."""

    deadline_seconds: float = Field(default=300.0, ge=0)
    first_wait_seconds: float = Field(default=1.0, gt=0)
    longest_wait_seconds: float = Field(default=30.0, gt=0)

    def waits(self, *, limit: float | None = None) -> Iterator[float]:
        """Yield waits in seconds, doubling from the first to the longest, until *limit* (or the deadline) is used up."""
        left = self.deadline_seconds if limit is None else min(limit, self.deadline_seconds)
        wait = self.first_wait_seconds
        while left > 0:
            step = min(wait, left)
            yield step
            left -= step
            wait = min(wait * 2, self.longest_wait_seconds)


class RestorePolicy(_Section):
    """*deadline_seconds*: the time within which each row of a restore ends."""

    deadline_seconds: float = Field(default=300.0, ge=0, le=3600)


class SlaPolicy(_Section):
    """*minutes*: from the due instant to the effective cut-off."""

    minutes: int = Field(default=60, ge=0)


class WaiverPolicy(_Section):
    """*longest_days*: how far ahead a waiver's end may lie."""

    longest_days: int = Field(default=365, ge=1)


class RetentionPolicy(_Section):
    """*years*: how long the record of a closed case is kept, from its closing; *basis*: the reason for that time."""

    years: int = Field(default=5, ge=1, le=100)
    basis: str = Field(default="papers of internal control over financial reporting (J-SOX): 5 years", min_length=1)


class RecheckPolicy(_Section):
    """When a closed case is rechecked, in hours after closing."""

    hours: tuple[float, ...] = (1, 24, 7 * 24, 30 * 24)


class SweepPolicy(_Section):
    """
    *ahead_seconds*: how long before the instant a run is created.  *lead_seconds*: how long before it the run starts, to read
    once more and probe the services; it cuts at the instant, not before.  *again_seconds*: the waits before a case with
    findings is tried again; the last one repeats.
    """

    ahead_seconds: float = Field(default=600.0, ge=0)
    lead_seconds: float = Field(default=60.0, ge=0)
    again_seconds: tuple[Annotated[float, Field(gt=0)], ...] = Field(default=(60, 300, 900, 3600), min_length=1)


class WatchPolicy(_Section):
    """
    The re-entry watch, off by default: the leaver's addresses and devices on colleagues' accounts after the cut.

    Monitoring people who stay needs a lawful ground: *purpose* and *rule* (the work rule or notice that announces it) are
    required when it is on, and are sealed in the trail.  *accounts*: the colleagues' accounts that are watched, as
    `connection:immutable id`.  *days*: how long after the cut.  *known_days*: how far back an address or device counts as the
    leaver's.  *shared_by*: an address or device of more accounts than this is the company's and is ignored.
    """

    on: bool = False
    purpose: str = ""
    rule: str = ""
    accounts: _Set[Annotated[str, Field(pattern=_ACCOUNT)]] = frozenset()
    days: int = Field(default=30, ge=1, le=180)
    known_days: int = Field(default=30, ge=1)
    shared_by: int = Field(default=3, ge=1)

    @model_validator(mode="after")
    def _lawful(self) -> WatchPolicy:
        if self.on and not (self.purpose.strip() and self.rule.strip()):
            raise ValueError("needs a purpose and the rule that allows it")
        if self.on and not self.accounts:
            raise ValueError("needs the accounts that are to be watched")
        return self


class ActivityPolicy(_Section):
    """
    What is read of the vendors' logs, and from which numbers on it is unusual.

    *window_days*: how far back, where the vendor keeps so much.  *notice_days*: the days before the cut that are compared
    with the days before them; an earlier notice lengthens them.  *before_seconds*: how long a run may collect before the
    instant of the cut, while it waits anyway; *after_seconds*: how long after the cut, before the sweep goes on.
    *patience_hours*: how long a source may be unreachable or out of quota before its statement says `partial`.
    *again_hours*: when the tail is read again after the cut, besides once after the vendor's own lag.

    Unusual is: a day above the weekday's median by *mads* robust deviations and above *day_floor*; *ratio* times the
    expected number and at least *volume* in the notice window; *burst* in an hour; *folders* in a day; *off_hours* by
    number, with a share of *off_share* more than before; *shares* to outsiders, *marked* titles, *new_origin* by a new
    address or device.  *work_hours*: in the person's zone, Monday to Friday.  *marks*: words, besides the built-in ones,
    that mark a title as confidential.
    """

    window_days: int = Field(default=180, ge=1, le=3650)
    notice_days: int = Field(default=30, ge=1, le=365)
    before_seconds: float = Field(default=30.0, ge=0, le=3600)
    after_seconds: float = Field(default=60.0, ge=0, le=3600)
    patience_hours: float = Field(default=48.0, ge=0)
    again_hours: tuple[Annotated[float, Field(ge=0, le=24 * 365)], ...] = (24, 7 * 24, 30 * 24)
    work_hours: tuple[Annotated[int, Field(ge=0, le=24)], Annotated[int, Field(ge=0, le=24)]] = (7, 20)
    mads: float = Field(default=6.0, gt=0)
    day_floor: int = Field(default=100, ge=1)
    ratio: float = Field(default=3.0, gt=1)
    volume: int = Field(default=1000, ge=1)
    burst: int = Field(default=500, ge=1)
    folders: int = Field(default=50, ge=1)
    off_hours: int = Field(default=200, ge=1)
    off_share: float = Field(default=0.25, gt=0, le=1)
    shares: int = Field(default=3, ge=1)
    marked: int = Field(default=5, ge=1)
    new_origin: int = Field(default=100, ge=1)
    marks: tuple[str, ...] = ()
    watch: WatchPolicy = WatchPolicy()

    @model_validator(mode="after")
    def _day_has_hours(self) -> ActivityPolicy:
        if self.work_hours[0] >= self.work_hours[1]:
            raise ValueError("work_hours: the first hour must lie before the second")
        return self


class ProtectionPolicy(_Section):
    """Accounts that are never cut, as `connection:immutable id` or by address: break-glass and shared ones."""

    accounts: _Set[str] = frozenset()


class NdaPolicy(_Section):
    """
    Confidentiality papers.  They never delay a cut or a closing.

    *expected*: the kinds that must be on file.  *templates*: by kind, the SHA-256 of the wordings in use; empty: wordings are
    not compared.  *titles*: by kind, whole titles of the company's papers, which outrank `casework.nda.papers.titles`.
    *languages* in which a pledge counts as understood; empty: any.
    *threshold*: the confidence from which a paper counts as the leaver's.  *survive_years*: how long it should bind after employment.

    *send*: send the exit pledge unasked when a real case is planned and has none.  *sender*: the register that sends it,
    where several can.  *language* and *company* of the pledge.  *reminder_days*: before the last day.  *signing_days*: how far
    from the last day an exit pledge may be signed and still belong to this departure.

    *seconds*: how long one check of the registers may take; *again_hours* and *unreadable_again_minutes*: when the sweep
    makes the next check.  *pledge_again_minutes*: how often the sweep asks whether a pledge has come back.
    """

    expected: _Set[PaperKind] = frozenset({PaperKind.ENTRY_PLEDGE, PaperKind.EXIT_PLEDGE, PaperKind.WORK_RULES})
    templates: dict[PaperKind, _Set[str]] = Field(default_factory=dict)
    titles: dict[PaperKind, _Set[str]] = Field(default_factory=dict)
    languages: _Set[str] = frozenset()
    threshold: float = Field(default=0.9, gt=0.5, le=1)
    survive_years: int = Field(default=2, ge=0, le=100)
    send: bool = False
    sender: str = ""
    language: Literal["ja", "en"] = "ja"
    company: str = ""
    reminder_days: tuple[int, ...] = (14, 7, 3, 1)
    signing_days: int = Field(default=180, ge=1)
    seconds: float = Field(default=60.0, gt=0, le=600)
    again_hours: float = Field(default=24.0, gt=0)
    unreadable_again_minutes: float = Field(default=30.0, gt=0)
    pledge_again_minutes: float = Field(default=15.0, gt=0)


class Policy(_Section):
    """All rules.  *sha256* names exactly these values in every plan."""

    cut: CutPolicy = CutPolicy()
    intake: IntakePolicy = IntakePolicy()
    blast_radius: BlastRadiusPolicy = BlastRadiusPolicy()
    observe: ObservationPolicy = ObservationPolicy()
    restore: RestorePolicy = RestorePolicy()
    sla: SlaPolicy = SlaPolicy()
    waivers: WaiverPolicy = WaiverPolicy()
    retention: RetentionPolicy = RetentionPolicy()
    looks: RecheckPolicy = RecheckPolicy()
    sweep: SweepPolicy = SweepPolicy()
    protected: ProtectionPolicy = ProtectionPolicy()
    nda: NdaPolicy = NdaPolicy()
    activity: ActivityPolicy = ActivityPolicy()

    @property
    def sha256(self) -> str:
        """SHA-256 over the JSON of every value, keys and sets in order."""
        return hashlib.sha256(json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()


def load_policy(path: Path | None) -> Policy:
    """Read *path*, or return the defaults for None.  Raises `Misconfigured` with the key and its allowed values."""
    if path is None:
        return Policy()
    try:
        return Policy.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as exc:
        raise Misconfigured(
            f"policy: cannot read {path.name}: {exc.strerror}", "Correct LASTDAY_POLICY_FILE, or leave it out."
        ) from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise Misconfigured(f"policy: cannot parse {path.name}: {exc}", "Write it as TOML in UTF-8.") from exc
    except ValidationError as exc:
        faults = "; ".join(f"{'.'.join(str(p) for p in e['loc'])}: {e['msg']}" for e in exc.errors())
        raise Misconfigured(f"policy: cannot use {path.name}: {faults}", "See policy.toml's comments.") from exc
