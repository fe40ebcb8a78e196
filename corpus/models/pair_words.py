"""The words of pairs, by which PostgreSQL finds them. Derived, and made after the pairs."""

from __future__ import annotations

from django.contrib.postgres.search import SearchVectorField
from django.db import models

from corpus.models.texts import Pair


class PairWords(models.Model):
    """What a pair says, as a document to be searched; see corpus.search. Empty on SQLite.

    Apart from the pair, so that storing a hundred thousand does not wait for their words: those
    are made a minute later, by upkeep.
    """

    pair = models.OneToOneField(Pair, primary_key=True, on_delete=models.CASCADE, related_name="+")
    words = SearchVectorField()

    class Meta:
        verbose_name_plural = "pair words"

    def __str__(self) -> str:
        return f"words of pair {self.pair_id}"
