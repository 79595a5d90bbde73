"""Who leaves, what HR sent, and who asked, approved and signed."""

from __future__ import annotations

from collections.abc import Iterable

from casework.actor import UNAUTHENTICATED
from casework.record.facts import Facts, Told
from casework.view.case import CaseView, Finding
from casework.visible import visible
from portal.record.document import Cell, Clock, Grid, Phrase, Section, Tone, cell, mono
from portal.record.words import event, place, word

_SAID = Phrase("The words were erased; the events cannot be.", "文言は消去済み。事象そのものは消去されない。")


def notice(view: CaseView, clock: Clock) -> Section:
    """The leaver and HR's notices, with the digest of each file that HR sent."""
    person = view.departure
    return Section(
        "notice",
        Phrase("The leaver and HR's notice", "退職者と人事の届出"),
        facts=(
            (Phrase("Name", "氏名"), cell(person.name)),
            (Phrase("Kana · romaji · former name", "フリガナ・ローマ字・旧姓"),
             cell(" · ".join(part for part in (person.kana, person.romaji, person.former_name) if part))),
            (Phrase("Employee number", "社員番号"), cell(person.employee_no)),
            (Phrase("Addresses", "メールアドレス"),
             cell(", ".join(part for part in (person.email, *person.other_emails) if part))),
            (Phrase("Manager", "上長"), cell(person.manager)),
            (Phrase("Kind of departure", "区分"), cell(word(person.kind))),
            (Phrase("Last day worked until", "最終出社"), clock(person.last_working_at)),
            (Phrase("Employment ends on (inclusive)", "退職日 (当日を含む)"), cell(person.employment_ends_on)),
            (Phrase("Cut due", "停止予定"), clock(view.due_at)),
            (Phrase("Notice came late by", "届出の遅れ"),
             cell(Phrase(f"{person.notice_late_minutes:,} min", f"{person.notice_late_minutes:,} 分"))),
        ),
        grids=(_notices(view, clock),),
    )  # fmt: skip


def _notices(view: CaseView, clock: Clock) -> Grid:
    return Grid(
        (Phrase("Received", "受領"), Phrase("Reported by", "届出者"), Phrase("Became", "扱い"), Phrase("Row", "行"),
         Phrase("SHA-256 of the file that HR sent", "人事提出ファイルの SHA-256")),
        (16, 14, 12, 5, 53),
        tuple(
            (clock(n.received_at), cell(n.reported_by), cell(n.disposition), cell(n.row), mono(n.source_sha256))
            for n in view.notices
        ),
    )  # fmt: skip


def people(facts: Facts, clock: Clock) -> Section:
    """Who asked, decided, approved and signed: each line is an event of the trail, named by its file."""
    acts = [told for told in facts.told if told.by is not None]
    return Section(
        "people",
        Phrase("Who asked, who approved, who signed", "依頼・承認・署名した者"),
        lead=Phrase(
            "Revocations were carried out by lastday itself. People asked for them, decided and signed; "
            "what needs two people names two.  Unauthenticated: typed at a terminal, where nobody made sure who it was.",
            "権限の剥奪は lastday が実行した。依頼・判断・署名は人が行い、二名を要するものは二名の名を記す。"
            "「本人認証なし」は端末で入力された氏名で、本人確認を経ていない。",
        ),
        grids=(
            Grid(
                (Phrase("Event", "事象"), Phrase("When", "日時"), Phrase("What", "内容"), Phrase("Who", "誰が"),
                 Phrase("In their words", "本人の言葉")),
                (8, 16, 28, 16, 32),
                tuple(_act(told, clock) for told in acts),
                empty=_SAID if facts.erased_at else Phrase("None.", "なし。"),
            ),
        ),
    )  # fmt: skip


def _act(told: Told, clock: Clock) -> tuple[Cell, ...]:
    what = event(told.type)
    choice = told.fields.get("choice")
    if isinstance(choice, str) and choice:
        what = Phrase(f"{what.en} ({choice})", f"{what.ja} ({choice})")
    return mono(f"{told.seq:04d}"), clock(told.at), cell(what), _who(told), cell(told.reason)


def _who(told: Told) -> Cell:
    """Name who acted, and say where nobody has made sure that it was they."""
    if told.made_sure_by != UNAUTHENTICATED:
        return cell(told.by)
    name = visible(str(told.by))
    return cell(Phrase(f"{name} (unauthenticated)", f"{name} (本人認証なし)"))


def waivers(view: CaseView, clock: Clock) -> Section:
    """The exceptions: accepted by two people, until a date, with what stands in for the control."""
    grid = Grid(
        (Phrase("Waiver", "例外"), Phrase("What", "対象"), Phrase("Reason and compensating control", "理由と代替統制"),
         Phrase("Asked", "依頼"), Phrase("Approved", "承認"), Phrase("Until", "期限")),
        (17, 15, 30, 14, 14, 10),
        tuple(
            (
                mono(w.id),
                cell(Phrase(f"{place(w.connection).en}: {word(w.kind).en}"
                            + (" (standing)" if w.standing else ""),
                            f"{word(w.kind).ja}" + (" (常設)" if w.standing else ""))),
                cell(" / ".join(part for part in (w.reason, w.compensating_control) if part)),
                cell(f"{w.requested_by}\n{clock.text(w.requested_at)}" if w.requested_by else None),
                cell(f"{w.approved_by}\n{clock.text(w.approved_at)}") if w.approved_by
                else cell(Phrase("not approved", "未承認"), Tone.OPEN),
                cell(w.until),
            )
            for w in view.waivers
        ),
    )  # fmt: skip
    return Section("waivers", Phrase("Waivers", "期限付き例外承認"), grids=(grid,))


def findings(view: CaseView, clock: Clock) -> Section:
    """Every reason why the case could not close, those that ended included; those that are alike stand in one row."""
    grid = Grid(
        (Phrase("First opened", "最初の発生"), Phrase("Last resolved", "最後の解消"), Phrase("Finding", "指摘"),
         Phrase("Where", "対象"), Phrase("Text and remedy", "内容と対処")),
        (16, 16, 16, 20, 32),
        tuple(_alike(group, clock) for group in _groups((*view.findings, *view.resolved_findings))),
        empty=Phrase("No finding was ever opened.", "指摘は一度も発生していない。"),
    )  # fmt: skip
    return Section(
        "findings",
        Phrase("Findings, those that ended included", "指摘事項 (解消済みを含む)"),
        lead=Phrase(
            "What waiting did not settle in time, or cannot settle. ×5 stands for five of a kind; each has its own events in the trail.",
            "期限内に確認できなかったもの、待っても解消しないもの。×5 は同種5件を表す。個々の指摘は監査証跡に記録している。",
        ),
        grids=(grid,),
    )


def _groups(found: Iterable[Finding]) -> list[list[Finding]]:
    """Put together what differs in its times and its entitlement alone, in the order in which each sort first came."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for f in sorted(found, key=lambda f: f.opened_at):
        alike = (f.kind, f.connection, f.entitlement_kind, f.text, f.remedy, f.resolved_at is None)
        groups.setdefault(alike, []).append(f)
    return list(groups.values())


def _alike(group: list[Finding], clock: Clock) -> tuple[Cell, ...]:
    first, ends = group[0], [f.resolved_at for f in group if f.resolved_at is not None]
    tone = Tone.PLAIN if ends else Tone.OPEN
    kind, where = word(first.kind), word(first.entitlement_kind) if first.entitlement_kind else Phrase("", "")
    times = f" ×{len(group)}" if len(group) > 1 else ""
    return (
        clock(first.opened_at),
        clock(max(ends)) if ends else cell(Phrase("open", "未解消"), Tone.OPEN),
        cell(Phrase(f"{kind.en}{times}", kind.ja), tone),
        cell(Phrase(f"{place(first.connection).en} {where.en}".strip(), where.ja)),
        cell(
            Phrase(
                *(
                    "\n".join(filter(None, parts))
                    for parts in ((first.text, first.remedy), (first.text_ja, first.remedy_ja))
                )
            )
        ),
    )


def looks(view: CaseView, clock: Clock) -> Section:
    """The looks after closing, done and due; and the look for accounts in each service."""
    seen = Grid(
        (Phrase("Look", "再確認"), Phrase("Due", "予定"), Phrase("Looked", "実施"), Phrase("Verdict", "判定")),
        (15, 25, 25, 35),
        tuple(
            (cell(look.label), clock(look.due_at), clock(look.looked_at),
             cell(_verdict(look.verdict), Tone.QUIET if look.verdict in {None, "erased"} else Tone.GOOD if look.verdict == "quiet" else Tone.OPEN))
            for look in view.looks
        ),
    )  # fmt: skip
    return Section(
        "looks",
        Phrase("Looks after closing", "完了後の再確認"),
        lead=Phrase(
            "Looks that were done after this record was written are in a later record, whose certificate names this one.",
            "本記録の作成後に行われた再確認は後の記録に載り、その証明書が本記録を名指しする。",
        ),
        grids=(seen,),
    )


def _verdict(verdict: str | None) -> Phrase:
    words = {
        None: Phrase("not yet", "未実施"),
        "quiet": Phrase("nothing opened again", "異状なし"),
        "erased": Phrase("not carried out: erased before", "消去のため実施せず"),
        "reopened": Phrase("open again: case reopened", "再び開いていたため案件を再開"),
    }
    return words.get(verdict, Phrase(str(verdict)))
