"""Texts to send: seeded, with lengths as real texts have them."""

from loadtest.texts.lengths import LengthKind, Lengths, load_lengths
from loadtest.texts.made_texts import make_texts, read_texts

__all__ = ["LengthKind", "Lengths", "load_lengths", "make_texts", "read_texts"]
