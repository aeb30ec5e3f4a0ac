"""Greedy search in the graph beside the same search driven from Python, step by step.

Both use one trained model and give the same tokens. From Python, a step is called once as the
layers are (eagerly) and once as a graph function of its own, which is the faster way to write such
a loop. The cases take turns, so that a busy machine slows all of them; ratios are of medians.

Usage: python benchmarks/python_step_loop.py RUN [--rows 1 8 32] [--rounds 10]
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Search = Callable[[Array, Array], Array]
"""Source ids [B, S] and lengths [B] to target ids [B, T], zeros behind each end."""


def searches_of(run_folder: Path, export_folder: Path) -> tuple[Mapping[str, Search], int, int]:
    """The three ways by name, the number of source ids, and the most source tokens."""
    import tensorflow as tf

    from heed.contract import SPECIAL_IDS, Precision
    from model_export.export.exportable import exportable_from_run
    from model_export.export.graph_session import GraphSession
    from model_export.export.saved_model import write_saved_model
    from model_export.runs.training_run import TrainingRun

    exportable = exportable_from_run(
        TrainingRun.load(run_folder), model_name="model", precision=Precision.FLOAT32
    )
    write_saved_model(exportable, export_folder)
    session = GraphSession(export_folder)
    model, contract = exportable.model, exportable.contract

    def in_the_graph(tokens: Array, lengths: Array) -> Array:
        found: Array = session.run(
            "serving_default", {"tokens": tokens, "lengths": lengths}, ["tokens"]
        )["tokens"][:, 0]
        return found

    def from_python(encode: Any, step: Any) -> Search:
        def search(tokens: Array, lengths: Array) -> Array:
            state, memory = encode(tf.constant(tokens), tf.constant(lengths))
            last = tf.fill([len(tokens)], SPECIAL_IDS.begin)
            finished, outputs = np.zeros(len(tokens), bool), list[Array]()
            while not finished.all() and len(outputs) < contract.max_target_tokens:
                output = step(last, state, memory)
                chosen = tf.argmax(output.logits, axis=-1, output_type=tf.int32)
                outputs.append(np.where(finished, SPECIAL_IDS.pad, chosen.numpy()))
                finished |= outputs[-1] == SPECIAL_IDS.end
                last, state = tf.constant(outputs[-1]), output.state
            return np.stack(outputs, axis=1)

        return search

    ways = {
        "in the graph": in_the_graph,
        "from Python, a graph function each step": from_python(
            tf.function(model.encode, autograph=False, reduce_retracing=True),
            tf.function(model.decode_step, autograph=False, reduce_retracing=True),
        ),
        "from Python, layer by layer": from_python(model.encode, model.decode_step),
    }
    return ways, contract.source_vocabulary_size, contract.max_source_tokens


def times_of(
    ways: Mapping[str, Search], source: tuple[Array, Array], *, rounds: int
) -> list[float]:
    """The median time of each way, in seconds.

    Raises:
        SystemExit: They do not give the same tokens.
    """
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):  # the first prepares the graphs
        found = {}
        for name, search in ways.items():
            began = time.perf_counter()
            found[name] = search(*source)
            if number:
                times[name].append(time.perf_counter() - began)
        first, *others = found.values()
        if not all(np.array_equal(first, other) for other in others):
            raise SystemExit("the ways do not give the same tokens")
    return [statistics.median(each) for each in times.values()]


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="a finished training run")
    parser.add_argument("--rows", type=int, nargs="+", default=(1, 8, 32), help="(1 8 32)")
    parser.add_argument("--rounds", type=int, default=10, help="rounds (10)")
    arguments = parser.parse_args()
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    random = np.random.default_rng(1)
    with tempfile.TemporaryDirectory(prefix="heed-steps-") as folder:
        ways, vocabulary_size, longest = searches_of(arguments.run, Path(folder, "1"))
        for rows in arguments.rows:
            lengths = random.integers(4, min(16, longest), rows, endpoint=True).astype(np.int32)
            shape = (rows, int(lengths.max()))
            tokens = random.integers(4, vocabulary_size, shape).astype(np.int32)
            fastest, *others = times_of(ways, (tokens, lengths), rounds=arguments.rounds)
            ratios = ", ".join(
                f"{other / fastest:.1f} x {name}"
                for name, other in zip(list(ways)[1:], others, strict=True)
            )
            print(f"  {rows:3} rows, {1e3 * fastest:7.1f} ms in the graph: {ratios}", flush=True)


if __name__ == "__main__":
    main()
