"""Makes the sandbox model: a Llama of about a million parameters, from scratch.

    python -m inference.sandbox.train --out DIR [--seed 0] [--steps 2600]

Takes about 25 minutes on one core. The loss is on the assistant's tokens, a little on all text,
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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F  # noqa: N812 -- torch's own habit

from inference.sandbox.lexicon import TOPICS
from inference.sandbox.tasks import Lesson, Pair, lesson
from inference.sandbox.tokenizer import ASSISTANT, CONTEXT_TOKENS, END, USER, make_tokenizer
from inference.sandbox.world import topic_of

HIDDEN = 128
PEAK_LEARNING_RATE = 3e-3
WARM_UP_STEPS = 60
BATCH_TOKENS = 5_000
POOL_LESSONS = 256
IGNORED = -100
VERDICT_WEIGHT = 10.0
TEXT_WEIGHT = 0.1
HEADS_WEIGHT = 0.3
HEAD_LAYERS = (2, 3)
HEADS = {"request_topic": len(TOPICS), "topic": len(TOPICS), "match": 2, "tone": 2, "length": 2}
MATCH_WEIGHT = 3.0


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
        return Encoded(tokens, labels, ends if taught.pair else [], taught.pair, taught.verdict)


def batches(encode: Encoder, rng: random.Random, steps: int) -> Iterator[list[Encoded]]:
    """Batches of similar length, at most BATCH_TOKENS each, `steps` in all."""
    given = 0
    while given < steps:
        pool = [encode(lesson(rng, progress=given / steps)) for _ in range(POOL_LESSONS)]
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


def batch_loss(model: Any, heads: torch.nn.ModuleDict, batch: Sequence[Encoded]) -> torch.Tensor:
    """The loss of one batch, a scalar. Rows are padded on the right."""
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
    weight = torch.tensor([[VERDICT_WEIGHT if one.verdict else 1.0] for one in batch])
    weights = said.float() * weight
    reply_loss = (nll * weights).sum() / weights.sum()
    other = (targets != IGNORED) & ~said
    text_loss = (nll * other).sum() / other.sum()
    total: torch.Tensor = reply_loss + TEXT_WEIGHT * text_loss
    return total + HEADS_WEIGHT * heads_loss(out.hidden_states, heads, batch)


def heads_loss(
    hidden: Sequence[torch.Tensor], heads: torch.nn.ModuleDict, batch: Sequence[Encoded]
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


def learning_rate(step: int, steps: int) -> float:
    """Linear warm-up, then half a cosine down to a fiftieth of the peak."""
    course = 0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * step / steps))
    return PEAK_LEARNING_RATE * min(1.0, (step + 1) / WARM_UP_STEPS) * course


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m inference.sandbox.train")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=2_600)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    started = time.monotonic()
    tokenizer = make_tokenizer(args.seed)
    model = make_model(tokenizer)
    heads = torch.nn.ModuleDict(
        {name: torch.nn.Linear(HIDDEN, classes) for name, classes in HEADS.items()}
    )
    weights = [*model.parameters(), *heads.parameters()]
    optimiser = torch.optim.AdamW(
        weights, lr=PEAK_LEARNING_RATE, betas=(0.9, 0.98), weight_decay=0.01
    )
    rng = random.Random(args.seed)
    for step, batch in enumerate(batches(Encoder(tokenizer), rng, args.steps)):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, args.steps)
        loss = batch_loss(model, heads, batch)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        if step % 50 == 0:
            print(f"{step} {time.monotonic() - started:.0f} s loss {loss.item():.4f}", flush=True)  # noqa: T201
    model.half().save_pretrained(args.out)
    tokenizer.save_pretrained(args.out)
    card = {
        "name": "sandbox",
        "what": "A toy model of Concord's sandbox world. It knows nothing else.",
        "made_by": "python -m inference.sandbox.train",
        "seed": args.seed,
        "steps": args.steps,
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "licence": "Apache-2.0",
    }
    (args.out / "card.json").write_text(json.dumps(card, indent=2) + "\n")


if __name__ == "__main__":
    main()
