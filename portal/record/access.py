"""The accounts: how they were found, when they were due and seen closed, and the truth table."""

from __future__ import annotations

from casework.view.access import Account, Row
from casework.view.case import CaseView
from models.vocabulary import Standing
from portal.record.document import Cell, Clock, Grid, Phrase, Section, Tone, cell, in_both
from portal.record.words import place, state, word, yes_or_no

_NOT_KNOWN = Phrase("policy changed since", "規程変更により不明")
_NOT_YET = Phrase("not yet", "判定前")


def accounts(view: CaseView, clock: Clock) -> Section:
    """Every account that was considered, in every service that was searched."""
    searched = Grid(
        (Phrase("Service", "サービス"), Phrase("Searched", "検索"), Phrase("Candidates", "候補"), Phrase("Problem", "問題")),
        (24, 20, 12, 44),
        tuple(
            (cell(place(s.connection)), clock(s.searched_at), cell(s.found), cell(s.problem, Tone.OPEN if s.problem else Tone.QUIET))
            for s in view.searches
        ),
        empty=Phrase("No service has been searched yet.", "検索はまだ行われていない。"),
    )  # fmt: skip
    considered = Grid(
        (Phrase("Service", "サービス"), Phrase("Account", "アカウント"), Phrase("Why the leaver's", "本人と判断した理由"),
         Phrase("Decision", "判断"), Phrase("Decided by", "判断者")),
        (18, 32, 20, 14, 16),
        tuple(_candidate(a, clock) for a in view.accounts),
        empty=Phrase("No account of this person was found.", "該当するアカウントはなかった。"),
    )  # fmt: skip
    return Section(
        "accounts",
        Phrase("Services searched, accounts considered", "検索したサービスと候補アカウント"),
        grids=(searched, considered),
    )


def _candidate(account: Account, clock: Clock) -> tuple[Cell, ...]:
    decided = account.decided_by or None
    return (
        cell(place(account.connection)),
        cell("\n".join(dict.fromkeys((account.name, account.id)))),
        cell(_why(account)),
        cell(word(account.standing), Tone.GOOD if account.standing is Standing.ACCEPTED else Tone.QUIET),
        cell(f"{decided}\n{clock.text(account.decided_at)}") if decided else cell(Phrase("rule", "規則"), Tone.QUIET),
    )


def _why(account: Account) -> Phrase:
    """Return the facts and the contradictions; of an account with neither, what made it a candidate."""
    spoken = [word(fact) for fact in account.match.facts] or [word(account.match.reason)]
    against = [word(fact) for fact in account.match.contradictions]
    en = ", ".join(phrase.en for phrase in spoken) + "".join(f"; not: {phrase.en}" for phrase in against)
    ja = "・".join(phrase.ja for phrase in spoken) + "".join(f"。不一致: {phrase.ja}" for phrase in against)
    return Phrase(en, ja)


def cutoffs(view: CaseView, clock: Clock) -> Section:
    """Per account: due, commanded, effective cut-off, exposure, SLA."""
    grid = Grid(
        (Phrase("Account", "アカウント"), Phrase("Due", "停止予定"), Phrase("First commanded", "最初の指示"),
         Phrase("Effective cut-off", "実効遮断時刻"), Phrase("Tokens dead by", "トークン失効"), Phrase("Exposure", "露出"),
         Phrase("SLA", "SLA"), Phrase("Met", "遵守")),
        (19, 14, 14, 14, 14, 9, 8, 8),
        tuple(_cutoff(a, clock) for a in view.taken),
        empty=Phrase("No account was taken as the leaver's.", "本人のものとされたアカウントはない。"),
    )  # fmt: skip
    return Section(
        "cutoffs",
        Phrase("Due, commanded, effective cut-off", "停止予定・指示・実効遮断時刻"),
        lead=Phrase(
            "The cut-off of an account is that of its last entitlement: the time of a read, younger than the command, that "
            "showed it gone, or of a signature that says so. Waived rows are exceptions and stand apart.",
            "アカウントの実効遮断時刻は、最後の権限について、指示より後の読み取りで消滅を確認した時刻 (または署名の時刻) である。"
            "例外承認された行は含めず、別に示す。",
        ),
        grids=(grid,),
    )


def _cutoff(account: Account, clock: Clock) -> tuple[Cell, ...]:
    t = account.timing
    exposure = None if t.exposure_minutes is None else f"{t.exposure_minutes:,}"
    sla = None if t.sla_minutes is None else Phrase(f"{t.sla_minutes} min", f"{t.sla_minutes} 分")
    return (
        cell(f"{place(account.connection).en}\n{account.name}"),
        clock(t.due_at),
        clock(t.commanded_at),
        cell(Phrase("not closed", "未遮断"), Tone.OPEN)
        if exposure is None
        else clock(t.effective_cutoff_at, Tone.GOOD),
        clock(t.cut_effective_by),
        cell(None) if exposure is None else cell(Phrase(f"{exposure} min", f"{exposure} 分")),
        cell(sla) if sla else cell(_NOT_KNOWN, Tone.QUIET),
        yes_or_no(t.sla_met, unknown=_NOT_YET if sla else _NOT_KNOWN),
    )


def truth_table(view: CaseView, clock: Clock) -> Section:
    """Each entitlement of each account, as it was last seen."""
    grids = tuple(_truth(a, clock) for a in view.taken)
    return Section(
        "truth",
        Phrase("Truth table", "権限ごとの確認結果"),
        lead=Phrase(
            "Observed, not commanded: a row is closed only when a fresh read said so, or when a named person signed for it.",
            "指示ではなく観測による。新たな読み取りが消滅を示すか、氏名のある者が署名した行だけを遮断済みとする。",
        ),
        grids=grids or (Grid((Phrase("Account", "アカウント"),), (100,), ()),),
    )


def _truth(account: Account, clock: Clock) -> Grid:
    service = place(account.connection).en
    return Grid(
        (Phrase("Entitlement", "アクセス権"), Phrase("What", "対象"), Phrase("State", "状態"), Phrase("Confirmed by", "確認方法"),
         Phrase("Commanded", "指示"), Phrase("Seen closed", "遮断を確認"), Phrase("Signed by, problem", "署名者・問題")),
        (14, 19, 13, 11, 13, 13, 17),
        tuple(_row(row, clock) for row in account.entitlements),
        empty=Phrase("Its access has not been listed yet.", "権限の一覧はまだ取得されていない。"),
        title=cell(f"{service} · {account.name}"),
    )  # fmt: skip


def _row(row: Row, clock: Clock) -> tuple[Cell, ...]:
    told = row.detail
    signed = " — ".join(part for part in (told.signed_by, told.statement) if part)
    return (
        cell(word(row.kind)),
        cell(row.what),
        state(row.state),
        cell(word(row.confirmed_by)),
        clock(row.commanded_at),
        clock(row.observed_at),
        in_both(_came_back(row, clock), signed, told.problem if row.observed_at is None else None, tone=Tone.QUIET),
    )


def _came_back(row: Row, clock: Clock) -> Phrase:
    """Say when what had been seen closed was seen open, and by whom."""
    if row.detail.came_back_at is None:
        return Phrase("")
    at, who = clock.text(row.detail.came_back_at), row.detail.by_whom
    return Phrase(f"came back: seen open at {at}; {who.en}", f"再び有効と確認: {at}。{who.ja}")
