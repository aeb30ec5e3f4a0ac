"""The commands of the pages that ask or serve, against a real gateway and a real model server."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from heed import Client
from model_export.data.labelled_text import load_snips
from model_server.batching.parameters import parse_batching_parameters
from model_server.lifecycle.config import read_config_file
from tests.support.exported_model import MAX_SOURCE_TOKENS, MODEL_NAME, exported_models_dir
from tests.support.gateway import GatewayProcess, running_gateway
from tests.support.model_server import ModelServerProcess, model_flags, running_model_server
from tests.support.pages import DOCS, ROOT, Block, block_with, in_language
from tests.support.walkthrough import as_here

__all__ = ["exported_models_dir"]

ASKING = re.compile(r"^heed (generate|score|tokenize|models)\b")
EXPLORER = DOCS / "explorer.md"
MODEL_SERVER = DOCS / "model-server.md"
OWN_TESTS = {
    "docs/security.md",
    "docs/tutorial.md",
    "docs/own-data.md",
    "docs/own-model.md",
    "docs/own-writer.md",
}
"""Pages whose commands need what the page has made before."""
TEXTS = "attention\nchicago\n"
ALLOWED_S = 120


def asking_commands() -> list[tuple[Block, str]]:
    found = [(block, command) for block in in_language("bash") for command in block.commands]
    for block in in_language("console"):
        lines = re.findall(r"^\$ (?:\.venv/bin/)?(.*)", block.text, re.MULTILINE)
        found += [(block, line) for line in lines]
    return [each for each in found if ASKING.match(each[1]) and each[0].page not in OWN_TESTS]


COMMANDS = asking_commands()


@pytest.fixture(scope="module")
def gateway(exported_models_dir: Path) -> Iterator[GatewayProcess]:
    flags = ["--models-dir", str(exported_models_dir), "--http-port=0"]
    with running_gateway(flags) as one:
        yield one


def run(command: str, folder: Path) -> str:
    ended = subprocess.run(
        as_here(command),
        shell=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=ALLOWED_S,
    )
    assert ended.returncode == 0, f"{command}\n{ended.stderr}"
    return ended.stdout


def test_there_are_commands_to_run() -> None:
    assert len(COMMANDS) >= 8


@pytest.mark.parametrize(
    ("block", "command"), COMMANDS, ids=[f"{block}: {command[:60]}" for block, command in COMMANDS]
)
def test_a_command_that_asks_gets_an_answer(
    block: Block, command: str, gateway: GatewayProcess, tmp_path: Path
) -> None:
    for name in ("words.txt", "texts.txt", "letter.txt"):
        (tmp_path / name).write_text(TEXTS, encoding="utf-8")
    before = set(tmp_path.iterdir())
    short = re.sub(rf'"[^"]{{{MAX_SOURCE_TOKENS},}}"', '"two words"', command)
    asked, redirected, target = short.partition(" > ")
    printed = run(f"{asked} --address {gateway.address}{redirected}{target}", tmp_path)
    written = set(tmp_path.iterdir()) - before
    assert printed or written
    assert all(path.stat().st_size for path in written)


def test_readiness_is_as_the_page_on_observation_asks_for_it(
    gateway: GatewayProcess, tmp_path: Path
) -> None:
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    command = block_with(DOCS / "observation.md", "curl -s")
    assert MODEL_NAME in run(command.replace("localhost:8080", gateway.url), tmp_path)


def test_priority_is_set_as_the_page_on_batching_says(gateway: GatewayProcess) -> None:
    code = block_with(DOCS / "batching.md", "with_priority", "python")
    with Client(gateway.address) as client:
        assert len(eval(code, {"client": client, "texts": TEXTS.split()})) == 2


def test_a_page_with_the_answer_in_it_is_made_as_the_explorers_page_says(
    gateway: GatewayProcess, tmp_path: Path
) -> None:
    code = block_with(EXPLORER, "standalone_page", "python")
    script = tmp_path / "page.py"
    script.write_text(code.replace("http://localhost:8080", gateway.url), encoding="utf-8")
    run("python page.py", tmp_path)
    assert "attention" in (tmp_path / "attention.html").read_text(encoding="utf-8")


def test_a_model_server_reads_the_files_of_its_page(tmp_path: Path) -> None:
    path = tmp_path / "models.config"
    path.write_text(block_with(MODEL_SERVER, "model_config_list"), encoding="utf-8")
    assert [model.name for model in read_config_file(path)] == ["g2p", "translate"]
    batching = parse_batching_parameters(block_with(MODEL_SERVER, "max_batch_size {"))
    assert batching.pad_variable_length_inputs
    assert list(batching.allowed_batch_sizes) == [16, 64]


@pytest.fixture(scope="module")
def model_server(
    exported_models_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ModelServerProcess]:
    """With REST and the file of metrics that the page shows."""
    monitoring = tmp_path_factory.mktemp("etc") / "monitoring.config"
    monitoring.write_text(block_with(MODEL_SERVER, "prometheus_config {"), encoding="utf-8")
    flags = [
        *model_flags(MODEL_NAME, exported_models_dir / MODEL_NAME),
        "--rest_api_port=-1",
        f"--monitoring_config_file={monitoring}",
    ]
    with running_model_server(flags) as server:
        yield server


def test_the_model_server_answers_as_its_page_asks(
    model_server: ModelServerProcess, tmp_path: Path
) -> None:
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    (rest,) = re.findall(r"HTTP/REST API at:?\s*(\S+:\d+)", model_server.log())
    (block,) = [b for b in in_language("bash", [MODEL_SERVER]) if "curl " in b.text]
    status, signatures, answer = (
        json.loads(run(command.replace("localhost:8501", rest), tmp_path))
        for command in block.commands
        if command.startswith("curl ")
    )
    assert status["model_version_status"][0]["state"] == "AVAILABLE"
    assert "signature_def" in signatures["metadata"]
    assert {"tokens", "attention"} <= answer["predictions"][0].keys()
    metrics = run(f"curl -s {rest}/monitoring/prometheus/metrics", tmp_path)
    assert ":tensorflow:serving:request_count" in metrics


def test_the_files_of_snips_become_what_its_recipe_reads(tmp_path: Path) -> None:
    page = DOCS / "classification.md"
    folder = tmp_path / "nlu-benchmark/2017-06-custom-intent-engines/PlayMusic"
    folder.mkdir(parents=True)
    parts = [{"text": "play "}, {"text": "blue moon", "entity": "track"}]
    content = json.dumps({"PlayMusic": [{"data": parts}]})
    (folder / "train_PlayMusic_full.json").write_text(content, encoding="utf-8")
    script = tmp_path / "convert.py"
    script.write_text(block_with(page, "nlu-benchmark", "python"), encoding="utf-8")
    run("python convert.py", tmp_path)
    examples = load_snips(tmp_path)
    (example,) = (*examples.train, *examples.dev, *examples.test)
    assert example.source == "play blue moon"
    assert example.references == ("PlayMusic",)
