"""Witness policies: read strictly, and weighed."""

from __future__ import annotations

import hashlib
from itertools import combinations

import pytest

from audit import note, policy
from audit.cosignature import WitnessKey
from audit.note import Verifier
from audit.policy import PolicyError


def raw(n: int) -> bytes:
    """Return any 32 bytes: a policy does not look whether they are a point of the curve."""
    return hashlib.sha256(bytes([n])).digest()


LOG = Verifier("example.com/log", raw(0)).vkey
W = [WitnessKey(f"witness.example/{n}", raw(n)).vkey for n in range(1, 7)]
TWO_LEVELS = f"""\
# the specification's own example, with URLs
log {LOG} https://log.example/
\t
witness X1 {W[0]} https://x1.example/
  witness X2 {W[1]}
witness\tX3   {W[2]}
group X-witnesses 2 X1 X2 X3
witness Y1 {W[3]}
witness Y2 {W[4]}
witness Y3 {W[5]}
group Y-witnesses any Y1 Y2 Y3
group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


class TestQuorum:
    def test_two_levels(self) -> None:
        """Two of three and one of three, for every possible set of witnesses."""
        rules = policy.read(TWO_LEVELS)
        names = [witness.name for witness in rules.witnesses]
        for size in range(len(names) + 1):
            for chosen in combinations(names, size):
                enough = sum(n.startswith("X") for n in chosen) >= 2 and any(n.startswith("Y") for n in chosen)
                assert rules.satisfied(chosen) is enough

    def test_none(self) -> None:
        """`quorum none` asks for nobody; a single witness asks for that one."""
        assert policy.read("quorum none\n").satisfied([])
        one = policy.read(f"witness a {W[0]}\nquorum a\n")
        assert (one.satisfied([]), one.satisfied(["a"]), one.satisfied(["b"])) == (False, True, False)

    def test_says_what_stands_there(self) -> None:
        """Logs, witnesses and their URLs are those of the file."""
        rules = policy.read(TWO_LEVELS)
        assert (rules.log.vkey, rules.logs[0].url) == (LOG, "https://log.example/")
        assert [witness.url for witness in rules.witnesses][:2] == ["https://x1.example/", None]
        assert [witness.key.vkey for witness in rules.witnesses] == W

    def test_without_log(self) -> None:
        """A policy need not name the log; asking for it then is an error."""
        with pytest.raises(PolicyError):
            assert policy.read("quorum none\n").log

    def test_opaque_names(self) -> None:
        """Names are compared as they stand: a Kelvin sign is no K."""
        kelvin = "\N{KELVIN SIGN}"
        rules = policy.read(f"witness K {W[0]}\nwitness {kelvin} {W[1]}\nquorum K\n")
        assert (rules.satisfied([kelvin]), rules.satisfied(["K"])) == (False, True)


class TestStrictness:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            "quorum none",  # no end of line
            f"witness a {W[0]}\n",  # no quorum
            "quorum none\nquorum none\n",
            "quorum a\n",  # not defined
            f"quorum a\nwitness a {W[0]}\n",  # defined too late
            f"witness a {W[0]}\nwitness a {W[1]}\nquorum a\n",  # a name twice
            f"witness a {W[0]}\nwitness b {W[0]}\nquorum a\n",  # a key twice
            f"witness none {W[0]}\nquorum none\n",
            f"log {LOG}\nlog {LOG}\nquorum none\n",
            f"log {W[0]}\nquorum none\n",  # a witness's key for a log
            f"witness a {LOG}\nquorum a\n",  # a log's key for a witness
            f"witness a {W[0]}\ngroup g 0 a\nquorum g\n",
            f"witness a {W[0]}\ngroup g 2 a\nquorum g\n",
            f"witness a {W[0]}\ngroup g 01 a\nquorum g\n",
            f"witness a {W[0]}\ngroup g all\nquorum g\n",
            f"witness a {W[0]}\ngroup g any a a\nquorum g\n",
            f"witness a {W[0]}\ngroup g any a none\nquorum g\n",
            f"witness a {W[0]}\ngroup g any a\ngroup h any a\nquorum h\n",  # a member of two groups counts twice
            f"witness a {W[0]}\ngroup g any g\nquorum g\n",
            f"witness a {W[0]} https://x/ more\nquorum a\n",
            "quorum none extra\n",
            "threshold 3\nquorum none\n",  # unknown
            "Quorum none\n",
            "quorum none\r\n",
            "quorum none\x00\n",
            "quorum\N{NO-BREAK SPACE}none\n",
        ],
    )
    def test_refused(self, text: str) -> None:
        """What the specification does not allow is refused, not guessed."""
        with pytest.raises(PolicyError):
            policy.read(text)

    def test_names_the_line(self) -> None:
        """The refusal says which line."""
        with pytest.raises(PolicyError, match="line 2"):
            policy.read("# fine\nnonsense\nquorum none\n")

    def test_limits(self) -> None:
        """At least 32 logs, witnesses and groups are supported."""
        logs = [f"log {Verifier(f'log.example/{n}', raw(n)).vkey}" for n in range(40)]
        keys = [note.write_vkey(f"w.example/{n}", 4, raw(100 + n)) for n in range(40)]
        witnesses = [f"witness w{n} {key}" for n, key in enumerate(keys)]
        groups = ["group g0 any w0", *(f"group g{n} all w{n} g{n - 1}" for n in range(1, 40))]
        rules = policy.read("\n".join([*logs, *witnesses, *groups, "quorum g39"]) + "\n")
        everyone = [f"w{n}" for n in range(40)]
        assert rules.satisfied(everyone)
        assert not rules.satisfied(everyone[1:])
