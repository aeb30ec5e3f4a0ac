"""Processes with an engine each, and the orders they get."""

from __future__ import annotations

import json
import selectors
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final

import psutil

from benchmarks.decoding.cases import Case, Engine, Search
from benchmarks.decoding.subject import BenchmarkError, Subject

_ANSWER_WITHIN_S: Final = 900.0
_END_WITHIN_S: Final = 30.0
_SHOWN_CHARACTERS: Final = 2000


class WorkerProcess:
    """An engine in a process of its own; see `worker.py`.

    Args:
        engine: Which engine, and its number format.
        process: The process.
        errors: What it writes to standard error.
    """

    def __init__(self, engine: Engine, process: subprocess.Popen[str], errors: IO[str]) -> None:
        self.engine = engine
        self._process = process
        self._errors = errors

    def load(self) -> dict[str, float]:
        """Loads the model: "memory_bytes" before, "load_s" and "first_call_s"."""
        return self._ask(do="load")

    def tokens_per_s(self, case: Case, batches: int) -> float:
        """Decodes batches, and says how fast."""
        answer = self.run(case, batches)
        return answer["tokens"] / answer["seconds"]

    def run(self, case: Case, batches: int) -> dict[str, float]:
        """Decodes batches: "seconds" and "tokens"."""
        return self._ask(do="run", search=case.search, rows=case.rows, batches=batches)

    def outputs(self, search: Search, count: int) -> list[list[int]]:
        """The best outputs of the first sources."""
        outputs: list[list[int]] = self._ask(do="outputs", search=search, count=count)["outputs"]
        return outputs

    def score(self, rows: Sequence[int], targets: Sequence[Sequence[int]]) -> list[list[float]]:
        """The log-probability of each token of given outputs; Heed's alone."""
        scores: list[list[float]] = self._ask(do="score", rows=rows, targets=targets)[
            "token_scores"
        ]
        return scores

    def memory(self) -> dict[str, float]:
        """What it holds now: "memory_bytes"."""
        return self._ask(do="memory")

    def cpu_s(self) -> float:
        """Processor time so far, in seconds."""
        times = psutil.Process(self._process.pid).cpu_times()
        return float(times.user + times.system)

    def _ask(self, **order: Any) -> dict[str, Any]:
        """Sends an order and waits for the answer.

        Raises:
            BenchmarkError: The process ended, or does not answer.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise BenchmarkError(f"{self.engine.label} has no pipes")
        try:
            stdin.write(json.dumps(order) + "\n")
            stdin.flush()
        except BrokenPipeError as error:
            raise BenchmarkError(self._described("ended")) from error
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            if not selector.select(_ANSWER_WITHIN_S):
                raise BenchmarkError(
                    self._described(f"has not answered for {_ANSWER_WITHIN_S:g} s")
                )
        line = stdout.readline()
        if not line:
            raise BenchmarkError(self._described("ended"))
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _described(self, problem: str) -> str:
        self._errors.flush()
        self._errors.seek(0)
        last = self._errors.read()[-_SHOWN_CHARACTERS:].strip()
        return f"{self.engine.label} {problem}: {last or 'it said nothing'}"


@contextmanager
def running_worker(
    engine: Engine, subject_file: Path, *, streams: int, threads: tuple[int, int]
) -> Iterator[WorkerProcess]:
    """A process that decodes with an engine, until the block is left.

    Args:
        engine: Which engine, and its number format.
        subject_file: The model that it decodes with.
        streams: Batches it is given at once.
        threads: Batches it works on at once, and threads of each.
    """
    subject = Subject.load(subject_file)
    command = [sys.executable, "-m", "benchmarks.decoding.worker", engine.name, str(subject_file)]
    command += ["--folder", str(subject.folder(engine)), "--tokenizer", str(subject.tokenizer)]
    command += ["--precision", engine.precision, "--streams", str(streams)]
    command += ["--threads", *map(str, threads)]
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        )
        try:
            yield WorkerProcess(engine, process, errors)
        finally:
            _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    """Closes its input, which ends it; kills it if that does not."""
    if process.stdin is not None:
        with suppress(BrokenPipeError):  # it has ended already
            process.stdin.close()
    try:
        process.wait(_END_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
