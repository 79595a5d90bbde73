"""The confidentiality papers and the download evidence, in the shapes of `show --json`; what was not collected says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from casework.record.facts import Facts
from portal.record.document import Cell, Clock, Grid, Phrase, Picture, Section, Tone, cell, mono, visible
from portal.record.words import named, tone_of

_NOT_COLLECTED = Phrase(
    "Not collected. This record says nothing about it; that is not the same as there being nothing.",
    "未収集。本記録はこれについて何も述べない (何もなかったことを意味しない)。",
)


def nda(facts: Facts, clock: Clock) -> Section:
    """What binds the leaver to confidentiality: each paper with its state and its digest."""
    title = Phrase("Confidentiality papers (NDA)", "秘密保持に関する書類")
    found = facts.nda
    if found.get("state", "not_collected") == "not_collected":
        return Section("nda", title, lead=_NOT_COLLECTED)
    pledge = found.get("pledge")
    said = [
        (Phrase("Checked", "確認日時"), clock(found.get("checked_at"))),
        (Phrase("State", "状態"), _word("NdaState", found.get("state"))),
    ]
    if isinstance(pledge, Mapping):
        said.append((Phrase("Pledge asked for", "誓約書の依頼"), _pledge(pledge, clock)))
    grids = (_papers(_rows(found, "papers")), *_trade_secret(_rows(found, "trade_secret")))
    return Section("nda", title, facts=tuple(said), grids=grids)


def _pledge(pledge: Mapping[str, Any], clock: Clock) -> Cell:
    parts = [str(pledge.get("state") or ""), clock.text(pledge.get("sent_at"))]
    reminders = pledge.get("reminders")
    if reminders:
        parts.append(f"reminders: {reminders if isinstance(reminders, int) else len(reminders)}")
    return cell(" · ".join(part for part in parts if part))


def _papers(papers: Iterable[Mapping[str, Any]]) -> Grid:
    return Grid(
        (Phrase("Paper", "書類"), Phrase("State", "状態"), Phrase("Title, register", "表題・保管先"),
         Phrase("Signer, date", "署名者・日付"), Phrase("Binds after leaving", "退職後の効力"),
         Phrase("SHA-256, signature", "SHA-256・電子署名")),
        (14, 11, 21, 16, 12, 26),
        tuple(
            (
                _word("PaperKind", p.get("kind"), Tone.PLAIN),
                _word("NdaState", p.get("state")),
                _in_both(p, "text", p.get("title"), p.get("register")),
                _lines(p.get("signer"), p.get("signed_on")),
                _survives(p),
                _lines(p.get("sha256"), _signature(p.get("signature")), tone=Tone.MONO),
            )
            for p in papers
        ),
        empty=Phrase("No paper was found.", "書類は見つからなかった。"),
    )  # fmt: skip


def _survives(paper: Mapping[str, Any]) -> Cell:
    ends = paper.get("expires_on")
    match paper.get("survives"):
        case True:
            until = f" ({ends})" if ends else ""
            return cell(Phrase(f"yes{until}", f"あり{until}"))
        case False:
            return cell(Phrase("no", "なし"), Tone.OPEN)
        case _:
            return cell(Phrase("not known", "不明"), Tone.QUIET)


def _signature(signature: object) -> str | None:
    if isinstance(signature, Mapping):
        return ", ".join(f"{name}: {value}" for name, value in signature.items() if value is not None)
    return None if signature is None else str(signature)


def _trade_secret(tests: Sequence[Mapping[str, Any]]) -> Iterable[Grid]:
    if tests:
        yield Grid(
            (Phrase("Test for a trade secret", "営業秘密の要件"), Phrase("The record shows", "記録が示すこと"),
             Phrase("A person must still say", "人が補うべきこと")),
            (22, 39, 39),
            tuple(
                (_word("TradeSecretTest", t.get("test"), Tone.PLAIN), _joined(t, "shows"), _joined(t, "asks"))
                for t in tests
            ),
        )  # fmt: skip


def downloads(facts: Facts, clock: Clock) -> Section:
    """What the services' own logs tell of the time before the cut, with how complete each one is."""
    title = Phrase("Download evidence", "ダウンロード証跡")
    found = facts.downloads
    if found.get("state", "not_collected") == "not_collected":
        return Section("downloads", title, lead=_NOT_COLLECTED)
    picture = found.get("picture")
    drawn = isinstance(picture, str) and picture.lstrip().startswith("<svg")
    return Section(
        "downloads",
        title,
        lead=Phrase(
            "“Downloaded” is the vendor's word, and one vendor counts a view. Records are kept as the vendor gave them, in "
            "evidence/, and bound into the trail by digest.",
            "「ダウンロード」は各社の用語であり、閲覧を含む場合がある。記録は各社から得たまま evidence/ に保管し、ダイジェストで証跡に結び付けている。",
        ),
        facts=((Phrase("State", "状態"), cell(str(found.get("state")).replace("_", " "))), *_counts(found)),
        pictures=(Picture(str(picture), Phrase("Downloads by day", "日ごとのダウンロード")),) if drawn else (),
        grids=(
            _sources(_rows(found, "sources"), clock),
            _risks(_rows(found, "risks")),
            *_more(found, clock),
        ),
    )


def _counts(found: Mapping[str, Any]) -> tuple[tuple[Phrase, Cell], ...]:
    counts = found.get("counts")
    if not isinstance(counts, Mapping):
        return ()
    return tuple(
        (named("ActivityKind", str(kind)), cell(f"{n:,}" if isinstance(n, int) else n)) for kind, n in counts.items()
    )


def _sources(sources: Iterable[Mapping[str, Any]], clock: Clock) -> Grid:
    return Grid(
        (Phrase("Source", "情報源"), Phrase("Completeness", "網羅性"), Phrase("Window asked for", "対象期間"),
         Phrase("Oldest, newest", "最古・最新"), Phrase("Records", "件数"), Phrase("Digests: content, file", "ダイジェスト: 内容・ファイル")),
        (15, 19, 16, 16, 8, 26),
        tuple(
            (
                _lines(named("Service", str(s.get("service"))).en, s.get("source")),
                Cell(_with(named("Completeness", str(s.get("verdict"))), s), tone_of(str(s.get("verdict")))),
                cell(f"{clock.text(s.get('from'))}\n{clock.text(s.get('until'))}"),
                cell(f"{clock.text(s.get('oldest'))}\n{clock.text(s.get('newest'))}"),
                cell(s.get("records")),
                _lines(s.get("content_sha256"), s.get("sha256"), tone=Tone.MONO),
            )
            for s in sources
        ),
    )  # fmt: skip


def _with(verdict: Phrase, source: Mapping[str, Any]) -> Phrase:
    """Add to the verdict what the source says of its limits, in its own words."""
    difference = source.get("difference")
    told = [source, difference] if isinstance(difference, Mapping) else [source]
    limits = [
        f"{name} {source[name]:,} {unit}"
        for name, unit in (("lag", "s"), ("retention", "d"))
        if isinstance(source.get(name), int)
    ]
    english = [str(one["text"]) for one in told if one.get("text")]
    japanese = [str(one["text_ja"]) for one in told if one.get("text_ja")]
    return Phrase(visible("\n".join([verdict.en, *english, *limits])), visible("\n".join([verdict.ja, *japanese])))


def _risks(risks: Iterable[Mapping[str, Any]]) -> Grid:
    return Grid(
        (Phrase("What stands out against the person's own baseline", "本人の平常時と比べて目立つ点"),),
        (100,),
        tuple((_in_both(risk, "text"),) for risk in risks),
        empty=Phrase("Nothing stands out. People decide what that means.", "目立つ点はない。評価は人が行う。"),
    )


def _more(found: Mapping[str, Any], clock: Clock) -> Iterable[Grid]:
    folders, exits, silence = _rows(found, "folders"), _rows(found, "exits"), _rows(found, "silence")
    if folders:
        counted = tuple((cell(f.get("folder")), cell(f.get("count"))) for f in folders)
        yield Grid((Phrase("Folder", "フォルダー"), Phrase("Taken", "件数")), (85, 15), counted)
    if exits:
        heads = (
            Phrase("When", "日時"),
            Phrase("Service", "サービス"),
            Phrase("Way out", "持出し経路"),
            Phrase("What", "内容"),
        )
        yield Grid(heads, (18, 18, 18, 46), tuple(_exit(one, clock) for one in exits))
    if silence:
        names = (Phrase("Service", "サービス"), Phrase("Silence after the cut", "遮断後の静穏"))
        told = tuple((cell(named("Service", str(s.get("service")))), _in_both(s, "text")) for s in silence)
        yield Grid(names, (18, 82), told)


def _exit(one: Mapping[str, Any], clock: Clock) -> tuple[Cell, ...]:
    service, kind = named("Service", str(one.get("service"))), _word("ActivityKind", one.get("kind"), Tone.PLAIN)
    return clock(one.get("at")), cell(service), kind, cell(one.get("text"))


def _in_both(told: Mapping[str, Any], name: str, *before: object) -> Cell:
    """Return a sentence in both languages, behind what is the same in both."""
    same = [str(part) for part in before if part]
    english, japanese = str(told.get(name) or ""), str(told.get(f"{name}_ja") or "")
    return cell(Phrase(visible("\n".join([*same, english]).strip()), visible(japanese)) if english or same else None)


def _joined(told: Mapping[str, Any], name: str) -> Cell:
    english, japanese = (_list(told.get(key)) for key in (name, f"{name}_ja"))
    return cell(
        Phrase(visible("\n".join(map(str, english))), visible("\n".join(map(str, japanese)))) if english else None
    )


def _rows(found: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    return [row for row in _list(found.get(name)) if isinstance(row, Mapping)]


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _lines(*parts: object, tone: Tone = Tone.PLAIN) -> Cell:
    shown = "\n".join(str(part) for part in parts if part not in {None, ""})
    return mono(shown) if tone is Tone.MONO else cell(shown, tone)


def _word(enum: str, value: object, tone: Tone | None = None) -> Cell:
    return Cell(named(enum, str(value)), tone_of(str(value)) if tone is None else tone) if value else cell(None)
