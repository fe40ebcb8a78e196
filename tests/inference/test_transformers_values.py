"""The transformers engine against plain forward passes, one sequence at a time, no padding."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from inference.engine import Request, Sampling
from inference.errors import BadRequestError
from inference.transformers_engine import TransformersEngine
from tests.inference.conversations import ask, eight_questions, seeded_questions


class Reference:
    """The model without the engine."""

    def __init__(self, folder: Path) -> None:
        from_pretrained: Any = AutoModelForCausalLM.from_pretrained
        self.model = from_pretrained(folder).double().eval()
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder)

    def prompt_ids(self, request: Request) -> list[int]:
        text = "".join(f"<|{turn.role}|>{turn.content}<|end|>" for turn in request.messages)
        ids: list[int] = self.tokenizer.encode(text + "<|assistant|>", add_special_tokens=False)
        return ids

    @torch.inference_mode()
    def logprobs(self, ids: list[int]) -> torch.Tensor:
        """Log-softmax of the logits at each position: (len(ids), V)."""
        logits = self.model(torch.tensor([ids])).logits[0]
        return torch.log_softmax(logits, dim=-1)

    def greedy(self, prompt: list[int], max_tokens: int) -> tuple[list[int], float]:
        """The arg-max continuation up to and with the end token, and its log-probability."""
        ids, total = list(prompt), 0.0
        while len(ids) - len(prompt) < max_tokens and ids[-1:] != [self.tokenizer.eos_token_id]:
            last = self.logprobs(ids)[-1]
            ids.append(int(last.argmax()))
            total += float(last.max())
        return ids[len(prompt) :], total


@pytest.fixture(scope="module")
def reference(tiny_model: Path) -> Reference:
    return Reference(tiny_model)


@pytest.fixture(scope="module")
def engine(tiny_model: Path) -> Iterator[TransformersEngine]:
    with TransformersEngine(str(tiny_model), batch_size=8) as opened:
        yield opened


def test_greedy_answers_and_their_logprob_sum_equal_a_plain_loop(
    engine: TransformersEngine, reference: Reference
) -> None:
    answers = engine.generate(eight_questions(), Sampling(max_tokens=20, temperature=0))
    for request, answer in zip(eight_questions(), answers, strict=True):
        prompt = reference.prompt_ids(request)
        ids, total = reference.greedy(prompt, 20)
        assert answer.text == reference.tokenizer.decode(ids, skip_special_tokens=True)
        assert answer.completion_tokens == len(ids)
        assert answer.prompt_tokens == len(prompt)
        assert answer.logprob_sum == pytest.approx(total, abs=1e-3)


def test_the_logprob_sum_of_a_sample_is_at_temperature_one(
    engine: TransformersEngine, reference: Reference
) -> None:
    sampling = Sampling(max_tokens=1, temperature=2.5, top_p=0.9)
    for request, answer in zip(
        seeded_questions(), engine.generate(seeded_questions(), sampling), strict=True
    ):
        last = reference.logprobs(reference.prompt_ids(request))[-1]
        taken = [n for n, p in enumerate(last) if math.isclose(p, answer.logprob_sum, abs_tol=1e-4)]
        assert answer.text in {reference.tokenizer.decode([n], True) for n in taken}


def test_samples_follow_the_tempered_top_p_distribution(
    tiny_model: Path, reference: Reference
) -> None:
    draws, temperature, top_p = 4000, 0.8, 0.9
    requests = [ask("A or B?", seed=seed) for seed in range(draws)]
    with TransformersEngine(str(tiny_model), batch_size=1000) as engine:
        answers = engine.generate(requests, Sampling(1, temperature, top_p))
    raw = reference.logprobs(reference.prompt_ids(requests[0]))[-1]
    # Several tokens decode to the same text: they are told apart by their log-probability.
    drawn = [int((raw - answer.logprob_sum).abs().argmin()) for answer in answers]
    counts = torch.bincount(torch.tensor(drawn), minlength=len(raw)).double()
    ranked = (raw / temperature).softmax(0).sort(descending=True)
    kept = int((ranked.values.cumsum(0) < top_p).sum()) + 1
    nucleus = ranked.indices[:kept]
    expected = draws * ranked.values[:kept] / ranked.values[:kept].sum()
    assert kept > 10
    assert counts[nucleus].sum() == draws
    # Pearson's statistic has mean k - 1 and variance 2(k - 1): five deviations are room enough.
    statistic = float(((counts[nucleus] - expected) ** 2 / expected).sum())
    assert statistic < kept - 1 + 5 * math.sqrt(2 * (kept - 1))


def test_an_unseeded_request_draws_a_fresh_seed(engine: TransformersEngine) -> None:
    answers = engine.generate([ask("A or B?")] * 8, Sampling(max_tokens=20))
    assert len({answer.text for answer in answers}) > 1


def test_an_end_token_stops_an_answer_and_counts(
    engine: TransformersEngine, reference: Reference
) -> None:
    requests = [ask("A or B?", seed=seed) for seed in range(64)]
    answers = engine.generate(requests, Sampling(max_tokens=40, temperature=1.5))
    stopped = [answer for answer in answers if answer.finish_reason == "stop"]
    cut = [answer for answer in answers if answer.finish_reason == "length"]
    assert stopped
    assert cut
    assert all("<|" not in answer.text for answer in stopped)
    assert {answer.completion_tokens for answer in cut} == {40}


def test_choices_are_the_softmax_of_the_next_token_logits(
    engine: TransformersEngine, reference: Reference
) -> None:
    encode = reference.tokenizer.encode
    ids = {option: (encode(option), encode(f" {option}")) for option in ("A", "B")}
    assert all(len(one) == 1 for both in ids.values() for one in both)
    for request, choice in zip(
        eight_questions(), engine.choose(eight_questions(), ("A", "B")), strict=True
    ):
        next_token = reference.logprobs(reference.prompt_ids(request))[-1].exp()
        held = [sum(float(next_token[one[0]]) for one in ids[option]) for option in ("A", "B")]
        assert choice.probabilities == pytest.approx([p / sum(held) for p in held], abs=1e-5)
        assert choice.mass == pytest.approx(sum(held), rel=1e-3)


def test_longer_options_are_scored_by_all_their_tokens(
    engine: TransformersEngine, reference: Reference
) -> None:
    options = ("A", "tie of both", "neither")
    spelt = [reference.tokenizer.encode(option) for option in options[1:]]
    assert all(len(ids) > 1 for ids in spelt)
    assert len(spelt[0]) != len(spelt[1])
    single = [reference.tokenizer.encode(text)[0] for text in ("A", " A")]
    for request, choice in zip(
        eight_questions(), engine.choose(eight_questions(), options), strict=True
    ):
        prompt = reference.prompt_ids(request)
        held = [sum(float(reference.logprobs(prompt)[-1].exp()[one]) for one in single)]
        for ids in spelt:
            logprobs = reference.logprobs([*prompt, *ids])
            places = range(len(prompt) - 1, len(prompt) + len(ids) - 1)
            held.append(
                math.exp(sum(float(logprobs[at, one]) for at, one in zip(places, ids, strict=True)))
            )
        assert choice.probabilities == pytest.approx([p / sum(held) for p in held], abs=1e-5)
        assert choice.mass == pytest.approx(sum(held), rel=1e-3)


def test_padding_moves_no_absolute_position(tiny_model: Path, tmp_path: Path) -> None:
    """Llama's positions are relative and would not notice; GPT-2 has a vector for each."""
    from transformers import GPT2Config, GPT2LMHeadModel

    folder = shutil.copytree(tiny_model, tmp_path / "gpt2")
    config = GPT2Config(
        vocab_size=320,
        n_positions=256,
        n_embd=32,
        n_layer=2,
        n_head=4,
        initializer_range=0.3,
        bos_token_id=1,
        eos_token_id=1,
    )
    make_model: Any = GPT2LMHeadModel
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        make_model(config).save_pretrained(folder)
    sampling = Sampling(max_tokens=12, temperature=0)
    with TransformersEngine(str(folder)) as engine:
        together = engine.generate(eight_questions(), sampling)
        assert len({answer.text for answer in together}) > 1
        for request, answer in zip(eight_questions(), together, strict=True):
            [alone] = engine.generate([request], sampling)
            assert (answer.text, answer.completion_tokens) == (alone.text, alone.completion_tokens)
            assert answer.logprob_sum == pytest.approx(alone.logprob_sum, abs=1e-3)
        for request, choice in zip(
            eight_questions(), engine.choose(eight_questions(), ("A", "neither")), strict=True
        ):
            [one] = engine.choose([request], ("A", "neither"))
            assert choice.probabilities == pytest.approx(one.probabilities, abs=1e-5)
            assert choice.mass == pytest.approx(one.mass, rel=1e-3)


def test_options_that_begin_alike_are_refused(engine: TransformersEngine) -> None:
    with pytest.raises(BadRequestError, match="'tie' and 'tied'"):
        engine.choose([ask("A or B?")], ("A", "tie", "tied"))


def test_a_prompt_that_leaves_no_room_is_refused_by_number(engine: TransformersEngine) -> None:
    long = ask("x" * 200)
    [answer] = engine.generate([long], Sampling(max_tokens=1, temperature=0))
    room = 256 - answer.prompt_tokens
    engine.generate([long], Sampling(max_tokens=room, temperature=0))
    with pytest.raises(BadRequestError, match=rf"request 1 has {answer.prompt_tokens} .* 256"):
        engine.generate([ask("short"), long], Sampling(max_tokens=room + 1, temperature=0))
    with pytest.raises(BadRequestError, match=r"request 0 .* 256"):
        engine.choose([ask("x" * 300)], ("A", "B"))
