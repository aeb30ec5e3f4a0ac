"""The client."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self, overload

import grpc

from heed.client.base_client import BaseClient
from heed.client.bulk import Pause
from heed.client.calls import Answer, Call
from heed.client.caption_messages import Picture, Pictures
from heed.client.captioned import CaptionResult
from heed.client.classified import ClassifyResult
from heed.client.many import answer_in_order
from heed.client.requests import GenerateOptions
from heed.client.results import AttentionLevel, GenerateResult, Model, ModelVersion, ScoreResult
from heed.client.streams import StreamEvent
from heed.client.tokenized import TextSide, TokenizedText


class Client(BaseClient):
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

    _grpc: ClassVar = grpc

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
        options = GenerateOptions(model, attention, max_length, min_length, prefix)
        return self._answer(self._calls.generate(texts, options))

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
        options = GenerateOptions(model, attention, max_length, min_length, prefix)
        call = self._calls.stream_generate(
            text, options, split_sentences=split_sentences, chunk_tokens=chunk_tokens
        )
        return self._stream(call)

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
        options = GenerateOptions(model, attention, max_length, min_length, prefix)
        return answer_in_order(self._bulk_call(options), texts)

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
        call = self._calls.score(source, target, model=model, attention=attention)
        return self._answer(call)

    @overload
    def classify(
        self,
        texts: str,
        *,
        model: str | ModelVersion = "",
        attention: AttentionLevel | str = AttentionLevel.NONE,
        max_labels: int | None = None,
    ) -> ClassifyResult: ...

    @overload
    def classify(
        self,
        texts: list[str] | tuple[str, ...],
        *,
        model: str | ModelVersion = "",
        attention: AttentionLevel | str = AttentionLevel.NONE,
        max_labels: int | None = None,
    ) -> list[ClassifyResult]: ...

    def classify(
        self,
        texts: str | list[str] | tuple[str, ...],
        *,
        model: str | ModelVersion = "",
        attention: AttentionLevel | str = AttentionLevel.NONE,
        max_labels: int | None = None,
    ) -> ClassifyResult | list[ClassifyResult]:
        """Gives a text its labels, each with its probability; or several texts in one call.

        Args:
            texts: One text, or several; at most 256 unless the gateway is configured otherwise.
            model: As in `generate`.
            attention: "none", "words", "pieces" (the tokens of the model) or "heads" (pieces, and
                every hop of the attention too).
            max_labels: The most labels of a text, most probable first; all unless given.

        Returns:
            One result for one text; a list, in order, for several.
        """
        call = self._calls.classify(texts, model=model, attention=attention, max_labels=max_labels)
        return self._answer(call)

    @overload
    def caption(
        self,
        images: Picture,
        *,
        model: str | ModelVersion = "",
        attention: AttentionLevel | str = AttentionLevel.NONE,
        max_length: int | None = None,
        min_length: int | None = None,
        prefix: str = "",
    ) -> CaptionResult: ...

    @overload
    def caption(
        self,
        images: list[bytes] | list[str] | list[Path] | list[Picture] | tuple[Picture, ...],
        *,
        model: str | ModelVersion = "",
        attention: AttentionLevel | str = AttentionLevel.NONE,
        max_length: int | None = None,
        min_length: int | None = None,
        prefix: str = "",
    ) -> list[CaptionResult]: ...

    def caption(
        self,
        images: Pictures,
        *,
        model: str | ModelVersion = "",
        attention: AttentionLevel | str = AttentionLevel.NONE,
        max_length: int | None = None,
        min_length: int | None = None,
        prefix: str = "",
    ) -> CaptionResult | list[CaptionResult]:
        """Writes a text for a picture: what is to be read in it, or what it shows.

        Args:
            images: One picture, or several; each the bytes of a PNG or JPEG file, or its path.
            model: As in `generate`.
            attention: "none", "pieces" (a map for every token), "words" (a map for every word) or
                "heads" (pieces, and every decoder layer and head too).
            max_length: As in `generate`.
            min_length: As in `generate`.
            prefix: As in `generate`.

        Returns:
            One result for one picture; a list, in order, for several.

        Raises:
            OSError: A file cannot be read.
        """
        options = GenerateOptions(
            model=model,
            attention=attention,
            max_length=max_length,
            min_length=min_length,
            prefix=prefix,
        )
        return self._answer(self._calls.caption(images, options))

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
        return self._answer(self._calls.tokenize(texts, model=model, side=side))

    def models(self) -> list[Model]:
        """The models that the gateway serves, ordered by name."""
        return self._answer(self._calls.models())

    def model(self, name: str | ModelVersion = "") -> Model:
        """One model: by name, by name and version, or the gateway's only one."""
        return self._answer(self._calls.model(name))

    def _answer(self, call: Call[Answer]) -> Answer:
        with self._heed_errors():
            return call.read(self._begin(call))

    def _stream(self, call: Call[Answer]) -> Iterator[Answer]:
        stream = self._begin(call)
        try:
            with self._heed_errors():
                for message in stream:
                    yield call.read(message)
        finally:
            stream.cancel()
