"""Measures a stack at a rate: requests, batches, processor time and memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import psutil

from heed.client import Client, HeedError
from loadtest.errors import LoadTestError
from loadtest.gateway_metrics import Batches, batches_between, read_metrics
from loadtest.locust_run import LoadPlan, run_load
from loadtest.objectives import Objectives
from loadtest.samples import Load
from loadtest.servers import Stack
from loadtest.texts import LengthKind, load_lengths, make_texts, read_texts
from loadtest.usage import Usage

_TEXT_COUNT: Final = 2000
_TEXTS_IN_A_CALL: Final = 200
_CAPACITY_USERS: Final = 64
_DISTURBED_SHARE: Final = 0.1


@dataclass(frozen=True)
class Texts:
    """The texts that are sent.

    Attributes:
        path: The file that holds them, one a line.
        source: What they are like.
        token_counts: How many tokens each has, in their order.
    """

    path: Path
    source: str
    token_counts: Sequence[int]


@dataclass(frozen=True)
class Measured:
    """What a stack did at a rate.

    Attributes:
        rate: Requests a second that were to be sent; None for users who wait.
        load: What became of them.
        usage: What the processes used.
        batches: The gateway's batches; None without a gateway's metrics.
        broken: The objectives that were not met, in words.
    """

    rate: float | None
    load: Load
    usage: Usage
    batches: Batches | None
    broken: Sequence[str]

    @property
    def is_met(self) -> bool:
        """Whether all objectives were met."""
        return not self.broken

    @property
    def is_disturbed(self) -> bool:
        """Whether other programs kept more than a tenth of the machine's processors busy."""
        return self.usage.other_cores > _DISTURBED_SHARE * (psutil.cpu_count() or 1)


@dataclass(frozen=True)
class Bench:
    """A stack, and what it is measured with.

    Attributes:
        stack: Answers the requests.
        plan: The load; rate and seed are set for each trial.
        objectives: What has to be met.
    """

    stack: Stack
    plan: LoadPlan
    objectives: Objectives

    def measure(
        self, rate: float, *, seconds: float | None = None, flags: Sequence[str] = ()
    ) -> Measured:
        """What the stack does at a rate, in requests a second; longer than the plan if told."""
        plan = replace(self.plan, rate=rate, flags=(*self.plan.flags, *flags))
        return self._run(plan if seconds is None else replace(plan, seconds=seconds))

    def warm_up(self, seconds: float) -> float:
        """Lets users ask who wait for their answers; answers a second."""
        plan = replace(self.plan, rate=None, users=_CAPACITY_USERS, seconds=seconds, warm_up_s=0)
        measured = self._run(plan)
        if not measured.load.answered:
            failures = ", ".join(measured.load.failures) or "no answer"
            raise LoadTestError(f"the warm-up brought no answer: {failures}")
        return measured.load.throughput

    def _run(self, plan: LoadPlan) -> Measured:
        url = self.stack.metrics_url
        before = read_metrics(url) if url else None
        load, usage = run_load(plan, self.stack.process_ids)
        batches = None if before is None else batches_between(before, read_metrics(url))
        return Measured(plan.rate, load, usage, batches, self.objectives.broken_by(load))


@contextmanager
def prepared_texts(
    address: str, *, lengths: str | None = None, file: Path | None = None, seed: int = 1
) -> Iterator[Texts]:
    """Texts that the gateway's only model can read, in a file for the time of a block.

    Args:
        address: Where the gateway listens.
        lengths: Whose lengths they have; None: single words for models that pronounce, captions
            for all others.
        file: Texts to send instead, one a line.
        seed: Decides what is drawn.

    Raises:
        LoadTestError: The model can read none of them, or the gateway does not answer.
        ValueError: The file cannot be read.
    """
    try:
        with Client(address) as client:
            model = client.model()
            kind = LengthKind(lengths or ("words" if model.task == "pronounce" else "captions"))
            texts = make_texts(kind, _TEXT_COUNT, seed=seed) if file is None else read_texts(file)
            fitting = _fitting(client, texts)
    except HeedError as error:
        raise LoadTestError(f"cannot prepare texts: {error}") from error
    if not fitting:
        raise LoadTestError(
            f"the model reads at most {model.max_source_tokens} tokens; no text fits"
        )
    source = f"lengths of {load_lengths(kind).source}" if file is None else file.name
    with tempfile.TemporaryDirectory(prefix="heed-texts-") as folder:
        path = Path(folder, "texts")
        path.write_text("".join(f"{text}\n" for text, _ in fitting), encoding="utf-8")
        yield Texts(path, source, [count for _, count in fitting])


def _fitting(client: Client, texts: Sequence[str]) -> list[tuple[str, int]]:
    """The texts that the model takes, with their tokens' number."""
    fitting: list[tuple[str, int]] = []
    for begin in range(0, len(texts), _TEXTS_IN_A_CALL):
        tokenized = client.tokenize(list(texts[begin : begin + _TEXTS_IN_A_CALL]))
        fitting += [(each.text, len(each.tokens)) for each in tokenized if each.fits]
    return fitting
