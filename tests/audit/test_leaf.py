"""The bytes of one event: canonical, small, and without anything about a person."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from audit import leaf as leaves
from audit.events import EventType
from audit.fields import RULES, SHAPES
from audit.leaf import WIDEST, Event, LeafError, LeafPosition

FRAME = LeafPosition("lastday.example/audit/2026", 0, "0" * 64, "2026-11-21T22:47:37.925Z")
OP = "733ffc45199d4a32a64504d581711341"

SAMPLES: dict[str, Any] = {
    "op": OP, "account": "acct-9f2c41d07b3e5a68", "service": "slack", "connection": "slack.acquired", "result": "commanded", "verb": "restore",
    "code": "user_not_found", "plan_sha256": "ab" * 32, "due_at": "2026-03-31T15:00:00.000Z", "count": 3,
    "for_real": True, "counts": {"found": 2}, "corrected": ["email", "name"], "idx": [1, 2], "root": "gUtLAtI+J5RxbE6KLvOaeSkcWoLh+LjOJnWzbrcOFhM=",
    "evidence": [{"name": "evidence/downloads.jsonl.zst", "sha256": "cd" * 32, "size": 12, "status": 200}],
    "from_key": "file-0a1b2c3d4e5f6071", "next_log": "lastday.example/audit/2027", "vkey": f"lastday.example/audit/2026+0a1b2c3d+{'A' * 44}",
}  # fmt: skip
"""One good value of each shape."""
_TEXT = st.text(st.characters(codec=None, categories=None)) | st.text(
    '\x00\x1f\x7f"\\/<é\ue000\U0001f600\u2028', max_size=4
)
_ALONE = st.none() | st.booleans() | st.integers() | st.floats() | _TEXT | st.sampled_from(EventType)
_NEAR = st.integers(2**53 - 2, 2**53 + 2).flatmap(lambda one: st.sampled_from([one, -one]))
_JSON = st.recursive(
    _ALONE | _NEAR,
    lambda inner: (
        st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(_TEXT | st.text("aB1_", max_size=3), inner)
    ),
)
"""What JSON can hold, a lone surrogate and names of every plane included."""


def sample(name: str) -> Any:
    """Return a good value for any listed field."""
    return next(value for key, value in SAMPLES.items() if SHAPES[key] is SHAPES[name])


class TestCanonical:
    def test_example(self) -> None:
        """The example of RFC 8785, section 3.2.2."""
        given_text = r"""{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
          "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}"""
        expected = (
            '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
            r'"string":"€$\u000f\nA' + r"""'B\"\\\\\"/"}"""
        )
        assert leaves.canonical(json.loads(given_text)) == expected.encode()

    def test_order(self) -> None:
        """Keys are sorted by UTF-16 code units: the example of RFC 8785, section 3.2.3."""
        keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
        sorted_keys = list(json.loads(leaves.canonical(dict.fromkeys(keys))))
        assert sorted_keys == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]

    @pytest.mark.parametrize("value", [2**53, -(2**53), float("nan"), float("inf"), "\ud800"])
    def test_ambiguous(self, value: float | str) -> None:
        """What two JSON readers may read differently is not written."""
        with pytest.raises(LeafError):
            leaves.canonical({"value": value})

    @given(_JSON)
    def test_is_what_the_library_writes(self, value: Any) -> None:
        """Whichever encoder it takes, the bytes are those of rfc8785, and what that refuses is refused."""
        try:
            expected = rfc8785.dumps(value)
        except (rfc8785.CanonicalizationError, UnicodeEncodeError):  # the latter for a name
            with pytest.raises(LeafError):
                leaves.canonical(value)
        else:
            assert leaves.canonical(value) == expected


class TestWrite:
    def test_bytes(self) -> None:
        """Sorted, on one line, without a newline at its end, and read back as it was written."""
        event = Event(EventType.REVOKE_OUTCOME, "case-f351623eefe9", "svc:worker-55", {"op": OP, "result": "commanded"})
        leaf = leaves.write(event, FRAME, "03" * 32)
        assert leaf == (
            b'{"actor":"svc:worker-55","case":"case-f351623eefe9","log":"lastday.example/audit/2026",'
            b'"op":"733ffc45199d4a32a64504d581711341","payload_commit":"'
            + b"03" * 32
            + b'","prev":"'
            + b"0" * 64
            + b'",'
            b'"result":"commanded","seq":0,"time":"2026-11-21T22:47:37.925Z","type":"revoke.outcome","v":1}'
        )
        assert leaves.read(leaf)["result"] == "commanded"

    def test_too_long(self) -> None:
        """A leaf has at most 4,096 bytes: what grows with a tenant is told as a count and a root."""
        most = next(n for n in range(1, 99) if len(self.leaf_of(n + 1)) > WIDEST)
        assert len(self.leaf_of(most)) <= WIDEST
        with pytest.raises(LeafError, match="bytes"):
            leaves.write(self.binding(most + 1), FRAME, None)

    def binding(self, files: int) -> Event:
        return Event(EventType.EVIDENCE_BOUND, "case-1", "svc:a", {"evidence": [{"sha256": "ab" * 32}] * files})

    def leaf_of(self, files: int) -> bytes:
        """Return the leaf's bytes, however many they are."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(leaves, "WIDEST", 1 << 20)
            return leaves.write(self.binding(files), FRAME, None)

    def test_stamp(self) -> None:
        """Times are UTC with milliseconds, cut off; a time without a zone is none."""
        tokyo = timezone(timedelta(hours=9))
        assert leaves.stamp(datetime(2026, 4, 1, 0, 0, 0, 999_999, tokyo)) == "2026-03-31T15:00:00.999Z"
        assert leaves.stamp(datetime(2026, 4, 1, tzinfo=UTC)) == "2026-04-01T00:00:00.000Z"
        with pytest.raises(ValueError, match="zone"):
            leaves.stamp(datetime(2026, 4, 1))  # noqa: DTZ001  # that is the point


class TestRead:
    @pytest.mark.parametrize(
        "spoiled",
        [b"", b"[]", b"\xff", b'{"v":1}', b"[" * 100_000, b'{"actor": "svc:a"}'],
        ids=["empty", "list", "not-text", "no-frame", "deep", "not-canonical"],
    )
    def test_other_bytes(self, spoiled: bytes) -> None:
        """Bytes that are no leaf are named as such, whatever they are."""
        with pytest.raises(LeafError):
            leaves.read(spoiled)

    def test_other_form(self) -> None:
        """The same values in another spelling are not the leaf."""
        leaf = leaves.write(Event(EventType.CASE_OPENED, "case-1", "svc:a"), FRAME, None)
        with pytest.raises(LeafError):
            leaves.read(json.dumps(json.loads(leaf)).encode())


class TestCommitment:
    def test_by_hand(self) -> None:
        """`cat salt payload | sha256sum` gives the same."""
        salt, payload = bytes(range(32)), b'{"name":"x"}'
        assert leaves.commitment(salt, payload) == hashlib.sha256(salt + payload).hexdigest()

    def test_short_salt(self) -> None:
        """A salt that could be guessed is refused."""
        with pytest.raises(LeafError):
            leaves.commitment(b"short", b"{}")


class TestWhitelist:
    @pytest.mark.parametrize("kind", sorted(RULES))
    def test_listed(self, kind: EventType) -> None:
        """Every listed field of every type can be told, all at once."""
        rule = RULES[kind]
        fields = {name: sample(name) for name in rule.required | rule.optional}
        event = Event(kind, "case-1", "role:hr", fields)
        assert event.fields.keys() == rule.required | rule.optional

    @given(name=st.text(), value=st.one_of(st.text(), st.integers(), st.booleans(), st.floats(allow_nan=False)))
    def test_unknown(self, name: str, value: Any) -> None:
        """A field that nobody listed is refused, and the message repeats neither its name nor its value."""
        if name in SHAPES:
            return
        with pytest.raises(ValueError, match="not listed") as refusal:
            Event(EventType.CASE_OPENED, "case-1", "svc:a", {name: value})
        assert str(refusal.value) == "trail: cannot record case.opened: a field is not listed for it"

    @pytest.mark.parametrize("name", sorted(SHAPES))
    @pytest.mark.parametrize(
        "personal",
        ["misaki.tanaka@hoshizora.example", "田中 美咲", "Tanaka Misaki", "103547991597142817347", "U024BE7LH",
         "c1a8b7de-3b0f-4d1e-9f53-2a4c7d6e8f90", "090-1234-5678", "left for a rival"],
    )  # fmt: skip
    def test_personal(self, name: str, personal: str) -> None:
        """No field takes an address, a name, a telephone number or a sentence; only codes take what looks like a word."""
        looks_like_a_code = name == "code" and " " not in personal and personal.isascii() and "@" not in personal
        assert SHAPES[name](personal) is looks_like_a_code

    @given(value=st.one_of(st.floats(), st.none(), st.text(max_size=5), st.lists(st.integers())))
    def test_numbers(self, value: Any) -> None:
        """Counts are whole numbers; a leaf has no floats."""
        assert not SHAPES["count"](value)
        assert not SHAPES["count"](2**53)
        assert not SHAPES["count"](-1)
        assert not SHAPES["count"](True)

    @pytest.mark.parametrize(
        ("kind", "fields"),
        [
            ("revoke.intent", {}),
            ("revoke.outcome", {"op": OP}),
            ("revoke.outcome", {"op": OP, "result": "verified"}),
            ("revoke.commanded", {"op": OP}),
            ("case.", {}),
            ("case.Closed", {}),
            ("anything", {}),
            ("observe.seen", {"state": "found", "due_at": "2026-03-31"}),
            ("observe.seen", {"state": "found", "observed_at": "2026-13-31T00:00:00.000Z"}),
            ("observe.seen", {"state": "found", "evidence": []}),
            ("observe.seen", {"state": "found", "evidence": [{}]}),
            ("observe.seen", {"state": "found", "evidence": {}}),
            ("observe.seen", {"state": "found", "evidence": {"count": 2}}),
            ("observe.seen", {"state": "found", "evidence": {"count": 2, "root": "U024BE7LH"}}),
            ("observe.seen", {"state": "found", "evidence": {"count": 2, "root": "ab" * 32, "who": "x"}}),
            ("observe.seen", {"state": "found", "evidence": [{"path": "/users/x"}]}),
            ("evidence.bound", {"evidence": [{"name": "../../etc/passwd", "sha256": "ab" * 32}]}),
        ],
    )
    def test_refused(self, kind: str, fields: dict[str, Any]) -> None:
        """An unlisted type, a missing field, a word that is none of the vocabulary's, a time that is none."""
        with pytest.raises(ValueError, match="trail: cannot record"):
            Event(EventType(kind), "case-1", "svc:a", fields)

    @pytest.mark.parametrize(
        ("case", "actor"),
        [
            ("田中", "svc:a"),
            ("case 1", "svc:a"),
            ("case-1", "misaki"),
            ("case-1", "person:misaki.tanaka"),
            ("case-1", ""),
        ],
    )
    def test_opaque(self, case: str, actor: str) -> None:
        """Cases and actors are references, not names."""
        with pytest.raises(ValueError, match="opaque"):
            Event(EventType.CASE_OPENED, case, actor)

    def test_left_out(self) -> None:
        """A field that is None is not told; what was told cannot be changed afterwards by the teller."""
        proof: Any = [{"sha256": "ab" * 32}]
        event = Event(
            EventType.OBSERVE_SEEN, "case-1", "svc:a", {"state": "found", "confirmation": None, "evidence": proof}
        )
        proof[0]["sha256"] = "spoiled"
        assert dict(event.fields) == {"state": "found", "evidence": [{"sha256": "ab" * 32}]}
