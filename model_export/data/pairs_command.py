"""`heed pairs`."""

from __future__ import annotations

import argparse
from pathlib import Path

from model_export.config import load_recipe, recipe_names
from model_export.data.examples import Split
from model_export.data.load import load_all_examples


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describes `heed pairs`."""
    parser.add_argument(
        "recipe", metavar="RECIPE", help=f"{', '.join(recipe_names())}, or a .yaml file"
    )
    parser.add_argument(
        "--split",
        choices=[split.value for split in Split],
        default=Split.TRAIN.value,
        help="which part of the data (default: train)",
    )
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="where the recipe's data lies (default: the data that comes with Heed)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Prints a line "source ||| target" for every example, in the order that links must have."""
    examples = load_all_examples(load_recipe(arguments.recipe).data, arguments.data_dir)
    for example in examples.split(Split(arguments.split)):
        source, target = example.source.split(), example.references[0].split()
        print(" ".join(source), "|||", " ".join(target))
    return 0
