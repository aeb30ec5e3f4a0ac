"""The calls that are made, and what comes back; works in any thread or greenlet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Final

import grpc
from google.rpc import code_pb2

from heed.client import HeedError, Tls
from heed.client.channel import open_channel
from heed.client.status import heed_error
from heed.v1 import inference_pb2, inference_pb2_grpc
from loadtest.kinds import AskKind
from loadtest.samples import OK

STAGES: Final = ("tokenize", "queue", "model", "heads", "detokenize", "attention")
"""The stages that the gateway tells of, in the order of a call."""

Answered = tuple[Any, int]


@dataclass(frozen=True)
class Outcome:
    """What came of a call.

    Attributes:
        code: The gRPC status code's name.
        reason: Why it failed; empty if it did not.
        error: The failure itself.
        byte_count: Size of the answer.
        stages: Seconds by stage.
        first_at_s: When the first part of a stream came, by `perf_counter`.
    """

    code: str = OK
    reason: str = ""
    error: Exception | None = None
    byte_count: int = 0
    stages: Mapping[str, float] = field(default_factory=dict)
    first_at_s: float | None = None


@dataclass(frozen=True)
class AskOptions:
    """How it is asked.

    Attributes:
        model: The model's name; empty: the gateway's only one.
        attention_level: Of `AskKind.ATTENTION`: "pieces", "words" or "heads".
        beam_width: Of `AskKind.BEAM`, 1 or more.
        timeout_s: How long a call may take, in seconds.
    """

    model: str = ""
    attention_level: str = "pieces"
    beam_width: int = 4
    timeout_s: float = 30.0


class Asker:
    """Asks a gateway.

    Args:
        address: Where it listens, HOST:PORT.
        options: How it is asked.
        tls: Encrypts the connection, if given.
        api_key: Sent with every call, if given.
    """

    def __init__(
        self,
        address: str,
        options: AskOptions,
        *,
        tls: Tls | None = None,
        api_key: str | None = None,
    ) -> None:
        self._address = address
        self._options = options
        self._channel = open_channel(grpc, address, tls=tls, api_key=api_key)
        self._stub = inference_pb2_grpc.InferenceServiceStub(self._channel)  # type: ignore[no-untyped-call]
        self._model = inference_pb2.ModelSelector(name=options.model)
        self._ways: dict[AskKind, Callable[[Sequence[str]], Outcome]] = {
            AskKind.STREAM: self._stream,
            AskKind.BULK: self._bulk,
        }
        self._generate_options = {
            AskKind.PLAIN: inference_pb2.GenerateOptions(),
            AskKind.ATTENTION: inference_pb2.GenerateOptions(
                attention=f"ATTENTION_LEVEL_{options.attention_level.upper()}"
            ),
            AskKind.BEAM: inference_pb2.GenerateOptions(beam_width=options.beam_width),
        }

    def close(self) -> None:
        """Ends the connection."""
        self._channel.close()

    def ask(self, kind: AskKind, texts: Sequence[str]) -> Outcome:
        """Makes a call and waits for its end; a failure is an outcome too.

        Args:
            kind: Which call.
            texts: One text; for `AskKind.BULK` one or more.
        """
        try:
            if kind in self._ways:
                return self._ways[kind](texts)
            return self._generate(self._generate_options[kind], texts)
        except grpc.RpcError as error:
            return self._failed(error)

    def _generate(self, options: inference_pb2.GenerateOptions, texts: Sequence[str]) -> Outcome:
        request = inference_pb2.GenerateRequest(model=self._model, texts=texts, options=options)
        response = self._stub.Generate(request, timeout=self._options.timeout_s)
        return Outcome(byte_count=response.ByteSize(), stages=_stages(response.timings))

    def _stream(self, texts: Sequence[str]) -> Outcome:
        request = inference_pb2.StreamGenerateRequest(model=self._model, text=texts[0])
        first_at_s, size, stages = None, 0, {}
        for message in self._stub.StreamGenerate(request, timeout=self._options.timeout_s):
            first_at_s = first_at_s or perf_counter()
            size += message.ByteSize()
            if message.HasField("timings"):
                stages = _stages(message.timings)
        return Outcome(byte_count=size, stages=stages, first_at_s=first_at_s)

    def _bulk(self, texts: Sequence[str]) -> Outcome:
        size, first_at_s = 0, None
        answers = self._stub.GenerateMany(
            self._bulk_messages(texts), timeout=self._options.timeout_s
        )
        for message in answers:
            first_at_s = first_at_s or perf_counter()
            size += message.ByteSize()
            if message.HasField("error"):
                code = code_pb2.Code.Name(message.error.code)
                return Outcome(code, message.error.reason, RuntimeError(message.error.message))
        return Outcome(byte_count=size, first_at_s=first_at_s)

    def _bulk_messages(self, texts: Iterable[str]) -> Iterable[inference_pb2.GenerateManyRequest]:
        config = inference_pb2.GenerateManyConfig(model=self._model)
        yield inference_pb2.GenerateManyRequest(config=config)
        for index, text in enumerate(texts):
            given = inference_pb2.GenerateManyInput(id=str(index), text=text)
            yield inference_pb2.GenerateManyRequest(input=given)

    def _failed(self, error: grpc.RpcError) -> Outcome:
        found: HeedError = heed_error(
            error, address=self._address, timeout_s=self._options.timeout_s
        )
        return Outcome(found.code, found.reason, found)


def _stages(timings: inference_pb2.Timings) -> dict[str, float]:
    """Seconds by stage, and "total"."""
    stages = {}
    for name in (*STAGES, "total"):
        duration = getattr(timings, f"{name}_duration")
        stages[name] = duration.seconds + duration.nanos / 1e9
    return stages
