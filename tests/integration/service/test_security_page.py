"""The commands of docs/security.md do what the page says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.security.api_keys import parse_api_keys
from tests.support.gateway import GatewayProcess, running_gateway
from tests.support.pages import DOCS, block_with, blocks_of
from tests.support.stub_model_server import MODEL_NAME, running_stub

PAGE = DOCS / "security.md"
LINES = "\n".join(block.text for block in blocks_of(PAGE)).splitlines()


def line_with(words: str) -> str:
    """The first line of a block that begins with some words."""
    return next(line for line in LINES if line.startswith(words))


class Trial:
    """A folder in which the page's commands are run."""

    def __init__(self, folder: Path, backend: list[str]) -> None:
        self.folder = folder
        self.backend = backend

    def run(self, command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        python = f"{sys.executable} -m heed "
        return subprocess.run(
            re.sub(r"(?<!\S)heed ", python, command),
            shell=True,
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def flags_of(self, command: str) -> list[str]:
        """The flags of a `heed serve` of the page, with the backend of these tests."""
        words = command.removeprefix("heed serve --models-dir models").split()
        files = [str(self.folder / word) if "." in word else word for word in words]
        return [*self.backend, *files]


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    with running_stub() as stub:
        backend = ["--model-server", stub.address, "--model", MODEL_NAME]
        yield Trial(tmp_path_factory.mktemp("trial"), backend)


def to(gateway: GatewayProcess, command: str) -> str:
    port = gateway.address.rpartition(":")[2]
    return f"{command} --address localhost:{port}"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_the_certificates_of_the_page_make_an_encrypted_connection(trial: Trial) -> None:
    made = trial.run(f"set -e\n{block_with(PAGE, 'openssl req -x509')}")
    assert made.returncode == 0, made.stderr
    (serve,) = [line for line in LINES if "--tls-cert server.pem" in line]
    with running_gateway([*trial.flags_of(serve), "--http-port=0"]) as gateway:
        answer = trial.run(to(gateway, line_with("heed generate attention --tls-ca")))
        assert (answer.returncode, answer.stdout) == (0, "attention\n"), answer.stderr
        ask = f"import heed\n{block_with(PAGE, 'client = heed.Client').partition('import heed')[2]}"
        port = gateway.address.rpartition(":")[2]
        code = ask.replace("50051", port) + "\nprint(client.generate('heed').text)"
        (trial.folder / "ask.py").write_text(code)
        assert trial.run(f"{sys.executable} ask.py").stdout == "heed\n"
        curl = re.search(r"`(curl --cacert[^`]*)`", PAGE.read_text(encoding="utf-8"))
        if curl is not None and shutil.which("curl") is not None:
            url = gateway.url.replace("127.0.0.1", "localhost")
            assert "ok" in trial.run(curl[1].replace("https://localhost:8080", url)).stdout


def test_the_keys_of_the_page_let_callers_in(trial: Trial) -> None:
    made = trial.run(line_with("heed make-api-key"))
    assert made.returncode == 0, made.stderr
    key = made.stdout.strip()
    (serve,) = [line for line in LINES if "--api-keys keys.toml" in line]
    (by_variable,) = [line for line in LINES if line.startswith("HEED_API_KEY=...")]
    with running_gateway(trial.flags_of(serve)) as gateway:
        refused = trial.run(to(gateway, "heed generate attention"), HEED_API_KEY="")
        assert refused.returncode == 1
        answer = trial.run(to(gateway, by_variable.replace("...", key)))
        assert (answer.returncode, answer.stdout) == (0, "attention\n"), answer.stderr
        (trial.folder / "key.txt").write_text(key)
        by_file = line_with("heed generate attention --api-key-file")
        assert trial.run(to(gateway, by_file)).returncode == 0


def test_the_entry_of_the_page_is_one() -> None:
    entry = block_with(PAGE, "[[keys]]").replace('sha256 = "..."', f'sha256 = "{"0" * 64}"')
    (found,) = parse_api_keys(entry.encode(), "page").entries.values()
    assert set(found.model_dump(exclude_defaults=True)) == set(type(found).model_fields)
