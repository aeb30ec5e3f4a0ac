"""Recipes: everything that decides how a model is trained, as one checked value.

A recipe is a YAML file. What it leaves out has a default; what it misspells is an error that
names the place and the valid choices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, model_validator

from heed.contract import ImageInput, Task
from heed.text import TokenizerSettings
from model_export.config.base import Settings
from model_export.config.classifier import AnyModelSettings, ClassifierSettings
from model_export.config.data import LABELLED_DATA, PICTURE_DATA, DataSettings
from model_export.config.model import ImageRnnSettings, ModelSettings, RnnSettings
from model_export.config.problems import describe_problem, near_match
from model_export.config.training import DevMetric, TrainingSettings
from model_export.config.transformer import EmbeddingSharing, TransformerSettings

RECIPE_SUFFIX = ".yaml"

_DEV_METRICS = {
    Task.PRONOUNCE: (DevMetric.WORD_ACCURACY, DevMetric.LOSS),
    Task.TRANSLATE: (DevMetric.BLEU, DevMetric.CHRF, DevMetric.LOSS),
    Task.CAPTION: (DevMetric.ACCURACY, DevMetric.LOSS),
    Task.CLASSIFY: (DevMetric.ACCURACY, DevMetric.MACRO_F1, DevMetric.LOSS),
}
"""What can decide which weights are the best, by task; the default first."""


class RecipeError(ValueError):
    """A recipe cannot be found or read, or breaks its rules. The message is for its author."""


class BleuTokenizer(StrEnum):
    """How BLEU splits text into words; sacreBLEU's names."""

    MTEVAL_13A = "13a"
    NONE = "none"


class EvaluationSettings(Settings):
    """How to evaluate.

    Attributes:
        batch_size: Sources decoded at once.
        bleu_tokenizer: How BLEU splits translations: `none` for text that is tokenized already.
        lowercase: Whether BLEU and chrF ignore case.
    """

    batch_size: int = Field(default=256, ge=1, le=65_536)
    bleu_tokenizer: BleuTokenizer = BleuTokenizer.MTEVAL_13A
    lowercase: bool = False


class CardSettings(Settings):
    """Texts for the model card.

    Attributes:
        description: A sentence about the model.
        training_data: The data and where it comes from.
        training_data_license: Its licence.
    """

    description: str = ""
    training_data: str = ""
    training_data_license: str = ""


class Recipe(Settings):
    """Everything that decides how a model is trained.

    Attributes:
        name: The recipe's name.
        task: What the model will do.
        data: What to learn from.
        source_tokenizer: How source text is split; none for a model of pictures, which reads none.
        target_tokenizer: How target text is split; none for a classifier, which writes no text.
        joint_tokenizer: Whether one tokenizer, trained on both sides' texts, splits both.
        model: What the model looks like.
        training: How to train.
        evaluation: How to evaluate.
        card: Texts for the model card.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")
    task: Task
    data: DataSettings
    source_tokenizer: TokenizerSettings | None = None
    target_tokenizer: TokenizerSettings | None = None
    joint_tokenizer: bool = False
    model: AnyModelSettings = Field(default_factory=RnnSettings)
    training: TrainingSettings = Field(default_factory=TrainingSettings)
    evaluation: EvaluationSettings = Field(default_factory=EvaluationSettings)
    card: CardSettings = Field(default_factory=CardSettings)

    @property
    def dev_metric(self) -> DevMetric:
        """What decides which weights are the best."""
        return self.training.dev_metric or _DEV_METRICS[self.task][0]

    @property
    def seq2seq_model(self) -> ModelSettings:
        """What the model looks like that writes an output.

        Raises:
            RecipeError: It is a classifier.
        """
        if isinstance(self.model, ClassifierSettings):
            raise RecipeError(f"the model of {self.name} is a classifier, and writes no output")
        return self.model

    @property
    def target_text_tokenizer(self) -> TokenizerSettings:
        """How target text is split.

        Raises:
            RecipeError: The model is a classifier.
        """
        if self.target_tokenizer is None:
            raise RecipeError(f"the model of {self.name} is a classifier, and writes no output")
        return self.target_tokenizer

    @property
    def source_text_tokenizer(self) -> TokenizerSettings:
        """How source text is split.

        Raises:
            RecipeError: The model reads pictures.
        """
        if self.source_tokenizer is None:
            raise RecipeError(f"the model of {self.name} reads pictures, and no text")
        return self.source_tokenizer

    @property
    def picture_model(self) -> ImageRnnSettings:
        """What the model of pictures looks like.

        Raises:
            RecipeError: The model reads text.
        """
        if not isinstance(self.model, ImageRnnSettings):
            raise RecipeError(f"the model of {self.name} reads text, and no pictures")
        return self.model

    @property
    def image(self) -> ImageInput | None:
        """The pictures that the model reads; None if it reads text."""
        return self.model.image if isinstance(self.model, ImageRnnSettings) else None

    @property
    def classifier_model(self) -> ClassifierSettings:
        """What the classifier looks like.

        Raises:
            RecipeError: The model is no classifier.
        """
        if not isinstance(self.model, ClassifierSettings):
            raise RecipeError(f"the model of {self.name} is no classifier: it is {self.model.kind}")
        return self.model

    @model_validator(mode="after")
    def _parts_fit_the_task(self) -> Recipe:
        is_classifier = self.task is Task.CLASSIFY
        if is_classifier != isinstance(self.model, ClassifierSettings):
            raise ValueError(f"the task {self.task} does not go with a model of {self.model.kind}")
        if is_classifier != (self.data.kind in LABELLED_DATA):
            raise ValueError(f"the task {self.task} does not go with data of {self.data.kind}")
        if is_classifier == (self.target_tokenizer is not None):
            has = "has no" if is_classifier else "needs a"
            raise ValueError(f"the task {self.task} {has} target_tokenizer")
        if is_classifier and self.data.links is not None:
            raise ValueError("data.links is for models that write an output")
        self._check_source()
        has_sentences = isinstance(self.model, ClassifierSettings) and self.model.sentences
        if has_sentences and self.training.jit_compile:
            raise ValueError(
                "a model with sentences needs training.jit_compile false: how many sentences a "
                "batch has differs from batch to batch"
            )
        return self

    def _check_source(self) -> None:
        """What a model of pictures has, and all others have not; and the reverse."""
        reads_pictures = self.task is Task.CAPTION
        if reads_pictures != isinstance(self.model, ImageRnnSettings):
            raise ValueError(f"the task {self.task} does not go with a model of {self.model.kind}")
        if reads_pictures != (self.data.kind in PICTURE_DATA):
            raise ValueError(f"the task {self.task} does not go with data of {self.data.kind}")
        if reads_pictures == (self.source_tokenizer is not None):
            has = "has no" if reads_pictures else "needs a"
            raise ValueError(f"the task {self.task} {has} source_tokenizer")
        if reads_pictures and self.data.links is not None:
            raise ValueError("data.links is for models that read text")

    @model_validator(mode="after")
    def _metric_fits_the_task(self) -> Recipe:
        choices = _DEV_METRICS[self.task]
        if self.dev_metric not in choices:
            raise ValueError(
                f"training.dev_metric {self.dev_metric} is none of the task {self.task}; "
                f"choices: {', '.join(choices)}"
            )
        return self

    @model_validator(mode="after")
    def _guided_alignment_has_links(self) -> Recipe:
        if self.training.guided_alignment is None:
            return self
        if isinstance(self.model, ClassifierSettings):
            raise ValueError("training.guided_alignment is for models that write an output")
        if self.data.links is None or self.data.links.train is None:
            raise ValueError("training.guided_alignment needs data.links.train, a file of links")
        return self

    @model_validator(mode="after")
    def _shared_vectors_have_one_tokenizer(self) -> Recipe:
        if self.joint_tokenizer and self.source_tokenizer != self.target_tokenizer:
            raise ValueError("a joint_tokenizer needs source_tokenizer and target_tokenizer alike")
        shares_all = (
            isinstance(self.model, TransformerSettings)
            and self.model.embeddings is EmbeddingSharing.ALL
        )
        if shares_all and not self.joint_tokenizer:
            raise ValueError("model.embeddings all needs a joint_tokenizer")
        return self

    @model_validator(mode="after")
    def _model_holds_the_buckets(self) -> Recipe:
        longest = self.training.length_buckets[-1]
        if isinstance(self.model, ImageRnnSettings):
            if longest > self.model.max_width:
                raise ValueError(
                    f"training.length_buckets ends at {longest} pixels, but the model is limited "
                    f"to model.max_width {self.model.max_width}"
                )
            return self
        limits = {"model.max_source_tokens": self.model.max_source_tokens}
        if not isinstance(self.model, ClassifierSettings):
            limits["model.max_target_tokens"] = self.model.max_target_tokens
        limit = min(limits.values())
        if longest > limit:
            raise ValueError(
                f"training.length_buckets ends at {longest} tokens, but the model is limited to "
                f"{limit} ({', '.join(limits)})"
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
        problems = [describe_problem(problem, Recipe) for problem in error.errors()]
        raise RecipeError(f"{where}: " + "\n  ".join(problems)) from error


def _recipe_text(name_or_path: str) -> str:
    path = Path(name_or_path)
    if name_or_path in recipe_names():
        resource = resources.files("model_export") / "recipes" / f"{name_or_path}{RECIPE_SUFFIX}"
        return resource.read_text(encoding="utf-8")
    if path.suffix not in {".yaml", ".yml"} and not path.is_file():
        raise RecipeError(
            f'there is no recipe "{name_or_path}"{near_match(name_or_path, recipe_names())}; '
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
