"""What is exported: a model, its tokenizers and its contract."""

from __future__ import annotations

import math
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Final

from heed.contract import (
    CLASSIFIER_SIGNATURES,
    SEQ2SEQ_SIGNATURES,
    SPECIAL_IDS,
    Contract,
    ModelCard,
    Precision,
    TokenizerInfo,
)
from heed.text import Tokenizer
from model_export.config import ImageRnnSettings
from model_export.export.precision import check_precision
from model_export.inference import (
    CalibrationExample,
    InferenceTransformer,
    inference_model,
    is_transformer,
)
from model_export.models import Seq2Seq
from model_export.models.build_classifier import AnyClassifier
from model_export.runs.training_run import TrainingRun

MAX_BEAM_WIDTH: Final = 32
"""The widest beam of an exported version; never wider than the vocabulary."""
_SOFTWARE: Final = ("heed", "keras", "numpy", "sentencepiece", "tensorflow")


@dataclass(frozen=True, slots=True)
class ExportableModel:
    """A model that can be exported.

    Attributes:
        model: The training-side model, with its weights.
        source_tokenizer: Splits source text; None of a model that reads pictures.
        target_tokenizer: Joins target tokens; None of a classifier.
        contract: What the version will say about itself.
        calibration: Real sentences that 8-bit numbers are calibrated with; none for other formats.
        prepared: The model made for decoding, of this contract's precision; None: it is made when
            it is needed.
    """

    model: Seq2Seq | AnyClassifier
    source_tokenizer: Tokenizer | None
    target_tokenizer: Tokenizer | None
    contract: Contract
    calibration: Sequence[CalibrationExample] = ()
    prepared: InferenceTransformer | None = None

    @property
    def attention_layers(self) -> tuple[int, ...]:
        """Which of the model's attention layers the output `attention` averages, from 0."""
        order = [layer.layer_index for layer in self.contract.attention]
        return tuple(order.index(layer) for layer in self.contract.attention_average.layer_indices)


def decoding_model(exportable: ExportableModel) -> InferenceTransformer | None:
    """A Transformer made for decoding; None for what is served as it was trained.

    What it does in place XLA cannot, so that compiles the model itself.

    Raises:
        PrecisionError: It cannot be made in the contract's precision.
    """
    model, contract = exportable.model, exportable.contract
    if contract.shape_buckets is not None or not is_transformer(model):
        return None
    return exportable.prepared or inference_model(
        model,
        precision=contract.precision,
        max_source_tokens=contract.max_source_tokens,
        max_target_tokens=contract.max_target_tokens,
        calibration=exportable.calibration,
    )


def exportable_from_run(
    run: TrainingRun,
    *,
    model_name: str,
    precision: Precision,
    calibration: Sequence[tuple[str, str]] = (),
) -> ExportableModel:
    """A training run's model, with the contract under a name that fits `ModelName`.

    Args:
        run: The training run.
        model_name: What the version will be called.
        precision: What it will compute in.
        calibration: Real pairs of source and target, for int8 alone; a hundred or more.

    Raises:
        ExportError: The model cannot have the precision.
    """
    check_precision(run.recipe, precision)
    if run.labels:
        return _exportable_classifier(run, model_name=model_name, precision=precision)
    settings, source = run.recipe.seq2seq_model, run.source_tokenizer_if_any
    contract = Contract(
        model_name=model_name,
        task=run.recipe.task,
        source_tokenizer=None if source is None else _tokenizer_info(source),
        image=settings.image if isinstance(settings, ImageRnnSettings) else None,
        target_tokenizer=_tokenizer_info(run.target_tokenizer),
        max_source_tokens=settings.max_source_tokens,
        max_target_tokens=settings.max_target_tokens,
        max_beam_width=min(MAX_BEAM_WIDTH, run.target_tokenizer.vocabulary_size),
        attention=settings.attention_layers,
        attention_average=settings.attention_average,
        signatures=SEQ2SEQ_SIGNATURES,
        precision=precision,
        card=_model_card(run),
    )
    examples = _calibration_examples(run, calibration)
    return ExportableModel(run.model, source, run.target_tokenizer, contract, examples)


def _calibration_examples(
    run: TrainingRun, pairs: Sequence[tuple[str, str]]
) -> tuple[CalibrationExample, ...]:
    """Pairs as the model reads them; those without source tokens are left out."""
    settings = run.recipe.seq2seq_model
    encoded = [
        (
            run.source_tokenizer.encode_ids(source)[: settings.max_source_tokens],
            [*run.target_tokenizer.encode_ids(target), SPECIAL_IDS.end],
        )
        for source, target in pairs
    ]
    return tuple(
        CalibrationExample(source, target[: settings.max_target_tokens])
        for source, target in encoded
        if source
    )


def _exportable_classifier(
    run: TrainingRun, *, model_name: str, precision: Precision
) -> ExportableModel:
    settings = run.recipe.classifier_model
    contract = Contract(
        model_name=model_name,
        task=run.recipe.task,
        source_tokenizer=_tokenizer_info(run.source_tokenizer),
        max_source_tokens=settings.max_source_tokens,
        labels=run.labels,
        sentences=None if settings.sentences is None else settings.sentences.limits,
        attention=settings.attention_layers,
        attention_average=settings.attention_average,
        signatures=CLASSIFIER_SIGNATURES,
        precision=precision,
        card=_model_card(run),
    )
    return ExportableModel(run.model, run.source_tokenizer, None, contract)


def _tokenizer_info(tokenizer: Tokenizer) -> TokenizerInfo:
    return TokenizerInfo(sha256=tokenizer.sha256, vocabulary_size=tokenizer.vocabulary_size)


def _model_card(run: TrainingRun) -> ModelCard:
    card = run.recipe.card
    software = {name: metadata.version(name) for name in _SOFTWARE}
    return ModelCard(
        description=card.description,
        training_data=card.training_data,
        training_data_license=card.training_data_license,
        metrics={name: value for name, value in run.metrics.items() if math.isfinite(value)},
        software={"python": platform.python_version(), **software},
        recipe=run.recipe.name,
    )
