"""Prompts that are nearly the same, by MinHash and locality-sensitive hashing: pure functions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from datasketch import MinHash, MinHashLSH

PERMUTATIONS = 128
WORDS = 5
"""Shingles are runs of so many words."""

SEED = 1
WORD = re.compile(r"\w+")


def shingles(text: str) -> set[bytes]:
    """The word 5-grams of a text, without regard to case, accents' spelling and punctuation; of a
    shorter one the whole."""
    words = WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    if len(words) <= WORDS:
        return {" ".join(words).encode()}
    return {
        " ".join(words[start : start + WORDS]).encode() for start in range(len(words) - WORDS + 1)
    }


def groups(texts: Iterable[tuple[int, str]], *, threshold: float) -> dict[int, int]:
    """Which texts are nearly the same: {id: smallest id of its group}, those alone left out.

    Two belong together when the estimate of their Jaccard similarity is at least `threshold`, in
    [0.5, 1]; groups are the connected components of that. The estimate's standard error is about
    0.04 at 0.8 (128 permutations).

    Source: Broder (1997), On the resemblance and containment of documents; Lee et al. (2022),
    Deduplicating training data makes language models better, for 5-grams.
    """
    if not 0.5 <= threshold <= 1:
        raise ValueError(f"threshold is {threshold}; it must be between 0.5 and 1.")
    # The index only proposes; a lower bar there misses fewer, and it cannot be built for 1.
    index = MinHashLSH(threshold=min(threshold, 0.9), num_perm=PERMUTATIONS)
    signatures: dict[int, MinHash] = {}
    parents: dict[int, int] = {}
    for number, signature in _signatures(texts):
        for other in index.query(signature):
            if signatures[other].jaccard(signature) >= threshold:
                _join(parents, number, other)
        index.insert(number, signature)
        signatures[number] = signature
    return {number: _root(parents, number) for number in sorted(parents)}


def _signatures(texts: Iterable[tuple[int, str]]) -> Iterator[tuple[int, MinHash]]:
    empty = MinHash(num_perm=PERMUTATIONS, seed=SEED)
    for number, text in texts:
        # Its permutations are drawn once, and the copies share them.
        signature = empty.copy()
        signature.update_batch(sorted(shingles(text)))
        yield number, signature


def _root(parents: dict[int, int], number: int) -> int:
    while parents[number] != number:
        parents[number] = parents[parents[number]]
        number = parents[number]
    return number


def _join(parents: dict[int, int], one: int, other: int) -> None:
    """The smaller number is the root, so that a group is named by its first text."""
    for number in (one, other):
        parents.setdefault(number, number)
    a, b = sorted((_root(parents, one), _root(parents, other)))
    parents[b] = a
