"""What became of each request, and how it is kept: one line of JSON for each."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

OK: Final = "OK"


@dataclass(frozen=True, slots=True)
class Sample:
    """One request.

    Attributes:
        kind: What was asked; a name of `AskKind`.
        due_s: When it was to be sent, in seconds since 1970.
        late_s: How much later the load generator sent it, in seconds.
        latency_s: From when it was to be sent to its answer or failure, in seconds.
        code: The gRPC status code's name.
        reason: Why it failed, as the gateway says; empty if it did not.
        text_count: Texts in it.
        stages: Where the gateway spent the time, in seconds by stage; empty where it does not say.
        first_s: From when it was to be sent to the first part of a stream, in seconds.
    """

    kind: str
    due_s: float
    late_s: float
    latency_s: float
    code: str = OK
    reason: str = ""
    text_count: int = 1
    stages: Mapping[str, float] = field(default_factory=dict)
    first_s: float | None = None

    @property
    def is_ok(self) -> bool:
        """Whether it was answered."""
        return self.code == OK

    def to_json(self) -> str:
        """The sample as a line."""
        return json.dumps(asdict(self), separators=(",", ":"))


def read_samples(path: Path) -> list[Sample]:
    """The samples of a file, in the order in which they were due.

    Raises:
        ValueError: A line is not a sample.
    """
    samples = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            samples.append(Sample(**json.loads(line)))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path}, line {number} is no sample: {error}") from error
    return sorted(samples, key=lambda sample: sample.due_s)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed.

    Args:
        values: In ascending order.
        share: Above 0, at most 1.

    Returns:
        Infinity without values: nothing was answered in any time.
    """
    if not values:
        return math.inf
    return values[max(0, math.ceil(share * len(values)) - 1)]


@dataclass(frozen=True)
class Load:
    """What became of a load.

    Attributes:
        samples: Its requests, warm-up left out, in the order in which they were due.
        seconds: How long requests were sent.
    """

    samples: Sequence[Sample]
    seconds: float

    @property
    def answered(self) -> list[Sample]:
        """The requests that were answered."""
        return [sample for sample in self.samples if sample.is_ok]

    @property
    def latencies_s(self) -> list[float]:
        """How long answered requests took, in ascending order."""
        return sorted(sample.latency_s for sample in self.samples if sample.is_ok)

    @property
    def requests_per_s(self) -> float:
        """Requests a second, answered or not."""
        return len(self.samples) / self.seconds if self.seconds else 0.0

    @property
    def answers_per_s(self) -> float:
        """Requests a second that were answered."""
        return len(self.answered) / self.seconds if self.seconds else 0.0

    @property
    def throughput(self) -> float:
        """Answers a second from the first request to the last answer: of users who wait."""
        if not self.samples:
            return 0.0
        end_s = max(sample.due_s + sample.latency_s for sample in self.samples)
        return len(self.answered) / max(1e-9, end_s - self.samples[0].due_s)

    @property
    def error_share(self) -> float:
        """The share of requests that failed, 0 to 1; 1 if there were none at all."""
        if not self.samples:
            return 1.0
        return sum(not sample.is_ok for sample in self.samples) / len(self.samples)

    @property
    def failures(self) -> dict[str, int]:
        """How many failed, by "CODE REASON"."""
        names = (f"{each.code} {each.reason}".strip() for each in self.samples if not each.is_ok)
        return dict(Counter(names).most_common())

    def latency_s(self, share: float) -> float:
        """Seconds within which this share of the answers came."""
        return percentile(self.latencies_s, share)

    def late_s(self, share: float) -> float:
        """Seconds by which this share of the requests was sent late at most."""
        return percentile(sorted(sample.late_s for sample in self.samples), share)


def load_of(
    samples: Iterable[Sample], *, warm_up_s: float = 0.0, seconds: float = math.inf
) -> Load:
    """The load that samples make.

    Args:
        samples: All requests.
        warm_up_s: Requests due in the first seconds are left out.
        seconds: So are those due so many seconds later.
    """
    ordered = sorted(samples, key=lambda sample: sample.due_s)
    if not ordered:
        return Load((), 0.0)
    begin_s = ordered[0].due_s + warm_up_s
    kept = [sample for sample in ordered if begin_s <= sample.due_s < begin_s + seconds]
    return Load(kept, max(0.0, min(seconds, ordered[-1].due_s - begin_s)))
