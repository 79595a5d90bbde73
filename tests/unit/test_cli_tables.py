"""What the page of a case says of downloads: never less than is known, and never more."""

from __future__ import annotations

import pytest

from casework.view.downloads import Downloads, Sentence
from cli import tables
from models.vocabulary import Completeness
from tests.portal.test_record import DOWNLOADS


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LASTDAY_LANGUAGE", "en")


class TestDownloads:
    def test_nothing_read(self) -> None:
        """A case whose logs were not read says so, and names no number."""
        assert tables.downloads("case-1", Downloads(state="not_collected")) == ["Downloads: not collected."]

    def test_read(self) -> None:
        """What was found stands there in the record's sentences, beside how much of it is complete."""
        sources = tuple(DOWNLOADS.sources[0].model_copy(update={"verdict": verdict}) for verdict in Completeness)
        said = Sentence(text="37,000 files were taken.", text_ja="37,000件を取得。")
        shown = tables.downloads("case-1", Downloads(state="partial", sources=sources, summary=(said,)))
        assert shown == [
            "Downloads: partial, 1 of 3 readings of logs complete (lastday evidence case-1)",
            "  37,000 files were taken.",
        ]

    def test_in_japanese(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The page is Japanese where the terminal is."""
        monkeypatch.setenv("LASTDAY_LANGUAGE", "ja")
        assert tables.downloads("case-1", Downloads(state="not_collected")) == ["ダウンロード記録: 未収集。"]
