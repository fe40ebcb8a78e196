"""The sandbox's tokenizer: byte-level BPE made from the world's own text."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from inference.sandbox.tasks import lesson

CONTEXT_TOKENS = 512
VOCABULARY = 1_000
TEXTS = 20_000
PAD, END, USER, ASSISTANT, SYSTEM = (
    f"<|{name}|>" for name in ("pad", "end", "user", "assistant", "system")
)

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}"
    "<|assistant|>{% generation %}{{ message['content'] }}<|end|>{% endgeneration %}"
    "{% else %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def make_tokenizer(seed: int) -> Any:
    """A PreTrainedTokenizerFast that encodes any text, with a chat template; pads on the left."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[PAD, END, USER, ASSISTANT, SYSTEM],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_texts(seed), trainer)
    fast: Any = PreTrainedTokenizerFast
    return fast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        model_max_length=CONTEXT_TOKENS,
        padding_side="left",
        chat_template=CHAT_TEMPLATE,
    )


def _texts(seed: int) -> Iterator[str]:
    rng = random.Random(seed)
    for _ in range(TEXTS):
        turns = lesson(rng, progress=rng.random()).turns
        yield "\n".join(content for _, content in turns)
