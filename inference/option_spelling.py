"""Options as the tokens that spell them, the same for every engine that reads token probabilities.

Knows tokenizers, not torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

from inference.engine import Choice
from inference.errors import BadRequestError, InferenceError

# The smallest positive double: `Choice.mass` lies in (0, 1], and long options underflow.
_LEAST_MASS = 5e-324


class OptionTokens(NamedTuple):
    """An option as token ids: the sequences whose probabilities are added up.

    Either every single token that spells it ("A" and " A"), or its one longer spelling.
    """

    text: str
    spellings: tuple[tuple[int, ...], ...]

    @property
    def single(self) -> bool:
        """Whether it is read from the next token alone."""
        return len(self.spellings[0]) == 1


def spell_options(tokenizer: Any, options: Sequence[str]) -> list[OptionTokens]:
    """The token ids of each option, in order.

    Raises:
        BadRequestError: the tokenizer cannot spell an option, or one begins with the other's
            tokens: their probabilities would then count the same answers twice.
    """
    spelt = [_spell(tokenizer, option) for option in options]
    for one, other in combinations(spelt, 2):
        if any(_overlap(a, b) for a in one.spellings for b in other.spellings):
            raise BadRequestError(
                f"the options {one.text!r} and {other.text!r} start with the same tokens, so "
                "their probabilities overlap; rename one"
            )
    return spelt


def scored_prefixes(options: Sequence[OptionTokens]) -> list[tuple[int, ...]]:
    """The beginnings of an answer after which next-token log-probabilities have to be known.

    The empty one first; then, for each option of several tokens, all that lead up to its last.
    """
    prefixes: dict[tuple[int, ...], None] = {(): None}
    for option in options:
        if not option.single:
            spelling = option.spellings[0]
            prefixes |= dict.fromkeys(spelling[:end] for end in range(1, len(spelling)))
    return list(prefixes)


def scored_tokens(options: Sequence[OptionTokens]) -> list[int]:
    """The tokens whose log-probabilities have to be known after those prefixes."""
    return sorted({token for option in options for ids in option.spellings for token in ids})


def read_options(
    options: Sequence[OptionTokens],
    after: Mapping[tuple[int, ...], Mapping[int, float]],
) -> list[float]:
    """Log-probability (nats) of each option, shape K, as the start of an answer.

    `after[prefix][token]` is the log-probability of a token after a prefix. The single-token
    spellings of an option are summed; a longer option is the product along its tokens.
    """
    return [
        _logsumexp([after[()][ids[0]] for ids in option.spellings])
        if option.single
        else math.fsum(
            after[option.spellings[0][:position]][token]
            for position, token in enumerate(option.spellings[0])
        )
        for option in options
    ]


def choice_from_logprobs(index: int, logprobs: Sequence[float], prompt_tokens: int) -> Choice:
    """The options' log-probabilities (nats, shape K) as a choice, in the same order.

    They are renormalised relative to the largest, against underflow; their sum before that is
    the `mass`.

    Raises:
        InferenceError: a log-probability is not finite; `index` names the request.
    """
    if not all(map(math.isfinite, logprobs)):
        raise InferenceError(f"the model's logits for request {index} are not finite")
    top = max(logprobs)
    relative = [math.exp(one - top) for one in logprobs]
    total = math.fsum(relative)
    return Choice(
        probabilities=tuple(one / total for one in relative),
        mass=min(1.0, max(math.exp(top) * total, _LEAST_MASS)),
        prompt_tokens=prompt_tokens,
    )


def _spell(tokenizer: Any, option: str) -> OptionTokens:
    written = tuple(tokenizer.encode(option, add_special_tokens=False))
    spaced = tuple(tokenizer.encode(f" {option}", add_special_tokens=False))
    singles = tuple(
        dict.fromkeys(
            ids for ids in (written, spaced, _bare_token(tokenizer, option)) if len(ids) == 1
        )
    )
    spellings = singles or (written,)
    unknown = tokenizer.unk_token_id
    if not spellings[0] or (unknown is not None and any(unknown in ids for ids in spellings)):
        raise BadRequestError(f"the tokenizer has no tokens for the option {option!r}")
    return OptionTokens(option, spellings)


def _bare_token(tokenizer: Any, option: str) -> tuple[int, ...]:
    """The token that is the bare word: encoding never gives it where each text gets a space."""
    known: int | None = tokenizer.convert_tokens_to_ids(option)
    # Byte-level vocabularies spell other bytes with letters, so the name alone proves nothing.
    if known is None or tokenizer.decode([known]) != option:
        return ()
    return (known,)


def _overlap(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    shared = min(len(one), len(other))
    return one[:shared] == other[:shared]


def _logsumexp(values: Sequence[float]) -> float:
    top = max(values)
    if not math.isfinite(top):
        return top
    return top + math.log(math.fsum(math.exp(value - top) for value in values))
