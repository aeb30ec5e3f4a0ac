"""A gateway with the explorer's models, the questions that the API is asked, and what pages show.

from tests.support.explorer import Question, gateway, question

def test_something(browser: Browser, gateway: GatewayProcess, question: Question) -> None: ...
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from playwright.sync_api import Page

from benchmarks.explorer_frames import drawn_second
from tests.support.explorer_models import TRANSFORMER_NAME
from tests.support.gateway import GatewayProcess, running_gateway

TEXT = "attention"
SMOOTH_FPS = 30
LOADING_TIMEOUT_S = 400.0
"""How long a busy machine may take to load and warm up all models, in seconds."""
VIEW = {"text": TEXT, "model": TRANSFORMER_NAME, "unit": "pieces"}


@pytest.fixture(scope="module")
def gateway(explorer_models_dir: Path) -> Iterator[GatewayProcess]:
    flags = ["--models-dir", str(explorer_models_dir), "--http-port=0"]
    with running_gateway(flags, until_ready=False) as one:
        one.wait_until_ready(LOADING_TIMEOUT_S)
        yield one


@pytest.fixture(scope="module")
def api(gateway: GatewayProcess) -> Iterator[httpx.Client]:
    """The API that the page's numbers are held against."""
    with httpx.Client(base_url=gateway.url, timeout=60) as client:
        yield client


@dataclass(frozen=True)
class Question:
    """A text with a seed by which the random model writes something and ends it.

    Attributes:
        api: Answers it.
        seed: The seed.
    """

    api: httpx.Client
    seed: int

    @property
    def view(self) -> dict[str, str]:
        """What a link to it holds."""
        return {**VIEW, "search": "sample", "seed": str(self.seed)}

    def generated(self, level: str = "PIECES", **options: Any) -> dict[str, Any]:
        """What the API answers: the only result."""
        sampling = {} if "beamWidth" in options else {"sampling": {"seed": self.seed}}
        body = {
            "model": {"name": TRANSFORMER_NAME},
            "texts": [TEXT],
            "options": {"attention": f"ATTENTION_LEVEL_{level}", **sampling, **options},
        }
        return self.only_result("/v1/generate", body)

    def classified(self, model: str, text: str, level: str) -> dict[str, Any]:
        """What the API answers to a text for a classifier: the only result."""
        body = {
            "model": {"name": model},
            "texts": [text],
            "options": {"attention": f"ATTENTION_LEVEL_{level}"},
        }
        return self.only_result("/v1/classify", body)

    def only_result(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The one result of a call."""
        response = self.api.post(path, json=body).raise_for_status()
        (result,) = response.json()["results"]
        assert isinstance(result, dict)
        return result


@pytest.fixture(scope="module")
def question(api: httpx.Client) -> Question:
    for seed in range(200):
        question = Question(api, seed)
        hypothesis = question.generated("NONE")["hypotheses"][0]
        ends = hypothesis["finishReason"] == "FINISH_REASON_END"
        if ends and 5 <= len(hypothesis["tokens"]) <= 10 and "⁇" not in hypothesis["text"]:
            return question
    raise AssertionError("no seed lets the model end in time")


def matrix_of(attention: dict[str, Any], weights: list[float] | None = None) -> Any:
    """Weights with a row for each target token: the average, or those given."""
    shape = (len(attention["targetTokens"]), len(attention["sourceTokens"]))
    return np.reshape(attention["weights"] if weights is None else weights, shape)


def painted_pixels(page: Page, selector: str) -> int:
    """How many pixels of a canvas are painted."""
    count = page.locator(selector).first.evaluate(
        """canvas => {
            const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            return data.filter((value, index) => index % 4 === 3 && value > 0).length;
        }"""
    )
    assert isinstance(count, int)
    return count


def tints_of_sources(page: Page) -> list[int]:
    """How strongly the background of each source word is painted: the least alpha on its edge."""
    tints = page.evaluate(
        """() => {
            const figure = document.querySelector('[data-part=links]');
            const canvas = figure.querySelectorAll('canvas')[1];
            const own = figure.getBoundingClientRect();
            const context = canvas.getContext('2d');
            return [...figure.querySelectorAll('[data-side=source]')].map(word => {
                const box = word.getBoundingClientRect();
                const [x, y] = [box.x - own.x + 5, box.y - own.y + 3];
                return context.getImageData(x, y, 1, 1).data[3];
            });
        }"""
    )
    assert isinstance(tints, list)
    return tints


def percent(text: str) -> float:
    """The percentage that a text ends with."""
    found = re.search(r"([\d.]+) %$", text)
    assert found is not None, text
    return 0.0 if "<" in text else float(found[1])


def download(page: Page, name: str) -> Path:
    """The file that an entry of the menu saves."""
    page.locator(".menu").evaluate("menu => menu.open = true")
    with page.expect_download() as waiting:
        page.get_by_role("button", name=name).click()
    return Path(waiting.value.path())


def painted_weights(page: Page) -> list[float]:
    """The weights by which the words of a classifier are painted."""
    weights = page.locator("[data-part=painted] mark").evaluate_all(
        "marks => marks.map(mark => Number(mark.dataset.weight))"
    )
    assert isinstance(weights, list)
    return weights


def is_smooth(page: Page) -> bool:
    """Whether it draws 30 frames in any of some seconds, since machines have other work too."""
    return any(drawn_second(page).frames > SMOOTH_FPS for _ in range(20))


def strongest_place(page: Page, grid: dict[str, Any]) -> int:
    """The first place of the grid that is painted most."""
    place = page.locator("[data-part=picture-map]").evaluate(
        """(canvas, grid) => {
            const context = canvas.getContext('2d');
            const alphas = Array.from({length: grid.rowCount * grid.columnCount}, (_, index) => {
                const x = (index % grid.columnCount + 0.5) * grid.cellWidth;
                const y = (Math.floor(index / grid.columnCount) + 0.5) * grid.cellHeight;
                return context.getImageData(Math.min(x, canvas.width - 1), y, 1, 1).data[3];
            });
            return alphas.indexOf(Math.max(...alphas));
        }""",
        grid,
    )
    assert isinstance(place, int)
    return place
