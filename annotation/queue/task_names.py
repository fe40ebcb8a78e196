"""What a task is called outside: a number that tells nothing.

A slot's own number would tell much: gold and repeats are made when they are handed out, so theirs
are the highest. One block of AES under a key of this installation hides it, and is read back
without a look into the database.
"""

from __future__ import annotations

import hashlib
from functools import cache
from uuid import UUID

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from django.conf import settings

BLOCK_BYTES = 16


def task_name(slot_id: int) -> UUID:
    """The name of a slot outside."""
    encryptor = _cipher(settings.SECRET_KEY).encryptor()
    return UUID(bytes=encryptor.update(slot_id.to_bytes(BLOCK_BYTES, "big")))


def slot_id_of(name: UUID) -> int | None:
    """The slot's number, or None for a name that was never given."""
    decryptor = _cipher(settings.SECRET_KEY).decryptor()
    number = int.from_bytes(decryptor.update(name.bytes), "big")
    return number if number < 2**63 else None


@cache
def _cipher(secret: str) -> Cipher[modes.ECB]:
    # One block only, each number once: what ECB gives away, equal blocks, is what a name is.
    key = hashlib.blake2b(secret.encode(), digest_size=32, person=b"concord task").digest()
    return Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305
