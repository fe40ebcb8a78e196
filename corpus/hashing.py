"""Content hashes: the same content is the same row, whoever brings it and when."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from json.encoder import encode_basestring

from corpus.conversations import Turns, identity

Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]


_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)


def canonical_json(value: Json) -> str:
    """One spelling for one value: sorted keys, no spaces, Unicode kept. NaN is refused."""
    return _ENCODER.encode(value)


def sha256_of(value: Json) -> str:
    """The SHA-256 (64 hex digits) of a value's canonical JSON in UTF-8."""
    return _digest(canonical_json(value))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def prompt_sha256(messages: Turns) -> str:
    """The hash by which prompts are told apart.

    Text is normalised first (Unicode NFC, runs of white space to one blank, ends stripped), so
    that a copy with another line ending is the same prompt. Calls of tools are part of it.
    """
    return sha256_of(identity(messages))


def completion_sha256(prompt_hash: str, text: str, model: str | None, sampling: Json) -> str:
    """The hash of one completion: its prompt, its exact text, and where it came from."""
    if model is None and sampling is None:
        # The same bytes as below, without the way through an encoder for each of a million texts.
        return _digest(f'["{prompt_hash}",{encode_basestring(_nfc(text))},null,null]')
    return sha256_of([prompt_hash, _nfc(text), model, sampling])


def pair_sha256(first_hash: str, second_hash: str) -> str:
    """The hash of an unordered pair of completions: both orders give the same."""
    low, high = sorted([first_hash, second_hash])
    return _digest(f'["{low}","{high}"]')


def _nfc(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)
