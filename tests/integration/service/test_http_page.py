"""The commands and the code of docs/http.md, as they stand."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from heed.v1 import inference_pb2
from service.http.methods import METHODS
from tests.support.gateway import GatewayProcess
from tests.support.http import running_http_gateway, schema_validator
from tests.support.pages import DOCS, block_with, in_language

PAGE = DOCS / "http.md"
COMMANDS = [
    command
    for block in in_language("bash", [PAGE])
    for command in block.commands
    if command.startswith("curl ")
]
PYTHON = block_with(PAGE, "import urllib.request")
THERE = "http://localhost:8080"


@pytest.fixture(scope="module")
def gateway() -> Iterator[GatewayProcess]:
    with running_http_gateway() as (one, _):
        yield one


def answer_of(gateway: GatewayProcess, command: str) -> str:
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    there = command.replace(THERE, gateway.url).replace("curl ", "curl --silent --fail-with-body ")
    return subprocess.run(
        there, shell=True, capture_output=True, text=True, check=False, timeout=30
    ).stdout


def test_the_page_has_the_commands_that_are_tested() -> None:
    assert len(COMMANDS) == 3


def test_the_first_command_gets_an_answer(gateway: GatewayProcess) -> None:
    answer = json.loads(answer_of(gateway, COMMANDS[0]))
    schema_validator("GenerateResponse").validate(answer)
    assert answer["results"][0]["hypotheses"][0]["attention"]["weights"]


def test_the_stream_comes_in_events(gateway: GatewayProcess) -> None:
    events = answer_of(gateway, COMMANDS[1]).strip().split("\n\n")
    assert len(events) > 1
    assert all(event.startswith("data: {") for event in events)


def test_the_error_is_the_one_shown(gateway: GatewayProcess) -> None:
    status = json.loads(answer_of(gateway, COMMANDS[2]))
    schema_validator("Status").validate(status)
    assert status["message"].startswith("options.max_length: must be 1 to ")


def test_the_python_code_runs(gateway: GatewayProcess) -> None:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(PYTHON.replace(THERE, gateway.url), {})
    assert printed.getvalue() == "attention\n"


def test_every_path_is_on_the_page() -> None:
    service = inference_pb2.DESCRIPTOR.services_by_name["InferenceService"]
    for method in METHODS:
        assert method.name in service.methods_by_name
        assert method.paths[0].template.partition("/{")[0] in PAGE.read_text(encoding="utf-8")
