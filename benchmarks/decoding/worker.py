"""One engine in a process of its own: reads orders from standard input, answers on standard output.

An order and an answer are a line of JSON each; what libraries print goes to standard error.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TextIO

import psutil

from benchmarks.decoding.cases import EngineName, Search
from benchmarks.decoding.engines import DecodingEngine, HeedEngine, import_libraries, load_engine
from benchmarks.decoding.subject import Subject

Answer = dict[str, Any]
_OUTPUT_ROWS: Final = 32
"""Sources of a batch where outputs are wanted, and no speed."""


class Worker:
    """Carries out orders.

    Args:
        subject: The model, and what it is asked.
        load: Makes the engine.
        streams: Batches in work at once.
    """

    def __init__(self, subject: Subject, load: Callable[[], DecodingEngine], streams: int) -> None:
        self._subject = subject
        self._load = load
        self._pool = ThreadPoolExecutor(streams)
        self._engine: DecodingEngine | None = None

    @property
    def engine(self) -> DecodingEngine:
        """The engine, loaded when it is first asked for."""
        if self._engine is None:
            self._engine = self._load()
        return self._engine

    def load(self) -> Answer:
        """Loads the engine; says how long that took, and the first call."""
        before = psutil.Process().memory_info().rss
        began = time.perf_counter()
        engine = self.engine
        loaded = time.perf_counter()
        batch = self._prepared(Search.GREEDY, 0, 1)
        called = time.perf_counter()
        engine.decode(batch)
        first_s = time.perf_counter() - called
        return {"memory_bytes": before, "load_s": loaded - began, "first_call_s": first_s}

    def run(self, search: str, rows: int, batches: int) -> Answer:
        """Decodes batches, several at once; says how long that took, and the tokens written."""
        prepared = [self._prepared(Search(search), index, rows) for index in range(batches)]
        began = time.perf_counter()
        results = list(self._pool.map(self.engine.decode, prepared))
        seconds = time.perf_counter() - began
        tokens = sum(len(row) for result in results for row in self.engine.tokens(result))
        return {"seconds": seconds, "tokens": tokens}

    def outputs(self, search: str, count: int) -> Answer:
        """The best output of each of the first sources."""
        batches = range(-(-count // _OUTPUT_ROWS))
        prepared = [self._prepared(Search(search), index, _OUTPUT_ROWS) for index in batches]
        results = self._pool.map(self.engine.decode, prepared)
        outputs = [row for result in results for row in self.engine.tokens(result)]
        return {"outputs": outputs[:count]}

    def score(self, rows: Sequence[int], targets: Sequence[Sequence[int]]) -> Answer:
        """The log-probability of each token of outputs for some of the sources; Heed's alone."""
        if not isinstance(self.engine, HeedEngine):
            raise TypeError("only Heed scores")
        sources = [self._subject.sources[row] for row in rows]
        return {"token_scores": self.engine.score(sources, targets)}

    def memory(self) -> Answer:
        """What the process holds now."""
        return {"memory_bytes": psutil.Process().memory_info().rss}

    def _prepared(self, search: Search, index: int, rows: int) -> Any:
        subject = self._subject
        return self.engine.prepare(subject.batch(index, rows), search, subject.max_length)


def obey(worker: Worker, orders: TextIO, answers: TextIO) -> None:
    """Answers each order until there are no more."""
    actions: dict[str, Callable[..., Answer]] = {
        "load": worker.load,
        "run": worker.run,
        "outputs": worker.outputs,
        "score": worker.score,
        "memory": worker.memory,
    }
    for line in orders:
        order = json.loads(line)
        answer = actions[order.pop("do")](**order)
        print(json.dumps(answer), file=answers, flush=True)


def main() -> None:
    """Reads the command line and obeys."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine", type=EngineName, choices=list(EngineName))
    parser.add_argument("subject", type=Path, metavar="SUBJECT.json")
    parser.add_argument("--folder", type=Path, required=True, help="the engine's export")
    parser.add_argument("--tokenizer", type=Path, required=True, help="names the tokens")
    parser.add_argument("--precision", required=True, help="the number format")
    parser.add_argument("--streams", type=int, required=True, help="batches in work at once")
    parser.add_argument("--threads", type=int, nargs=2, required=True, help="batches, and of each")
    arguments = parser.parse_args()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def load() -> DecodingEngine:
        return load_engine(
            arguments.engine,
            arguments.folder,
            precision=arguments.precision,
            tokenizer=arguments.tokenizer,
            threads=tuple(arguments.threads),
        )

    import_libraries(arguments.engine)  # so that loading is loading the model
    obey(Worker(Subject.load(arguments.subject), load, arguments.streams), sys.stdin, answers)


if __name__ == "__main__":
    main()
