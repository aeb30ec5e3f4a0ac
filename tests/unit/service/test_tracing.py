from __future__ import annotations

import asyncio
from collections.abc import Mapping

import numpy as np
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from heed.contract import Signature
from service import tracing
from service.api.call_gate import CallGate
from service.api.call_log import CallLog
from service.api.entrance import Arrival, Entrance, Protocol
from service.batching.rows import QueuedRow
from service.batching.running import BatchRunner
from service.domain.models import VersionKey
from service.domain.signatures import Array, PredictTarget, output_names
from service.domain.signatures import AttentionLevel as Level
from service.errors import InvalidRequestError, ModelServerUnreachableError
from service.metrics import Metrics
from service.pipeline.stopwatch import Stopwatch
from service.settings import read_settings
from service.tracing.open_telemetry import OpenTelemetry
from service.tracing.starting import make_tracing

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = {"traceparent": f"00-{TRACE_ID}-00f067aa0ba902b7-01"}
UNSAMPLED_PARENT = {"traceparent": f"00-{TRACE_ID}-00f067aa0ba902b7-00"}
TARGET = PredictTarget(
    VersionKey("m", 1), Signature.GREEDY, output_names(Signature.GREEDY, Level.NONE)
)


class Stage:
    """An entrance whose spans are kept."""

    def __init__(self, share: float = 1.0) -> None:
        self.exporter = InMemorySpanExporter()
        self.tracing = OpenTelemetry(SimpleSpanProcessor(self.exporter), share)
        metrics = Metrics()
        self.entrance = Entrance(CallGate(), metrics, log=CallLog(metrics), tracing=self.tracing)

    def call(self, metadata: Mapping[str, str] | None = None, request_id: str = "id") -> Arrival:
        return Arrival(Protocol.GRPC, "Generate", request_id, metadata or {})

    @property
    def spans(self) -> dict[str, list[ReadableSpan]]:
        found: dict[str, list[ReadableSpan]] = {}
        for span in self.exporter.get_finished_spans():
            found.setdefault(span.name, []).append(span)
        return found


class EchoPredictor:
    """Answers every row with one token, and keeps the metadata that would travel."""

    def __init__(self) -> None:
        self.metadata: dict[str, str] = {}
        self.failure: Exception | None = None

    async def predict(
        self, target: PredictTarget, inputs: Mapping[str, Array], *, timeout_s: float
    ) -> Mapping[str, Array]:
        with tracing.outgoing("Predict", {"heed.signature": "greedy"}) as metadata:
            self.metadata = dict(metadata)
            await asyncio.sleep(0)
            if self.failure is not None:
                raise self.failure
        rows = len(inputs["lengths"])
        return {
            "tokens": np.ones((rows, 1, 1), np.int32),
            "lengths": np.ones((rows, 1), np.int32),
            "scores": np.zeros((rows, 1), np.float32),
            "token_scores": np.zeros((rows, 1, 1), np.float32),
        }


def row() -> QueuedRow:
    loop = asyncio.get_running_loop()
    inputs = {"tokens": np.ones(3, np.int32), "lengths": np.array(3, np.int32)}
    made = QueuedRow(TARGET, inputs, 3, None, loop.create_future())
    made.arrival = loop.time() - 0.5
    return made


async def answer_one(stage: Stage, predictor: EchoPredictor) -> None:
    """A call with one row."""
    with stage.entrance.admit(stage.call()):
        asked = row()
        await BatchRunner(predictor, 10.0).run([asked])
        await asked.answer


async def test_a_call_goes_on_with_its_callers_trace_and_names_its_stages() -> None:
    stage = Stage()
    with stage.entrance.admit(stage.call(PARENT)) as record:
        with Stopwatch().tokenizing():
            pass
        with Stopwatch().detokenizing():
            pass
    (call,) = stage.spans["Generate"]
    assert record.trace_id == TRACE_ID == f"{call.context.trace_id:032x}"
    assert call.attributes["heed.request_id"] == "id"
    for name in ("tokenize", "detokenize"):
        (span,) = stage.spans[name]
        assert span.parent.span_id == call.context.span_id


async def test_a_batch_is_linked_with_the_call_of_every_row() -> None:
    stage, predictor = Stage(), EchoPredictor()
    rows = []
    for name in ("first", "second"):
        with stage.entrance.admit(stage.call(request_id=name)):
            rows += [row(), row()]
    await asyncio.create_task(BatchRunner(predictor, 10.0).run(rows))
    calls = stage.spans["Generate"]
    (batch,) = stage.spans["batch"]
    assert {link.context.span_id for link in batch.links} == {
        call.context.span_id for call in calls
    }
    assert batch.parent is None
    assert batch.attributes["heed.rows"] == 4
    for name in ("queue", "model"):
        spans = stage.spans[name]
        assert {span.parent.span_id for span in spans} == {call.context.span_id for call in calls}
        assert all(span.links[0].context.span_id == batch.context.span_id for span in spans)
    waited_s = (stage.spans["queue"][0].end_time - stage.spans["queue"][0].start_time) / 1e9
    assert waited_s == pytest.approx(0.5, abs=0.2)


async def test_the_model_server_gets_the_span_of_its_call() -> None:
    stage, predictor = Stage(), EchoPredictor()
    with stage.entrance.admit(stage.call()):
        await BatchRunner(predictor, 10.0).run([row()])
    (batch,), (predict,) = stage.spans["batch"], stage.spans["Predict"]
    assert predict.parent.span_id == batch.context.span_id
    expected = f"00-{batch.context.trace_id:032x}-{predict.context.span_id:016x}-"
    assert list(predictor.metadata) == ["traceparent"]
    assert predictor.metadata["traceparent"].startswith(expected)


async def test_what_fails_is_marked_without_its_words() -> None:
    stage, predictor = Stage(), EchoPredictor()
    predictor.failure = ModelServerUnreachableError("secret")
    with pytest.raises(ModelServerUnreachableError):
        await answer_one(stage, predictor)
    with pytest.raises(InvalidRequestError), stage.entrance.admit(stage.call()):
        raise InvalidRequestError.of("texts", "secret")
    fault, refusal = stage.spans["Generate"]
    assert fault.status.status_code is StatusCode.ERROR
    assert fault.attributes["error.type"] == "MODEL_SERVER_UNREACHABLE"
    assert refusal.status.status_code is StatusCode.UNSET
    assert refusal.attributes["rpc.grpc.status_code"] == 3
    assert stage.spans["Predict"][0].status.description == "ModelServerUnreachableError"
    assert "secret" not in "".join(span.to_json() for span in stage.exporter.get_finished_spans())


async def test_callers_that_do_not_sample_are_not_traced() -> None:
    stage, predictor = Stage(), EchoPredictor()
    with stage.entrance.admit(stage.call(UNSAMPLED_PARENT)) as record:
        await BatchRunner(predictor, 10.0).run([row()])
    assert stage.spans == {}
    assert predictor.metadata == {}
    assert record.trace_id == ""


async def test_a_share_of_the_calls_is_traced_and_every_traced_call_shows_its_batch() -> None:
    stage, predictor = Stage(share=0.5), EchoPredictor()
    for _ in range(200):
        with stage.entrance.admit(stage.call()):
            await BatchRunner(predictor, 10.0).run([row()])
    count = len(stage.spans["Generate"])
    assert 60 < count < 140
    assert len(stage.spans["batch"]) == count


async def test_a_header_that_is_no_trace_is_ignored() -> None:
    stage = Stage()
    with stage.entrance.admit(stage.call({"traceparent": "00-garbage"})) as record:
        pass
    assert record.trace_id not in ("", TRACE_ID)
    assert len(stage.spans["Generate"]) == 1


def test_nothing_is_traced_unless_it_is_wanted() -> None:
    settings = read_settings(["--model-server=127.0.0.1:1", "--model=m"], {})
    assert make_tracing(settings, {}) is tracing.NO_TRACING
