"""Exports a model for both engines, and writes down what it is asked.

A process of its own, for it needs TensorFlow, whose threads are set once per process.

Usage: python -m benchmarks.decoding.exporting FOLDER (--run RUN | --size S) [--precisions int8 ...]
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

from benchmarks.ctranslate2_model import CannotConvertError, convert
from benchmarks.decoding.cases import (
    CTRANSLATE2_PRECISIONS,
    FLOAT32,
    HEED_PRECISIONS,
    Engine,
    EngineName,
)
from benchmarks.decoding.sizes import SIZES, random_sources
from benchmarks.decoding.subject import BenchmarkError, Subject
from heed.contract import (
    CONTRACT_ASSET,
    TARGET_TOKENIZER_ASSET,
    Contract,
    Precision,
)

if TYPE_CHECKING:
    from model_export.runs.training_run import TrainingRun

_SEED: Final = 5
_CALIBRATED: Final = 256
"""Pairs that int8 is calibrated on, as many as `heed export` takes."""
_RANDOM_CALIBRATED: Final = 64
"""Random pairs differ little, and large models read them slowly."""


@dataclass(frozen=True)
class Question:
    """What a model is asked.

    Attributes:
        sources: Token ids of each source.
        references: What is right for each; empty where nobody knows.
        steps: Tokens of every output, if they are forced.
        bleu_tokenizer: How BLEU splits references.
        lowercase: Whether BLEU ignores case.
        calibration: Pairs of source and target that int8 is calibrated on.
    """

    sources: Sequence[Sequence[int]]
    references: Sequence[Sequence[str]] = ()
    calibration: Sequence[tuple[str, str]] = ()
    steps: int | None = None
    bleu_tokenizer: str = "13a"
    lowercase: bool = False


@dataclass(frozen=True)
class Versions:
    """Heed's exports.

    Attributes:
        folders: By the engine's label.
        left_out: Why a number format is missing, by the engine's label.
    """

    folders: Mapping[str, Path]
    left_out: Mapping[str, str]


def trained_subject(run: TrainingRun, folder: Path, arguments: argparse.Namespace) -> Subject:
    """A trained model, for both engines, with the test sentences of its recipe."""
    question = _test_sentences(run, arguments.data_dir, arguments.sentences)
    if arguments.versions is None:
        versions = exported_versions(
            run, folder, precisions=arguments.precisions, calibration=question.calibration
        )
        names = (run.recipe.name, f"{run.recipe.name}, trained")
    else:
        versions = published_versions(arguments.versions, arguments.precisions)
        names = (arguments.versions.name, f"{arguments.versions.name}, as published")
    return _subject(run, folder, question=question, versions=versions, names=names)


def random_subject(name: str, folder: Path, arguments: argparse.Namespace) -> Subject:
    """A model of a named size with random weights, for both engines."""
    from benchmarks.decoding.random_run import random_run

    size = SIZES[name]
    run = random_run(size)
    texts = [
        [
            run.source_tokenizer.decode(ids).text
            for ids in random_sources(size, _RANDOM_CALIBRATED, seed=seed)
        ]
        for seed in (2, 3)
    ]
    question = Question(
        random_sources(size, arguments.sentences),
        steps=size.steps,
        calibration=list(zip(*texts, strict=True)),
    )
    versions = exported_versions(
        run, folder, precisions=arguments.precisions, calibration=question.calibration
    )
    return _subject(
        run, folder, question=question, versions=versions, names=(name, size.description)
    )


def exported_versions(
    run: TrainingRun,
    folder: Path,
    *,
    precisions: Sequence[str],
    calibration: Sequence[tuple[str, str]],
) -> Versions:
    """A run's versions, without the checks of `heed export`: outputs are compared before speed.

    Args:
        run: The training run.
        folder: Where they go.
        precisions: Their number formats; what this machine cannot write is left out.
        calibration: Pairs of source and target that int8 is calibrated on.
    """
    from model_export.export.errors import ExportError
    from model_export.export.exportable import exportable_from_run
    from model_export.export.saved_model import write_saved_model
    from model_export.inference import PrecisionError

    folders, left_out = {}, {}
    for precision in precisions:
        label = Engine(EngineName.HEED, precision).label
        try:
            exportable = exportable_from_run(
                run,
                model_name=run.recipe.name,
                precision=Precision(precision),
                calibration=calibration,
            )
            write_saved_model(exportable, folder / f"heed-{precision}")
        except (ExportError, PrecisionError) as error:
            left_out[label] = str(error)
        else:
            folders[label] = folder / f"heed-{precision}"
    return Versions(folders, left_out)


def published_versions(base_path: Path, precisions: Sequence[str]) -> Versions:
    """The newest version of each number format; those for XLA need a server that allows it.

    Raises:
        BenchmarkError: There is none in float32.
    """
    versions = sorted(
        (path for path in base_path.glob("*") if path.name.isdecimal()),
        key=lambda path: int(path.name),
    )
    contracts = {path: _contract(path) for path in versions}
    found = {
        str(contract.precision): path
        for path, contract in contracts.items()
        if contract.shape_buckets is None
    }
    if FLOAT32 not in found:
        raise BenchmarkError(f"{base_path} has no version in {FLOAT32}: heed export")
    folders = {Engine(EngineName.HEED, each).label: found[each] for each in found}
    missing = [Engine(EngineName.HEED, each).label for each in precisions if each not in found]
    return Versions(folders, dict.fromkeys(missing, f"{base_path.name} has no such version"))


def _test_sentences(run: TrainingRun, data_dir: Path | None, count: int) -> Question:
    """Sentences of mixed length, in random order, with their translations."""
    from model_export.data.examples import Split, take_evenly, training_pairs
    from model_export.data.load import load_examples

    data = load_examples(run.recipe.data, data_dir)
    examples = take_evenly(data.split(Split.TEST), count)
    Random(_SEED).shuffle(examples)
    encoded = [(run.source_tokenizer.encode_ids(each.source), each) for each in examples]
    longest = run.recipe.seq2seq_model.max_source_tokens
    kept = [(ids, example) for ids, example in encoded if 0 < len(ids) <= longest]
    return Question(
        sources=[ids for ids, _ in kept],
        references=[example.references for _, example in kept],
        bleu_tokenizer=str(run.recipe.evaluation.bleu_tokenizer),
        lowercase=run.recipe.evaluation.lowercase,
        calibration=take_evenly(training_pairs(data.train), _CALIBRATED),
    )


def _subject(
    run: TrainingRun,
    folder: Path,
    *,
    question: Question,
    versions: Versions,
    names: tuple[str, str],
) -> Subject:
    if not question.sources:
        raise BenchmarkError(f"there are no sentences to ask {names[0]}")
    version = versions.folders[Engine(EngineName.HEED, FLOAT32).label]
    return Subject(
        name=names[0],
        description=names[1],
        sources=tuple(map(tuple, question.sources)),
        references=tuple(map(tuple, question.references)),
        max_length=question.steps or _contract(version).max_target_tokens,
        is_forced=question.steps is not None,
        bleu_tokenizer=question.bleu_tokenizer,
        lowercase=question.lowercase,
        tokenizer=version / "assets" / TARGET_TOKENIZER_ASSET,
        folders={**versions.folders, **_converted(run, folder)},
        left_out=dict(versions.left_out),
    )


def _converted(run: TrainingRun, folder: Path) -> dict[str, Path]:
    """The run's weights for CTranslate2, stored in the format that it computes in."""
    folders = {}
    for precision in CTRANSLATE2_PRECISIONS:
        target = folder / f"ctranslate2-{precision}"
        convert(run, target, quantization=None if precision == FLOAT32 else precision)
        folders[Engine(EngineName.CTRANSLATE2, precision).label] = target
    return folders


def _contract(version: Path) -> Contract:
    return Contract.from_json((version / "assets" / CONTRACT_ASSET).read_bytes())


def main() -> int:
    """Exports; 1 where that is not possible, with the reason on standard error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the exports go; made")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--run", type=Path, help="a training run of a Transformer")
    what.add_argument("--size", choices=list(SIZES), help="random weights of this size")
    parser.add_argument("--versions", type=Path, help="MODELS/NAME: the run's published versions")
    parser.add_argument("--data-dir", type=Path, help="where the data of the run's recipe lies")
    parser.add_argument("--sentences", type=int, default=1000, help="at most (1000)")
    parser.add_argument("--precisions", nargs="+", choices=HEED_PRECISIONS, default=[FLOAT32])
    arguments = parser.parse_args()
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from model_export.config import RecipeError
    from model_export.errors import ModelExportError

    try:
        _made(arguments).save(arguments.folder)
    except (BenchmarkError, CannotConvertError, ModelExportError, RecipeError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _made(arguments: argparse.Namespace) -> Subject:
    from model_export.runs.training_run import TrainingRun

    arguments.folder.mkdir(parents=True, exist_ok=True)
    arguments.precisions = list(dict.fromkeys([FLOAT32, *arguments.precisions]))
    if arguments.size is not None:
        return random_subject(arguments.size, arguments.folder, arguments)
    return trained_subject(TrainingRun.load(arguments.run), arguments.folder, arguments)


if __name__ == "__main__":
    sys.exit(main())
