"""What proves the record: digests, the log, who stamped it, and how a reader checks it without us."""

from __future__ import annotations

from casework.record.facts import Facts, Proof
from portal.record.document import Clock, Grid, Phrase, Section, Tone, cell, mono
from portal.record.words import MANY, event

REHEARSAL = Phrase(
    "Rehearsal. The time stamps and cosignatures were made by an authority and a witness that the operator runs: they are "
    "worthless against the operator.",
    "予行演習。時刻認証局と立会人はいずれも運用者自身が動かしている。運用者に対する証明力はまったくない。",
)
AS_IT_STANDS = Phrase(
    "As it stands. The case was not closed when this was written: it records what was known then, not that access has ended.",
    "作成時点の状態。案件は未完了であり、アクセスの終了を示すものではない。",
)
PLAN_ONLY = Phrase(
    "Plan only. Nothing was to be changed at any service in this case.",
    "計画のみ。本案件では各サービスへの変更を行わないこととされている。",
)
ERASED = Phrase(
    "Personal data of this case was erased. Events, their order, their times and digests are unchanged and still proven.",
    "本案件の個人データは消去された。事象とその順序・時刻・ダイジェストは変わらず、引き続き証明される。",
)

COMMANDS = (
    "sha256sum --quiet -c SHA256SUMS",
    (
        "cosign verify-blob-attestation --bundle certificate.sigstore.json --key ../trust/case.pub.pem --new-bundle-format \\\n"
        "  --trusted-root ../trust/trusted_root.json --use-signed-timestamps --insecure-ignore-tlog \\\n"
        "  --type https://lastday.example/audit-record/v1 SHA256SUMS"
    ),
    "lastday verify . --trust ../trust",
)


def proof(facts: Facts, known: Proof, clock: Clock) -> Section:
    """Digests and origins, and what each of them fixes."""
    said = (
        (Phrase("Log", "ログ"), mono(facts.origin)),
        (Phrase("Events of this case", "本案件の事象数"), cell(len(facts.told))),
        (Phrase("Digest of the newest event", "最新の事象のダイジェスト"), mono(known.last_event_sha256)),
        (Phrase("Intents without an outcome", "結果のない指示"),
         cell(facts.view.open_intents, Tone.OPEN if facts.view.open_intents else Tone.GOOD)),
        (Phrase("Log stamped at", "ログの時刻認証"), clock(known.anchored_at)),
        (Phrase("Events in the stamped log", "認証時のログの事象数"), cell(known.anchor_size)),
        (Phrase("This record is number", "本記録の番号"), cell(known.revision)),
        (Phrase("Certificate of the record before", "前の記録の証明書"), mono(known.former_sha256)),
        (Phrase("Exported by", "出力者"), cell(known.exported_by)),
        (Phrase("Policy now in force", "現行の規程"), mono(facts.policy_sha256)),
    )  # fmt: skip
    plans = Grid(
        (Phrase("Plan sealed", "計画の封緘"), Phrase("Scope", "範囲"), Phrase("Steps", "手順数"),
         Phrase("SHA-256: plan, policy", "SHA-256: 計画・規程")),
        (18, 14, 10, 58),
        tuple(
            (clock(p.sealed_at), cell(p.scope), cell(p.steps), mono(f"{p.sha256}\n{p.policy_sha256}"))
            for p in facts.view.plans
        ),
        empty=Phrase("No plan was sealed.", "計画は封緘されていない。"),
    )  # fmt: skip
    return Section("proof", Phrase("Digests", "ダイジェスト"), facts=said, grids=(plans,))


def verifying() -> Section:
    """How to check the folder without us, what that proves, and what nothing proves."""
    return Section(
        "verify",
        Phrase("How to verify this record", "検証の方法"),
        lead=Phrase(
            "This page lies in a folder. Keys and roots to check it with come from another hand (trust/), never from the folder. "
            "README.en.txt has each command; these three are the core.",
            "本ページはフォルダーの一部である。検証用の鍵とルート証明書 (trust/) は必ず別の経路で受け取ること。"
            "全コマンドは README.ja.txt にある。要は次の三つ。",
        ),
        commands=COMMANDS,
        notes=(
            Phrase(
                "Proven: no listed event was edited, removed, reordered or back-dated after the stamp above, no file of the "
                "folder was swapped, and the case has no other event in this log.",
                "証明されること: 上記の時刻認証より後に、事象の改変・削除・並べ替え・日付の遡りがなく、ファイルの差し替えがなく、"
                "このログに本案件の他の事象が存在しないこと。",
            ),
            Phrase(
                "Not proven: that something which the operator never logged did not happen; that a vendor's answer was true; "
                "anything about events after the newest stamp.",
                "証明されないこと: 運用者が記録しなかった出来事がないこと、各社の応答が真実であること、最新の時刻認証より後の事象。",
            ),
        ),
    )


def events(facts: Facts, clock: Clock) -> Section:
    """The case's milestones; each request and each read stands in `events/`."""
    shown = [t for t in facts.told if t.type not in MANY]
    grid = Grid(
        (Phrase("Event", "事象"), Phrase("When", "日時"), Phrase("What", "内容"), Phrase("Of what", "対象")),
        (8, 20, 40, 32),
        tuple(
            (mono(f"{t.seq:04d}"), clock(t.at), cell(event(t.type)),
             cell(" ".join(str(t.fields[name]).replace("_", " ")
                           for name in ("service", "connection", "kind", "finding", "state", "choice", "scope", "basis") if t.fields.get(name))))
            for t in shown
        ),
    )  # fmt: skip
    rest = len(facts.told) - len(shown)
    return Section(
        "events",
        Phrase("Course of the case", "案件の経過"),
        lead=Phrase(
            f"Each line is a sealed event; {rest} more (requests, answers and reads) are in events/.",
            f"各行は封緘された事象。このほか {rest} 件 (要求・応答・読み取り) が events/ にある。",
        ),
        grids=(grid,),
    )
