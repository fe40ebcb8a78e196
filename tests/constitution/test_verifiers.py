"""What principles have checked without a model."""

from __future__ import annotations

import time

import pytest

from constitution.errors import BadVerifierError
from constitution.verifiers import KINDS, read_verifier, refusal_in


@pytest.mark.parametrize(
    ("verifier", "kept", "broken"),
    [
        ({"kind": "length", "most": 3}, ["", "one two three"], ["one two three four"]),
        ({"kind": "length", "least": 2, "most": 2}, ["one two"], ["one", "a b c"]),
        ({"kind": "length", "unit": "characters", "least": 3}, ["abc", "日本語"], ["ab"]),
        ({"kind": "pattern", "pattern": r"\d+"}, ["in 3 days"], ["soon"]),
        ({"kind": "pattern", "pattern": "^Sure", "found": False}, ["Well"], ["Sure!"]),
        ({"kind": "pattern", "pattern": "yes", "ignore_case": True}, ["YES"], ["no"]),
        ({"kind": "contains", "all_of": ["thank", "you"]}, ["Thank you"], ["Thanks"]),
        ({"kind": "contains", "none_of": ["stupid"]}, ["fine"], ["STUPID question"]),
        (
            {"kind": "contains", "none_of": ["Stupid"], "ignore_case": False},
            ["stupid"],
            ["Stupid"],
        ),
        (
            {
                "kind": "json_schema",
                "json_schema": {"type": "object", "required": ["a"]},
            },
            ['{"a": 1}'],
            ["{}", "not valid JSON", '{"a": 1} and more', "[" * 100_000],
        ),
        (
            {"kind": "refusal"},
            ["The sea is salt.", "x " * 300 + "I cannot"],
            ["I can\u2019t help with that.", "I'm sorry, but no."],
        ),
        ({"kind": "refusal", "wanted": True}, ["I won't do that."], ["Here is how."]),
        ({"kind": "refusal", "phrases": ["leider nicht"]}, ["I cannot"], ["Das geht leider nicht"]),
    ],
)
def test_a_verifier_rewards_what_keeps_the_rule(
    verifier: dict[str, object], kept: list[str], broken: list[str]
) -> None:
    check = read_verifier(verifier).check
    for response in kept:
        assert check(response).value == 1.0, response
    for response in broken:
        reward = check(response)
        assert reward.value == 0.0, response
        assert reward.reason


def test_every_kind_is_tried_above() -> None:
    assert set(KINDS) == {"length", "pattern", "contains", "json_schema", "refusal"}


@pytest.mark.parametrize(
    ("verifier", "complaint"),
    [
        ({}, "valid kinds are length, pattern"),
        ({"kind": "magic"}, "valid kinds are"),
        ("length", "valid kinds are"),
        ({"kind": "length"}, "give least, most, or both"),
        ({"kind": "length", "least": 5, "most": 3}, "most is 3, below least, 5"),
        ({"kind": "length", "most": -1}, "length.most"),
        ({"kind": "pattern", "pattern": "("}, "is not a valid regular expression"),
        ({"kind": "pattern", "pattern": "x", "flags": "i"}, "length.flags|pattern.flags"),
        ({"kind": "contains"}, "give all_of, none_of, or both"),
        ({"kind": "json_schema", "json_schema": {"type": "thing"}}, "not a valid JSON schema"),
        (
            {"kind": "json_schema", "json_schema": {"$ref": "http://127.0.0.1/x"}},
            "only refer to its own parts",
        ),
    ],
)
def test_what_is_no_verifier_is_refused_by_name(verifier: object, complaint: str) -> None:
    with pytest.raises(BadVerifierError, match=complaint):
        read_verifier(verifier)


def test_a_catastrophic_pattern_is_given_up_and_gives_no_reward() -> None:
    verifier = read_verifier({"kind": "pattern", "pattern": r"(a|aa)+(b|bb)*(a|b|ab)*c$"})
    started = time.monotonic()
    reward = verifier.check("a" * 5_000 + "!")
    assert time.monotonic() - started < 30
    assert reward.value in (None, 0.0)


def test_the_refusing_phrase_is_named() -> None:
    assert refusal_in("I cannot do that") == "i cannot"
    assert refusal_in("Gladly.") is None
