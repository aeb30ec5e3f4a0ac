import pytest

from service.batching.admission import Admission, Asked, Queue
from service.errors import DeadlineOutOfReachError, QueueFullError


@pytest.fixture
def admission() -> Admission:
    return Admission(max_queue_tokens=100, bulk_share=0.5)


def queue(tokens: int, answer_s: float | None = None) -> Queue:
    """A queue with tokens of one model, 10 of which are answered a second."""
    return Queue(tokens, tokens, models=1, tokens_per_s=10.0, answer_s=answer_s)


def test_a_call_that_fits_is_admitted(admission: Admission) -> None:
    admission.check(Asked(40), queue(60), now=0.0)


def test_a_full_queue_says_when_there_will_be_room(admission: Admission) -> None:
    with pytest.raises(QueueFullError, match="90 tokens wait, 100 are allowed") as refused:
        admission.check(Asked(40), queue(90), now=0.0)
    assert refused.value.retry_after_s == pytest.approx(3.0), "30 tokens at 10 a second"


def test_bulk_is_refused_earlier(admission: Admission) -> None:
    admission.check(Asked(10, is_bulk=True), queue(40), now=0.0)
    with pytest.raises(QueueFullError, match="45 tokens wait, 50 are allowed"):
        admission.check(Asked(10, is_bulk=True), queue(45), now=0.0)
    admission.check(Asked(10), queue(45), now=0.0)


def test_an_empty_queue_admits_a_call_of_any_size(admission: Admission) -> None:
    admission.check(Asked(10**6, is_bulk=True), queue(0), now=0.0)


def test_a_call_that_cannot_make_it_is_refused_with_the_times(admission: Admission) -> None:
    with pytest.raises(
        DeadlineOutOfReachError, match=r"about 2\.00 s .* leaves 1\.00 s"
    ) as refused:
        admission.check(Asked(5, time_left_s=1.0), queue(20, answer_s=2.0), now=0.0)
    assert refused.value.retry_after_s == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("answer_s", "time_left_s"),
    [(1.0, 1.0), (None, 0.1), (99.0, None)],
    ids=["just enough", "no evidence", "no deadline"],
)
def test_only_evidence_puts_a_deadline_out_of_reach(
    admission: Admission, answer_s: float | None, time_left_s: float | None
) -> None:
    admission.check(Asked(5, time_left_s=time_left_s), queue(20, answer_s=answer_s), now=0.0)


def test_a_model_finds_its_share_of_the_room_while_another_has_filled_the_queue(
    admission: Admission,
) -> None:
    full = Queue(waiting_tokens=100, model_tokens=30, models=2, tokens_per_s=10.0)
    admission.check(Asked(20), full, now=0.0)
    with pytest.raises(QueueFullError):
        admission.check(Asked(21), full, now=0.0)
    flooded = Queue(waiting_tokens=100, model_tokens=70, models=2, tokens_per_s=10.0)
    with pytest.raises(QueueFullError):
        admission.check(Asked(1), flooded, now=0.0)
