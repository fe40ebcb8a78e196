"""Personal data taken out of texts, by Presidio's pattern recognisers.

Patterns need no language model: mail, telephone, cards, IBAN, IP, social security, wallets. Names
of people are found where a spaCy model that the user installed is there (NAME_MODELS).
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from importlib.util import find_spec
from typing import Any

NAME_MODELS = ("en_core_web_trf", "en_core_web_lg", "en_core_web_md", "en_core_web_sm")
"""The best of these that is installed looks for names of people."""

KINDS = {
    "EMAIL_ADDRESS": "E-mail addresses",
    "PHONE_NUMBER": "Phone numbers",
    "CREDIT_CARD": "Credit card numbers",
    "IBAN_CODE": "Bank account numbers (IBAN)",
    "IP_ADDRESS": "IP addresses",
    "US_SSN": "US social security numbers",
    "CRYPTO": "Cryptocurrency wallets",
    "PERSON": "Names of people",
}
"""What pages call the kinds of personal data."""

LEAST_SCORE = 0.4
"""Presidio's score of a pattern without a word of context that speaks for it."""


class Redactor:
    """Replaces personal data by its kind; the same value has the same number wherever it stands.

    One for a prompt and its completions, so that an answer that repeats the number asked about
    still repeats it: `<PHONE_NUMBER_1>`.
    """

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], int] = {}
        self._seen: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()

    def text(self, text: str) -> str:
        """The text without what was found in it."""
        for start, end, kind in reversed(_found(text)):
            text = text[:start] + self._placeholder(kind, text[start:end]) + text[end:]
            self.counts[kind] += 1
        return text

    def _placeholder(self, kind: str, value: str) -> str:
        key = (kind, "".join(value.split()).casefold())
        if key not in self._numbers:
            self._seen[kind] += 1
            self._numbers[key] = self._seen[kind]
        return f"<{kind}_{self._numbers[key]}>"


def names_are_found() -> bool:
    """Whether a language model that knows names of people is installed."""
    return any(find_spec(name) is not None for name in NAME_MODELS)


def _found(text: str) -> list[tuple[int, int, str]]:
    """(start, end, kind) of what does not overlap: of two that do, the surer, then the longer."""
    results = [
        (one.score, one.end - one.start, one.start, one.end, one.entity_type)
        for recogniser in _recognisers()
        for one in recogniser.analyze(text, recogniser.supported_entities, None)
        if one.score >= LEAST_SCORE
    ]
    results += [(0.85, end - start, start, end, "PERSON") for start, end in _people(text)]
    kept: list[tuple[int, int, str]] = []
    for _, _, start, end, kind in sorted(results, reverse=True):
        if all(end <= one or other <= start for one, other, _ in kept):
            kept.append((start, end, kind))
    return sorted(kept)


@cache
def _recognisers() -> tuple[Any, ...]:
    # Here and not above: spaCy, which Presidio imports, takes seconds, and few projects redact.
    import tldextract
    from presidio_analyzer import predefined_recognizers as known

    # The list of public suffixes that comes with the package: nothing is fetched.
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    return (
        known.EmailRecognizer(),
        known.PhoneRecognizer(),
        known.CreditCardRecognizer(),
        known.IbanRecognizer(),
        known.IpRecognizer(),
        known.UsSsnRecognizer(),
        known.CryptoRecognizer(),
    )


@cache
def _pipeline() -> Any:
    for name in NAME_MODELS:
        if find_spec(name) is not None:
            import spacy

            return spacy.load(name, enable=["tok2vec", "transformer", "ner"])
    return None


def _people(text: str) -> list[tuple[int, int]]:
    pipeline = _pipeline()
    if pipeline is None:
        return []
    return [(one.start_char, one.end_char) for one in pipeline(text).ents if one.label_ == "PERSON"]
