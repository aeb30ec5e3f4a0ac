"""Trains every attention mechanism under one budget, and writes docs/attention-compared.md.

What is trained already is taken as it is, and a training that was stopped goes on: stop the command
(Ctrl-C) and give it again. The studies g2p (words to phonemes) and order (letters to be copied or
reversed) need no data; translation (recipe small-vocab-en-fr) and intents (recipe snips) need
--data-dir. A study that is not asked for stays on the page as it was, and so does a row; rows can
join only a table that was made under the same budget, on the same machine.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.attention_comparison.studies import (
    STUDIES,
    Study,
    StudyError,
    TimesWanted,
    study_named,
)
from heed.views.errors import PlotError
from model_export.config import RecipeError
from model_export.errors import ModelExportError

DOCS = Path("docs")
OUT = Path("runs/attention-comparison")
_MOST_SEED = 2**31 - 1
_ABSOLUTE_PATH = re.compile(r"""(?<=[\s=:,\[{"'])/[^\s/,\]}"'][^\s,\]}"']*""")
_SPECIAL_IN_QUOTES = frozenset('"$`\\!')


def main(arguments: Sequence[str]) -> int:
    """Compares.

    Returns:
        0 when the page is written, 1 for a failure, 2 for wrong arguments, 128 + signal when
        asked to stop.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    parser = build_parser()
    given = parser.parse_args(arguments)
    try:
        return _page_again(given.docs) if given.page_only else _compare(given)
    except (StudyError, RecipeError) as error:
        parser.error(str(error))
    except (ModelExportError, PlotError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; what is trained and measured is kept", file=sys.stderr)
        return 128 + signal.SIGINT


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.attention_comparison",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--studies",
        type=_names,
        default=(),
        metavar="A,B",
        help=f"of {', '.join(STUDIES)} (default: all whose data is at hand)",
    )
    parser.add_argument(
        "--mechanisms",
        type=_names,
        default=(),
        metavar="A,B",
        help="rows of the studies' tables by name, such as bahdanau,xu-hard (default: all)",
    )
    parser.add_argument(
        "--seeds",
        type=_seeds,
        default=(1,),
        metavar="N,N",
        help="train each once for each seed (default: 1)",
    )
    parser.add_argument(
        "--data-dir",
        type=_study_folder,
        action="append",
        default=[],
        metavar="STUDY=DIR",
        help="where the data of a study lies",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="key=value",
        help="a change of every recipe, for example training.epochs=4",
    )
    parser.add_argument("--out", type=Path, default=OUT, help=f"what is kept (default: {OUT})")
    parser.add_argument(
        "--docs", type=Path, default=DOCS, help=f"where the page goes (default: {DOCS})"
    )
    parser.add_argument(
        "--times",
        choices=list(TimesWanted),
        type=TimesWanted,
        default=TimesWanted.ONCE,
        help="measure what updates and answers cost: once and keep it, again, or not at all "
        "(default: once)",
    )
    parser.add_argument(
        "--page-only", action="store_true", help="write the page again, from its figures"
    )
    return parser


def _page_again(docs: Path) -> int:
    from benchmarks.attention_comparison.page import FIGURES, write_page
    from benchmarks.attention_comparison.results import Comparison, read_value

    comparison = read_value(docs / FIGURES, Comparison)
    if comparison is None:
        raise StudyError(f"there are no figures at {docs / FIGURES}: leave --page-only out")
    write_page(comparison, docs)
    return 0


def _compare(given: argparse.Namespace) -> int:
    if not given.docs.is_dir():
        raise StudyError(f"--docs {given.docs}: there is no such folder")
    folders = dict(given.data_dir)
    studies = _studies(given.studies, folders)
    _check_mechanisms(given.mechanisms, studies)
    from benchmarks.attention_comparison.comparing import compare, plan_of

    plans = [
        plan_of(
            study,
            study.chosen(given.mechanisms),
            seeds=given.seeds,
            out=given.out,
            data_dir=folders.get(study.name),
            overrides=given.set,
        )
        for study in studies
    ]
    for plan in plans:
        command = partial(shown_command, plan.study, given)
        status = compare(plan, given.docs, command=command, times=given.times)
        if status is not None:
            print("stopped; give the command again to go on", file=sys.stderr)
            return status
    return 0


def _studies(names: Sequence[str], folders: dict[str, Path]) -> list[Study]:
    """The studies of these names; for no names all whose data is at hand."""
    for name in folders:
        if not study_named(name).needs_folder:
            raise StudyError(f"--data-dir {name}: this study needs no data")
    if not names:
        return [
            study for study in STUDIES.values() if study.name in folders or not study.needs_folder
        ]
    studies = [study_named(name) for name in names]
    for study in studies:
        if study.needs_folder and study.name not in folders:
            raise StudyError(f"the study {study.name} needs its data: --data-dir {study.name}=DIR")
    return studies


def _check_mechanisms(keys: Sequence[str], studies: Sequence[Study]) -> None:
    known = list(dict.fromkeys(item.key for study in studies for item in study.mechanisms))
    for key in keys:
        if key not in known:
            raise StudyError(f'there is no mechanism "{key}"; mechanisms: {", ".join(known)}')
    for study in studies:
        if not study.chosen(keys):
            raise StudyError(f"--mechanisms names none of the study {study.name}")


def shown_command(study: Study, given: argparse.Namespace, keys: Sequence[str]) -> str:
    """What repeats these rows of a study, without the names of anybody's folders."""
    flags = ["--studies", study.name, "--seeds", ",".join(map(str, given.seeds))]
    rows = study.chosen(keys)
    if rows != study.mechanisms:
        flags += ["--mechanisms", ",".join(item.key for item in rows)]
    for change in given.set:
        flags += ["--set", _ABSOLUTE_PATH.sub("PATH", change)]
    if given.times is TimesWanted.NONE:
        flags += ["--times", str(given.times)]
    if study.needs_folder:
        flags += ["--data-dir", f"{study.name}=DIR"]
    text = shlex.join(flags).replace("$", "$$")  # make takes $$ for $
    quoted = shlex.quote(text) if _SPECIAL_IN_QUOTES & set(text) else f'"{text}"'
    return f"make compare-attention COMPARE={quoted}"


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in text.replace(" ", "").split(",") if name))


def _seeds(text: str) -> tuple[int, ...]:
    names = _names(text)
    if not names or not all(name.isdecimal() and int(name) <= _MOST_SEED for name in names):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of integers of 0 to {_MOST_SEED}")
    return tuple(map(int, names))


def _study_folder(text: str) -> tuple[str, Path]:
    name, equals, folder = text.partition("=")
    if not equals or not folder:
        raise argparse.ArgumentTypeError(f"{text!r} is not a study, = and a folder")
    return name, Path(folder)
