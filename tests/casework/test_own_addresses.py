"""Which addresses are the leaver's own: those that HR has, and private mailboxes with the whole name."""

from __future__ import annotations

import pytest

from casework.activity.addresses import Addresses
from models.vocabulary import ActivityKind as K
from models.vocabulary import Leaver
from tests.casework.leavers import (
    LEAVER,
    WINDOW,
    acts,
    reasons,
    work,
)


class TestOwnAddresses:
    @pytest.mark.parametrize("target", ["sora@private.test", "SORAKO.hoshi88@gmail.com", "hoshi.sorako@yahoo.co.jp"])
    def test_are_told_first(self, target: str) -> None:
        """What was shared to an address that HR has, or to a private mailbox with the name, is told before all else."""
        much = acts(K.DOWNLOAD, WINDOW[:3], 2_000)
        found = reasons([*work(), *acts(K.EXTERNAL_SHARE, WINDOW[:2], target=target), *much])
        assert next(iter(found)) == "own_addresses"
        assert found["own_addresses"].figures["number"] == 2
        assert "(shares outside)" in found["own_addresses"].said.en

    @pytest.mark.parametrize(
        "target",
        ["hoshi@gmail.com", "sorako@customer.test", "hoshi.sorako@example.test", "tanaka@gmail.com", "HR team"],
    )
    def test_are_nobody_elses(self, target: str) -> None:
        """A namesake by half the name, a customer, the company's own address: none is the leaver's private one."""
        assert not Addresses.of(LEAVER).is_own(target)

    @pytest.mark.parametrize(
        ("romaji", "email", "target"),
        [
            ("Suzuki Ichiro", "suzuki@example.test", "suzuki.hanako88@gmail.com"),
            ("Suzuki Ichiro", "suzuki@example.test", "suzuki@gmail.com"),
            ("Suzuki Ichiro", "suzuki@example.test", "watanabejiro@gmail.com"),
            ("Watanabe Naomi", "watanabe@example.test", "kenji_watanabe@yahoo.co.jp"),
            ("Watanabe Naomi", "watanabe@example.test", "watanabe@yahoo.co.jp"),
            (None, "watanabe@example.test", "watanabe@yahoo.co.jp"),
            ("Watanabe Naomi", "n.watanabe@example.test", "n.watanabe@gmail.com"),
            ("Ota Ken", "ota.ken@example.test", "kentaro.otani@gmail.com"),
            ("Ōta Ken", "o.ken@example.test", "ta.ken@gmail.com"),
            ("Mori Rio", "mori.rio@example.test", "mario.morimoto@gmail.com"),
            ("Li Na", "li.na@example.test", "lina@gmail.com"),
            ("Ken Taro", "ken.taro@example.test", "kentaro.otani@gmail.com"),
            ("Abe Shin", "ashin@example.test", "ashin@gmail.com"),
            (None, "office@example.test", "post.office.shinjuku@gmail.com"),
            ("Hoshi Sorako", "hs@example.test", "hoshiminako@gmail.com"),
            ("Mori Rie", "rm@example.test", "moriemi@gmail.com"),
            ("Mina Nami", "nm@example.test", "minamino@gmail.com"),
            ("Watanabe Naomi", "reception@example.test", "reception2@gmail.com"),
            ("Watanabe Naomi", "wa.na@example.test", "wa.na@gmail.com"),
            ("Suzuki Ichiro", "suzuki.hr@example.test", "suzuki.tax.hr@gmail.com"),
            ("Suzuki Ichiro", "suzuki.hr@example.test", "suzuki.hr@gmail.com"),
            ("Suzuki Ichiro", "suzukitax@example.test", "suzukitax@gmail.com"),
            ("Suzuki Ichiro", "ichiro.s@example.test", "ichiro@gmail.com"),
            ("Suzuki Ichiro", "i@example.test", "0901234@docomo.ne.jp"),
            (None, "suzuki.hr@example.test", "suzuki.tax.hr@gmail.com"),
            (None, "suzuki.soumu@example.test", "suzuki.soumu@gmail.com"),
            (None, "uriage.kanri@example.test", "uriagekanri@gmail.com"),
            (None, "gyomu.bu@example.test", "gyomu.bu@gmail.com"),
            (None, "eigyo.ka@example.test", "eigyo.ka@gmail.com"),
            (None, "tokyo.kaikei@example.test", "tokyo.kaikei@gmail.com"),
            (None, "no.reply@example.test", "no.reply@gmail.com"),
            (None, "room.booking@example.test", "room.booking@gmail.com"),
            ("Omori Hanako", "oh@example.test", "hanakomori@gmail.com"),
            ("Mori Hanako", "mh@example.test", "hanakoomori@gmail.com"),
            ("Makoto Okubo", "mo@example.test", "makotokubo@gmail.com"),
            ("Onishi Naoto", "on@example.test", "naotonishi@gmail.com"),
            ("Sho Ueda", "su@example.test", "shoeda@gmail.com"),
            ("Sho Eda", "se@example.test", "shoueda@gmail.com"),
        ],
    )  # fmt: skip
    def test_are_no_strangers(self, romaji: str | None, email: str, target: str) -> None:
        """Half a name, also beside a role, a role's word, initials, a short word, and letters within another word are anybody's."""
        assert not Addresses.of(Leaver("E1", "星", email, romaji=romaji)).is_own(target)

    @pytest.mark.parametrize(
        ("romaji", "email", "target"),
        [
            ("Li Na", "lina@example.test", "na-li+post@gmail.com"),
            ("Ōno Yū", "o.yu@example.test", "yu.ono1990@gmail.com"),
            ("Ono Yu", "ohno.yu@example.test", "ohno_yu@icloud.com"),
            ("Hoshi Sorako", "s.hoshi@example.test", "sorakohoshi88@gmail.com"),
            ("Conan O'Brien", "cob@example.test", "conan.obrien@gmail.com."),
            ("Watanabe Naomi", "nwatanabe@example.test", "nwatanabe7@gmail.com"),
            (None, "hoshi.sorako@example.test", "sorako.hoshi@gmail.com"),
            ("Hoshi Sorako", "sora.hoshi@example.test", "hoshi_sora@gmail.com"),
            ("Lars Sørensen", "ls@example.test", "lars.soerensen@gmail.com"),
            ("Lars Sørensen", "ls@example.test", "sorensen-lars@gmail.com"),
            ("Jürgen Müller", "jm@example.test", "juergenmueller@gmx.net"),
            ("Ina Müller", "im@example.test", "muller.ina@gmx.net"),
            ("Satō Ken", "ks@example.test", "satoh.ken@gmail.com"),
            ("Satoh Ken", "ks@example.test", "ken.satou@gmail.com"),
            ("Satō Ken", "ks@example.test", "kensatoh@gmail.com"),
            ("Hirano Yūko", "hy@example.test", "yukohirano@gmail.com"),
            ("Omori Hanako", "oh@example.test", "hanakoomori@gmail.com"),
            ("Makoto Okubo", "mo@example.test", "okubomakoto@gmail.com"),
            ("Sho Ueda", "su@example.test", "shoueda@gmail.com"),
            ("Satou Keiko", "ks@example.test", "satoukeiko@gmail.com"),
            ("Satō Keiko", "ks@example.test", "keikosatou@gmail.com"),
            ("Nguyen Van An", "an@example.test", "annguyenvan@gmail.com"),
        ],
    )  # fmt: skip
    def test_by_a_whole_name(self, romaji: str | None, email: str, target: str) -> None:
        """Each part of the name as a word of its own, however it is spelt, all of them as the only one, or the company address's whole name."""
        theirs = Addresses.of(Leaver("E1", "星", email, romaji=romaji))
        assert theirs.is_own(target)
        assert not theirs.is_own(target.partition("@")[0] + "@customer.test")

    def test_by_a_name_in_kana_or_a_former_one(self) -> None:
        """Every whole name that HR gives counts; the former family name alone is many people's."""
        married = Leaver(
            "E1", "星 空子", "s@example.test", kana="ホシ　ソラコ", romaji="Hoshi Sorako", former_name="Satō"
        )
        theirs = Addresses.of(married)
        assert all(map(theirs.is_own, ("satou.sorako@gmail.com", "hoshi.sorako@gmail.com")))
        assert not theirs.is_own("satou@gmail.com")
        assert Addresses.of(Leaver("E1", "佐藤 健", "k@example.test", kana="さとう けん")).is_own("satoh.ken@gmail.com")

    @pytest.mark.parametrize(
        ("kana", "former", "target", "is_own"),
        [
            ("サトウ　ハナコ", "Suzuki", "suzuki.sato.tax@gmail.com", False),
            ("サトウ　ハナコ", "Suzuki", "suzukisato@gmail.com", False),
            ("サトウ　ハナコ", "Suzuki", "hanako.suzuki@gmail.com", True),
            ("サトウ　ハナコ", "Suzuki", "suzukihanako@gmail.com", True),
            (None, "Suzuki", "suzuki.sato.tax@gmail.com", False),
            (None, "Suzuki", "suzukisato@gmail.com", False),
            (None, "Suzuki Hanako", "hanako.suzuki@gmail.com", True),
        ],
    )
    def test_by_a_former_family_name(self, kana: str | None, former: str, target: str, *, is_own: bool) -> None:
        """Beside the given name it is a whole name; beside the present family name it is two families'."""
        leaver = Leaver("E1", "佐藤 花子", "h@example.test", kana=kana, romaji="Sato Hanako", former_name=former)
        assert Addresses.of(leaver).is_own(target) is is_own

    @pytest.mark.parametrize("kind", [K.COPY, K.SEND])
    def test_by_mail_or_as_a_copy(self, kind: K) -> None:
        """What is mailed to the own address, or copied to it, is told as well; mailed to a customer it is work."""
        found = reasons([*work(), *acts(kind, WINDOW[:2], target="sora@private.test")])
        assert list(found) == ["own_addresses"]
        assert found["own_addresses"].figures["number"] == 2
        assert reasons([*work(), *acts(kind, WINDOW[:2], target="customer@partner.test")]) == {}

    def test_domains_of_the_company(self) -> None:
        """The domains of the leaver's accounts are the company's, and all below them; what is above them, or ends alike, is not."""
        theirs = Addresses.of(
            Leaver("E1", "星", "hoshi@example.co.jp", ("h@eu.example.co.jp",)), ["hoshi@sub.second.test"]
        )
        assert all(map(theirs.is_inside, ("a@example.co.jp", "a@EU.example.co.jp", "a@sub.second.test")))
        assert not any(map(theirs.is_inside, ("a@co.jp", "a@other.co.jp", "a@notexample.co.jp", "a@second.test")))
        assert not theirs.is_own("h@eu.example.co.jp")

    def test_title_is_no_address(self) -> None:
        """A file that is called like an address was not sent there."""
        named = acts(K.EXTERNAL_SHARE, WINDOW[:1], title="sora@private.test", target="customer@partner.test")
        assert reasons([*work(), *named, *acts(K.EXTERNAL_SHARE, WINDOW[:1], title="sora@private.test")]) == {}

    def test_second_address_of_the_company(self) -> None:
        """A further address that HR has within the company is no private one."""
        theirs = Addresses.of(Leaver("E1", "星", "hoshi@example.test", ("s.hoshi@example.test", "s@home.test")))
        assert not theirs.is_own("s.hoshi@example.test")
        assert theirs.is_own("s@home.test")

    def test_company_on_webmail(self) -> None:
        """A company whose mail is at a webmail has no domain of its own: an address there is not thereby a colleague's."""
        theirs = Addresses.of(Leaver("E1", "星", "hoshi.co@gmail.com"))
        assert not theirs.is_inside("anybody@gmail.com")
