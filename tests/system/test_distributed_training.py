"""Two workers train as one process does."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

OVERRIDES = [
    "data.max_train_pairs=256",
    "data.max_dev_examples=4",
    "training.epochs=1",
    "training.evaluate_every_steps=2",
    "training.length_buckets=[14]",
    "training.clip_norm=0.1",
    "model.dropout=0",
]


def _free_addresses(count: int) -> list[str]:
    sockets = [socket.socket() for _ in range(count)]
    for item in sockets:
        item.bind(("127.0.0.1", 0))
    addresses = [f"127.0.0.1:{item.getsockname()[1]}" for item in sockets]
    for item in sockets:
        item.close()
    return addresses


@contextmanager
def _training(
    folder: Path, workers: list[str] | None = None, index: int = 0
) -> Iterator[Callable[[], None]]:
    """Starts a training; yields what waits for its end, and checks that it went well."""
    command = [sys.executable, "-m", "model_export", "train", "g2p-tiny", *OVERRIDES]
    command += ["--out", str(folder)]
    environment = dict(os.environ)
    if workers is not None:
        command += ["--distribute", "multi-worker"]
        task = {"type": "worker", "index": index}
        environment["TF_CONFIG"] = json.dumps({"cluster": {"worker": workers}, "task": task})
    log = folder.with_name(f"{folder.name}-{index}.log")
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)

    def wait() -> None:
        assert process.wait(timeout=300) == 0, log.read_text()

    try:
        yield wait
    finally:
        process.kill()
        process.wait()


@pytest.mark.timeout(400)  # it trains three times
def test_two_workers_have_the_losses_of_one_process(tmp_path: Path) -> None:
    addresses = _free_addresses(2)
    with (
        _training(tmp_path / "alone") as alone,
        _training(tmp_path / "together", addresses, 0) as first,
        _training(tmp_path / "together", addresses, 1) as second,
    ):
        for wait in (alone, first, second):
            wait()
    folders = [tmp_path / name for name in ("alone", "together", "together.worker-1")]
    histories = [json.loads((folder / "history.json").read_text()) for folder in folders]
    assert histories[1] == histories[2]
    assert len(histories[0]) == 2
    for expected, found in zip(histories[0], histories[1], strict=True):
        assert found["step"] == expected["step"]
        assert found["train_loss"] == pytest.approx(expected["train_loss"], rel=1e-4)
        assert found["dev_loss"] == pytest.approx(expected["dev_loss"], rel=1e-4)


def test_a_worker_that_does_not_know_the_others_says_what_is_missing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "model_export", "train", "g2p-tiny"]
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "run"), "--distribute", "multi-worker"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={name: value for name, value in os.environ.items() if name != "TF_CONFIG"},
    )
    assert done.returncode == 1
    assert "--distribute multi-worker needs TF_CONFIG in the environment" in done.stderr
    assert not (tmp_path / "run").exists()
