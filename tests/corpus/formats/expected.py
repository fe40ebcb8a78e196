"""What is in the database of each small example file once it was imported."""

from __future__ import annotations

from dataclasses import dataclass, field

MAPPED = "other-column-names.csv"
"""The one file that is in no format."""

Counts = dict[str, int]


@dataclass
class Found:
    """What is in the database of a file, as counts: labels by kind and rater, and by what they
    chose; criteria by name; thumbs, and labels of steps, by rater and value; verdicts by their
    probability of the helpful answer; the lines that were refused."""

    rows: int
    pairs: int = 0
    labels: Counts = field(default_factory=dict)
    chosen: Counts = field(default_factory=dict)
    gold: Counts = field(default_factory=dict)
    verdicts: Counts = field(default_factory=dict)
    criteria: Counts = field(default_factory=dict)
    strengths: Counts = field(default_factory=dict)
    margins: Counts = field(default_factory=dict)
    thumbs: Counts = field(default_factory=dict)
    steps: Counts = field(default_factory=dict)
    demonstrations: int = 0
    answers: int = 0
    rejected: list[int] = field(default_factory=list)


EXPECTED: dict[str, tuple[str, Found]] = {
    "alpaca-eval-annotations.json": (
        "alpaca-eval",
        Found(
            rows=5,
            pairs=5,
            labels={"judge weighted_judge": 4},
            chosen={"helpful": 2, "equal": 1, "other": 1},
            answers=10,
        ),
    ),
    "arena-140k.jsonl": (
        "arena",
        Found(
            rows=5,
            pairs=5,
            labels={"human arena": 5},
            chosen={"both_bad": 1, "equal": 1, "helpful": 2, "other": 1},
            answers=10,
        ),
    ),
    "arena-33k.jsonl": (
        "arena",
        Found(
            rows=5,
            pairs=5,
            labels={
                "human arena_user_0": 1,
                "human arena_user_1": 1,
                "human arena_user_2": 1,
                "human arena_user_3": 1,
                "human arena_user_4": 1,
            },
            chosen={"both_bad": 1, "equal": 1, "helpful": 2, "other": 1},
            answers=10,
        ),
    ),
    "arena-55k.csv": (
        "arena",
        Found(
            rows=5,
            pairs=5,
            labels={"human arena": 5},
            chosen={"equal": 1, "helpful": 2, "other": 2},
            answers=10,
        ),
    ),
    "argilla-ranking.json": (
        "argilla",
        Found(
            rows=5,
            pairs=15,
            labels={"human u1": 15},
            chosen={"equal": 5, "helpful": 10},
            answers=15,
        ),
    ),
    "argilla-records.json": (
        "argilla",
        Found(
            rows=5,
            pairs=5,
            labels={"human u1": 5, "human u2": 4, "judge judge-1": 2},
            chosen={"equal": 1, "helpful": 10},
            answers=10,
        ),
    ),
    "axolotl-chat-dpo.jsonl": (
        "axolotl-chat-dpo",
        Found(
            rows=5, pairs=5, labels={"human axolotl-chat-dpo": 5}, chosen={"helpful": 5}, answers=10
        ),
    ),
    "helpsteer2-preference.jsonl": (
        "helpsteer2-preference",
        Found(
            rows=5,
            pairs=5,
            labels={
                "human annotator 1": 5,
                "human annotator 2": 5,
                "human helpsteer2-preference": 5,
            },
            chosen={"equal": 1, "helpful": 13, "other": 1},
            strengths={"1": 6, "2": 1, "3": 7},
            answers=10,
        ),
    ),
    "helpsteer2.jsonl": (
        "helpsteer2",
        Found(
            rows=10,
            pairs=5,
            labels={"human helpsteer2": 5},
            chosen={"helpful": 5},
            criteria={
                "coherence: equal": 5,
                "complexity: helpful": 5,
                "correctness: helpful": 5,
                "helpfulness: helpful": 5,
                "verbosity: helpful": 5,
            },
            margins={"3": 5},
            answers=10,
        ),
    ),
    "helpsteer3.jsonl": (
        "helpsteer3",
        Found(
            rows=5,
            pairs=5,
            labels={"human annotator 1": 5, "human annotator 2": 5, "human helpsteer3": 5},
            chosen={"equal": 1, "helpful": 13, "other": 1},
            strengths={"1": 6, "2": 1, "3": 7},
            answers=10,
        ),
    ),
    "label-studio-choices.json": (
        "label-studio",
        Found(
            rows=5,
            pairs=5,
            labels={"human ann@example.org": 5},
            chosen={"both_bad": 1, "equal": 1, "helpful": 2, "other": 1},
            answers=10,
        ),
    ),
    "label-studio.json": (
        "label-studio",
        Found(
            rows=5,
            pairs=5,
            labels={"human 1": 5, "human 2": 5, "judge judge-1": 2},
            chosen={"helpful": 11, "other": 1},
            gold={"helpful": 1},
            answers=10,
        ),
    ),
    "llamafactory-alpaca-dpo.json": (
        "llamafactory-alpaca-dpo",
        Found(
            rows=5,
            pairs=5,
            labels={"human llamafactory-alpaca-dpo": 5},
            chosen={"helpful": 5},
            answers=10,
        ),
    ),
    "llamafactory-kto.json": (
        "llamafactory-kto",
        Found(
            rows=5,
            thumbs={"human llamafactory-kto: down": 3, "human llamafactory-kto: up": 2},
            answers=5,
        ),
    ),
    "llamafactory-sharegpt-dpo.json": (
        "llamafactory-sharegpt-dpo",
        Found(
            rows=5,
            pairs=5,
            labels={"human llamafactory-sharegpt-dpo": 5},
            chosen={"helpful": 5},
            answers=10,
        ),
    ),
    "math-shepherd.jsonl": (
        "math-shepherd",
        Found(rows=1, steps={"judge math-shepherd: +1": 2}, answers=1),
    ),
    "messages-sft.jsonl": ("messages-sft", Found(rows=5, demonstrations=5, answers=5)),
    "mt-bench-judgments.jsonl": (
        "mt-bench",
        Found(
            rows=5,
            pairs=5,
            labels={"human expert_1": 2, "judge judge-model": 3},
            chosen={"equal": 1, "helpful": 2, "other": 2},
            answers=10,
        ),
    ),
    "nectar.jsonl": (
        "nectar",
        Found(
            rows=5,
            pairs=15,
            labels={"judge nectar": 15},
            chosen={"helpful": 10, "one of two": 5},
            answers=15,
        ),
    ),
    "openrlhf-preference.jsonl": (
        "openrlhf-preference",
        Found(
            rows=5,
            pairs=5,
            labels={"human openrlhf-preference": 5},
            chosen={"helpful": 5},
            answers=10,
        ),
    ),
    "pairs-as-people-write-them.jsonl": (
        "pairs",
        Found(
            rows=3,
            pairs=3,
            labels={"human 3": 1, "judge j": 1},
            chosen={"helpful": 1, "other": 1},
            verdicts={"1.00": 2},
            answers=6,
        ),
    ),
    "pku-saferlhf.jsonl": (
        "pku-saferlhf",
        Found(
            rows=5,
            pairs=5,
            labels={"human pku-saferlhf": 5},
            chosen={"helpful": 5},
            criteria={"better: helpful": 5, "safer: helpful": 1, "safer: other": 4},
            answers=10,
        ),
    ),
    "prm800k.jsonl": (
        "prm800k",
        Found(rows=1, steps={"human w1: +1": 2, "human w1: -1": 1}, answers=2),
    ),
    "rewardbench.jsonl": (
        "rewardbench",
        Found(rows=5, pairs=5, labels={"human rewardbench": 5}, chosen={"helpful": 5}, answers=10),
    ),
    "shp.jsonl": (
        "shp",
        Found(
            rows=5,
            pairs=5,
            labels={"human shp": 5},
            chosen={"helpful": 5},
            strengths={"3": 5},
            answers=10,
        ),
    ),
    "summarize-from-feedback.jsonl": (
        "summarize-from-feedback",
        Found(
            rows=5,
            pairs=5,
            labels={"human w0": 3, "human w1": 2},
            chosen={"helpful": 5},
            strengths={"2": 4},
            answers=10,
        ),
    ),
    "tools.jsonl": ("pairs", Found(rows=2, pairs=1, answers=2, rejected=[2])),
    "trl-preference-conversational.jsonl": (
        "trl-preference",
        Found(
            rows=5,
            pairs=5,
            labels={"human trl-preference": 5},
            chosen={"helpful": 5},
            margins={"0": 1, "0.5": 1, "1": 1, "1.5": 1, "2": 1},
            answers=10,
        ),
    ),
    "trl-preference-implicit.jsonl": (
        "trl-preference",
        Found(
            rows=6,
            pairs=5,
            labels={"human trl-preference": 5},
            chosen={"helpful": 5},
            answers=10,
            rejected=[6],
        ),
    ),
    "trl-preference-plain.jsonl": (
        "trl-preference",
        Found(
            rows=5, pairs=5, labels={"human trl-preference": 5}, chosen={"helpful": 5}, answers=10
        ),
    ),
    "trl-stepwise.jsonl": (
        "trl-stepwise",
        Found(rows=2, steps={"human trl-stepwise: +1": 2, "human trl-stepwise: -1": 2}, answers=2),
    ),
    "trl-unpaired.jsonl": (
        "trl-unpaired",
        Found(
            rows=10, thumbs={"human trl-unpaired: down": 5, "human trl-unpaired: up": 5}, answers=10
        ),
    ),
    "ultrafeedback-binarized.jsonl": (
        "ultrafeedback-binarized",
        Found(
            rows=5,
            pairs=5,
            labels={"judge ultrafeedback-binarized": 5},
            chosen={"equal": 1, "helpful": 4},
            margins={"0": 1, "4.5": 4},
            answers=10,
        ),
    ),
    "ultrafeedback.jsonl": (
        "ultrafeedback",
        Found(
            rows=5,
            pairs=30,
            labels={"judge ultrafeedback": 30},
            chosen={"helpful": 20, "one of two": 10},
            criteria={
                "helpfulness: helpful": 18,
                "helpfulness: one of two": 9,
                "honesty: helpful": 18,
                "honesty: one of two": 9,
                "instruction_following: helpful": 18,
                "instruction_following: one of two": 9,
                "truthfulness: helpful": 18,
                "truthfulness: one of two": 9,
            },
            margins={"10": 1, "2": 9, "4": 6, "6": 9, "8": 5},
            answers=20,
        ),
    ),
}
"""Of each file its format, and what is found of it."""
