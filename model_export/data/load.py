"""Data sets from settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from heed.contract import ImageInput
from model_export.config import DataKind, DataSettings
from model_export.data.cmudict import load_cmudict
from model_export.data.digit_strips import load_digit_strips
from model_export.data.examples import Example, ExampleSet, Split, take_evenly
from model_export.data.labelled_text import (
    load_imdb_sample,
    load_labelled_text,
    load_snips,
    load_trec,
)
from model_export.data.links import with_links
from model_export.data.multi30k import load_multi30k
from model_export.data.parallel_text import ParallelFiles, load_parallel_text
from model_export.data.pictures import Picture

_SMALL_VOCAB = ParallelFiles(
    train=("train.tsv", "dedup.train.tsv"),
    dev=("dev.tsv", "dedup.dev.tsv"),
    test=("test.tsv", "dedup.test.tsv"),
    source_url="github.com/udacity/aind2-nlp-capstone",
)
_OWN_PAIRS = ParallelFiles(train=("train.tsv",), dev=("dev.tsv",), test=("test.tsv",))
"""Also of pictures: the source of a line is then the name of a file in the folder."""
_TATOEBA = ParallelFiles(
    train=("train.tsv", "train.full.tsv"),
    dev=("dev.tsv", "dev.multiref.tsv"),
    test=("test.tsv", "test.multiref.tsv"),
    source_url="www.manythings.org/anki",
)

_LOADERS: dict[DataKind, Callable[[Path | None], ExampleSet]] = {
    DataKind.CAPTIONED_PICTURES: partial(load_parallel_text, files=_OWN_PAIRS),
    DataKind.CMUDICT_G2P: load_cmudict,
    DataKind.IMDB_SAMPLE: load_imdb_sample,
    DataKind.LABELLED_TEXT: load_labelled_text,
    DataKind.MULTI30K_EN_DE: partial(load_multi30k, target_language="de"),
    DataKind.MULTI30K_EN_FR: partial(load_multi30k, target_language="fr"),
    DataKind.PARALLEL_TEXT: partial(load_parallel_text, files=_OWN_PAIRS),
    DataKind.SMALL_VOCAB_EN_FR: partial(load_parallel_text, files=_SMALL_VOCAB),
    DataKind.SNIPS: load_snips,
    DataKind.TATOEBA_EN_FR: partial(load_parallel_text, files=_TATOEBA),
    DataKind.TREC: load_trec,
}


def load_all_examples(settings: DataSettings, data_dir: Path | None = None) -> ExampleSet:
    """Reads a whole data set, without links and limits; in train every pair stands alone."""
    examples = _loaded(settings, data_dir)
    pairs = [
        replace(example, references=(reference,))
        for example in examples.train
        for reference in example.references
    ]
    return replace(examples, train=tuple(pairs))


def _loaded(settings: DataSettings, data_dir: Path | None) -> ExampleSet:
    if settings.kind is not DataKind.DIGIT_STRIPS:
        return _LOADERS[settings.kind](data_dir)
    limits = {
        Split.TRAIN: settings.max_train_pairs,
        Split.DEV: settings.max_dev_examples,
        Split.TEST: settings.max_test_examples,
    }
    return load_digit_strips(data_dir, limits=limits)


def load_examples(
    settings: DataSettings, data_dir: Path | None = None, *, image: ImageInput | None = None
) -> ExampleSet:
    """Reads a data set, within the settings' limits.

    Args:
        settings: Which data, and how much of it.
        data_dir: Where the data lies; none = the copy in Heed.
        image: What pictures the model reads; none = it reads text.

    Raises:
        DataError: The data is missing or unreadable.
    """
    examples = load_all_examples(settings, data_dir)
    if settings.links is not None:
        examples = with_links(examples, settings.links, data_dir)
    return ExampleSet(
        train=_part(examples.train, settings.max_train_pairs, data_dir, image),
        dev=_part(examples.dev, settings.max_dev_examples, data_dir, image),
        test=_part(examples.test, settings.max_test_examples, data_dir, image),
    )


def _part(
    examples: Sequence[Example], limit: int | None, data_dir: Path | None, image: ImageInput | None
) -> tuple[Example, ...]:
    """At most so many examples; of pictures in files, with what the files hold."""
    taken = take_evenly(examples, limit)
    if image is None or data_dir is None:
        return tuple(taken)
    return tuple(
        example
        if example.picture is not None
        else replace(example, picture=Picture.read(data_dir / example.source, image))
        for example in taken
    )
