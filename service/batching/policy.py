"""Which of the waiting rows make the next batch. Pure: no clock, no asyncio, no tensors.

Rows wait in one line per target, length bucket and priority. Models take turns, by the padded
tokens they were given. Within a model the line whose head has waited longest comes first, so
that no length starves; a bulk row counts as if it had come `bulk_delay_s` later than it did, so
that it gives way to interactive rows, but never for longer. Lines of the same target fill what
room is left, interactive ones first, then by likeness of length.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple

from service.batching.batch_time import BatchSize
from service.batching.fairness import FairShares
from service.batching.lines import Line, Row, TargetLines, WaitingRow, bound_of, bucket_of
from service.batching.segments import Bucket, segment_of

_SWEEP_ABOVE: Final = 256
"""So many rows that are gone may lie in the lines, or as many as wait, before they are removed."""


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How large a batch may be.

    Attributes:
        max_tokens: The most padded tokens, rows x longest. A longer row travels alone.
        max_rows: The most rows.
        max_padding: The largest share of padding, 0 to 1, when rows of other buckets join.
    """

    max_tokens: int
    max_rows: int
    max_padding: float = 0.5


class WaitingGroup(NamedTuple):
    """The rows of one target, as they wait.

    Attributes:
        model: Whose they are.
        target: What they ask for.
        rows: How many.
        tokens: Their tokens, without padding.
        max_rows: The most rows of a batch of them.
        arrival: When the one that is next came, in seconds.
        rank: The same, its bulk delay added: the lowest goes first.
    """

    model: str
    target: Hashable
    rows: int
    tokens: int
    max_rows: int
    arrival: float
    rank: float


def _always(_: WaitingGroup) -> bool:
    return True


def _unknown(_: str) -> Callable[[int], float] | None:
    return None


class WaitingRows(Generic[Row]):
    """Rows in the order of their arrival, taken out in batches.

    Not safe for use by several tasks at a time: one task owns it.

    Args:
        limits: How large a batch may be.
        bulk_delay_s: How much longer a bulk row waits than an interactive one, at most, where
            both wait for the same; seconds.
    """

    def __init__(self, limits: BatchLimits, bulk_delay_s: float = 0.0) -> None:
        self._limits = limits
        self._bulk_delay_s = bulk_delay_s
        self._targets: dict[Hashable, TargetLines[Row]] = {}
        self._waiting: set[Row] = set()
        self._lying = 0
        self.tokens = 0
        self._shares = FairShares()

    def __len__(self) -> int:
        """How many rows wait."""
        return len(self._waiting)

    def add(self, row: Row) -> None:
        """Puts a row at the end of its line."""
        target = self._targets.get(row.target)
        if target is None:
            max_rows = min(self._limits.max_rows, row.max_rows or self._limits.max_rows)
            target = self._targets[row.target] = TargetLines(row.model, max_rows)
        line = Line(row.is_bulk, bucket_of(row.length))
        target.lines.setdefault(line, deque()).append(row)
        target.count(row, sign=1)
        self.tokens += row.length
        self._waiting.add(row)
        self._lying += 1

    def forget(self, row: Row) -> bool:
        """Takes a row out that is gone; says whether it was still waiting."""
        if row not in self._waiting:
            return False
        self._count_out(self._targets[row.target], row)
        if self._lying > _SWEEP_ABOVE and self._lying > 2 * len(self._waiting):
            self._sweep()
        return True

    def tokens_by_model(self) -> dict[str, int]:
        """Tokens that wait, of each model that has any."""
        tokens: Counter[str] = Counter()
        for lines in self._targets.values():
            tokens[lines.model] += lines.tokens
        return +tokens

    def tokens_before(self, model: str, *, is_bulk: bool) -> int:
        """Tokens of a model that go before a row that comes now."""
        return sum(
            lines.tokens if is_bulk else lines.tokens - lines.bulk_tokens
            for lines in self._targets.values()
            if lines.model == model
        )

    def groups(self) -> Iterator[WaitingGroup]:
        """What waits, one entry per target."""
        for target, lines in list(self._targets.items()):
            heads = self._heads(target)
            if heads:
                rank, line = min(heads)
                arrival = lines.lines[line][0].arrival
                yield WaitingGroup(
                    lines.model,
                    target,
                    lines.rows,
                    lines.tokens,
                    max_rows=lines.max_rows,
                    arrival=arrival,
                    rank=rank,
                )

    def take_batch(
        self,
        is_due: Callable[[WaitingGroup], bool] = _always,
        fixed_tokens: Callable[[str], Callable[[int], float] | None] = _unknown,
    ) -> list[Row]:
        """Takes the next batch out. Rows that are gone are dropped.

        Args:
            is_due: Whether rows of a target may leave now.
            fixed_tokens: For a model and its longest row: how many padded tokens cost as much as
                a batch does however few rows it has; None if that is not known.

        Returns:
            Rows of one target, the one that is next first; empty if none may leave.
        """
        due = sorted((group for group in self.groups() if is_due(group)), key=_rank)
        if not due:
            return []
        model = self._shares.next_of(group.model for group in due)
        target = next(group.target for group in due if group.model == model)
        first = min(self._heads(target))[1]
        batch = self._fill(self._targets[target], first, fixed_tokens(model))
        self._shares.charge(model, size_of(batch).padded_tokens)
        self._tidy(target)
        return batch

    def _heads(self, target: Hashable) -> list[tuple[float, Line]]:
        """The rank of the head of each line of a target. Lines without a row are removed."""
        lines = self._targets[target].lines
        heads = []
        for line, rows in list(lines.items()):
            while rows and not self._is_live(rows[0]):
                self._drop(rows)
            if rows:
                delay_s = self._bulk_delay_s if line.is_bulk else 0.0
                heads.append((rows[0].arrival + delay_s, line))
            else:
                del lines[line]
        self._tidy(target)
        return heads

    def _fill(
        self, target: TargetLines[Row], first: Line, fixed_tokens: Callable[[int], float] | None
    ) -> list[Row]:
        may_join = self._sharing(target, first, fixed_tokens)
        batch = [self._pop(target, target.lines[first])]
        longest = tokens = batch[0].length
        for line in sorted(may_join, key=lambda line: line.distance(first)):
            rows = target.lines[line]
            while rows and self._fits(target, len(batch), max(longest, rows[0].length)):
                if not self._is_live(rows[0]):
                    self._drop(rows)
                    continue
                length = rows[0].length
                padded = (len(batch) + 1) * max(longest, length)
                waste = 1 - (tokens + length) / padded
                if line.bucket != first.bucket and waste > self._limits.max_padding:
                    break
                batch.append(self._pop(target, rows))
                longest, tokens = max(longest, length), tokens + length
        return batch

    def _sharing(
        self, target: TargetLines[Row], first: Line, fixed_tokens: Callable[[int], float] | None
    ) -> list[Line]:
        """The lines whose rows may join a batch of one line."""
        if fixed_tokens is None:
            return list(target.lines)
        rows: Counter[int] = Counter()
        for line, waiting in target.lines.items():
            rows[line.bucket] += len(waiting)
        order = sorted(rows)
        buckets = [Bucket(bound_of(bucket), rows[bucket]) for bucket in order]
        segment = segment_of(
            buckets,
            order.index(first.bucket),
            fixed_tokens=fixed_tokens,
            max_tokens=self._limits.max_tokens,
        )
        shared = {order[place] for place in segment}
        return [line for line in target.lines if line.bucket in shared]

    def _fits(self, target: TargetLines[Row], row_count: int, longest: int) -> bool:
        is_small = (row_count + 1) * longest <= self._limits.max_tokens
        return is_small and row_count < target.max_rows

    def _is_live(self, row: Row) -> bool:
        return row in self._waiting and not row.is_gone

    def _pop(self, target: TargetLines[Row], rows: deque[Row]) -> Row:
        row = rows.popleft()
        self._lying -= 1
        self._count_out(target, row)
        return row

    def _drop(self, rows: deque[Row]) -> None:
        """Removes a row that is gone."""
        row = rows.popleft()
        self._lying -= 1
        if row in self._waiting:
            self._count_out(self._targets[row.target], row)

    def _count_out(self, target: TargetLines[Row], row: Row) -> None:
        self._waiting.discard(row)
        target.count(row, sign=-1)
        self.tokens -= row.length

    def _tidy(self, target: Hashable) -> None:
        lines = self._targets[target].lines
        for line in [line for line, rows in lines.items() if not rows]:
            del lines[line]
        if not lines:
            del self._targets[target]

    def _sweep(self) -> None:
        """Removes the rows that are gone from everywhere in the lines."""
        for target, lines in list(self._targets.items()):
            for line, rows in lines.lines.items():
                lines.lines[line] = deque(row for row in rows if row in self._waiting)
            self._tidy(target)
        self._lying = len(self._waiting)


def size_of(rows: Sequence[WaitingRow]) -> BatchSize:
    """How large a batch of these rows is."""
    return BatchSize(len(rows), max(row.length for row in rows))


def _rank(group: WaitingGroup) -> float:
    return group.rank
