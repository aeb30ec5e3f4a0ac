"""Values and a small gateway for tests of the client and its pictures."""

from __future__ import annotations

import concurrent.futures
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import grpc
import numpy as np
from google.protobuf import any_pb2, duration_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from heed.client import Attention, Token, TokenKind
from heed.text.sentences import TextSpan, split_sentences
from heed.v1 import inference_pb2, inference_pb2_grpc, model_pb2

STATUS_KEY = "grpc-status-details-bin"
Generate = Callable[
    [inference_pb2.GenerateRequest, grpc.ServicerContext], inference_pb2.GenerateResponse
]


def make_tokens(*texts: str, with_end: bool = False) -> tuple[Token, ...]:
    """Tokens with these texts, side by side, and the end token if wanted."""
    tokens, begin = [], 0
    for index, text in enumerate(texts):
        tokens.append(Token(index + 4, text, begin, begin + len(text)))
        begin += len(text)
    if with_end:
        tokens.append(Token(3, "", begin, begin, TokenKind.END))
    return tuple(tokens)


def make_attention(rows: list[str], columns: list[str], weights: object) -> Attention:
    """Attention with these labels and weights [T, S]."""
    return Attention(make_tokens(*rows), make_tokens(*columns), np.array(weights, np.float32))


def upper_case(request: inference_pb2.GenerateRequest) -> inference_pb2.GenerateResponse:
    """Answers every text in capitals, with attention on the letter above, if it is asked for."""
    response = inference_pb2.GenerateResponse(
        model=model_pb2.ModelVersion(name=request.model.name or "upper", version=7)
    )
    wants_attention = request.options.attention > inference_pb2.ATTENTION_LEVEL_NONE
    for text in request.texts:
        result = response.results.add()
        result.source_tokens.extend(_wire_tokens(text))
        hypothesis = result.hypotheses.add(
            text=text.upper(), score=-0.5, finish_reason=inference_pb2.FINISH_REASON_END
        )
        hypothesis.tokens.extend(_wire_tokens(text.upper(), score=-0.5 / max(1, len(text))))
        if wants_attention:
            _add_attention(hypothesis, result, request.options.attention)
        if request.options.HasField("alignment"):
            _add_alignment(hypothesis.alignment, text)
    response.timings.total_duration.FromMilliseconds(20)
    return response


def _wire_tokens(text: str, score: float | None = None) -> list[inference_pb2.Token]:
    return [
        inference_pb2.Token(
            id=4 + index,
            text=letter,
            begin_offset=index,
            end_offset=index + 1,
            kind=inference_pb2.TOKEN_KIND_TEXT,
            score=score,
        )
        for index, letter in enumerate(text)
    ]


def _add_attention(
    hypothesis: inference_pb2.Hypothesis,
    result: inference_pb2.GenerateResult,
    level: inference_pb2.AttentionLevel,
) -> None:
    weights = np.eye(len(hypothesis.tokens), len(result.source_tokens)).ravel().tolist()
    hypothesis.attention.target_tokens.extend(hypothesis.tokens)
    hypothesis.attention.source_tokens.extend(result.source_tokens)
    hypothesis.attention.weights.extend(weights)
    if level == inference_pb2.ATTENTION_LEVEL_HEADS:
        for layer_index, head_index in ((0, 0), (0, 1), (1, 0)):
            hypothesis.attention.heads.add(
                layer_index=layer_index, head_index=head_index, weights=weights
            )


def _add_alignment(alignment: inference_pb2.Alignment, text: str) -> None:
    """Every word comes from the word in its place."""
    for place, word in enumerate(re.finditer(r"\S+", text)):
        for words in (alignment.source_words, alignment.target_words):
            words.add(begin_offset=word.start(), end_offset=word.end())
        alignment.pairs.add(source_index=place, target_index=place, weight=0.75)


def abort(
    context: grpc.ServicerContext,
    code: grpc.StatusCode,
    message: str,
    *,
    reason: str = "",
    fields: dict[str, str] | None = None,
    retry_delay_s: float | None = None,
) -> None:
    """Ends a call as the gateway does: with rich details."""
    details = [error_details_pb2.ErrorInfo(reason=reason, domain="heed", metadata={"limit": "1"})]
    if fields:
        bad_request = error_details_pb2.BadRequest()
        for field, description in fields.items():
            bad_request.field_violations.add(field=field, description=description)
        details.append(bad_request)
    if retry_delay_s is not None:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(round(1000 * retry_delay_s))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    packed = []
    for detail in details:
        packed.append(any_pb2.Any())
        packed[-1].Pack(detail)
    status = status_pb2.Status(code=code_pb2.Code.Value(code.name), message=message, details=packed)
    context.abort_with_status(rpc_status.to_status(status))


class _BadText(Exception):  # noqa: N818
    """Ends the answer to one text of many."""

    def __init__(self, error: inference_pb2.TextError) -> None:
        super().__init__(error)
        self.error = error


class _TextContext:
    """Lets a text of many fail by itself where it breaks a rule, and the stream in other cases."""

    def __init__(self, context: grpc.ServicerContext) -> None:
        self._context = context

    def abort_with_status(self, status: grpc.Status) -> None:
        details = status_pb2.Status.FromString(dict(status.trailing_metadata)[STATUS_KEY])
        error = inference_pb2.TextError(code=details.code, message=details.message)
        bad_request = error_details_pb2.BadRequest()
        for detail in details.details:
            if detail.Unpack(bad_request):
                for violation in bad_request.field_violations:
                    path = violation.field.replace("texts[0]", "input.text")
                    error.field_violations.add(field=path, description=violation.description)
        if error.field_violations:
            raise _BadText(error)
        self._context.abort_with_status(status)


class SmallGateway(inference_pb2_grpc.InferenceServiceServicer):
    """Serves `generate`, a fixed model, and scores that are minus the target's length."""

    def __init__(self, generate: Generate) -> None:
        self._generate = generate
        self.requests: list[inference_pb2.GenerateRequest] = []
        self.tokenize_requests: list[inference_pb2.TokenizeRequest] = []

    def Generate(self, request, context):  # noqa: N802
        self.requests.append(request)
        return self._generate(request, context)

    def StreamGenerate(self, request, context):  # noqa: N802
        """Every sentence: its first half, if it has two letters, then all of it."""
        spans = [TextSpan(0, len(request.text))]
        if request.split_sentences:
            spans = split_sentences(request.text)
        for index, span in enumerate(spans):
            place = {
                "segment_index": index,
                "segment_count": len(spans),
                "begin_offset": span.begin,
                "end_offset": span.end,
            }
            one = inference_pb2.GenerateRequest(
                model=request.model,
                texts=[span.of(request.text)],
                options=request.options,
                priority=request.priority,
            )
            self.requests.append(one)
            answer = self._generate(one, context)
            (result,) = answer.results
            whole = result.hypotheses[0]
            if half := len(whole.text) // 2:
                partial = inference_pb2.PartialHypothesis(
                    text=whole.text[:half], tokens=whole.tokens[:half], stable_end_offset=half
                )
                yield inference_pb2.StreamGenerateResponse(
                    model=answer.model, partial=partial, **place
                )
            yield inference_pb2.StreamGenerateResponse(
                model=answer.model, result=result, timings=answer.timings, **place
            )

    def GenerateMany(self, requests, context):  # noqa: N802
        """Each text by itself, as it comes; what is wrong with a text is its own error."""
        config = next(requests).config
        context.send_initial_metadata(())
        for request in requests:
            one = inference_pb2.GenerateRequest(
                model=config.model,
                texts=[request.input.text],
                options=config.options,
                priority=config.priority,
            )
            self.requests.append(one)
            try:
                answer = self._generate(one, _TextContext(context))
            except _BadText as bad:
                yield inference_pb2.GenerateManyResponse(id=request.input.id, error=bad.error)
                continue
            yield inference_pb2.GenerateManyResponse(
                id=request.input.id,
                result=answer.results[0],
                model=answer.model,
                timings=answer.timings,
            )

    def Score(self, request, context):  # noqa: N802
        response = inference_pb2.ScoreResponse(
            model=model_pb2.ModelVersion(name="upper", version=7)
        )
        for pair in request.pairs:
            result = response.results.add()
            result.source_tokens.extend(_wire_tokens(pair.source_text))
            result.target.text = pair.target_text
            result.target.score = -len(pair.target_text)
            result.target.tokens.extend(_wire_tokens(pair.target_text, score=-1))
        return response

    def Tokenize(self, request, context):  # noqa: N802
        response = inference_pb2.TokenizeResponse(
            model=model_pb2.ModelVersion(name="upper", version=7), max_token_count=9
        )
        self.tokenize_requests.append(request)
        for text in request.texts:
            response.results.add(
                tokens=_wire_tokens(text),
                pieces=list(text),
                token_count=len(text),
                fits=1 <= len(text) <= 9,
            )
        return response

    def ListModels(self, request, context):  # noqa: N802
        return inference_pb2.ListModelsResponse(models=[self._model()])

    def GetModel(self, request, context):  # noqa: N802
        if request.model.name not in ("", "upper"):
            message = f"there is no model '{request.model.name}'; there are: upper"
            abort(context, grpc.StatusCode.NOT_FOUND, message, reason="UNKNOWN_MODEL")
        return inference_pb2.GetModelResponse(model=self._model())

    def _model(self) -> model_pb2.Model:
        return model_pb2.Model(
            name="upper",
            version=7,
            ready_versions=[7, 6],
            ready=True,
            task="pronounce",
            max_source_tokens=60,
            max_target_tokens=61,
            attention=[
                model_pb2.AttentionKind(
                    name="bahdanau", layer_index=0, head_count=1, normalized=True
                )
            ],
            attention_average="the only layer",
            signatures=["greedy", "score"],
            precision="float32",
            card=model_pb2.ModelCard(
                description="Writes in capitals.", metrics={"dev.word_accuracy": 0.68}
            ),
        )


@contextmanager
def serving(
    generate: Generate | None = None, *, port: int = 0
) -> Iterator[tuple[str, SmallGateway]]:
    """Runs a small gateway; yields its address and the gateway itself."""
    gateway = SmallGateway(generate or (lambda request, context: upper_case(request)))
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(8))
    inference_pb2_grpc.add_InferenceServiceServicer_to_server(gateway, server)
    bound_port = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    try:
        yield f"127.0.0.1:{bound_port}", gateway
    finally:
        server.stop(grace=None).wait()
