"""The client."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Self, overload

import grpc

from heed.client import conversion
from heed.client.access import Tls
from heed.client.answer_options import AnswerOptions
from heed.client.bulk import BulkSettings, Pause
from heed.client.channel import check_api_key, check_settings, open_channel
from heed.client.classify_calls import ClassifyCalls
from heed.client.errors import HeedError
from heed.client.many import BulkCall, answer_in_order
from heed.client.many_messages import config_request
from heed.client.priority import Priority, priority_of
from heed.client.requests import (
    GenerateOptions,
    score_pairs,
    score_request,
    selector,
    tokenize_request,
)
from heed.client.results import (
    AttentionLevel,
    GenerateResult,
    Model,
    ModelVersion,
    ScoreResult,
)
from heed.client.search import BeamSearch, Sampling
from heed.client.status import heed_error
from heed.client.streams import StreamEvent, stream_event, stream_request
from heed.client.tokenized import TextSide, TokenizedText
from heed.defaults import DEFAULT_ADDRESS, DEFAULT_TIMEOUT_S
from heed.v1 import inference_pb2
from heed.v1.inference_pb2_grpc import InferenceServiceStub


class Client(ClassifyCalls):
    """Asks a Heed gateway. Safe to share between threads; `AsyncClient` is the same for asyncio.

    Every method raises a `HeedError` if the call fails, a `TypeError` for an argument of the wrong
    type and a `ValueError` for an attention level that does not exist.

    Args:
        address: Where the gateway listens, HOST:PORT.
        timeout_s: How long one call may take, in seconds.
        bulk: How much of the work of `generate_many` is under way at once.
        tls: Encrypts the connection, and checks the gateway's certificate; None: neither.
        api_key: Sent with every call, over TLS or to this machine alone.

    Raises:
        ValueError: The address is empty, the time is not above 0, or the key cannot be sent.
        OSError: A file of `tls` cannot be read.

    Example:
        from heed import Client

        with Client() as client:
            answer = client.generate("attention", attention="pieces")
            print(answer.text)
            print(answer.attention)
    """

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
        self._search: BeamSearch | Sampling | None = None
        self._priority: Priority | None = None
        self._answers: AnswerOptions | None = None
        self._channel = open_channel(address, tls, api_key)
        self._stub = InferenceServiceStub(self._channel)  # type: ignore[no-untyped-call]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None or issubclass(kind, Exception):
            self.close()
            return
        # Ctrl-C may have cut gRPC off between making a call and counting it; `close` would then
        # wait for that call for ever.
        threading.Thread(target=self.close, name="close channel", daemon=True).start()

    def close(self) -> None:
        """Ends the connection and every call under way. Closing again does nothing."""
        self._channel.close()

    def with_search(self, search: BeamSearch | Sampling | None) -> Self:
        """This client with another way to search for outputs; None: the most probable tokens.

        It shares the connection with this one: closing either closes both.

        Example:
            beam = client.with_search(BeamSearch(4, num_hypotheses=3))
            for hypothesis in beam.generate("attention").hypotheses:
                print(hypothesis.score, hypothesis.text)
        """
        other = copy.copy(self)
        other._search = search
        return other

    def with_answers(self, answers: AnswerOptions | None) -> Self:
        """This client with more told in its answers, or less sent; None: as ever.

        It shares the connection with this one: closing either closes both.

        Example:
            aligning = client.with_answers(AnswerOptions(alignments=True))
            print(aligning.generate("attention").alignment.pharaoh())
        """
        other = copy.copy(self)
        other._answers = answers
        return other

    def with_priority(self, priority: Priority | str) -> Self:
        """This client with another priority for every call: "interactive" or "bulk".

        Unless told otherwise `generate_many` is bulk work and every other call is interactive.
        It shares the connection with this one: closing either closes both.

        Raises:
            ValueError: There is no such priority.
        """
        other = copy.copy(self)
        other._priority = priority_of(priority)
        return other

    @overload
    def generate(
        self,
        texts: str,
        *,
        model: str | ModelVersion = "",
        attention: AttentionLevel | str = AttentionLevel.NONE,
        max_length: int | None = None,
        min_length: int | None = None,
        prefix: str = "",
    ) -> GenerateResult: ...

    @overload
    def generate(
        self,
        texts: list[str] | tuple[str, ...],
        *,
        model: str | ModelVersion = "",
        attention: AttentionLevel | str = AttentionLevel.NONE,
        max_length: int | None = None,
        min_length: int | None = None,
        prefix: str = "",
    ) -> list[GenerateResult]: ...

    def generate(
        self,
        texts: str | list[str] | tuple[str, ...],
        *,
        model: str | ModelVersion = "",
        attention: AttentionLevel | str = AttentionLevel.NONE,
        max_length: int | None = None,
        min_length: int | None = None,
        prefix: str = "",
    ) -> GenerateResult | list[GenerateResult]:
        """Answers a text, or several in one call. For more than a few hundred: `generate_many`.

        Args:
            texts: One text, or several.
            model: The model's name, or a `ModelVersion` to name its version too. Empty: the only
                model of the gateway, and its newest version.
            attention: "none", "pieces" (averaged weights), "words" (the same between words) or
                "heads" (every layer and head too).
            max_length: The most tokens generated, the end token counted; the model's longest
                output unless given.
            min_length: The fewest tokens generated before the output may end; 0 unless given.
            prefix: Text that every output begins with.

        Returns:
            One result for one text; a list, in order, for several.
        """
        priority = self._priority or Priority.INTERACTIVE
        options = GenerateOptions(
            model,
            attention,
            max_length,
            min_length,
            prefix,
            search=self._search,
            priority=priority,
            answers=self._answers,
        )
        asked = (texts,) if isinstance(texts, str) else tuple(texts)
        response = self._call(self._stub.Generate, options.request(asked))
        results = conversion.generate_results(asked, response)
        return results[0] if isinstance(texts, str) else results

    def stream_generate(  # noqa: PLR0913  (the arguments of `generate`, and two of its own)
        self,
        text: str,
        *,
        split_sentences: bool = False,
        chunk_tokens: int | None = None,
        model: str | ModelVersion = "",
        attention: AttentionLevel | str = AttentionLevel.NONE,
        max_length: int | None = None,
        min_length: int | None = None,
        prefix: str = "",
    ) -> Iterator[StreamEvent]:
        """Answers a text and tells of the output while it grows; the other arguments as above.

        The time allowed is that of the whole stream. Closing the iterator ends the call.

        Args:
            text: The text; a long one needs `split_sentences`.
            split_sentences: Whether the text is split into sentences, each answered on its own.
            chunk_tokens: How many tokens the first partial output has; each further one has twice
                as many. 8 unless given.
            model: As in `generate`.
            attention: As in `generate`; final results hold it.
            max_length: As in `generate`, for each sentence.
            min_length: As in `generate`, for each sentence.
            prefix: As in `generate`, for each sentence.

        Returns:
            An iterator of `PartialResult` and `FinalResult`. The last event of every segment is
            its `FinalResult`; segments come in order. A beam search has no partial results.

        Example:
            for event in client.stream_generate("attention", chunk_tokens=2):
                print(event.segment.index, event.text)
        """
        options = GenerateOptions(
            model,
            attention,
            max_length,
            min_length,
            prefix,
            search=self._search,
            priority=self._priority or Priority.INTERACTIVE,
            answers=self._answers,
        )
        request = stream_request(
            text, options, split_sentences=split_sentences, chunk_tokens=chunk_tokens
        )
        return self._stream_generate(text, request)

    def generate_many(
        self,
        texts: Iterable[str | Pause],
        *,
        model: str | ModelVersion = "",
        attention: AttentionLevel | str = AttentionLevel.NONE,
        max_length: int | None = None,
        min_length: int | None = None,
        prefix: str = "",
    ) -> Iterator[GenerateResult]:
        """Answers any number of texts, in order, in bounded memory; the other arguments as above.

        A bounded number of texts is under way at once, `texts` is read only as far as that, and a
        restarting gateway is asked again for up to `timeout_s`, which is also how long the next
        answer may take. If a text is at fault, the answers before it come first, then the error
        with its `text_index`. Interactive calls go before these unless `with_priority` says
        otherwise.

        Where texts trickle in, `texts` may yield `heed.client.PAUSE` before it waits for the next
        one: then everything so far is answered first.
        """
        priority = self._priority or Priority.BULK
        options = GenerateOptions(
            model,
            attention,
            max_length,
            min_length,
            prefix,
            search=self._search,
            priority=priority,
            answers=self._answers,
        )
        call = BulkCall(
            method=self._stub.GenerateMany,
            config=config_request(options),
            address=self._address,
            timeout_s=self._timeout_s,
            settings=self._bulk,
        )
        return answer_in_order(call, texts)

    @overload
    def score(
        self,
        source: str,
        target: str,
        *,
        model: str | ModelVersion = "",
        attention: AttentionLevel | str = AttentionLevel.NONE,
    ) -> ScoreResult: ...

    @overload
    def score(
        self,
        source: list[str] | tuple[str, ...],
        target: list[str] | tuple[str, ...],
        *,
        model: str | ModelVersion = "",
        attention: AttentionLevel | str = AttentionLevel.NONE,
    ) -> list[ScoreResult]: ...

    def score(
        self,
        source: str | list[str] | tuple[str, ...],
        target: str | list[str] | tuple[str, ...],
        *,
        model: str | ModelVersion = "",
        attention: AttentionLevel | str = AttentionLevel.NONE,
    ) -> ScoreResult | list[ScoreResult]:
        """Scores a target text given its source, or several of both in one call.

        Args:
            source: One source text, or several.
            target: The target text, or as many as there are sources.
            model: As in `generate`.
            attention: As in `generate`.

        Raises:
            ValueError: There are more sources than targets, or fewer.
        """
        pairs = score_pairs(source, target)
        priority = self._priority or Priority.INTERACTIVE
        request = score_request(
            pairs, model=model, attention=attention, priority=priority, answers=self._answers
        )
        response = self._call(self._stub.Score, request)
        results = conversion.score_results([text for text, _ in pairs], response)
        return results[0] if isinstance(source, str) else results

    @overload
    def tokenize(
        self,
        texts: str,
        *,
        model: str | ModelVersion = "",
        side: TextSide | str = TextSide.SOURCE,
    ) -> TokenizedText: ...

    @overload
    def tokenize(
        self,
        texts: list[str] | tuple[str, ...],
        *,
        model: str | ModelVersion = "",
        side: TextSide | str = TextSide.SOURCE,
    ) -> list[TokenizedText]: ...

    def tokenize(
        self,
        texts: str | list[str] | tuple[str, ...],
        *,
        model: str | ModelVersion = "",
        side: TextSide | str = TextSide.SOURCE,
    ) -> TokenizedText | list[TokenizedText]:
        """Splits a text into the tokens of a model, or several; asks nothing of the model itself.

        Args:
            texts: One text, or several; they may be empty, or longer than the model takes.
            model: As in `generate`.
            side: "source" for what goes into the model, "target" for what comes out.

        Returns:
            One result for one text; a list, in order, for several.

        Raises:
            ValueError: There is no such side.
        """
        asked = (texts,) if isinstance(texts, str) else tuple(texts)
        request = tokenize_request(asked, model=model, side=side)
        response = self._call(self._stub.Tokenize, request)
        results = conversion.tokenized_texts(asked, response)
        return results[0] if isinstance(texts, str) else results

    def models(self) -> list[Model]:
        """The models that the gateway serves, ordered by name."""
        response = self._call(self._stub.ListModels, inference_pb2.ListModelsRequest())
        return [conversion.model(message) for message in response.models]

    def model(self, name: str | ModelVersion = "") -> Model:
        """One model: by name, by name and version, or the gateway's only one."""
        request = inference_pb2.GetModelRequest(model=selector(name))
        return conversion.model(self._call(self._stub.GetModel, request).model)

    def _stream_generate(
        self, text: str, request: inference_pb2.StreamGenerateRequest
    ) -> Iterator[StreamEvent]:
        call = self._stub.StreamGenerate(request, timeout=self._timeout_s)
        try:
            for message in call:
                yield stream_event(text, message)
        except grpc.RpcError as error:
            raise self._heed_error(error) from error
        finally:
            call.cancel()

    def _call(self, method: Any, request: object) -> Any:
        try:
            return method(request, timeout=self._timeout_s)
        except grpc.RpcError as error:
            raise self._heed_error(error) from error

    def _heed_error(self, error: grpc.RpcError) -> HeedError:
        return heed_error(error, address=self._address, timeout_s=self._timeout_s)
