"""What to learn from."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field, model_validator

from model_export.config.base import Settings, with_new_names


class DataKind(StrEnum):
    """Data that Heed can read."""

    CAPTIONED_PICTURES = "captioned_pictures"
    CMUDICT_G2P = "cmudict_g2p"
    DIGIT_STRIPS = "digit_strips"
    SMALL_VOCAB_EN_FR = "small_vocab_en_fr"
    TATOEBA_EN_FR = "tatoeba_en_fr"
    MULTI30K_EN_DE = "multi30k_en_de"
    MULTI30K_EN_FR = "multi30k_en_fr"
    SNIPS = "snips"
    TREC = "trec"
    IMDB_SAMPLE = "imdb_sample"
    LABELLED_TEXT = "labelled_text"
    PARALLEL_TEXT = "parallel_text"


LABELLED_DATA = frozenset(
    {DataKind.SNIPS, DataKind.TREC, DataKind.IMDB_SAMPLE, DataKind.LABELLED_TEXT}
)
"""Data for classifiers: texts, each with a label."""


PICTURE_DATA = frozenset({DataKind.CAPTIONED_PICTURES, DataKind.DIGIT_STRIPS})
"""Data for models that read pictures."""


class LinkUnit(StrEnum):
    """What links are between: words, which white space separates, or the tokenizers' pieces."""

    WORD = "word"
    PIECE = "piece"


class LinkFiles(Settings):
    """Files that say which words of a source belong to which words of its translation.

    Each has a line in Pharaoh's format, such as `0-0 1-2`, for every example of the data set,
    whatever share of it is used. Names are within --data-dir.

    Attributes:
        train: Links of the training pairs, for `training.guided_alignment`; none = there are none.
        dev: Likewise; where there are links, the alignment error rate is measured.
        test: Likewise.
        unit: What the numbers count.
    """

    train: str | None = None
    dev: str | None = None
    test: str | None = None
    unit: LinkUnit = LinkUnit.WORD


class DataSettings(Settings):
    """What to learn from.

    Attributes:
        kind: The data set.
        links: Which words belong together; none = nobody knows.
        max_train_pairs: The most training pairs, taken evenly over the set; none = all.
        max_dev_examples: The most dev examples, likewise; none = all.
        max_test_examples: The most test examples, likewise; none = all.
    """

    kind: DataKind
    links: LinkFiles | None = None
    max_train_pairs: int | None = Field(default=None, ge=1)
    max_dev_examples: int | None = Field(default=None, ge=1)
    max_test_examples: int | None = Field(default=None, ge=1)

    @model_validator(mode="before")
    @classmethod
    def _runs_of_earlier_versions(cls, values: Any) -> Any:
        names = {f"max_{part}_words": f"max_{part}_examples" for part in ("dev", "test")}
        return with_new_names(values, names)
