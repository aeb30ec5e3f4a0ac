"""From a recipe to tokenizers and token pairs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from heed.contract import Task
from heed.text import Tokenizer, TokenizerError, TokenizerSettings, train_tokenizer
from model_export.config import Recipe
from model_export.data.buckets import BucketedPairs, bucket_pairs, bucket_pictures
from model_export.data.examples import (
    Example,
    ExampleSet,
    fingerprint,
    picture_pairs,
    take_evenly,
    training_pairs,
)
from model_export.data.links import pair_links
from model_export.data.load import load_examples
from model_export.errors import DataError, RunError
from model_export.runs.training_run import (
    SOURCE_TOKENIZER_FILE,
    TARGET_TOKENIZER_FILE,
    load_tokenizer,
    write_atomically,
)

PieceLinks = list[list[tuple[int, int]]] | None
"""Which target and source positions of each pair belong together, if that is known."""


@dataclass(frozen=True, slots=True)
class PreparedData:
    """What training works with.

    Attributes:
        source_tokenizer: Splits the sources; None of pictures.
        target_tokenizer: Splits the targets.
        train: Training pairs.
        train_sha256: Fingerprint of the training pairs' text.
        progress_dev: The part of dev that is looked at during training.
        progress_dev_pairs: The same as token pairs, for the loss.
        dev: The whole of dev.
    """

    source_tokenizer: Tokenizer | None
    target_tokenizer: Tokenizer
    train: BucketedPairs
    train_sha256: str
    progress_dev: tuple[Example, ...]
    progress_dev_pairs: BucketedPairs
    dev: tuple[Example, ...]

    @property
    def source_vocabulary_size(self) -> int:
        """Number of source ids; 0 of pictures."""
        return 0 if self.source_tokenizer is None else self.source_tokenizer.vocabulary_size


def prepare_data(recipe: Recipe, *, folder: Path, data_dir: Path | None) -> PreparedData:
    """Reads the data, and trains the run's tokenizers if it has none yet.

    Args:
        recipe: Which data, tokenizers and buckets.
        folder: The run's folder.
        data_dir: Where the data lies; none = the copy in Heed.

    Raises:
        DataError: The data is missing, unreadable, or nothing is left of it.
        RunError: The tokenizers cannot be written or read.
    """
    examples = load_examples(recipe.data, data_dir, image=recipe.image)
    if recipe.task is Task.CAPTION:
        return prepare_pictures(recipe, examples, folder=folder)
    pairs = training_pairs(examples.train)
    sources, targets = [source for source, _ in pairs], [target for _, target in pairs]
    both = [*sources, *targets] if recipe.joint_tokenizer else []
    source_tokenizer = run_tokenizer(
        folder / SOURCE_TOKENIZER_FILE, both or sources, recipe.source_text_tokenizer
    )
    target_tokenizer = run_tokenizer(
        folder / TARGET_TOKENIZER_FILE,
        both or targets,
        recipe.target_text_tokenizer,
    )

    tokenizers = {"source_tokenizer": source_tokenizer, "target_tokenizer": target_tokenizer}

    def bucketed(text_pairs: list[tuple[str, str]], links: PieceLinks = None) -> BucketedPairs:
        return bucket_pairs(
            text_pairs, **tokenizers, lengths=recipe.training.length_buckets, links=links
        )

    links: PieceLinks = None
    if recipe.training.guided_alignment is not None and recipe.data.links is not None:
        unit = recipe.data.links.unit
        links = [pair_links(example, **tokenizers, unit=unit) for example in examples.train]

    progress_dev = tuple(take_evenly(examples.dev, recipe.training.dev_examples))
    data = PreparedData(
        source_tokenizer=source_tokenizer,
        target_tokenizer=target_tokenizer,
        train=bucketed(pairs, links),
        train_sha256=fingerprint(pairs, links),
        progress_dev=progress_dev,
        progress_dev_pairs=bucketed(training_pairs(progress_dev)),
        dev=examples.dev,
    )
    return _checked(data, recipe)


def prepare_pictures(recipe: Recipe, examples: ExampleSet, *, folder: Path) -> PreparedData:
    """Sorts pictures into buckets, and trains the run's target tokenizer if it has none yet.

    Args:
        recipe: Which tokenizer and buckets.
        examples: The data.
        folder: The run's folder.

    Raises:
        DataError: Nothing is left of the data, or a picture does not fit the model.
        RunError: The tokenizer cannot be written or read.
    """
    settings = recipe.picture_model
    pictures, targets = picture_pairs(examples.train, settings.image)
    tokenizer = run_tokenizer(folder / TARGET_TOKENIZER_FILE, targets, recipe.target_text_tokenizer)
    bucketed = partial(
        bucket_pictures,
        target_tokenizer=tokenizer,
        widths=recipe.training.length_buckets,
        max_target_tokens=settings.max_target_tokens,
    )
    progress_dev = tuple(take_evenly(examples.dev, recipe.training.dev_examples))
    data = PreparedData(
        source_tokenizer=None,
        target_tokenizer=tokenizer,
        train=bucketed(pictures, targets),
        train_sha256=fingerprint([(p.sha256, t) for p, t in zip(pictures, targets, strict=True)]),
        progress_dev=progress_dev,
        progress_dev_pairs=bucketed(*picture_pairs(progress_dev, settings.image)),
        dev=examples.dev,
    )
    return _checked(data, recipe)


def _checked(data: PreparedData, recipe: Recipe) -> PreparedData:
    for name, part in (("training", data.train), ("dev", data.progress_dev_pairs)):
        if part.pair_count == 0:
            raise DataError(
                f"no {name} pair is left within training.length_buckets "
                f"{list(recipe.training.length_buckets)} ({part.left_out_count} are longer)"
            )
    return data


def run_tokenizer(path: Path, texts: Iterable[str], settings: TokenizerSettings) -> Tokenizer:
    """The tokenizer of a run, trained on texts if the run has none yet.

    Raises:
        RunError: It cannot be made, written or read.
    """
    try:
        if not path.is_file():
            write_atomically(path, train_tokenizer(texts, settings))
        return load_tokenizer(path)
    except OSError as error:
        raise RunError(f"cannot read {path}: {error}") from error
    except TokenizerError as error:
        raise RunError(f"the tokenizer {path} cannot be made or read: {error}") from error
