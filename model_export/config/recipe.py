"""Recipes: everything that decides how a model is trained, as one checked value.

A recipe is a YAML file. What it leaves out has a default; what it misspells is an error that
names the place and the valid choices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, model_validator

from heed.contract import Task
from heed.text import TokenizerSettings
from model_export.config.base import Settings
from model_export.config.data import DataSettings
from model_export.config.model import ModelSettings, RnnSettings
from model_export.config.problems import describe_problem, near_match
from model_export.config.training import TrainingSettings

RECIPE_SUFFIX = ".yaml"


class RecipeError(ValueError):
    """A recipe cannot be found or read, or breaks its rules. The message is for its author."""


class EvaluationSettings(Settings):
    """How to evaluate.

    Attributes:
        batch_size: Sources decoded at once.
    """

    batch_size: int = Field(default=256, ge=1, le=65_536)


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
    model: ModelSettings = Field(default_factory=RnnSettings)
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
