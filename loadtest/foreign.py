"""k6 as a second load generator, which nobody here wrote, to see whether both say the same."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from loadtest.errors import LoadTestError

_SCRIPT: Final = """
import grpc from 'k6/net/grpc';
import { check } from 'k6';
import { SharedArray } from 'k6/data';

const texts = new SharedArray('texts', () => JSON.parse(open('./texts.json')));
const client = new grpc.Client();
let connected = false;

export const options = {
  summaryTrendStats: ['med', 'p(95)', 'p(99)'],
  scenarios: {
    steady: {
      executor: 'constant-arrival-rate',
      rate: __RATE__, timeUnit: '__UNIT__', duration: '__SECONDS__s',
      preAllocatedVUs: 100, maxVUs: 500,
    },
  },
};

export default function () {
  if (!connected) {
    client.connect('__ADDRESS__', { plaintext: true, reflect: true });
    connected = true;
  }
  const text = texts[Math.floor(Math.random() * texts.length)];
  const answer = client.invoke('heed.v1.InferenceService/Generate', { texts: [text] });
  check(answer, { answered: (given) => given && given.status === grpc.StatusOK });
}

export function handleSummary(data) {
  return { 'summary.json': JSON.stringify(data.metrics) };
}
"""


@dataclass(frozen=True)
class ForeignLoad:
    """What k6 measured.

    Attributes:
        requests_per_s: Requests that it sent a second.
        failed_share: Of those, how many failed or were never sent, 0 to 1.
        latency_s: Seconds from sending to the answer, by "p50", "p95" and "p99".
    """

    requests_per_s: float
    failed_share: float
    latency_s: dict[str, float]


def find_k6() -> Path | None:
    """The program, beside this Python or on the path; None if it is not installed."""
    beside = Path(sys.executable).with_name("k6")
    found = str(beside) if beside.exists() else shutil.which("k6")
    return Path(found) if found else None


def run_k6(k6: Path, address: str, texts: list[str], *, rate: float, seconds: int) -> ForeignLoad:
    """Sends texts at equal gaps.

    Args:
        k6: The program.
        address: Where the gateway listens; it must answer reflection.
        texts: What is sent, in random order.
        rate: Requests a second.
        seconds: How long.

    Raises:
        LoadTestError: k6 failed.
    """
    values = {"RATE": max(1, round(rate * 60)), "UNIT": "60s"}
    script = _SCRIPT
    for name, value in {**values, "SECONDS": seconds, "ADDRESS": address}.items():
        script = script.replace(f"__{name}__", str(value))
    with tempfile.TemporaryDirectory(prefix="heed-k6-") as folder:
        Path(folder, "texts.json").write_text(json.dumps(texts), encoding="utf-8")
        Path(folder, "script.js").write_text(script, encoding="utf-8")
        command = [str(k6), "run", "--quiet", "--no-usage-report", "script.js"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        summary = Path(folder, "summary.json")
        if done.returncode != 0 or not summary.exists():
            raise LoadTestError(f"k6 failed:\n{(done.stderr or done.stdout)[-2000:]}")
        return _read(json.loads(summary.read_text(encoding="utf-8")))


def _read(metrics: dict[str, Any]) -> ForeignLoad:
    latency = metrics["grpc_req_duration"]["values"]
    checks = metrics["checks"]["values"]
    dropped = metrics.get("dropped_iterations", {}).get("values", {}).get("count", 0)
    sent = checks["passes"] + checks["fails"]
    names = {"p50": "med", "p95": "p(95)", "p99": "p(99)"}
    return ForeignLoad(
        requests_per_s=metrics["iterations"]["values"]["rate"],
        failed_share=(checks["fails"] + dropped) / max(1, sent + dropped),
        latency_s={name: latency[key] / 1e3 for name, key in names.items()},
    )
