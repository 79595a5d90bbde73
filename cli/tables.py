"""Tables for a terminal: what others wrote is shown as text, never as markup."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias
from zoneinfo import ZoneInfo

from casework.question_kinds import KINDS
from casework.visible import visible
from cli.terminal import japanese, say

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

    from casework.view.access import Match
    from casework.view.case import CaseView, Finding, Question
    from casework.view.downloads import Downloads
    from casework.view.papers import Paper, Papers

Page: TypeAlias = "list[RenderableType]"
"""What is shown one below the other."""

_HEADINGS = {
    "case": "案件", "employee": "社員番号", "name": "氏名", "state": "状態", "due": "停止予定", "for real": "実施",
    "outcome": "結果", "row": "行", "column": "列", "value": "値", "reason": "理由", "remedy": "対処", "service": "サービス",
    "account": "アカウント", "kind": "種別", "what": "対象", "confirmed by": "確認方法", "closed at": "停止確認",
    "effective by": "完全停止", "finding": "指摘", "question": "質問", "match": "照合", "plan": "プラン", "list": "一覧",
    "paper": "文書", "register": "登録簿", "signer": "署名者", "signed on": "署名日", "signature": "電子署名", "test": "要件",
    "record shows": "記録から分かること", "to be answered": "確認事項", "answer": "回答",
    "revoke": "停止", "check": "点検", "problem": "問題", "scopes to read": "読取権限", "scopes to write": "書込権限",
}  # fmt: skip

_STYLES = {
    "observed_closed": "green", "closed": "bold green", "restored": "green", "attested": "green", "waived": "cyan",
    "still_open": "bold red", "unreadable": "bold red", "no_api": "yellow", "not_on_plan": "yellow", "found": "yellow",
    "commanded": "yellow", "ok": "green", "failed": "bold red", "missing": "bold red",
    "signed": "green", "unsigned": "yellow", "refused": "yellow", "expired": "yellow", "altered": "bold red", "not_accepted": "dim",
    "verified": "green", "untrusted": "yellow", "broken": "bold red", "look_alike": "dim", "asked": "bold yellow",
}  # fmt: skip


def table(*headings: str, title: str | None = None, rows: Iterable[Iterable[object]] = ()) -> Table:
    """Return a table with these headings, in the terminal's language, and *rows* as `cells` shows them."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(
        box=box.SIMPLE_HEAD,
        title=Text(visible(title), style="bold") if title else None,
        title_justify="left",
        pad_edge=False,
    )
    for heading in headings:
        made.add_column(_HEADINGS.get(heading, heading) if japanese() else heading, overflow="fold")
    for row in rows:
        made.add_row(*cells(*row))
    return made


def cells(*values: object) -> list[Text]:
    """Return *values* as cells: states in their colour, instants in the person's clock, None as a dash."""
    from rich.text import Text

    return [Text(_text(value), style=_STYLES.get(str(value), "")) for value in values]


def _text(value: object) -> str:
    match value:
        case None:
            return "-"
        case datetime():
            return local(value)
        case bool():
            return say("yes", "可") if value else say("no", "不可")
        case _:
            return visible(str(value))


def local(moment: datetime | str | None, zone: str | None = None) -> str:
    """Return an instant on the clock of *zone* (by default this machine's)."""
    if moment is None:
        return "-"
    instant = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    shown = instant.astimezone(ZoneInfo(zone) if zone else None)
    return (
        shown.strftime("%Y-%m-%d %H:%M:%S %Z") if zone or shown.tzinfo is not UTC else f"{shown:%Y-%m-%d %H:%M:%S} UTC"
    )


def case_page(shown: CaseView) -> Page:
    """Return a case for people who may see it."""
    departure, zone = shown.departure, shown.departure.timezone
    head = (
        f"{shown.case}  {departure.employee_no} {departure.name}  [{shown.state}]  "
        + say("cut at", "停止予定")
        + f" {local(shown.cut_at, zone)}"
        + ("" if shown.for_real else "  " + say("(plan only)", "(計画のみ)"))
    )
    parts: Page = [head, truth_table(shown, zone), *_came_back(shown, zone)]
    parts += _kept_or_erased(shown, zone)
    if shown.findings:
        parts.append(_findings(shown.findings))
    parts += [part for question in shown.questions for part in question_page(question)]
    if shown.approvals_waiting:
        waiting = ", ".join(f"{row.verb} {row.id}" for row in shown.approvals_waiting)
        parts.append(say(f"Waits for a second person: {waiting}", f"第二者の承認待ち: {waiting}"))
    unseen = not shown.nda.papers and not shown.nda.not_accepted
    parts.append(say("NDA: not looked at yet.", "秘密保持: 未確認。") if unseen else nda_table(shown.nda))
    return parts + downloads(shown.case, shown.downloads)


def downloads(case: str, taken: Downloads) -> Page:
    """Tell what was taken in the record's sentences, and how much of it is known; the rest is `lastday evidence`'s."""
    if not taken.sources:
        return [say("Downloads: not collected.", "ダウンロード記録: 未収集。")]
    whole = sum(row.verdict == "complete" for row in taken.sources)
    every = len(taken.sources)
    head = say(
        f"Downloads: {taken.state}, {whole} of {every} readings of logs complete (lastday evidence {case})",
        f"ダウンロード記録: {taken.state}、ログの読み取り{every}回のうち完全なものは{whole}回 (lastday evidence {case})",
    )
    return [head, *unreadable(taken), *(f"  {say(said.text, said.text_ja)}" for said in taken.summary)]


def unreadable(taken: Downloads) -> Page:
    """Say which logs nobody has begun to read; why no summary is shown though there is one, and what to do."""
    logs = ", ".join(taken.not_begun)
    parts: Page = [say(f"Not begun to be read: {logs}.", f"取得を開始していないログ: {logs}。")] if logs else []
    return [*parts, f"{taken.problem}  ({taken.remedy})"] if taken.problem is not None else parts


def _came_back(shown: CaseView, zone: str) -> Iterator[str]:
    """Tell of each account that was seen open after it had been seen closed: when, by whom, and when it was cut again."""
    for account in shown.taken:
        if account.came_back_at is not None:
            at, again = local(account.came_back_at, zone), account.timing.effective_cutoff_at
            cut = (
                say(f"cut again at {local(again, zone)}", f"{local(again, zone)} に再停止")
                if again
                else say("not closed again yet", "再停止は未確認")
            )
            yield say(
                f"{account.connection} {account.name} came back: seen open at {at}, {cut}; {account.came_back_by.en}.",
                f"{account.connection} {account.name} は {at} に再び有効と確認、{cut}。{account.came_back_by.ja}。",
            )  # fmt: skip


def _kept_or_erased(shown: CaseView, zone: str) -> Page:
    """Say that personal data was erased, or that a legal hold keeps it."""
    if shown.erased_at is not None:
        since = local(shown.erased_at, zone)
        return [
            say(
                f"Personal data was erased at {since}; the proofs stand.",
                f"個人データは {since} に消去されました。証明は有効です。",
            )
        ]
    if shown.held_at is not None:
        since = local(shown.held_at, zone)
        return [say(f"Under a legal hold since {since}.", f"{since} から法的保全中です。")]
    return []


def truth_table(shown: CaseView, zone: str) -> Table:
    """Return each account with each of its rows, as they were last seen."""
    heads = ("service", "account", "match", "kind", "what", "state", "confirmed by", "closed at", "effective by")
    return table(*heads, rows=_truth(shown, zone))


def _truth(shown: CaseView, zone: str) -> Iterator[tuple[object, ...]]:
    for account in shown.accounts:
        who: tuple[str, ...] = (account.connection, account.name, _match(account.match))
        if not account.entitlements:
            yield (*who, None, None, account.standing, None, None, None)
        for row in account.entitlements:
            times = (_clock(row.observed_at, zone), _clock(row.cut_effective_by, zone))
            yield (*who, row.kind, row.what, row.state, row.confirmed_by, *times)
            who = ("", "", "")
    for search in shown.searches:
        if search.problem is not None:
            yield search.connection, None, None, None, search.problem, "unreadable", None, None, None


def _match(match: Match) -> str:
    """Return the facts, what speaks against it, and without facts what made it a candidate."""
    against = "".join(f" not:{fact}" for fact in match.contradictions)
    return (" ".join(match.facts) or f"({match.reason})") + against


def nda_table(nda: Papers) -> Table:
    """Return one line a paper: what is on file, and what is not accepted."""
    heads = ("paper", "state", "register", "signer", "signed on", "signature", "reason", "remedy")
    rows = [_paper(paper, paper.state) for paper in nda.papers]
    rows += [_paper(paper, "not_accepted") for paper in nda.not_accepted]
    return table(*heads, title=say(f"NDA: {nda.state}", f"秘密保持: {nda.state}"), rows=rows)


def _paper(paper: Paper, state: str) -> tuple[object, ...]:
    place, remedy = paper.paper or paper.register_name, paper.remedy and say(paper.remedy, paper.remedy_ja)
    said = say(paper.text, paper.text_ja)
    return paper.kind, state, place, paper.signer, paper.signed_on, paper.signature, said, remedy


def _clock(moment: datetime | None, zone: str) -> str | None:
    return None if moment is None else f"{moment.astimezone(ZoneInfo(zone)):%m-%d %H:%M:%S}"


def _findings(findings: Sequence[Finding]) -> Table:
    rows = (
        (found.kind, found.connection, found.entitlement_id,
         say(found.text, found.text_ja or found.text), say(found.remedy, found.remedy_ja or found.remedy))
        for found in findings
    )  # fmt: skip
    return table("finding", "service", "what", "reason", "remedy", title=say("Findings", "指摘"), rows=rows)


def question_page(question: Question) -> Page:
    """Return a question with every candidate, and how to answer it."""
    rows = (
        (one.connection or question.connection, one.account, one.label, one.kind, _match(one), one.text, one.standing)
        for one in question.options
    )
    title = say(f"Question {question.id}: {question.text}", f"質問 {question.id}: {question.text}")
    roles, until = ", ".join(question.asked_of), local(question.wanted_by)
    whom = say(f"asked of {roles}, until {until}", f"回答者 {roles}、期限 {until}")
    how = f"{KINDS[question.kind].verb} {question.id} --revision {question.revision}"
    options = table("service", "account", "name", "kind", "match", "reason", "state", rows=rows)
    if (release := question.release) is not None:
        last = local(release.until)
        counted = say(f"{release.count} cases, until {last}", f"{last} までの {release.count} 件")
        return [f"{title}  ({whom})", f"  {counted}  (sha256 {release.sha256})", f"  {how}"]
    if not question.options:
        return [f"{title}  ({whom})", f"  {how}"]
    return [f"{title}  ({whom})", options, f"  {how} --account SERVICE:ID | --none"]
