"""Whatever file HR sends, the command refuses clearly or opens cases: never a traceback, never half of it."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli.app import main
from tests.terminal_house import House, settle
from tests.unit.hostile_notices import csv_files, json_files

_CALM = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
SOME = settings(max_examples=80, deadline=None, suppress_health_check=_CALM)
MANY = settings(max_examples=5_000, deadline=None, suppress_health_check=_CALM)  # two kinds: 10,000 in all

Judge: TypeAlias = Callable[[str, bytes, bool], None]


@pytest.fixture(scope="module")
def judge(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    """Return what runs the command on one file, in a house that grows from example to example, and judges it."""
    folder = tmp_path_factory.mktemp("hostile")
    shutil.copy(migrated / "lastday.db", folder)  # with its mode: nobody else may read it
    with pytest.MonkeyPatch.context() as patch:
        settle(patch, folder)
        yield _Judge(folder)


class _Judge:
    def __init__(self, folder: Path) -> None:
        self._file = folder / "notices"
        self._sizes = House(folder, None).sizes  # type: ignore[arg-type]  # nothing is captured here

    def __call__(self, option: str, raw: bytes, each_row: bool) -> None:
        self._file.write_bytes(raw)
        before = self._sizes()
        code, answer = self._depart(option, "--each-row" if each_row else "--all-or-nothing")
        assert set(answer) == {"cases", "refused", "same_rows", "unknown_columns"}
        assert code == (2 if answer["refused"] else 0)
        for refused in answer["refused"]:
            assert refused["reason"], "a refusal says why"
            assert refused["remedy"], "and what to do"
        self._grown(before, answer, each_row=each_row)

    def _depart(self, option: str, mode: str) -> tuple[int, dict[str, Any]]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(["depart", option, str(self._file), mode, "--json"])
        assert "Traceback" not in err.getvalue()
        return code, json.loads(out.getvalue())

    def _grown(self, before: dict[str, int], answer: dict[str, Any], *, each_row: bool) -> None:
        after = self._sizes()
        grown = {name: after[name] - size for name, size in before.items() if after[name] != size}
        if answer["refused"] and not each_row:
            assert answer["cases"] == []
            disputed = sum(refused["code"] == "other_person" for refused in answer["refused"])
            assert all(name.startswith("audit_") for name in grown), "nothing is half done"
            assert grown.get("audit_entry", 0) <= 2 * disputed, "but that a number is in dispute"
        created = sum(case["outcome"] == "created" for case in answer["cases"])
        continued = sum(case["outcome"] == "continued" for case in answer["cases"])
        assert created <= grown.get("offboarding_case", 0) <= created + continued
        assert after["audit_entry"] - before["audit_entry"] >= created
        assert after["notice"] - before["notice"] == len(answer["cases"])


class TestHostileFiles:
    @pytest.mark.timeout(600)  # a busy machine is not a failing one
    @SOME
    @given(raw=csv_files(), each_row=st.booleans())
    def test_csv(self, judge: Judge, raw: bytes, each_row: bool) -> None:
        """A CSV file is taken or refused with row, reason and remedy; refused whole, it leaves no trace."""
        judge("--csv", raw, each_row)

    @pytest.mark.timeout(600)  # a busy machine is not a failing one
    @SOME
    @given(raw=json_files(), each_row=st.booleans())
    def test_json(self, judge: Judge, raw: bytes, each_row: bool) -> None:
        """A JSON file is taken or refused with place, reason and remedy; refused whole, it leaves no trace."""
        judge("--from-json", raw, each_row)

    @pytest.mark.chaos
    @pytest.mark.timeout(3600)
    @MANY
    @given(raw=csv_files(), each_row=st.booleans())
    def test_many_csv(self, judge: Judge, raw: bytes, each_row: bool) -> None:
        """The same of thousands."""
        judge("--csv", raw, each_row)

    @pytest.mark.chaos
    @pytest.mark.timeout(3600)
    @MANY
    @given(raw=json_files(), each_row=st.booleans())
    def test_many_json(self, judge: Judge, raw: bytes, each_row: bool) -> None:
        """The same of thousands."""
        judge("--from-json", raw, each_row)
