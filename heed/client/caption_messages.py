"""The messages of Caption."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from heed.client import conversion
from heed.client.captioned import Caption, CaptionResult, ImageAttention, ImageGrid
from heed.client.requests import GenerateOptions, selector, wire_priority
from heed.client.results import FloatArray
from heed.client.weights import read_heads, read_weights
from heed.v1 import inference_pb2

Picture = bytes | str | Path
"""A picture's file: its bytes, or its path."""
Pictures = Picture | list[Picture] | list[bytes] | list[str] | list[Path] | tuple[Picture, ...]


def several_pictures(images: Pictures) -> list[bytes]:
    """The files of one picture or of several.

    Raises:
        OSError: A file cannot be read.
        TypeError: A picture is neither bytes nor a path.
    """
    asked: Iterable[Picture] = [images] if isinstance(images, bytes | str | Path) else images
    return [_content(image) for image in asked]


def _content(image: Picture) -> bytes:
    if isinstance(image, bytes):
        return image
    if isinstance(image, str | Path):
        return Path(image).read_bytes()
    raise TypeError(f"a picture must be bytes or a path, not {type(image).__name__}")


def caption_request(
    contents: Sequence[bytes], options: GenerateOptions
) -> inference_pb2.CaptionRequest:
    """The request to caption pictures. Raises what `options.message` and `selector` do."""
    return inference_pb2.CaptionRequest(
        model=selector(options.model),
        images=[inference_pb2.Image(content=content) for content in contents],
        options=options.message(),
        priority=wire_priority(options.priority),
    )


def caption_results(
    contents: Sequence[bytes], response: inference_pb2.CaptionResponse
) -> list[CaptionResult]:
    """One result per picture, in order."""
    model = conversion.model_version(response.model)
    timings = conversion.timings(response.timings)
    results = []
    for content, result in zip(contents, response.results, strict=True):
        grid = _grid(result.grid)
        captions = tuple(_caption(each, grid, content) for each in result.hypotheses)
        results.append(CaptionResult(captions, grid, model, timings))
    return results


def _grid(message: inference_pb2.ImageGrid) -> ImageGrid:
    return ImageGrid(
        image_width=message.image_width,
        image_height=message.image_height,
        column_count=message.column_count,
        row_count=message.row_count,
        cell_width=message.cell_width,
        cell_height=message.cell_height,
    )


def _caption(message: inference_pb2.Hypothesis, grid: ImageGrid, content: bytes) -> Caption:
    attention = None
    if message.HasField("attention"):
        attention = _attention(message.attention, grid, content)
    return Caption(
        text=message.text,
        score=message.score,
        tokens=conversion.tokens(message.tokens),
        finish_reason=conversion.finish_reason(message),
        attention=attention,
        rank_score=message.rank_score if message.HasField("rank_score") else None,
    )


def _attention(message: inference_pb2.Attention, grid: ImageGrid, content: bytes) -> ImageAttention:
    tokens = conversion.tokens(message.target_tokens)
    form = len(tokens), grid.row_count * grid.column_count
    heads = read_heads(message.heads, form)
    return ImageAttention(
        tokens,
        grid,
        _maps(read_weights(message, form), grid),
        None if heads is None else _maps(heads, grid),
        content,
    )


def _maps(weights: FloatArray, grid: ImageGrid) -> FloatArray:
    """Weights float32 [..., places] as maps [..., rows, columns]."""
    return weights.reshape(*weights.shape[:-1], grid.row_count, grid.column_count)
