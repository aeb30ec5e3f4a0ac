"""Two workers train as one process does."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
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


TWO_DEVICES = """
import sys
import tensorflow as tf
from model_export.main import main
from model_export.training.distribution import DistributionKind, distribution_of

(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
assert distribution_of(DistributionKind.MIRRORED).replica_count == 2
sys.exit(main(sys.argv[1:]))
"""
"""`python -m model_export` on a machine with two devices."""


@contextmanager
def _training(
    folder: Path,
    workers: list[str] | None = None,
    index: int = 0,
    *,
    program: Sequence[str] = ("-m", "model_export"),
    flags: Sequence[str] = (),
) -> Iterator[Callable[[], None]]:
    """Starts a training; yields what waits for its end, and checks that it went well."""
    command = [sys.executable, *program, "train", "g2p-tiny", *OVERRIDES, *flags]
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


@pytest.mark.timeout(500)  # it trains four times
def test_two_workers_and_two_devices_have_the_losses_of_one_process(tmp_path: Path) -> None:
    addresses = _free_addresses(2)
    mirrored = ("--distribute", "mirrored")
    with (
        _training(tmp_path / "alone") as alone,
        _training(tmp_path / "together", addresses, 0) as first,
        _training(tmp_path / "together", addresses, 1) as second,
        _training(tmp_path / "mirrored", program=("-c", TWO_DEVICES), flags=mirrored) as devices,
    ):
        for wait in (alone, first, second, devices):
            wait()
    alone_history, *workers, devices_history = [
        json.loads((tmp_path / name / "history.json").read_text())
        for name in ("alone", "together", "together.worker-1", "mirrored")
    ]
    assert len(alone_history) == 2
    assert workers[0] == workers[1]
    for history in (workers[0], devices_history):
        for expected, found in zip(alone_history, history, strict=True):
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
