"""Recipes: everything that decides how a model is trained, as one checked value.

A recipe is a YAML file. What it leaves out has a default; what it misspells is an error that
names the place and the valid choices.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from heed.contract import Task
from heed.text import TokenizerSettings

RECIPE_SUFFIX = ".yaml"


class RecipeError(ValueError):
    """A recipe cannot be found or read, or breaks its rules. The message is for its author."""


class DataKind(StrEnum):
    """Data that Heed can read."""

    CMUDICT_G2P = "cmudict_g2p"


class ModelKind(StrEnum):
    """Families of models."""

    GRU = "gru"


class AttentionKind(StrEnum):
    """Attention mechanisms of a decoder."""

    BAHDANAU = "bahdanau"


class DevMetric(StrEnum):
    """What decides which weights are the best ones."""

    WORD_ACCURACY = "word_accuracy"
    LOSS = "loss"


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DataSettings(_Settings):
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


class ModelSettings(_Settings):
    """What the model looks like.

    Attributes:
        kind: The family.
        attention: The decoder's attention.
        embedding_width: Width of the token vectors on both sides.
        encoder_width: Width of the encoder's state in each direction.
        decoder_width: Width of the decoder's state.
        attention_units: Width of the attention's scoring network.
        readout_width: Width between the decoder and the output layer.
        dropout: Share of elements dropped in training, 0 to below 1.
        max_source_tokens: The longest source that the exported model accepts, in tokens.
        max_target_tokens: The longest output, in tokens, the end token counted.
    """

    kind: ModelKind = ModelKind.GRU
    attention: AttentionKind = AttentionKind.BAHDANAU
    embedding_width: int = Field(default=128, ge=1, le=8192)
    encoder_width: int = Field(default=128, ge=1, le=8192)
    decoder_width: int = Field(default=128, ge=1, le=8192)
    attention_units: int = Field(default=128, ge=1, le=8192)
    readout_width: int = Field(default=128, ge=1, le=8192)
    dropout: float = Field(default=0.1, ge=0.0, lt=1.0)
    max_source_tokens: int = Field(default=64, ge=1, le=4096)
    max_target_tokens: int = Field(default=64, ge=2, le=4096)


class TrainingSettings(_Settings):
    """How to train.

    Attributes:
        seed: Decides the first weights, the order of the data and what dropout drops.
        epochs: How often the training pairs are seen.
        batch_size: Pairs in a batch.
        length_buckets: Lengths that batches are padded to, rising, in tokens; a pair goes into
            the first that holds its source and its target with the end token. Pairs beyond the
            last are left out of training, and counted in the run's metrics.
        learning_rate: Adam's highest rate.
        warmup_steps: Steps over which the rate rises from 0; then it falls by a cosine.
        final_learning_rate_share: What is left of the rate at the end, as a share of the highest.
        clip_norm: The longest gradient, as a norm over all weights; longer ones are shortened.
        label_smoothing: Share of each target's probability spread evenly over the vocabulary.
        jit_compile: Whether XLA compiles the training step, once for every bucket.
        evaluate_every_steps: Steps between two evaluations on dev, each followed by a checkpoint.
        dev_metric: What decides which weights are the best.
        dev_words: Words of dev used for this during training; the final figure uses all.
        patience: Evaluations without a better figure after which training stops; none = never.
    """

    seed: int = Field(default=1, ge=0, lt=2**31)
    epochs: int = Field(default=4, ge=1, le=10_000)
    batch_size: int = Field(default=128, ge=1, le=65_536)
    length_buckets: tuple[Annotated[int, Field(ge=2, le=4096)], ...] = Field(
        default=(6, 8, 10, 14), min_length=1
    )
    learning_rate: float = Field(default=3e-3, gt=0, le=1)
    warmup_steps: int = Field(default=100, ge=0)
    final_learning_rate_share: float = Field(default=0.0, ge=0, le=1)
    clip_norm: float = Field(default=1.0, gt=0)
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    jit_compile: bool = True
    evaluate_every_steps: int = Field(default=500, ge=1)
    dev_metric: DevMetric = DevMetric.WORD_ACCURACY
    dev_words: int = Field(default=500, ge=1)
    patience: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _buckets_rise(self) -> TrainingSettings:
        if list(self.length_buckets) != sorted(set(self.length_buckets)):
            raise ValueError(f"length_buckets must rise, not {list(self.length_buckets)}")
        return self


class EvaluationSettings(_Settings):
    """How to evaluate.

    Attributes:
        batch_size: Sources decoded at once.
    """

    batch_size: int = Field(default=256, ge=1, le=65_536)


class CardSettings(_Settings):
    """Texts for the model card.

    Attributes:
        description: A sentence about the model.
        training_data: The data and where it comes from.
        training_data_license: Its licence.
    """

    description: str = ""
    training_data: str = ""
    training_data_license: str = ""


class Recipe(_Settings):
    """Everything that decides how a model is trained.

    Attributes:
        name: The recipe's name.
        task: What the model will do.
        data: What to learn from.
        source_tokenizer: How source text is split.
        target_tokenizer: How target text is split.
        model: What the model looks like.
        training: How to train.
        evaluation: How to evaluate.
        card: Texts for the model card.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")
    task: Task
    data: DataSettings
    source_tokenizer: TokenizerSettings
    target_tokenizer: TokenizerSettings
    model: ModelSettings = Field(default_factory=ModelSettings)
    training: TrainingSettings = Field(default_factory=TrainingSettings)
    evaluation: EvaluationSettings = Field(default_factory=EvaluationSettings)
    card: CardSettings = Field(default_factory=CardSettings)

    @model_validator(mode="after")
    def _model_holds_the_buckets(self) -> Recipe:
        longest = self.training.length_buckets[-1]
        limit = min(self.model.max_source_tokens, self.model.max_target_tokens)
        if longest > limit:
            raise ValueError(
                f"training.length_buckets ends at {longest} tokens, but the model is limited to "
                f"{limit} (model.max_source_tokens, model.max_target_tokens)"
            )
        return self


def recipe_names() -> list[str]:
    """Names of the recipes that come with Heed."""
    folder = resources.files("model_export") / "recipes"
    return sorted(
        entry.name.removesuffix(RECIPE_SUFFIX)
        for entry in folder.iterdir()
        if entry.name.endswith(RECIPE_SUFFIX)
    )


def load_recipe(name_or_path: str, overrides: Sequence[str] = ()) -> Recipe:
    """Reads a recipe.

    Args:
        name_or_path: A name out of `recipe_names`, or the path of a YAML file.
        overrides: Changes such as "training.epochs=2": a dotted key, and a value as in YAML.

    Raises:
        RecipeError: There is no such recipe, it is no YAML, or a key or value is wrong.
    """
    values = _parse_yaml(_recipe_text(name_or_path), where=name_or_path)
    if not isinstance(values, dict):
        raise RecipeError(f"recipe {name_or_path}: expected keys and values, not {values!r}")
    for override in overrides:
        _apply_override(values, override)
    return parse_recipe(values, where=f"recipe {name_or_path}")


def parse_recipe(values: Mapping[str, Any], *, where: str) -> Recipe:
    """Checks a recipe's values.

    Args:
        values: Keys and values as in a recipe file.
        where: What the values come from, for messages.

    Raises:
        RecipeError: A key or a value is wrong; the message names its place and the choices.
    """
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        problems = [_describe(problem) for problem in error.errors()]
        raise RecipeError(f"{where}: " + "\n  ".join(problems)) from error


def _recipe_text(name_or_path: str) -> str:
    path = Path(name_or_path)
    if name_or_path in recipe_names():
        resource = resources.files("model_export") / "recipes" / f"{name_or_path}{RECIPE_SUFFIX}"
        return resource.read_text(encoding="utf-8")
    if path.suffix not in {".yaml", ".yml"} and not path.is_file():
        raise RecipeError(
            f'there is no recipe "{name_or_path}"{_near_match(name_or_path, recipe_names())}; '
            f"recipes: {', '.join(recipe_names())}, or the path of a .yaml file"
        )
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"cannot read the recipe {name_or_path}: {error}") from error


def _parse_yaml(text: str, *, where: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RecipeError(f"{where} is not YAML: {error}") from error


def _apply_override(values: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not key:
        raise RecipeError(f'"{override}" is no change to a recipe: write key=value')
    *parents, last = key.split(".")
    section = values
    for parent in parents:
        section = section.setdefault(parent, {})
        if not isinstance(section, dict):
            raise RecipeError(f'"{override}": {parent} is a value and has no keys')
    section[last] = _parse_yaml(value, where=f'the value of "{override}"')


def _describe(problem: ErrorDetails) -> str:
    """One line about one wrong key or value."""
    path = ".".join(str(part) for part in problem["loc"]) or "the recipe as a whole"
    if problem["type"] == "extra_forbidden":
        keys = _valid_keys(problem["loc"][:-1])
        near = _near_match(str(problem["loc"][-1]), keys)
        return f"{path}: unknown key{near}; keys here: {', '.join(keys)}"
    if problem["type"] == "missing":
        return f"{path}: missing"
    if problem["type"] == "enum":
        choices = problem["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", ")
        near = _near_match(str(problem["input"]), choices)
        return f"{path}: {problem['input']!r} is not a choice{near}; choices: {', '.join(choices)}"
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "value_error":
        return f"{path}: {message}"
    return f"{path}: {message}, not {problem['input']!r}"


def _valid_keys(location: Sequence[int | str]) -> list[str]:
    """The keys that the section at `location` has."""
    section: type[BaseModel] = Recipe
    for part in location:
        annotation = section.model_fields[str(part)].annotation
        candidates = [annotation, *get_args(annotation)]
        section = next(
            item for item in candidates if isinstance(item, type) and issubclass(item, BaseModel)
        )
    return sorted(section.model_fields)


def _near_match(word: str, choices: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, choices, n=1)
    return f' (did you mean "{near[0]}"?)' if near else ""
