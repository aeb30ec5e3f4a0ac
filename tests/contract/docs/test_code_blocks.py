"""Every block of code on every page is read by somebody: run, parsed, or listed with the reason."""

from __future__ import annotations

import argparse
import ast
import json
import re
import shlex
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from model_export.config import load_recipe
from model_export.main import COMMANDS as MAKING
from model_server.flags import parse_flags
from service.settings import read_settings
from tests.support.pages import PAGES, ROOT, Block, in_language, indented_blocks, name_of

LANGUAGES = {
    "bash": "commands, below",
    "console": "commands and what they print, below",
    "python": "run",
    "json": "parsed",
    "toml": "parsed",
    "yaml": "parsed; recipes are loaded",
    "protobuf": "a model server reads it: tests/integration/docs/test_commands.py",
    "math": "drawn: test_site.py",
    "text": "no code; behind a command of a walkthrough, what it prints",
}
WALKTHROUGHS = {
    "docs/tutorial.md",
    "docs/own-data.md",
    "docs/own-model.md",
    "docs/own-writer.md",
}
"""Followed from top to bottom by tests/system/docs/test_walkthroughs.py."""
RUN_ELSEWHERE = {
    "docs/http.md": "tests/integration/service/test_http_page.py",
    "docs/security.md": "tests/integration/service/test_security_page.py",
}
"""Pages whose asking commands, certificates and Python have tests of their own."""
PYTHON_RUN_BY = {
    "docs/batching.md": "tests/integration/docs/test_commands.py",
    "docs/captions.md": "tests/integration/service/test_caption.py",
    "docs/classification.md": "tests/integration/service/test_classify.py",
    "docs/explorer.md": "tests/integration/docs/test_commands.py",
    "docs/http.md": RUN_ELSEWHERE["docs/http.md"],
    "docs/open-inference.md": "tests/integration/service/test_open_inference.py",
    "docs/security.md": RUN_ELSEWHERE["docs/security.md"],
}
"""Who runs Python without `from heed import`, which test_documented_examples.py runs."""
RUN = re.compile(
    r"^(\S+=\S+ )?heed (generate|score|tokenize|models|model-server|make-api-key)\b"
    r"|^curl .*localhost|^openssl "
)
"""What tests/integration/docs/test_commands.py or a page's own test runs."""
NOT_RUN = {
    "make demo": "tests/system/test_demo.py does, with a smaller recipe",
    "make test": "it is what runs this",
    "make check": "CI does, before the tests",
    "make help": "test_commands.py looks whether targets exist",
    "make docs": "test_site.py builds the site with the same command",
    "make fuzz": "takes minutes; tests/fuzz tries the same targets for a moment",
    "make bench-decoding": "measures for minutes; tests/integration/benchmarks runs a quick one",
    "make compare-attention": "trains for an hour; tests/integration/benchmarks does, for seconds",
    "make loadtest": "measures for minutes; tests/integration/loadtest searches for seconds",
    "heed loadtest": "the same; its flags are looked up in its help",
    "locust -f": "tests/integration/loadtest runs it alone, with workers and with its page",
    "make test-tf-serving": "needs a Docker engine and an image of gigabytes",
    "docker ": "needs a Docker engine and an image of gigabytes",
    "kubectl ": "needs a cluster; tests/contract/deploy builds and checks what it would send",
    "buf curl": "buf's own client; tests/system/test_foreign_clients.py asks with foreign ones",
    "perf_analyzer": "NVIDIA's program; tests/support/triton_calls.py asks what it asks",
    "eflomal-align": "an aligner of its own; tests of links read files as it writes them",
    "heed caption": "needs a model of pictures; test_caption.py runs it on a smaller one",
    "heed classify": "needs a trained classifier; test_classify.py runs it on smaller ones",
    "python tools/debian_package.py": "fetches Prometheus; the tests of its rules do so too",
    ".venv/debian/": "the program that the line before fetches; tests of the rules run it",
    "python benchmarks/": "measures for minutes; its flags are looked up",
}
"""Commands by how they begin, with the reason why no test runs them as they stand."""


def commands() -> list[tuple[Block, str]]:
    """Every command of every block, except those of walkthroughs."""
    found = [(block, command) for block in in_language("bash") for command in block.commands]
    for block in in_language("console"):
        found += [(block, line) for line in re.findall(r"^\$ (.*)", block.text, re.MULTILINE)]
    return [(block, bare(line)) for block, line in found if block.page not in WALKTHROUGHS]


def bare(command: str) -> str:
    return command.removeprefix(".venv/bin/").removesuffix(" ...")


COMMANDS = commands()
COMPOSE = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("docker-compose*.yml"))
IDS = [f"{block}: {command[:60]}" for block, command in COMMANDS]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_code_stands_in_fences_that_name_its_language(page: Path) -> None:
    assert not indented_blocks(page), "write ```bash (python, json ...) instead of indenting"
    for language in re.findall(r"^ *```(?!`)(.*)$", page.read_text(encoding="utf-8"), re.M)[::2]:
        assert language.split(" ")[0] in LANGUAGES, f"{name_of(page)}: ```{language}"


@pytest.mark.parametrize("block", in_language("json"), ids=str)
def test_json_is_json(block: Block) -> None:
    json.loads(block.text)


@pytest.mark.parametrize("block", in_language("toml"), ids=str)
def test_toml_is_toml(block: Block) -> None:
    tomllib.loads(block.text)


@pytest.mark.parametrize("block", in_language("yaml"), ids=str)
def test_yaml_is_yaml_and_a_recipe_a_recipe(block: Block, tmp_path: Path) -> None:
    values = yaml.safe_load(block.text)
    if "task" in values:
        path = tmp_path / "recipe.yaml"
        path.write_text(block.text, encoding="utf-8")
        assert load_recipe(str(path)).name == values["name"]
    elif "training" in values:  # a part of one
        load_recipe("g2p-quick", [f"{name}={json.dumps(part)}" for name, part in leaves(values)])


def leaves(values: dict[str, dict[str, object]]) -> list[tuple[str, object]]:
    parts = values.items()
    return [(f"{top}.{name}", value) for top, part in parts for name, value in part.items()]


@pytest.mark.parametrize("block", in_language("python"), ids=str)
def test_python_is_python_and_somebody_runs_it(block: Block) -> None:
    ast.parse(block.text)
    if block.page in WALKTHROUGHS or "from heed import" in block.text:
        return
    runner = (ROOT / PYTHON_RUN_BY[block.page]).read_text(encoding="utf-8")
    assert f'DOCS / "{Path(block.page).name}"' in runner


@pytest.mark.parametrize(("block", "command"), COMMANDS, ids=IDS)
def test_every_command_is_run_or_read_somewhere(block: Block, command: str) -> None:
    words = shlex.split(command)
    if command.startswith("heed serve"):
        read_settings(words[2:], {})
    elif command.startswith("heed model-server"):
        parse_flags(words[2:], version="")
    elif words[0] == "heed" and words[1] in MAKING:
        read_making(words[1:])
    elif assigned := re.fullmatch(r"(HEED_\w+)=\S*", command):
        assert assigned[1] in COMPOSE
    elif not RUN.match(command):
        assert any(command.startswith(begin) for begin in NOT_RUN), f"{block}: {command}"
        if command.startswith("python benchmarks/"):
            look_up_flags(words[1:])


def read_making(words: list[str]) -> None:
    """Reads a command that makes models as the command does, without doing it."""
    parser = argparse.ArgumentParser(prog=words[0])
    import_module(MAKING[words[0]][0]).add_arguments(parser)
    arguments = words[1 : words.index(">")] if ">" in words else words[1:]
    known = vars(parser.parse_intermixed_args(arguments))
    if "recipe" in known and not known["recipe"].endswith(".yaml"):
        load_recipe(known["recipe"], known.get("overrides", ()))


def look_up_flags(words: list[str]) -> None:
    source = (ROOT / words[0]).read_text(encoding="utf-8")
    for module in re.findall(r"^from benchmarks\.(\w+) import", source, re.M):  # flags in common
        source += (ROOT / "benchmarks" / f"{module}.py").read_text(encoding="utf-8")
    for word in words[1:]:
        if word.startswith("--"):
            assert f'"{word}"' in source, word


@pytest.mark.parametrize("begin", NOT_RUN)
def test_no_reason_outlives_its_command(begin: str) -> None:
    if begin != "make docs":
        assert any(command.startswith(begin) for _, command in COMMANDS)
