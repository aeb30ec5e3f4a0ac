"""What the clients have in common: everything but waiting for answers."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import ModuleType
from typing import Any, ClassVar, Self

import grpc

from heed.client.access import Tls
from heed.client.answer_options import AnswerOptions
from heed.client.bulk import BulkSettings
from heed.client.calls import Call, Calls
from heed.client.channel import check_api_key, check_settings, open_channel
from heed.client.many import BulkCall
from heed.client.priority import Priority, priority_of
from heed.client.requests import GenerateOptions
from heed.client.search import BeamSearch, Sampling
from heed.client.status import heed_error
from heed.defaults import DEFAULT_ADDRESS, DEFAULT_TIMEOUT_S
from heed.v1.inference_pb2_grpc import InferenceServiceStub


class BaseClient:
    """The connection to a gateway, and what holds for every call; `Client` documents it."""

    _grpc: ClassVar[ModuleType]
    """Opens channels: `grpc` or `grpc.aio`."""

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        *,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        bulk: BulkSettings | None = None,
        tls: Tls | None = None,
        api_key: str | None = None,
    ) -> None:
        check_settings(address, timeout_s)
        check_api_key(api_key, address, tls)
        self._address = address
        self._timeout_s = timeout_s
        self._bulk = bulk or BulkSettings()
        self._calls = Calls()
        self._channel = open_channel(self._grpc, address, tls=tls, api_key=api_key)
        self._stub = InferenceServiceStub(self._channel)  # type: ignore[no-untyped-call]

    def with_search(self, search: BeamSearch | Sampling | None) -> Self:
        """This client with another way to search for outputs; None: the most probable tokens.

        It shares the connection with this one: closing either closes both.

        Example:
            beam = client.with_search(BeamSearch(4, num_hypotheses=3))
            for hypothesis in beam.generate("attention").hypotheses:
                print(hypothesis.score, hypothesis.text)
        """
        return self._with_calls(replace(self._calls, search=search))

    def with_answers(self, answers: AnswerOptions | None) -> Self:
        """This client with more told in its answers, or less sent; None: as ever.

        It shares the connection with this one: closing either closes both.

        Example:
            aligning = client.with_answers(AnswerOptions(alignments=True))
            print(aligning.generate("attention").alignment.pharaoh())
        """
        return self._with_calls(replace(self._calls, answers=answers))

    def with_priority(self, priority: Priority | str) -> Self:
        """This client with another priority for every call: "interactive" or "bulk".

        Unless told otherwise `generate_many` is bulk work and every other call is interactive.
        It shares the connection with this one: closing either closes both.

        Raises:
            ValueError: There is no such priority.
        """
        return self._with_calls(replace(self._calls, priority=priority_of(priority)))

    def _with_calls(self, calls: Calls) -> Self:
        other = copy.copy(self)
        other._calls = calls
        return other

    def _begin(self, call: Call[Any]) -> Any:
        """Makes a call: its response, to be awaited with `grpc.aio`, or its stream."""
        return getattr(self._stub, call.method)(call.request, timeout=self._timeout_s)

    def _bulk_call(self, options: GenerateOptions) -> BulkCall:
        return BulkCall(
            method=self._stub.GenerateMany,
            config=self._calls.many_config(options),
            address=self._address,
            timeout_s=self._timeout_s,
            settings=self._bulk,
        )

    @contextmanager
    def _heed_errors(self) -> Iterator[None]:
        """Raises a `HeedError` where gRPC raises an error of its own."""
        try:
            yield
        except grpc.RpcError as error:
            raise heed_error(error, address=self._address, timeout_s=self._timeout_s) from error
