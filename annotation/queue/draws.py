"""Draws that anybody can repeat: a number from a seed and what it is drawn for."""

from __future__ import annotations

import hashlib

STEPS = 2**53
"""So many equal steps in [0, 1) are exact in a float."""


def uniform(*key: str | int) -> float:
    """A number in [0, 1), evenly spread over keys, always the same for one key.

    Source: Salmon, Moraes, Dror and Shaw (2011), Parallel random numbers: as easy as 1, 2, 3 (a
    counter-based generator); here BLAKE2b is the mixing function.
    """
    text = "\x1f".join(map(str, key)).encode()
    digest = hashlib.blake2b(text, digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / STEPS
