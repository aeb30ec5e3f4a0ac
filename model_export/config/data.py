"""What to learn from."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from model_export.config.base import Settings


class DataKind(StrEnum):
    """Data that Heed can read."""

    CMUDICT_G2P = "cmudict_g2p"
    SMALL_VOCAB_EN_FR = "small_vocab_en_fr"
    TATOEBA_EN_FR = "tatoeba_en_fr"
    MULTI30K_EN_DE = "multi30k_en_de"
    MULTI30K_EN_FR = "multi30k_en_fr"
    SNIPS = "snips"
    TREC = "trec"
    IMDB_SAMPLE = "imdb_sample"
    LABELLED_TEXT = "labelled_text"


LABELLED_DATA = frozenset(
    {DataKind.SNIPS, DataKind.TREC, DataKind.IMDB_SAMPLE, DataKind.LABELLED_TEXT}
)
"""Data for classifiers: texts, each with a label."""


class DataSettings(Settings):
    """What to learn from.

    Attributes:
        kind: The data set.
        max_train_pairs: The most training pairs, taken evenly over the set; none = all.
        max_dev_words: The most dev words, likewise; none = all.
        max_test_words: The most test words, likewise; none = all.
    """

    kind: DataKind
    max_train_pairs: int | None = Field(default=None, ge=1)
    max_dev_words: int | None = Field(default=None, ge=1)
    max_test_words: int | None = Field(default=None, ge=1)
