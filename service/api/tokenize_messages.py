"""Tokenize: its message into a call, its answer into a message. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from heed.v1 import inference_pb2
from service.api.from_messages import read_selector
from service.api.to_messages import write_tokens, write_version
from service.domain.answers import TokenizeAnswer
from service.domain.requests import TextSide, TokenizeCall
from service.errors import InvalidRequestError

_SIDES: Final[Mapping[int, TextSide]] = {
    inference_pb2.TEXT_SIDE_UNSPECIFIED: TextSide.SOURCE,
    inference_pb2.TEXT_SIDE_SOURCE: TextSide.SOURCE,
    inference_pb2.TEXT_SIDE_TARGET: TextSide.TARGET,
}


def read_tokenize(message: inference_pb2.TokenizeRequest) -> TokenizeCall:
    """The call to tokenize.

    Raises:
        InvalidRequestError: The model's name is too long, its version not positive, or the side
            unknown.
    """
    side = _SIDES.get(message.side)
    if side is None:
        names = ", ".join(inference_pb2.TextSide.keys())
        raise InvalidRequestError.of("side", f"must be one of {names}; got {message.side}")
    return TokenizeCall(read_selector(message.model), tuple(message.texts), side)


def write_tokenize(answer: TokenizeAnswer) -> inference_pb2.TokenizeResponse:
    """The answer to TokenizeRequest."""
    return inference_pb2.TokenizeResponse(
        model=write_version(answer.model),
        results=[
            inference_pb2.TokenizedText(
                tokens=write_tokens(result.tokens),
                pieces=result.pieces,
                token_count=len(result.tokens),
                fits=result.fits,
            )
            for result in answer.results
        ],
        max_token_count=answer.max_token_count,
    )
