"""Whose a signature is, by the name in its certificate."""

from __future__ import annotations

from typing import Any

import pytest

from casework.nda.papers.signatories import says_whose
from models.vocabulary import ComparisonResult, Leaver


class TestSaysWhose:
    @pytest.mark.parametrize(
        ("written", "names"),
        [
            ({"name": "山田 太郎", "romaji": "Yamada Taro"}, (
                "山田太郎", "太郎 山田", "YAMADA-TARO", "Taro.Yamada", "yamadataro", "TAROYAMADA", "YAMADA_TARO", "Yamada/Taro", "Tarou Yamada", "Mr Taro Yamada",
                "Taro YAMADA (Acme)",
            )),
            ({"name": "高橋健一"}, ("髙橋健一", "高橋 健一", "高橋(健一)", "高橋健一 様")),
            ({"name": "渡辺花子"}, ("渡邉花子", "佐藤(渡辺)花子")),
            ({"name": "森恵"}, ("森 恵", "森恵", "森(恵)")),
            ({"name": "大野真", "romaji": "OHNOMAKOTO"}, ("Ono Makoto", "Makoto Oono")),
            ({"name": "星 空子", "former_name": "月"}, ("月 空子", "月空子")),
            ({"name": "星 空子", "kana": "ホシ ソラコ"}, ("ホシソラコ", "Sorako Hoshi")),
            ({"name": "José García"}, ("JOSE GARCIA LOPEZ",)),
            ({"name": "星 空子", "email": "e1@example.test"}, ("星空子1", "星 空子 課長代理", "人事部星空子", "星空子 <e1@example.test>", "e1@example.test")),
            ({"name": "原 由美子", "romaji": "Hara Yumiko"}, ("YUMIKOHARA", "harayumiko", "原由美子")),
            ({"name": "Maria De La Cruz"}, ("Maria Delacruz", "MARIADELACRUZ")),
            ({"name": "伊藤 健一", "romaji": "Ito Kenichi"}, ("Ken'ichi Ito",)),
            ({"name": "Maria Aparecida da Silva dos Santos"}, ("Maria Aparecida da Silva dos Santos", "SANTOS, Maria Aparecida da Silva dos")),
            ({"name": "星 空子（派遣）"}, ("星 空子", "星空子（営業部）")),
        ],
    )  # fmt: skip
    def test_the_leaver_s(self, written: dict[str, Any], names: tuple[str, ...]) -> None:
        """The full name in any order and with anything beside it."""
        assert {name: says_whose(Leaver("E1", **written), name) for name in names} == dict.fromkeys(
            names, ComparisonResult.FACT
        )

    @pytest.mark.parametrize(
        ("written", "names"),
        [
            ({"name": "山田 太郎", "romaji": "Yamada Taro"}, ("鈴木 一郎", "山田 次郎", "山田花子", "Suzuki Ichiro", "代表取締役 鈴木一郎")),
            ({"name": "山田 太郎", "romaji": "Yamada Taro", "kana": "ヤマダ タロウ"}, ("Jiro Yamada", "ヤマダ ジロウ")),
            ({"name": "渡辺花子"}, ("渡辺 次郎", "佐藤花代")),
            ({"name": "Li Na"}, ("Lina Tanaka",)),
            ({"name": "星 空子", "email": "e1@example.test"}, (
                "月 影子 20240101", "月影子1", "月影子 E0042", "月影子 課長代理", "部長代理 月影子", "人事部月影子", "月影子 <kage@x.test>", "月 影子 <e1@example.test>",
                "kageko.tsuki@example.test",
            )),
            ({"name": "星 空子", "romaji": "Hoshi Sorako"}, ("月 影子 代理", "星 空子 代理", "月影子（星空子 代筆）", "Tsuki for Hoshi Sorako", "p.p. Hoshi Sorako")),
            ({"name": "原 由美子", "kana": "ハラ ユミコ", "romaji": "Hara Yumiko"}, ("Yumi Kohara", "コハラ ユミ")),
            ({"name": "池 恵理子", "romaji": "Ike Eriko"}, ("Eri Koike",)),
            ({"name": "高橋真一"}, ("鈴木 一",)),
            ({"name": "张 伟"}, ("陈 丽",)),
        ],
    )  # fmt: skip
    def test_another_s(self, written: dict[str, Any], names: tuple[str, ...]) -> None:
        """Another full name, and the same family name with another given name, whatever stands beside it; who signs for somebody; another address at the company."""
        said = {name: says_whose(Leaver("E1", **written), name) for name in names}
        assert said == dict.fromkeys(names, ComparisonResult.CONTRADICTION)

    @pytest.mark.parametrize(
        ("written", "names"),
        [
            ({"name": "山田 太郎"}, ("Suzuki Ichiro", "ヤマダ タロウ", "山田", "鈴木 太郎", "人事部 山田", "20240101ABCDEF", "t@example.test", "")),
            ({"name": "山田 太郎", "romaji": "Yamada Taro"}, ("T. Yamada", "Taro Smith", "Jiro Yamada")),
            ({"name": "渡辺花子"}, ("渡辺", "佐藤 花子", "佐藤花子", "花子")),
            ({"name": "星 空子", "kana": "ホシ ソラコ", "romaji": "Hoshi Sorako"}, ("佐藤空子", "サトウソラコ", "SORAKOSATO", "SATOSORAKO", "Sorako")),
            ({"name": "Hoshi Sorako"}, ("SORAKOSATO",)),
            ({"name": "金 哲秀", "kana": "キム チョルス", "romaji": "Kim Cheolsu"}, ("김철수",)),
            ({"name": "張 偉"}, ("张伟", "Чжан Вэй")),
            ({"name": "劉 國強"}, ("刘国强",)),
        ],
    )  # fmt: skip
    def test_nobody_can_tell(self, written: dict[str, Any], names: tuple[str, ...]) -> None:
        """A number, other letters, one word of two where a marriage, or the other order, may be behind it."""
        said = {name: says_whose(Leaver("E1", **written), name) for name in names}
        assert said == dict.fromkeys(names, ComparisonResult.NEITHER)
