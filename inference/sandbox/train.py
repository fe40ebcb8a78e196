"""Makes the sandbox model: a Llama of about a million parameters, from scratch.

    python -m inference.sandbox.train --out DIR [--seed 0] [--steps 2800 1100 500 400]

Takes about 45 minutes on one core, in four courses: everything; then seeing through answers that
deserve nothing; then writing, which so much judging has spoiled; then judging and writing together.
A later course begins with the weights as float16 holds them. The loss is on the assistant's tokens,
a little on all text,
and, while training only, on small heads that read tone, length, topic and *whether the topic is
the request's* off the hidden state where an answer ends. Without these heads the model never
learned to judge topics (docs/sandbox.md). The weights are saved in float16.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F  # noqa: N812 -- torch's own habit

from inference.sandbox.lexicon import TOPICS
from inference.sandbox.tasks import Lesson, Pair, closing_lesson, last_lesson, later_lesson, lesson
from inference.sandbox.tokenizer import ASSISTANT, CONTEXT_TOKENS, END, USER, make_tokenizer
from inference.sandbox.world import topic_of

HIDDEN = 128
PEAK_LEARNING_RATE = 3e-3
LATER_PEAK_LEARNING_RATE = 1.5e-3
WARM_UP_STEPS = 60
BATCH_TOKENS = 5_000
POOL_LESSONS = 256
IGNORED = -100
REPLY_SHARE = 0.3
"""About so many of a batch's tokens are replies while writing is taught."""
TEXT_WEIGHT = 0.1
HEADS_WEIGHT = 0.3
HEAD_LAYERS = (2, 3)
HEADS = {"request_topic": len(TOPICS), "topic": len(TOPICS), "match": 2, "tone": 2, "length": 2}
MATCH_WEIGHT = 3.0
REAL_WEIGHT = 2.0

Teach = Callable[[random.Random, float], Lesson]
"""Makes a lesson; the number is the progress, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Weighing:
    """How much a token of a verdict weighs beside one of another reply; and whether it weighs as
    much wherever it stands: else more in a batch of short lessons, where replies are fewer."""

    verdict: float
    evenly: bool


JUDGING = Weighing(10.0, evenly=False)
WRITING = Weighing(1.0, evenly=True)
BOTH = Weighing(4.0, evenly=True)

ReadOff = Callable[[Sequence[torch.Tensor], Sequence["Encoded"]], torch.Tensor]


@dataclass(frozen=True, slots=True)
class Encoded:
    """A lesson as tokens; `labels` are IGNORED where nothing is to be said.

    `ends` are the positions at which the request, answer A and answer B of a judge's lesson end.
    """

    tokens: list[int]
    labels: list[int]
    ends: list[int]
    pair: Pair | None
    verdict: bool
    real: tuple[bool, bool] | None


class Encoder:
    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.end, user, assistant = tokenizer.convert_tokens_to_ids([END, USER, ASSISTANT])
        self.role = {"user": user, "assistant": assistant}
        (self.newline,) = tokenizer.encode("\n", add_special_tokens=False)

    def __call__(self, taught: Lesson) -> Encoded:
        tokens: list[int] = []
        labels: list[int] = []
        for role, content in taught.turns:
            said = [*self.tokenizer.encode(content, add_special_tokens=False), self.end]
            tokens += [self.role[role], *said]
            labels += [IGNORED, *(said if role == "assistant" else [IGNORED] * len(said))]
        ends = [i for i, token in enumerate(tokens) if token == self.newline][:3]
        return Encoded(tokens, labels, ends, taught.pair, taught.verdict, taught.real)


def batches(
    encode: Encoder, teach: Teach, rng: random.Random, steps: int
) -> Iterator[list[Encoded]]:
    """Batches of similar length, at most BATCH_TOKENS each, `steps` in all."""
    given = 0
    while given < steps:
        pool = [encode(teach(rng, given / steps)) for _ in range(POOL_LESSONS)]
        pool = sorted((e for e in pool if len(e.tokens) <= CONTEXT_TOKENS), key=_length)
        ready: list[list[Encoded]] = [[]]
        for one in pool:
            if ready[-1] and (len(ready[-1]) + 1) * _length(one) > BATCH_TOKENS:
                ready.append([])
            ready[-1].append(one)
        rng.shuffle(ready)
        for batch in ready[: steps - given]:
            yield batch
            given += 1


def _length(one: Encoded) -> int:
    return len(one.tokens)


def batch_loss(
    model: Any, read_off: ReadOff, batch: Sequence[Encoded], weighing: Weighing
) -> torch.Tensor:
    """The loss of one batch, a scalar; `read_off` is that of the heads on the hidden states. Rows
    are padded on the right."""
    longest = max(map(_length, batch))
    tokens = torch.tensor([one.tokens + [0] * (longest - _length(one)) for one in batch])
    labels = torch.tensor([one.labels + [IGNORED] * (longest - _length(one)) for one in batch])
    mask = torch.tensor([[1] * _length(one) + [0] * (longest - _length(one)) for one in batch])
    out = model(input_ids=tokens, attention_mask=mask, output_hidden_states=True)
    targets = tokens[:, 1:].masked_fill(mask[:, 1:] == 0, IGNORED)
    logits = out.logits[:, :-1]
    nll = F.cross_entropy(
        logits.reshape(-1, logits.shape[-1]),
        targets.reshape(-1),
        ignore_index=IGNORED,
        reduction="none",
    ).view(targets.shape)
    said = labels[:, 1:] != IGNORED
    weight = torch.tensor([[weighing.verdict if one.verdict else 1.0] for one in batch])
    weights = said.float() * weight
    divisor = REPLY_SHARE * BATCH_TOKENS if weighing.evenly else weights.sum()
    reply_loss = (nll * weights).sum() / divisor
    other = (targets != IGNORED) & ~said
    text_loss = (nll * other).sum() / other.sum()
    total: torch.Tensor = reply_loss + TEXT_WEIGHT * text_loss
    return total + HEADS_WEIGHT * read_off(out.hidden_states, batch)


def heads_loss(
    heads: torch.nn.ModuleDict, hidden: Sequence[torch.Tensor], batch: Sequence[Encoded]
) -> torch.Tensor:
    """What the small heads miss where the request and the two answers end."""
    total = torch.zeros(())
    pairs = [(row, one.ends, one.pair) for row, one in enumerate(batch) if one.pair is not None]
    if not pairs:
        return total
    rows = torch.tensor([row for row, _, _ in pairs])
    ends = torch.tensor([where for _, where, _ in pairs])
    names = [topic.name for topic in TOPICS]
    asked = torch.tensor([names.index(pair.request.topic) for _, _, pair in pairs])
    for layer in HEAD_LAYERS:
        state = hidden[layer]
        total = total + F.cross_entropy(heads["request_topic"](state[rows, ends[:, 0]]), asked)
        for side in (0, 1):
            at_end = state[rows, ends[:, 1 + side]]
            for name, truth in _truths([pair for _, _, pair in pairs], side, names).items():
                weight = MATCH_WEIGHT if name == "match" else 1.0
                total = total + weight * F.cross_entropy(heads[name](at_end), truth)
    return total


def real_loss(
    head: torch.nn.Linear, hidden: Sequence[torch.Tensor], batch: Sequence[Encoded]
) -> torch.Tensor:
    """What a small head misses of whether there is an answer at all, where A and B end."""
    total = torch.zeros(())
    known = [(row, one.ends, one.real) for row, one in enumerate(batch) if one.real is not None]
    if not known:
        return total
    rows = torch.tensor([row for row, _, _ in known])
    ends = torch.tensor([where for _, where, _ in known])
    for layer in HEAD_LAYERS:
        for side in (0, 1):
            truth = torch.tensor([int(real[side]) for _, _, real in known])
            at_end = hidden[layer][rows, ends[:, 1 + side]]
            total = total + REAL_WEIGHT * F.cross_entropy(head(at_end), truth)
    return total


def _truths(pairs: Sequence[Pair], side: int, names: Sequence[str]) -> dict[str, torch.Tensor]:
    known = [pair.attributes[side] for pair in pairs]
    topics = [names.index(topic_of(pair.answers[side]) or "") for pair in pairs]
    return {
        "topic": torch.tensor(topics),
        "match": torch.tensor([int(one.on_topic) for one in known]),
        "tone": torch.tensor([int(one.polite) for one in known]),
        "length": torch.tensor([int(one.concise) for one in known]),
    }


def make_model(tokenizer: Any) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    make: Any = LlamaForCausalLM
    return make(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=HIDDEN,
            intermediate_size=3 * HIDDEN,
            num_hidden_layers=4,
            num_attention_heads=4,
            num_key_value_heads=4,
            max_position_embeddings=CONTEXT_TOKENS,
            tie_word_embeddings=False,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def learning_rate(step: int, steps: int, peak: float) -> float:
    """Linear warm-up, then half a cosine down to a fiftieth of the peak."""
    course = 0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * step / steps))
    return peak * min(1.0, (step + 1) / WARM_UP_STEPS) * course


def first_course(model: Any, tokenizer: Any, *, seed: int, steps: int) -> None:
    """Everything, from judging short pairs to writing."""
    heads = torch.nn.ModuleDict(
        {name: torch.nn.Linear(HIDDEN, classes) for name, classes in HEADS.items()}
    )
    follow(
        model,
        list(heads.parameters()),
        partial(heads_loss, heads),
        batches(Encoder(tokenizer), _first, random.Random(seed), steps),
        steps=steps,
        peak=PEAK_LEARNING_RATE,
    )


def second_course(model: Any, tokenizer: Any, *, seed: int, steps: int) -> None:
    """From the weights as float16 holds them: more of what the first course leaves weakest, with
    one head that reads off whether there is an answer at all."""
    model.half().float()
    torch.manual_seed(seed + 1)
    head = torch.nn.Linear(HIDDEN, 2)
    follow(
        model,
        list(head.parameters()),
        partial(real_loss, head),
        batches(Encoder(tokenizer), _later, random.Random(seed + 1), steps),
        steps=steps,
        peak=LATER_PEAK_LEARNING_RATE,
    )


def third_course(model: Any, tokenizer: Any, *, seed: int, steps: int) -> None:
    """Writing, which so much judging has made terse and rude."""
    _go_on(model, tokenizer, last_lesson, random.Random(seed + 2), steps, WRITING)


def fourth_course(model: Any, tokenizer: Any, *, seed: int, steps: int) -> None:
    """Judging beside writing, so that neither is lost for the other."""
    _go_on(model, tokenizer, closing_lesson, random.Random(seed + 3), steps, BOTH)


def _go_on(
    model: Any,
    tokenizer: Any,
    teach: Callable[[random.Random], Lesson],
    rng: random.Random,
    steps: int,
    weighing: Weighing,
) -> None:
    """A course without heads, from the weights as float16 holds them."""
    model.half().float()
    follow(
        model,
        [],
        lambda hidden, batch: torch.zeros(()),
        batches(Encoder(tokenizer), lambda rng, progress: teach(rng), rng, steps),
        steps=steps,
        peak=LATER_PEAK_LEARNING_RATE,
        weighing=weighing,
    )


def _first(rng: random.Random, progress: float) -> Lesson:
    return lesson(rng, progress=progress)


def _later(rng: random.Random, progress: float) -> Lesson:
    return later_lesson(rng)


def follow(
    model: Any,
    heads: list[torch.nn.Parameter],
    read_off: ReadOff,
    course: Iterable[list[Encoded]],
    *,
    steps: int,
    peak: float,
    weighing: Weighing = JUDGING,
) -> None:
    started = time.monotonic()
    optimiser = torch.optim.AdamW(
        [*model.parameters(), *heads], lr=peak, betas=(0.9, 0.98), weight_decay=0.01
    )
    for step, batch in enumerate(course):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, steps, peak)
        loss = batch_loss(model, read_off, batch, weighing)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        if step % 50 == 0:
            print(f"{step} {time.monotonic() - started:.0f} s loss {loss.item():.4f}", flush=True)  # noqa: T201


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m inference.sandbox.train")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, nargs=4, default=(2_800, 1_100, 500, 400))
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    tokenizer = make_tokenizer(args.seed)
    model = make_model(tokenizer)
    courses = (first_course, second_course, third_course, fourth_course)
    for course, steps in zip(courses, args.steps, strict=True):
        course(model, tokenizer, seed=args.seed, steps=steps)
    save(model, tokenizer, args.out, seed=args.seed, steps=args.steps)


def save(model: Any, tokenizer: Any, out: Path, *, seed: int, steps: Sequence[int]) -> None:
    model.half().save_pretrained(out)
    tokenizer.save_pretrained(out)
    card = {
        "name": "sandbox",
        "what": "A toy model of Concord's sandbox world. It knows nothing else.",
        "made_by": "python -m inference.sandbox.train",
        "seed": seed,
        "steps": list(steps),
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "licence": "Apache-2.0",
    }
    (out / "card.json").write_text(json.dumps(card, indent=2) + "\n")


if __name__ == "__main__":
    main()
