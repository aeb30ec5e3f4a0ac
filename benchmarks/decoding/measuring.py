"""Measures a model: agreement first, then speed, the engines in turns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.decoding.agreement import Agreement, compare_outputs, equal_share
from benchmarks.decoding.cases import FLOAT32, Case, Engine, EngineName, Search
from benchmarks.decoding.disturbance import Disturbance
from benchmarks.decoding.ratios import batches_for, fastest
from benchmarks.decoding.results import EngineResult
from benchmarks.decoding.subject import Subject, export_size
from benchmarks.decoding.workers import WorkerProcess, running_worker
from heed.text import Tokenizer
from model_export.config.recipe import BleuTokenizer
from model_export.evaluation.output_text import output_text
from model_export.evaluation.translation import translation_metrics

Outputs = Mapping[Engine, Mapping[Search, list[list[int]]]]
_OWN_FLOAT32: Final = Engine(EngineName.HEED, FLOAT32)
_TUNING_ROUNDS: Final = 2
_OTHER_FLOAT32: Final = Engine(EngineName.CTRANSLATE2, FLOAT32)


@dataclass(frozen=True, slots=True)
class Plan:
    """How to measure.

    Attributes:
        engines: Which engines, in which number formats.
        cases: Which searches over which batches.
        rounds: How often each is measured.
        seconds: How long a measurement takes the reference.
        streams: Batches in work at once.
        outputs: How many outputs are compared.
    """

    engines: tuple[Engine, ...]
    cases: tuple[Case, ...]
    rounds: int
    seconds: float
    streams: int
    outputs: int

    @property
    def searches(self) -> list[Search]:
        """The searches among the cases."""
        return [search for search in Search if any(case.search is search for case in self.cases)]

    def measurements(self) -> int:
        """How many measurements of speed there are."""
        return self.rounds * len(self.cases) * len(self.engines)


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of a model.

    Attributes:
        engines: Each engine in each number format.
        agreement: Heed's outputs beside CTranslate2's, both in float32, by search.
        others_share: The share of the processors that other programs kept busy, 0 to 1.
    """

    engines: tuple[EngineResult, ...]
    agreement: dict[Search, Agreement]
    others_share: float


def measure(
    subject: Subject,
    subject_file: Path,
    *,
    plan: Plan,
    tell: Callable[[str], None],
    advance: Callable[[], None],
) -> Measured:
    """Measures a model.

    Args:
        subject: The model.
        subject_file: The same, as a file.
        plan: How; its engines have exports.
        tell: Told what begins.
        advance: Called after each measurement of speed.

    Raises:
        BenchmarkError: An engine failed.
    """
    tell(f"{subject.name}: finding the best threads for CTranslate2")
    threads = {
        engine: _threads(engine, subject_file, plan=plan, tell=tell) for engine in plan.engines
    }
    with ExitStack() as stack:
        tell(f"{subject.name}: loading")
        workers = {
            engine: stack.enter_context(
                running_worker(engine, subject_file, streams=plan.streams, threads=threads[engine])
            )
            for engine in plan.engines
        }
        loads = {engine: worker.load() for engine, worker in workers.items()}
        tell(f"{subject.name}: comparing outputs")
        outputs = {
            engine: {search: worker.outputs(search, plan.outputs) for search in plan.searches}
            for engine, worker in workers.items()
        }
        agreement = _agreement(workers, outputs, plan)
        for search, each in agreement.items():
            tell(f"{subject.name}, {search.label}: {each}")
        tell(f"{subject.name}: measuring speed")
        with Disturbance([worker.cpu_s for worker in workers.values()]) as disturbance:
            speeds = _speeds(workers, plan, advance)
        memory = {engine: worker.memory() for engine, worker in workers.items()}
    results = tuple(
        EngineResult(
            name=engine.name,
            precision=engine.precision,
            threads=threads[engine],
            size_bytes=export_size(subject.folder(engine)),
            load_s=loads[engine]["load_s"],
            first_call_s=loads[engine]["first_call_s"],
            bare_bytes=int(loads[engine]["memory_bytes"]),
            memory_bytes=int(memory[engine]["memory_bytes"]),
            tokens_per_s={key: tuple(rounds) for key, rounds in speeds[engine].items()},
            bleu=_bleu(subject, outputs[engine]),
            equal_to_float32=_equal_to_float32(engine, outputs),
        )
        for engine in plan.engines
    )
    return Measured(results, agreement, disturbance.others_share)


def _threads(
    engine: Engine, subject_file: Path, *, plan: Plan, tell: Callable[[str], None]
) -> tuple[int, int]:
    """The best of several ways to spread CTranslate2 over threads; Heed has one thread a batch."""
    if engine.name is EngineName.HEED or plan.streams == 1:
        return plan.streams, 1
    ways = [(plan.streams, 1), (1, plan.streams), (plan.streams, 2)]
    search = plan.cases[0].search
    sizes = sorted(case.rows for case in plan.cases if case.search is search)
    cases = [Case(search, rows) for rows in dict.fromkeys((sizes[0], sizes[-1]))]
    speeds: dict[str, list[float]] = {}
    with ExitStack() as stack:
        workers = {
            f"{inter} x {intra}": stack.enter_context(
                running_worker(engine, subject_file, streams=plan.streams, threads=(inter, intra))
            )
            for inter, intra in ways
        }
        for case in cases:
            for worker in workers.values():
                worker.run(case, plan.streams)
            batches = _batches(next(iter(workers.values())), case, plan)
            rounds = [
                {name: worker.tokens_per_s(case, batches) for name, worker in workers.items()}
                for _ in range(_TUNING_ROUNDS)
            ]
            for name in workers:
                speeds.setdefault(name, []).append(max(each[name] for each in rounds))
    best = fastest(speeds)
    tell(f"{engine.label}: batches x threads of each: {best}")
    return ways[list(speeds).index(best)]


def _agreement(
    workers: Mapping[Engine, WorkerProcess], outputs: Outputs, plan: Plan
) -> dict[Search, Agreement]:
    if _OWN_FLOAT32 not in workers or _OTHER_FLOAT32 not in workers:
        return {}
    return {
        search: compare_outputs(
            outputs[_OWN_FLOAT32][search],
            outputs[_OTHER_FLOAT32][search],
            search=search,
            score=workers[_OWN_FLOAT32].score,
        )
        for search in plan.searches
    }


def _speeds(
    workers: Mapping[Engine, WorkerProcess], plan: Plan, advance: Callable[[], None]
) -> dict[Engine, dict[str, list[float]]]:
    """Tokens a second of every round; another engine begins in each. All have decoded before."""
    engines = list(workers)
    reference = next((engine for engine in engines if engine.is_reference), engines[0])
    batches = {case: _batches(workers[reference], case, plan) for case in plan.cases}
    speeds: dict[Engine, dict[str, list[float]]] = {
        engine: {case.key: [] for case in plan.cases} for engine in engines
    }
    for number in range(plan.rounds):
        turns = rotated(engines, number)
        for case in plan.cases:
            for engine in turns:
                speed = workers[engine].tokens_per_s(case, batches[case])
                speeds[engine][case.key].append(speed)
                advance()
    return speeds


def rotated(engines: Sequence[Engine], number: int) -> list[Engine]:
    """The engines in turn, beginning with another one each time."""
    first = number % len(engines)
    return [*engines[first:], *engines[:first]]


def _batches(worker: WorkerProcess, case: Case, plan: Plan) -> int:
    """How many batches of a case are a measurement: as many as take a worker the plan's time."""
    count = plan.streams
    seconds = worker.run(case, count)["seconds"]
    return batches_for(
        plan.seconds, measured_s=seconds, measured_batches=count, streams=plan.streams
    )


def _bleu(subject: Subject, outputs: Mapping[Search, list[list[int]]]) -> dict[Search, float]:
    if not subject.references:
        return {}
    tokenizer = Tokenizer(subject.tokenizer.read_bytes())
    return {
        search: translation_metrics(
            [output_text(tokenizer, row) for row in rows],
            subject.references[: len(rows)],
            tokenizer=BleuTokenizer(subject.bleu_tokenizer),
            lowercase=subject.lowercase,
        ).bleu
        for search, rows in outputs.items()
    }


def _equal_to_float32(engine: Engine, outputs: Outputs) -> dict[Search, float]:
    own = outputs.get(Engine(engine.name, FLOAT32))
    if own is None:
        return {}
    return {search: equal_share(rows, own[search]) for search, rows in outputs[engine].items()}
