"""What each search and option costs, beside greedy search, on an exported version.

Runs the version's graph in a session, as a model server does, on random sources of mixed length.
The cases take turns, so that a busy machine slows all of them; ratios are of medians.

Usage: python benchmarks/search_options.py MODELS/NAME/VERSION [--rows 8] [--rounds 20]
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray[Any, Any]]


def sources_of(rows: int, *, vocabulary_size: int, longest: int) -> Arrays:
    """Random sources of 4 to 16 tokens."""
    random = np.random.default_rng(1)
    lengths = random.integers(4, min(16, longest), rows, endpoint=True).astype(np.int32)
    tokens = random.integers(4, vocabulary_size, (rows, int(lengths.max()))).astype(np.int32)
    return {"tokens": tokens, "lengths": lengths}


def cases_of(rows: int, *, longest: int) -> Mapping[str, tuple[str, Arrays]]:
    """Signature and options of each case, by name; greedy search first."""

    def ints(value: int) -> np.ndarray[Any, Any]:
        return np.full(rows, value, np.int32)

    def floats(value: float) -> np.ndarray[Any, Any]:
        return np.full(rows, value, np.float32)

    limits = {
        "max_lengths": ints(longest),
        "min_lengths": ints(0),
        "prefix_tokens": np.zeros((rows, 0), np.int32),
        "prefix_lengths": ints(0),
    }

    def beam(width: int, *, length: float = 0, coverage: float = 0, ngram: int = 0) -> Arrays:
        return {
            **limits,
            "beam_width": ints(width),
            "length_penalty": floats(length),
            "coverage_penalty": floats(coverage),
            "no_repeat_ngram": ints(ngram),
        }

    def sample(*, top_k: int = 0, top_p: float = 1) -> Arrays:
        draws = {"temperature": floats(1), "top_k": ints(top_k), "top_p": floats(top_p)}
        return {**limits, **draws, "seed": np.arange(rows, dtype=np.int32)}

    return {
        "greedy": ("greedy", limits),
        "beam 1": ("beam", beam(1)),
        "beam 4": ("beam", beam(4)),
        "beam 4, length penalty 0.6": ("beam", beam(4, length=0.6)),
        "beam 4, coverage penalty 0.2": ("beam", beam(4, coverage=0.2)),
        "beam 4, no repeated 3-gram": ("beam", beam(4, ngram=3)),
        "beam 8": ("beam", beam(8)),
        "sample": ("sample", sample()),
        "sample, top-k 10": ("sample", sample(top_k=10)),
        "sample, top-p 0.9": ("sample", sample(top_p=0.9)),
    }


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version", type=Path, metavar="MODELS/NAME/VERSION")
    parser.add_argument("--rows", type=int, default=8, help="sources of a batch (default 8)")
    parser.add_argument("--rounds", type=int, default=20, help="rounds (default 20)")
    arguments = parser.parse_args()
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

    from heed.contract import CONTRACT_ASSET, Contract
    from model_export.export.graph_session import GraphSession

    contract = Contract.from_json((arguments.version / "assets" / CONTRACT_ASSET).read_bytes())
    source = sources_of(
        arguments.rows,
        vocabulary_size=contract.source_tokenizer.vocabulary_size,
        longest=contract.max_source_tokens,
    )
    cases = cases_of(arguments.rows, longest=contract.max_target_tokens)
    times: dict[tuple[str, bool], list[float]] = {}
    with GraphSession(arguments.version) as session:
        for round_number in range(arguments.rounds + 1):  # the first prepares the graphs
            for name, (signature, options) in cases.items():
                for with_attention in (False, True):
                    names = set(session.signatures[signature].outputs)
                    outputs = names if with_attention else names - {"attention"}
                    began = time.perf_counter()
                    session.run(signature, {**source, **options}, outputs)
                    if round_number:
                        seconds = time.perf_counter() - began
                        times.setdefault((name, with_attention), []).append(seconds)
    print_table({key: statistics.median(values) for key, values in times.items()})


def print_table(medians: Mapping[tuple[str, bool], float]) -> None:
    """One row per case: the median, its ratio to greedy search, and attention's share."""
    greedy = medians["greedy", False]
    print(f"{'':30} {'ms':>8} {'x greedy':>9} {'with attention':>15}")
    for (name, with_attention), seconds in medians.items():
        if not with_attention:
            more = medians[name, True] / seconds - 1
            print(f"{name:30} {1000 * seconds:8.1f} {seconds / greedy:9.2f} {more:+15.0%}")


if __name__ == "__main__":
    main()
