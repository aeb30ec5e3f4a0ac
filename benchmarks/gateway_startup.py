"""How fast the gateway starts, and how much memory it takes.

Starts `python -m service` several times against an address where nothing listens, so that only the
gateway's own cost is seen, and prints the median time from the start of the process to the line
that says it listens, and its resident memory then.

Usage: python benchmarks/gateway_startup.py [--runs N]
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
import time

import psutil

LISTENING_LINE = re.compile(r"Heed gateway listening at \S+")
COMMAND = (
    *(sys.executable, "-m", "service", "--grpc-port=0", "--http-port=0"),
    *("--model-server=127.0.0.1:1", "--model=none"),
)


def start_once() -> tuple[float, float]:
    """Starts and ends one gateway: seconds until it listens, and its memory in MiB then."""
    began = time.perf_counter()
    with subprocess.Popen(COMMAND, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr or ():
            if LISTENING_LINE.search(line):
                break
        else:
            raise SystemExit("the gateway ended before it listened")
        seconds = time.perf_counter() - began
        memory_mib = psutil.Process(process.pid).memory_info().rss / 2**20
        process.terminate()
        process.communicate()
    return seconds, memory_mib


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="How fast the gateway starts, and its memory.")
    parser.add_argument("--runs", type=int, default=7, help="how often to start it (default: 7)")
    runs = [start_once() for _ in range(parser.parse_args().runs)]
    seconds, memory_mib = (statistics.median(column) for column in zip(*runs, strict=True))
    print(
        f"listening after {seconds:.2f} s, {memory_mib:.0f} MiB resident (medians of {len(runs)})"
    )


if __name__ == "__main__":
    main()
