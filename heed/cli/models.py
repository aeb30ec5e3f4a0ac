"""`heed models`: the models of a gateway."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

from heed.cli.arguments import add_gateway_arguments, make_parser
from heed.cli.running import run_command

if TYPE_CHECKING:
    from rich.table import Table

    from heed.client import Model

_DESCRIPTION: Final = "Lists the models that a gateway serves."

_EXAMPLES: Final = """\
  heed models
  heed models --json | jq '.[].name'"""


def main(argv: list[str]) -> int:
    """Runs `heed models` and returns the exit status."""
    parser = make_parser("models", description=_DESCRIPTION, examples=_EXAMPLES)
    parser.add_argument("--json", action="store_true", help="print a JSON array with everything")
    add_gateway_arguments(parser)
    return run_command(_list_models, parser.parse_args(argv))


def _list_models(arguments: argparse.Namespace) -> None:
    from heed.cli.connecting import client_for
    from heed.cli.documents import as_json_line, model_document

    with client_for(arguments) as client:
        models = client.models()
    if arguments.json:
        print(as_json_line([model_document(model) for model in models]))
    elif models:
        _print_table(models)
    else:
        print("heed: the gateway serves no models", file=sys.stderr)


def _print_table(models: list[Model]) -> None:
    from rich.console import Console

    console = Console(file=sys.stdout, highlight=False)
    if not console.is_terminal:
        console.width = 200  # whoever reads a pipe wants whole lines
    console.print(_table(models))
    for model in models:
        if model.status_message:
            console.print(f"{model.name}: {model.status_message}", style="yellow", markup=False)


def _table(models: list[Model]) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in (
        "MODEL",
        "VERSIONS",
        "STATE",
        "SERVERS",
        "TASK",
        "ATTENTION",
        "LONGEST",
        "QUALITY",
    ):
        table.add_column(heading, overflow="fold")
    for model in models:
        table.add_row(
            model.name,
            ", ".join(_versions(model)) or ", ".join(map(str, model.ready_versions)),
            "ready" if model.ready else "not ready",
            f"{model.healthy_replica_count} of {model.replica_count}" if model.versions else "",
            model.task,
            ", ".join(kind.name for kind in model.attention),
            _longest(model),
            ", ".join(_headline(model)),
        )
    return table


def _longest(model: Model) -> str:
    if model.class_labels:
        return f"{model.max_source_tokens} tokens → {len(model.class_labels)} labels"
    if model.image is not None:
        size = f"{model.image.max_width} x {model.image.height} pixels"
        return f"{size} → {model.max_target_tokens} tokens"
    return f"{model.max_source_tokens} → {model.max_target_tokens} tokens"


def _versions(model: Model) -> list[str]:
    """The versions that answer, each with its labels and its share of the calls, if not all."""
    texts = []
    for status in model.versions:
        if not status.replica_count:
            continue
        notes = list(status.labels)
        if 0 < status.traffic_share < 1:
            notes.append(f"{status.traffic_share:.3g} of calls")
        texts.append(f"{status.version} ({', '.join(notes)})" if notes else str(status.version))
    return texts


def _headline(model: Model) -> list[str]:
    """The metrics that are shares, best known first; `--json` has all."""
    shares = [
        f"{name.replace('_', ' ').replace('.', ' ')} {value:.1%}"
        for kind in (("_accuracy", ".accuracy"), "_error_rate")
        for name, value in sorted(model.card.metrics.items())
        if name.endswith(kind)
    ]
    return shares[:2]
