"""What casework says is a code in the program and a sentence in the catalogue, in both languages."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from casework.messages import BilingualText, MessageTexts, catalogue, joined, message, parameters
from casework.truth.states import NEVER_CUT
from models.vocabulary import ActivityKind, Completeness, FindingKind, NdaState, Opener, PaperKind
from portal.words import glossary
from tests.unit.reading_source import ROOT, tree

SOURCES = sorted((ROOT / "casework").rglob("*.py"))
INTAKE = [path for path in SOURCES if path.parent.name == "intake"]
LOGS = sorted(ROOT.glob("connectors/*/activity/*.py"))
PROOFS = (
    "proof_verified",
    "proof_unnamed",
    "proof_untrusted",
    "proof_sealed",
    "proof_stamped",
    "proof_none",
    "proof_broken",
)
"""Put together from what `casework.nda.signers` says a signature proves."""
SAYING = {"message": "", "Flaw": "", "of": "", "refuse": "", "Reason": "risk_", "difference": ""}
"""What takes a code and the parameters of its sentence, and what stands before the code in the catalogue."""
ROOMS = ("log", "risk", "silence", "finding", "finding_guarded")
"""Words that stand after their room's name in the catalogue: of verdicts and gaps, the connectors' too, reasons, states and guards."""


def written(module: ast.Module) -> Iterator[str]:
    """Yield every text of a module's."""
    for node in ast.walk(module):
        match node:
            case ast.Constant(value=str() as text):
                yield text
            case _:
                pass


def calls(module: ast.Module) -> Iterator[tuple[str, set[str]]]:
    """Yield what is said outright: the code, and the parameters that are filled."""
    for node in ast.walk(module):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=args, keywords=words) if (
                name in SAYING
            ):
                filled = {word.arg for word in words if word.arg is not None}
                codes = [SAYING[name] + text for arg in args[:2] for text in written(ast.Module([ast.Expr(arg)], []))]
                yield from ((code, filled) for code in codes if code in catalogue() and len(filled) == len(words))
            case _:
                pass


def reasons(module: ast.Module) -> Iterator[str]:
    """Yield every code that is given as the reason for refusing something."""
    for node in ast.walk(module):
        match node:
            case ast.Call(func=ast.Name(id="Flaw" | "_misfit") | ast.Attribute(attr="of"), args=[first, *_]):
                yield from written(ast.Module([ast.Expr(first)], []))
            case ast.Call(func=ast.Name(id="refuse"), args=[_, code, *_]):
                yield from written(ast.Module([ast.Expr(code)], []))
            case _:
                pass


def constants(module: ast.Module) -> Iterator[str]:
    """Yield every code that is written where it becomes a sentence; `_new` makes a reason of its second word."""
    for node in ast.walk(module):
        match node:
            case ast.Call(func=ast.Name(id="message" | "Reason" as name), args=[ast.Constant(value=str() as code), *_]):
                yield SAYING[name] + code
            case ast.Call(func=ast.Name(id="_new"), args=[_, ast.Constant(value=str() as code), *_]):
                yield SAYING["Reason"] + code
            case _:
                pass


class TestCatalogue:
    def test_every_code_has_a_sentence(self) -> None:
        """Every kind and state of a paper is worded, and who let an account in again."""
        assert {*Opener, *PaperKind, *NdaState, *PROOFS} <= catalogue().keys()

    def test_every_code_that_is_said_has_a_sentence(self) -> None:
        """A code without one would be an error where it is said: a leaver's summary would be missing."""
        codes = {code for path in SOURCES for code in constants(tree(path))}
        assert len(codes) > 80, "the test sees what the program says"
        assert codes - catalogue().keys() == set()

    def test_every_reason_for_refusing_has_its_remedy(self) -> None:
        """Whatever stops a file, a row or a cell is told in whole sentences, with what to do about it."""
        stopping = {code for path in INTAKE for code in reasons(tree(path))}
        assert len(stopping) > 30, "the test sees what the program says"
        texts = {text for code in stopping for text in (*catalogue()[code].sentence, *catalogue()[code].remedy)}
        assert {text for text in texts if not text.endswith((".", "。"))} == set()

    def test_every_guard_has_its_remedy(self) -> None:
        """Whatever keeps an account from being cut is told with what to do about it."""
        assert {f"finding_guarded_{guard}" for guard in NEVER_CUT} <= catalogue().keys()

    def test_no_sentence_without_a_use(self) -> None:
        """A sentence that nothing says any more goes."""
        used = {text for path in (*SOURCES, *LOGS) for text in written(tree(path))}
        used |= {f"{room}_{word}" for room in ROOMS for word in used | {*Completeness, *FindingKind, *NEVER_CUT}}
        used |= {f"kind_{kind}" for kind in ActivityKind}
        assert set(catalogue()) - used - {*Opener, *PaperKind, *NdaState, *PROOFS} == set()

    def test_the_words_of_what_a_log_tells(self) -> None:
        """Every kind has its word for sentences, in Japanese the glossary's."""
        japanese = glossary()["ActivityKind"]
        assert {kind: catalogue()[f"kind_{kind}"].ja for kind in ActivityKind} == japanese

    def test_what_a_sentence_needs_is_given(self) -> None:
        """Wherever a code is said outright, every parameter of its sentence and its remedy is filled."""
        said = [(path.name, *call) for path in SOURCES for call in calls(tree(path))]
        assert len(said) > 80, "the test sees what the program says"
        lacking = [(name, code) for name, code, filled in said if not needed(catalogue()[code]) <= filled]
        assert lacking == []

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ('[a]\nen = "x"\n', "Field required"),
            ('[a]\nen = "x {n}"\nja = "x"\n', "both languages"),
            ('[a]\nen = "x"\nja = "x {n}"\n', "both languages"),
            ('[a]\nen = "x"\nja = ""\n', "both languages"),
            ('[a]\nen = "x"\nja = "x"\nremedy_en = "do {n}"\nremedy_ja = "y"\n', "both languages"),
            ('[a]\nen = "x"\nja = "x"\nremedy_en = "do"\n', "both languages"),
            ('[a]\nen = "x"\nja = "x"\nremdy_en = "do"\n', "Extra inputs"),
        ],
    )
    def test_half_a_translation_is_refused(self, tmp_path: Path, text: str, why: str) -> None:
        """A sentence that lacks a language, a parameter in one of them, or has a misspelt key, is no sentence."""
        (tmp_path / "room.toml").write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=why):
            catalogue(tmp_path)

    def test_a_code_stands_once(self, tmp_path: Path) -> None:
        """Two rooms do not word one code differently."""
        for name in ("a.toml", "b.toml"):
            (tmp_path / name).write_text('[x]\nen = "x"\nja = "x"\n', encoding="utf-8")
        with pytest.raises(ValueError, match="another file"):
            catalogue(tmp_path)


class TestMessage:
    def test_says_the_same_in_both_languages(self) -> None:
        """What is filled in is put into the reader's language, several things as that language lists them."""
        named = (BilingualText("name", "氏名"), BilingualText("email", "メールアドレス"))
        said = message("contradicting_rows", rows="2, 3", columns=named).said
        assert said.en == "Rows 2, 3 report the same departure, but differ in name, email."
        assert said.ja == "2, 3行目は同じ退職の通知ですが、氏名、メールアドレスが異なります。"
        assert message("duty_lacking", kind=message("exit_pledge"), state=message("missing")).said == (
            "exit pledge: not on file",
            "退職時誓約書: 未登録",
        )

    def test_quotes_what_others_wrote(self) -> None:
        """A vendor's own words are no template: braces in them stay as they are."""
        assert message("paper_unreadable", why="{0} {why} {x!r}").said.en == "cannot be read: {0} {why} {x!r}"

    def test_without_a_parameter_is_an_error(self) -> None:
        """A sentence with a hole in it is said to nobody."""
        with pytest.raises(KeyError, match="limit"):
            _ = message("too_large").said

    def test_several_are_one_sentence(self) -> None:
        """What is said of one paper is one line in either language."""
        assert joined([message("unsigned"), message("missing")]) == ("not signed; not on file", "未署名。未登録")


class TestTerminal:
    def test_every_sentence_is_said_with_what_it_needs(self) -> None:
        """The terminal says what `cli/sentences.toml` has: every code, in both languages, with every parameter."""
        sentences = catalogue(ROOT / "cli")
        modules = [tree(path) for path in sorted((ROOT / "cli").glob("*.py"))]
        used = {text for module in modules for text in written(module)}
        spoken = (
            used
            | {f"step_{step}" for step in used}
            | {f"hold_{outcome}" for outcome in used}
            | {f"trail_key_{state}" for state in used}
        )
        assert set(sentences) - spoken == set()
        for module in modules:
            for code, filled in said_outright(module):
                assert needed(sentences[code]) <= filled, code


def needed(entry: MessageTexts) -> frozenset[str]:
    """Return what a sentence and its remedy are filled with."""
    return parameters(entry.en) | parameters(entry.remedy_en)


def said_outright(module: ast.Module) -> Iterator[tuple[str, set[str | None]]]:
    """Yield what a verb says: the code, and the parameters; one that its answer fills is left to its test."""
    for node in ast.walk(module):
        match node:
            case ast.Call(
                func=ast.Name(id="sentence" | "advice") | ast.Attribute(attr="report"),
                args=[ast.Constant(value=str() as code)],
                keywords=words,
            ):
                filled = {word.arg for word in words}
                if None not in filled:
                    yield code, filled
            case _:
                pass
