from __future__ import annotations

import asyncio
import logging

import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.api.call_gate import CallGate
from service.api.call_log import LINES_AT_ONCE, CallLog
from service.api.entrance import Arrival, Entrance, Protocol, request_id_of
from service.call_record import StageTimes, current_call, note_model, note_stages
from service.errors import DrainingError, InvalidRequestError, MissingApiKeyError
from service.metrics import Metrics
from service.security.api_keys import KeyRing
from service.security.authorizer import Authorizer


class Doorway:
    """An entrance, and what it counted."""

    def __init__(self, authorizer: Authorizer | None = None) -> None:
        self.gate, self.metrics = CallGate(), Metrics()
        self.entrance = Entrance(
            self.gate, self.metrics, log=CallLog(self.metrics), authorizer=authorizer
        )

    def count(self, name: str, **labels: str) -> float:
        text = self.metrics.exposition()[0].decode()
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )


def arrival(is_stream: bool = False) -> Arrival:
    return Arrival(Protocol.GRPC, "Generate", "id-1", {}, is_stream=is_stream)


def fail(doorway: Doorway, error: BaseException) -> None:
    with pytest.raises(type(error)), doorway.entrance.admit(arrival()):
        raise error


async def test_a_call_is_measured_with_the_model_that_answered_it() -> None:
    doorway = Doorway()
    with doorway.entrance.admit(arrival()) as record:
        note_model("g2p", 3)
        note_stages(StageTimes(tokenize_s=0.1, queue_s=0.2, model_s=0.3))
        assert doorway.count("heed_requests_in_progress") == 1
    assert (record.model, record.version) == ("g2p", 3)
    assert doorway.count("heed_requests_total", model="g2p", code="OK", protocol="grpc") == 1
    assert doorway.count("heed_stage_duration_seconds_sum", stage="queue") == pytest.approx(0.2)
    assert doorway.count("heed_requests_in_progress") == 0
    assert doorway.count("heed_errors_total") == 0


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (InvalidRequestError.of("texts", "must not be empty"), "INVALID_ARGUMENT", None),
        (KeyError("a fault"), "INTERNAL", "INTERNAL"),
        (asyncio.CancelledError(), "CANCELLED", "CANCELLED"),
    ],
)
async def test_a_call_that_fails_is_counted_by_its_code_and_its_reason(
    error: BaseException, code: str, reason: str | None
) -> None:
    doorway = Doorway()
    fail(doorway, error)
    assert doorway.count("heed_requests_total", code=code) == 1
    assert doorway.count("heed_errors_total", reason=reason or "INVALID_REQUEST") == 1
    assert doorway.count("heed_requests_in_progress") == 0


async def test_a_stream_is_open_until_its_block_is_left() -> None:
    doorway = Doorway()
    with doorway.entrance.admit(arrival(is_stream=True)):
        assert doorway.count("heed_streams_open") == 1
    assert doorway.count("heed_streams_open") == 0


async def test_a_shut_gate_turns_calls_away_and_counts_them() -> None:
    doorway = Doorway()
    await doorway.gate.drain(0)
    with pytest.raises(DrainingError), doorway.entrance.admit(arrival()):
        pass
    assert doorway.count("heed_requests_total", code="UNAVAILABLE") == 1
    assert doorway.count("heed_errors_total", reason="DRAINING") == 1


async def test_whoever_may_not_come_in_does_not() -> None:
    doorway = Doorway(Authorizer(KeyRing({})))
    with pytest.raises(MissingApiKeyError), doorway.entrance.admit(arrival()):
        pytest.fail("the block was entered")
    assert doorway.count("heed_errors_total", reason=MissingApiKeyError.reason) == 1


async def test_log_lines_within_a_call_name_it() -> None:
    doorway = Doorway()
    with doorway.entrance.admit(arrival()) as record:
        assert current_call.get() is record
        assert record.id == "id-1"


@pytest.mark.parametrize(
    ("given", "is_kept"),
    [("abc-7", True), ("x" * 65, False), ("a b", False), ("", False), ("é", False)],
)
def test_a_callers_own_request_id_is_kept_if_it_is_harmless(given: str, is_kept: bool) -> None:
    chosen = request_id_of({"x-request-id": given})
    assert (chosen == given) is is_kept
    assert len(chosen) in (5, 32)


async def test_crowds_of_like_failures_are_a_few_lines(caplog: pytest.LogCaptureFixture) -> None:
    doorway = Doorway()
    with caplog.at_level(logging.INFO):
        for _ in range(500):
            fail(doorway, InvalidRequestError.of("texts", "must not be empty"))
    assert LINES_AT_ONCE <= len(caplog.records) < LINES_AT_ONCE + 10
    dropped = doorway.count("heed_log_lines_dropped_total", reason="repeated")
    assert len(caplog.records) + dropped == 500


async def test_a_fault_is_always_logged_with_where_it_happened(
    caplog: pytest.LogCaptureFixture,
) -> None:
    doorway = Doorway()
    for _ in range(30):
        fail(doorway, KeyError("a fault"))
    faults = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(faults) == 30
    assert all(record.exc_info for record in faults)
