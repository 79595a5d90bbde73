"""The confidentiality papers and the download evidence; what was not collected says so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from casework.view.downloads import Downloads, Exit, Sentence, Source
from casework.view.papers import Paper, Papers, Pledge, SecretTest
from casework.visible import visible
from portal.record.document import Cell, Clock, Grid, Phrase, Picture, Section, Tone, cell, in_both, mono
from portal.record.words import named, place, state, tone_of, word

_NOT_COLLECTED = Phrase(
    "Not collected. This record says nothing about it; that is not the same as there being nothing.",
    "未収集。本記録はこれについて何も述べない (何もなかったことを意味しない)。",
)


def nda(found: Papers, clock: Clock) -> Section:
    """What binds the leaver to confidentiality: each paper with its state and its digest."""
    title = Phrase("Confidentiality papers (NDA)", "秘密保持に関する書類")
    if found.state == "not_collected":
        return Section("nda", title, lead=_NOT_COLLECTED)
    said = [
        (Phrase("Checked", "確認日時"), clock(found.checked_at)),
        (Phrase("State", "状態"), Cell(named("NdaState", found.state), tone_of(found.state))),
    ]  # fmt: skip
    if found.pledge is not None:
        said.append((Phrase("Pledge asked for", "誓約書の依頼"), _pledge(found.pledge, clock)))
    return Section("nda", title, facts=tuple(said), grids=(_papers(found.papers), *_trade_secret(found.trade_secret)))


def _pledge(pledge: Pledge, clock: Clock) -> Cell:
    reminders = f"reminders: {pledge.reminders}" if pledge.reminders else ""
    return cell(" · ".join(part for part in (pledge.state, clock.text(pledge.sent_at), reminders) if part))


def _papers(papers: Iterable[Paper]) -> Grid:
    return Grid(
        (Phrase("Paper", "書類"), Phrase("State", "状態"), Phrase("Title, register", "表題・保管先"),
         Phrase("Signer, date", "署名者・日付"), Phrase("Binds after leaving", "退職後の効力"),
         Phrase("SHA-256, signature", "SHA-256・電子署名")),
        (14, 11, 21, 16, 12, 26),
        tuple(
            (
                cell(word(p.kind)),
                state(p.state),
                _sentence(p, p.title, p.register_name),
                _lines(p.signer, p.signed_on),
                _survives(p),
                mono(_lines(p.sha256, p.signature).text),
            )
            for p in papers
        ),
        empty=Phrase("No paper was found.", "書類は見つからなかった。"),
    )  # fmt: skip


def _survives(paper: Paper) -> Cell:
    match paper.survives:
        case True:
            until = f" ({paper.expires_on})" if paper.expires_on else ""
            return cell(Phrase(f"yes{until}", f"あり{until}"))
        case False:
            return cell(Phrase("no", "なし"), Tone.OPEN)
        case None:
            return cell(Phrase("not known", "不明"), Tone.QUIET)


def _trade_secret(tests: Sequence[SecretTest]) -> Iterable[Grid]:
    if tests:
        yield Grid(
            (Phrase("Test for a trade secret", "営業秘密の要件"), Phrase("The record shows", "記録が示すこと"),
             Phrase("A person must still say", "人が補うべきこと")),
            (22, 39, 39),
            tuple((cell(word(t.test)), _joined(t.shows, t.shows_ja), _joined(t.asks, t.asks_ja)) for t in tests),
        )  # fmt: skip


def downloads(found: Downloads, clock: Clock, *, erased: bool) -> Section:
    """What the services' own logs tell of the time before the cut, with how complete each one is."""
    title = Phrase("Download evidence", "ダウンロード証跡")
    if found.state == "not_collected":
        return Section("downloads", title, lead=_NOT_COLLECTED)
    drawn = found.picture is not None and found.picture.lstrip().startswith("<svg")
    return Section(
        "downloads",
        title,
        lead=Phrase(
            "“Downloaded” is the vendor's word, and one vendor counts a view. Records are kept as the vendor gave them, in "
            "evidence/, and bound into the trail by digest.",
            "「ダウンロード」は各社の用語であり、閲覧を含む場合がある。記録は各社から得たまま evidence/ に保管し、ダイジェストで証跡に結び付けている。",
        ),
        facts=(
            (Phrase("State", "状態"), cell(_plain(found.state))),
            *((Phrase("Not begun to be read", "取得を開始していないログ"), cell(log)) for log in found.not_begun),
            *((word(kind), cell(f"{n:,}")) for kind, n in (found.counts or {}).items()),
        ),
        pictures=(Picture(str(found.picture), Phrase("Downloads by day", "日ごとのダウンロード")),) if drawn else (),
        grids=(_sources(found.sources, clock), _risks(found, erased=erased), *_more(found, clock)),
    )


def _sources(sources: Iterable[Source], clock: Clock) -> Grid:
    return Grid(
        (Phrase("Source", "情報源"), Phrase("Completeness", "網羅性"), Phrase("Window asked for", "対象期間"),
         Phrase("Oldest, newest", "最古・最新"), Phrase("Records", "件数"), Phrase("Digests: content, file", "ダイジェスト: 内容・ファイル")),
        (15, 19, 16, 16, 8, 26),
        tuple(
            (
                _lines(place(s.connection).en, s.source),
                _completeness(s),
                cell(f"{clock.text(s.from_at)}\n{clock.text(s.until_at)}"),
                cell(f"{clock.text(s.oldest_at)}\n{clock.text(s.newest_at)}"),
                cell(s.records),
                mono(_lines(s.content_sha256, s.sha256).text),
            )
            for s in sources
        ),
    )  # fmt: skip


def _completeness(source: Source) -> Cell:
    """Return the verdict with what the source says of its limits, in its own words."""
    verdict = state(source.verdict)
    told: list[Sentence] = [source, source.difference] if source.difference is not None else [source]
    limits = [
        f"{name} {n:,} {unit}"
        for name, n, unit in (("lag", source.lag, "s"), ("retention", source.retention, "d"))
        if n is not None
    ]
    english = "\n".join([verdict.text.en, *(one.text for one in told), *limits])
    return Cell(
        Phrase(visible(english), visible("\n".join([verdict.text.ja, *(one.text_ja for one in told)]))), verdict.tone
    )


def _risks(found: Downloads, *, erased: bool) -> Grid:
    """Say that nothing stands out only where a summary was read that says so."""
    nothing = Phrase("Nothing stands out. People decide what that means.", "目立つ点はない。評価は人が行う。")
    return Grid(
        (Phrase("What stands out against the person's own baseline", "本人の平常時と比べて目立つ点"),),
        (100,),
        tuple((_sentence(risk),) for risk in found.risks or ()),
        empty=nothing if found.risks is not None else _not_known(found, erased=erased),
    )


def _not_known(found: Downloads, *, erased: bool) -> Phrase:
    if erased:
        return Phrase(
            "Erased with the personal data: nobody can say it any more.",
            "個人データとともに消去済み。もはや判断できない。",
        )
    if found.problem is not None:
        told = f"{found.problem}. {found.remedy or ''}".strip()
        return Phrase(f"Not known: {told}", f"不明: {told}")
    return Phrase("Not known: nothing has been summarised yet.", "不明: まだ集計されていない。")


def _more(found: Downloads, clock: Clock) -> Iterable[Grid]:
    if found.folders:
        counted = tuple((cell(f.folder), cell(f.count)) for f in found.folders)
        yield Grid((Phrase("Folder", "フォルダー"), Phrase("Taken", "件数")), (85, 15), counted)
    if found.exits:
        heads = (
            Phrase("When", "日時"),
            Phrase("Service", "サービス"),
            Phrase("Way out", "持出し経路"),
            Phrase("What", "内容"),
        )
        yield Grid(heads, (18, 18, 18, 46), tuple(_exit(one, clock) for one in found.exits))
    if found.silence:
        names = (Phrase("Service", "サービス"), Phrase("Silence after the cut", "遮断後の静穏"))
        yield Grid(names, (18, 82), tuple((cell(place(s.connection)), _sentence(s)) for s in found.silence))


def _exit(one: Exit, clock: Clock) -> tuple[Cell, ...]:
    return clock(one.at), cell(place(one.connection)), cell(word(one.kind)), cell(one.text)


def _sentence(told: Paper | Sentence, *before: object) -> Cell:
    return in_both(Phrase(told.text, told.text_ja), *before)


def _joined(english: Sequence[str], japanese: Sequence[str]) -> Cell:
    return in_both(Phrase("\n".join(english), "\n".join(japanese)))


def _lines(*parts: object) -> Cell:
    return cell("\n".join(str(part) for part in parts if part))


def _plain(text: str) -> str:
    return text.replace("_", " ")
