"""`heed train`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from model_export.config import Recipe, load_recipe, recipe_names
from model_export.runs.training_run import METRICS_FILE, RECIPE_FILE
from model_export.training.cluster import worker_index
from model_export.training.run_folder import held_run_folder
from model_export.training.stop import StopRequest

_DEV_FIGURES = ("word_accuracy", "phoneme_error_rate", "bleu", "chrf", "accuracy", "macro_f1")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describes `heed train`."""
    parser.add_argument(
        "recipe", metavar="RECIPE", help=f"{', '.join(recipe_names())}, or a .yaml file"
    )
    parser.add_argument(
        "overrides",
        nargs="*",
        default=[],
        metavar="key=value",
        help="changes to the recipe, for example training.epochs=2",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="RUN",
        help="the run's folder (default: runs/NAME). A run of the same recipe is gone on with.",
    )
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="where the recipe's data lies (default: the data that comes with Heed)",
    )
    parser.add_argument(
        "--distribute",
        choices=["mirrored", "multi-worker"],
        help="train on all GPUs of this machine, or with the workers that TF_CONFIG names "
        "(default: on one device)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Trains; returns 0 if the run is finished, 128 + signal if it was asked to stop."""
    recipe = load_recipe(arguments.recipe, arguments.overrides)
    folder = arguments.out if arguments.out is not None else Path("runs") / recipe.name
    if arguments.distribute == "multi-worker" and (index := worker_index()):
        folder = folder.with_name(f"{folder.name}.worker-{index}")
    print(f"training {recipe.name} into {folder}", file=sys.stderr, flush=True)

    with StopRequest() as stop, held_run_folder(folder, recipe) as was_finished:
        finished = was_finished or _train(recipe, folder, arguments, stop)
    if not finished:
        data_dir = f" --data-dir {arguments.data_dir}" if arguments.data_dir else ""
        print(
            "stopped; the state is saved. Go on with:\n"
            f"  heed train {folder / RECIPE_FILE} --out {folder}{data_dir}",
            file=sys.stderr,
        )
        return stop.exit_status or 1
    metrics = json.loads((folder / METRICS_FILE).read_text("utf-8"))
    from model_export.evaluation.metrics import described

    dev = {name: metrics[f"dev.{name}"] for name in _DEV_FIGURES if f"dev.{name}" in metrics}
    figures = ", ".join(f"{name} {value}" for name, value in described(dev))
    print(
        f"{folder} is finished: dev {figures}, "
        f"{metrics['training.seconds']:.0f} s, {metrics['training.steps']:.0f} steps"
    )
    return 0


def _train(recipe: Recipe, folder: Path, arguments: argparse.Namespace, stop: StopRequest) -> bool:
    from model_export.training.distribution import DistributionKind, distribution_of
    from model_export.training.train import train

    kind = DistributionKind(arguments.distribute) if arguments.distribute else None
    return train(
        recipe,
        folder=folder,
        data_dir=arguments.data_dir,
        stop=stop,
        distribution=distribution_of(kind),
    )
