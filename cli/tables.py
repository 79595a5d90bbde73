"""Tables for a terminal: what others wrote is shown as text, never as markup."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias
from zoneinfo import ZoneInfo

from cli.terminal import japanese, say

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

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
        box=box.SIMPLE_HEAD, title=Text(title, style="bold") if title else None, title_justify="left", pad_edge=False
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
            return str(value)


def local(moment: datetime | str | None, zone: str | None = None) -> str:
    """Return an instant on the clock of *zone* (by default this machine's)."""
    if moment is None:
        return "-"
    instant = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    shown = instant.astimezone(ZoneInfo(zone) if zone else None)
    return (
        shown.strftime("%Y-%m-%d %H:%M:%S %Z") if zone or shown.tzinfo is not UTC else f"{shown:%Y-%m-%d %H:%M:%S} UTC"
    )


def case_page(shown: Mapping[str, Any]) -> list[RenderableType]:
    """Return a case, as `casework.showing.show` gives it, for people who may see it."""
    departure = shown["departure"]
    zone = departure["timezone"]
    head = (
        f"{shown['case']}  {departure['employee_no']} {departure['name']}  [{shown['state']}]  "
        + say("cut at", "停止予定")
        + f" {local(shown['cut_at'], zone)}"
        + ("" if shown["for_real"] else "  " + say("(plan only)", "(計画のみ)"))
    )
    parts: list[RenderableType] = [head, truth_table(shown, zone)]
    parts += _kept_or_erased(shown, zone)
    if shown["findings"]:
        parts.append(_findings(shown["findings"]))
    parts += [part for question in shown["questions"] for part in _question(question)]
    if shown["approvals_waiting"]:
        waiting = ", ".join(f"{row['verb']} {row['id']}" for row in shown["approvals_waiting"])
        parts.append(say(f"Waits for a second person: {waiting}", f"第二者の承認待ち: {waiting}"))
    unseen = not shown["nda"]["papers"] and not shown["nda"]["not_accepted"]
    parts.append(say("NDA: not looked at yet.", "秘密保持: 未確認。") if unseen else nda_table(shown["nda"]))
    return parts + _downloads(shown["case"], shown["downloads"])


def _downloads(case: str, taken: Mapping[str, Any]) -> list[RenderableType]:
    """Tell what was taken in the record's sentences, and how much of it is known; the rest is `lastday evidence`'s."""
    if not taken.get("sources"):
        return [say("Downloads: not collected.", "ダウンロード記録: 未収集。")]
    whole = sum(row["verdict"] == "complete" for row in taken["sources"])
    every = len(taken["sources"])
    head = say(
        f"Downloads: {taken['state']}, {whole} of {every} readings of logs complete (lastday evidence {case})",
        f"ダウンロード記録: {taken['state']}、ログの読み取り{every}回のうち完全なものは{whole}回 (lastday evidence {case})",
    )
    return [head, *(f"  {say(said['text'], said['text_ja'])}" for said in taken.get("summary", ()))]


def _kept_or_erased(shown: Mapping[str, Any], zone: str) -> list[RenderableType]:
    """Say that personal data was erased, or that a legal hold keeps it."""
    if shown.get("erased_at") is not None:
        since = local(shown["erased_at"], zone)
        return [
            say(
                f"Personal data was erased at {since}; the proofs stand.",
                f"個人データは {since} に消去されました。証明は有効です。",
            )
        ]
    if shown.get("held_at") is not None:
        since = local(shown["held_at"], zone)
        return [say(f"Under a legal hold since {since}.", f"{since} から法的保全中です。")]
    return []


def truth_table(shown: Mapping[str, Any], zone: str) -> Table:
    """Return each account with each of its rows, as they were last seen."""
    made = table("service", "account", "match", "kind", "what", "state", "confirmed by", "closed at", "effective by")
    for account in shown["accounts"]:
        match = _match(account["match"])
        who = (account["service"], account["label"] or account["id"], match)
        if not account["entitlements"]:
            made.add_row(*cells(*who, None, None, account["standing"], None, None, None))
        for row in account["entitlements"]:
            times = (_clock(row["observed_at"], zone), _clock(row["cut_effective_by"], zone))
            what = row["detail"]["label"] or row["id"].split(":", 3)[3]
            made.add_row(*cells(*who, row["kind"], what, row["state"], row["confirmed_by"], *times))
            who = ("", "", "")
    for search in shown["searches"]:
        if search["problem"] is not None:
            made.add_row(*cells(search["service"], None, None, None, search["problem"], "unreadable", None, None, None))
    return made


def _match(match: Mapping[str, Any]) -> str:
    """Return the facts, what speaks against it, and without facts what made it a candidate."""
    against = "".join(f" not:{fact}" for fact in match.get("contradictions", ()))
    return (" ".join(match.get("facts", ())) or f"({match['reason']})") + against


def nda_table(nda: Mapping[str, Any]) -> Table:
    """Return one line a paper: what is on file, and what is not accepted."""
    made = table(
        "paper", "state", "register", "signer", "signed on", "signature", "reason", "remedy",
        title=say(f"NDA: {nda['state']}", f"秘密保持: {nda['state']}"),
    )  # fmt: skip
    suffix = "_ja" if japanese() else ""
    rows: Sequence[tuple[Mapping[str, Any], str]] = [
        *((paper, paper["state"]) for paper in nda["papers"]),
        *((paper, "not_accepted") for paper in nda["not_accepted"]),
    ]
    for paper, state in rows:
        made.add_row(
            *cells(
                paper["kind"], state, paper["paper"] or paper["register"], paper["signer"], paper["signed_on"],
                paper["signature"], paper[f"text{suffix}"], paper[f"remedy{suffix}"],
            )
        )  # fmt: skip
    return made


def _clock(moment: str | None, zone: str) -> str | None:
    return None if moment is None else f"{datetime.fromisoformat(moment).astimezone(ZoneInfo(zone)):%m-%d %H:%M:%S}"


def _findings(findings: Sequence[Mapping[str, Any]]) -> Table:
    made = table("finding", "service", "what", "reason", "remedy", title=say("Findings", "指摘"))
    for finding in findings:
        made.add_row(
            *cells(finding["kind"], finding["service"], finding["entitlement"], finding["text"], finding["remedy"])
        )
    return made


def _question(question: Mapping[str, Any]) -> list[RenderableType]:
    made = table("service", "account", "name", "kind", "match", "reason", "state")
    for option in question["options"]:
        match = _match(option)
        made.add_row(
            *cells(
                option.get("service") or question["service"],
                option["account"],
                option["label"],
                option["kind"],
                match,
                option["text"],
                option["standing"],
            )
        )
    title = say(f"Question {question['id']}: {question['text']}", f"質問 {question['id']}: {question['text']}")
    how = f"lastday answer {question['id']} --account SERVICE:ID | --none"
    return [f"{title}  ({question['service'] or '-'})", made, f"  {how}"]
