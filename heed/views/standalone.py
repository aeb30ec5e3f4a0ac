"""Answers as one HTML file: the attention explorer, with them in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from heed.client.captioned import CaptionResult
from heed.client.classified import ClassifyResult
from heed.client.responses import request_document, response_document
from heed.client.results import GenerateResult, ScoreResult
from heed.page import standalone_page
from heed.views.errors import PlotError

Answer = GenerateResult | ScoreResult | ClassifyResult | CaptionResult


def answers_page(*answers: object) -> str:
    """The attention explorer with an answer in it, or two side by side, as one HTML file.

    It works without a server and loads nothing.

    Args:
        *answers: One or two results of `Client.generate`, `score`, `classify` or `caption`, each
            with its attention.

    Raises:
        PlotError: There are more, or none, or one has no attention.
        TypeError: One is no answer.
    """
    if not 1 <= len(answers) <= 2:
        raise PlotError(f"a page shows one answer, or two side by side, not {len(answers)}")
    for answer in answers:
        if isinstance(answer, Answer) and answer.attention is None:
            raise PlotError("an answer without attention has no page: ask for the attention")
    return standalone_page({"answers": [_saved(answer) for answer in answers]})


def save_page(path: Path, *answers: object) -> None:
    """Writes `answers_page` into a file.

    Raises:
        PlotError: There is nothing to show, or the file cannot be written.
    """
    page = answers_page(*answers)
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise PlotError(f"cannot write {path}: {error.strerror or error}") from error


def _saved(answer: object) -> dict[str, Any]:
    return {"response": response_document(answer), "request": request_document(answer)}
