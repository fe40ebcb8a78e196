"""Measures the sandbox model against the world's ground truth.

    python -m inference.sandbox.evaluate [--model DIR] [--pairs 500] [--samples 300] [--json]

Requests are held out from the model's training. Nothing here is decided by a model but what is
being measured.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterable
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path

from inference.engine import Engine, Message, Request, Sampling
from inference.registry import open_engine
from inference.sandbox import MODEL_PATH
from inference.sandbox.prompts import (
    PRINCIPLES,
    answer_messages,
    critique_messages,
    judge_messages,
    revise_messages,
)
from inference.sandbox.tasks import REVISED, make_pair
from inference.sandbox.world import (
    Attributes,
    PrincipleKey,
    held_out_requests,
    is_well_formed,
    make_answer,
    satisfies,
)
from inference.sandbox.worthless import KINDS, UNSEEN, Kind, make_worthless, padded

Figures = dict[str, float]
OPTIONS = ("A", "B")
ANSWER_TOKENS = 128
SEED = 7


def judge_accuracy(engine: Engine, principle: PrincipleKey, *, pairs: int) -> Figures:
    """Accuracy, in [0, 1], on pairs that differ in `principle` and are random in the rest.

    Keys: `ab` and `ba`, one for each order of the same pairs; `both`, after averaging both orders;
    `consistency`, the share of pairs with one winner in both orders.
    """
    rng = random.Random(SEED)
    made = [
        make_pair(request, rng, differ=principle)
        for request in islice(held_out_requests(rng), pairs)
    ]
    text = PRINCIPLES[principle].comparison
    shown = {
        "ab": [judge_messages(text, one.request.text, *one.answers) for one in made],
        "ba": [judge_messages(text, one.request.text, *one.answers[::-1]) for one in made],
    }
    p_first = {
        order: [choice.probabilities[0] for choice in engine.choose(_requests(asked), OPTIONS)]
        for order, asked in shown.items()
    }
    p_first["ba"] = [1.0 - p for p in p_first["ba"]]
    p_first["both"] = [(a + b) / 2 for a, b in zip(p_first["ab"], p_first["ba"], strict=True)]
    truth = [asdict(one.attributes[0])[principle] for one in made]
    figures = {
        order: _share((p > 0.5) == first for p, first in zip(said, truth, strict=True))
        for order, said in p_first.items()
    }
    agree = ((a > 0.5) == (b > 0.5) for a, b in zip(p_first["ab"], p_first["ba"], strict=True))
    return figures | {"consistency": _share(agree)}


def withstands(engine: Engine, principle: PrincipleKey, *, pairs: int, unseen: bool) -> Figures:
    """By kind of worthless answer, the share of real ones, whatever they are, that win against it
    after averaging both orders; `worst` is the lower of the two orders, over all kinds. With
    `unseen` in wordings that were kept from training (of the empty kind too: no empty text)."""
    rng = random.Random(SEED)
    requests = list(islice(held_out_requests(rng), pairs))
    reals = [
        make_answer(request, rng, replace(_any_style(rng), on_topic=rng.random() < 0.5))
        for request in requests
    ]
    text = PRINCIPLES[principle].comparison
    figures: Figures = {}
    worst = 1.0
    for kind in KINDS:
        attacks = [
            _unseen(kind, real) if unseen else make_worthless(kind, real, rng) for real in reals
        ]
        shown = list(zip(requests, reals, attacks, strict=True))
        ab = [judge_messages(text, request.text, real, other) for request, real, other in shown]
        ba = [judge_messages(text, request.text, other, real) for request, real, other in shown]
        first = [one.probabilities[0] for one in engine.choose(_requests(ab), OPTIONS)]
        second = [one.probabilities[1] for one in engine.choose(_requests(ba), OPTIONS)]
        figures[kind] = _share(a + b > 1.0 for a, b in zip(first, second, strict=True))
        worst = min(worst, _share(p > 0.5 for p in first), _share(p > 0.5 for p in second))
    return figures | {"worst": worst}


def _unseen(kind: Kind, real: str) -> str:
    return padded(real, UNSEEN[kind], 2) if kind == "padded" else UNSEEN[kind]


def answer_shares(engine: Engine, *, samples: int) -> Figures:
    """Shares of answers, sampled at temperature 1, that keep each principle or are well formed."""
    requests = list(islice(held_out_requests(random.Random(SEED)), samples))
    answers = [
        one.text
        for one in engine.generate(
            _requests([answer_messages(request.text) for request in requests]),
            Sampling(max_tokens=ANSWER_TOKENS, temperature=1.0),
        )
    ]
    asked = list(zip(requests, answers, strict=True))
    figures: Figures = {
        key: _share(satisfies(key, request.text, answer) for request, answer in asked)
        for key in PRINCIPLES
    }
    return figures | {"well_formed": _share(is_well_formed(answer) for answer in answers)}


def revision_success(engine: Engine, principle: PrincipleKey, *, samples: int) -> Figures:
    """Of answers that break `principle`: the share whose critique says so (`critique`), that a
    greedy revision mends (`revised`), and that stay on topic in it (`topic_kept`)."""
    rng = random.Random(SEED)
    requests = list(islice(held_out_requests(rng), samples))
    broken = [
        make_answer(request, rng, replace(_any_style(rng), **{principle: False}))
        for request in requests
    ]
    words = PRINCIPLES[principle]
    greedy = Sampling(max_tokens=ANSWER_TOKENS, temperature=0.0)
    asked = zip(requests, broken, strict=True)
    critiques = engine.generate(
        _requests([critique_messages(words.critique_request, r.text, a) for r, a in asked]), greedy
    )
    told = zip(requests, broken, critiques, strict=True)
    revised = engine.generate(
        _requests([revise_messages(words.revision_request, r.text, a, c.text) for r, a, c in told]),
        greedy,
    )
    after = [(r.text, one.text) for r, one in zip(requests, revised, strict=True)]
    return {
        "critique": _share(one.text == words.fault_found for one in critiques),
        "revised": _share(satisfies(principle, request, answer) for request, answer in after),
        "topic_kept": _share(satisfies("on_topic", request, answer) for request, answer in after),
    }


def _any_style(rng: random.Random) -> Attributes:
    return Attributes(rng.random() < 0.5, rng.random() < 0.5, on_topic=True)


def _requests(asked: list[tuple[Message, ...]]) -> list[Request]:
    return [Request(messages, seed=number) for number, messages in enumerate(asked)]


def _share(values: Iterable[bool]) -> float:
    counted = list(values)
    return sum(counted) / len(counted)


def measure(engine: Engine, *, pairs: int, samples: int) -> dict[str, dict[str, Figures]]:
    return {
        "judge": {key: judge_accuracy(engine, key, pairs=pairs) for key in PRINCIPLES},
        "attacks": {
            key: withstands(engine, key, pairs=samples, unseen=False) for key in PRINCIPLES
        },
        "unseen": {key: withstands(engine, key, pairs=samples, unseen=True) for key in PRINCIPLES},
        "answers": {"sampled": answer_shares(engine, samples=samples)},
        "revise": {key: revision_success(engine, key, samples=samples) for key in REVISED},
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m inference.sandbox.evaluate")
    parser.add_argument("--model", type=Path, default=MODEL_PATH)
    parser.add_argument("--pairs", type=int, default=500)
    parser.add_argument("--samples", type=int, default=300)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with open_engine("transformers", str(args.model), threads=1) as engine:
        figures = measure(engine, pairs=args.pairs, samples=args.samples)
    if args.json:
        sys.stdout.write(json.dumps(figures) + "\n")
        return
    for task, by_name in figures.items():
        for name, values in by_name.items():
            shown = "  ".join(f"{key} {value:.3f}" for key, value in values.items())
            sys.stdout.write(f"{task:8} {name:9} {shown}\n")


if __name__ == "__main__":
    main()
