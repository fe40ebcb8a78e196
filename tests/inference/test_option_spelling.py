"""How options become tokens under different kinds of tokenizers."""

from __future__ import annotations

from typing import Any

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from inference.errors import BadRequestError
from inference.option_spelling import spell_options
from tests.inference.tiny_model import build_tokenizer


def spaced_tokenizer() -> Any:
    """Puts a space before every text, as sentencepiece models do; knows six pieces."""
    pieces = {"<unk>": 0, "▁A": 1, "A": 2, "▁B": 3, "▁tie": 4, "▁": 5}
    words = Tokenizer(models.WordLevel(pieces, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    words.decoder = decoders.Metaspace(prepend_scheme="never")
    make: Any = PreTrainedTokenizerFast
    return make(tokenizer_object=words, unk_token="<unk>")


def test_byte_level_options_count_with_and_without_a_space() -> None:
    tokenizer = build_tokenizer()
    one, other = spell_options(tokenizer, ("A", "neither"))
    assert [tokenizer.decode(list(ids)) for ids in one.spellings] == ["A", " A"]
    assert one.single
    assert tokenizer.decode(list(other.spellings[0])) == "neither"
    assert not other.single
    assert len(other.spellings) == 1


def test_a_tokenizer_that_adds_a_space_offers_the_bare_word_too() -> None:
    tokenizer = spaced_tokenizer()
    assert tokenizer.encode("A") == [1]
    one, other = spell_options(tokenizer, ("A", "tie"))
    assert set(one.spellings) == {(1,), (2,)}
    assert other.spellings == ((4,),)


def test_what_a_tokenizer_does_not_know_is_refused() -> None:
    with pytest.raises(BadRequestError, match="no tokens for the option 'C'"):
        spell_options(spaced_tokenizer(), ("A", "C"))


def test_a_letter_that_only_names_a_byte_is_not_the_option() -> None:
    tokenizer = build_tokenizer()
    # In byte-level vocabularies "é" names the lone byte E9, while the letter é is two bytes.
    assert tokenizer.convert_tokens_to_ids("é") is not None
    [option, _] = spell_options(tokenizer, ("é", "A"))
    assert not option.single
    assert tokenizer.decode(list(option.spellings[0])) == "é"


@pytest.mark.parametrize("pair", [("tie", "tied"), ("neither", "neither one")])
def test_options_that_begin_with_each_other_are_refused(pair: tuple[str, str]) -> None:
    with pytest.raises(BadRequestError, match="start with the same tokens"):
        spell_options(build_tokenizer(), pair)
