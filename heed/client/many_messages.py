"""The messages of GenerateMany."""

from __future__ import annotations

from dataclasses import replace

from heed.client import conversion
from heed.client.errors import FieldViolation, HeedError
from heed.client.requests import GenerateOptions
from heed.client.results import GenerateResult
from heed.client.status import text_error
from heed.v1 import inference_pb2

_CONFIG: str = "config."


def config_request(options: GenerateOptions) -> inference_pb2.GenerateManyRequest:
    """The first message of a stream. Raises what `GenerateOptions.request` does."""
    whole = options.request(())
    config = inference_pb2.GenerateManyConfig(
        model=whole.model, options=whole.options, priority=whole.priority
    )
    return inference_pb2.GenerateManyRequest(config=config)


def text_request(index: int, text: str) -> inference_pb2.GenerateManyRequest:
    """The message that brings a text; its place in the work is its id."""
    return inference_pb2.GenerateManyRequest(
        input=inference_pb2.GenerateManyInput(id=str(index), text=text)
    )


def outcome_of(
    text: str, message: inference_pb2.GenerateManyResponse
) -> GenerateResult | HeedError:
    """What became of a text."""
    if message.WhichOneof("outcome") == "error":
        return without_config(text_error(message.error))
    response = inference_pb2.GenerateResponse(
        model=message.model, results=[message.result], timings=message.timings
    )
    (result,) = conversion.generate_results([text], response)
    return result


def without_config(error: HeedError) -> HeedError:
    """The error with its fields as every other call names them."""
    if not error.field_violations:
        return error
    violations = tuple(
        FieldViolation(violation.field.removeprefix(_CONFIG), violation.description)
        for violation in error.field_violations
    )
    details = replace(error.details, field_violations=violations)
    return type(error)(str(error).replace(_CONFIG, ""), details, text_index=error.text_index)
