"""How large attention is on its way, and how long it takes, in each form it can be asked for.

An answer of 200 tokens to a source of 200, with its average and 16 heads: what the gateway does
(choose, round, write, serialise) and what the client does (parse, read into arrays). The forms
take turns, so that a busy machine slows all of them; times are medians, ratios are to the plain
form.

Usage: python benchmarks/attention_packing.py [--tokens 200] [--heads 16] [--rounds 20]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Mapping
from typing import Final

import numpy as np

from heed.client.weights import read_heads, read_weights
from heed.v1 import inference_pb2
from service.api.weight_messages import write_weights
from service.domain.answers import PLAIN, Packing, WeightFormat
from service.domain.signatures import FloatArray

FORMS: Final[Mapping[str, Packing]] = {
    "every weight, float32 (default)": PLAIN,
    "every weight, float16": Packing(weight_format=WeightFormat.FLOAT16),
    "16 largest of a row, float32": Packing(16),
    "16 largest of a row, float16": Packing(16, WeightFormat.FLOAT16),
    "4 largest of a row, float16": Packing(4, WeightFormat.FLOAT16),
}


def weights_of(head_count: int, tokens: int) -> FloatArray:
    """Random weights, float32 [1 + heads, T, S]: rows sum to 1, most of it in a few places."""
    random = np.random.default_rng(1)
    return random.dirichlet(np.full(tokens, 0.05), (1 + head_count, tokens)).astype(np.float32)


def send(weights: FloatArray, packing: Packing) -> bytes:
    """What the gateway does with the average and the heads behind it."""
    message = inference_pb2.Attention()
    write_weights(message, weights[0], packing)
    for head_index, head in enumerate(weights[1:]):
        write_weights(message.heads.add(head_index=head_index), head, packing)
    return message.SerializeToString()


def receive(serialized: bytes, tokens: int) -> FloatArray | None:
    """What the client does: arrays of the average and of every head."""
    message = inference_pb2.Attention.FromString(serialized)
    read_weights(message, (tokens, tokens))
    return read_heads(message.heads, (tokens, tokens))


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=200, help="of source and target (200)")
    parser.add_argument("--heads", type=int, default=16, help="heads beside the average (16)")
    parser.add_argument("--rounds", type=int, default=20, help="rounds (20)")
    arguments = parser.parse_args()
    weights = weights_of(arguments.heads, arguments.tokens)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in FORMS}
    sizes = {}
    for _ in range(arguments.rounds):
        for name, packing in FORMS.items():
            began = time.perf_counter()
            serialized = send(weights, packing)
            sent = time.perf_counter()
            receive(serialized, arguments.tokens)
            times[name].append((sent - began, time.perf_counter() - sent))
            sizes[name] = len(serialized)
    plain = next(iter(FORMS))
    plain_ms = 1000 * sum(map(statistics.median, zip(*times[plain], strict=True)))
    print("| form | KiB | share | gateway ms | client ms | time, share |")
    print("|---|---|---|---|---|---|")
    for name in FORMS:
        write_ms, read_ms = (1000 * statistics.median(ms) for ms in zip(*times[name], strict=True))
        print(
            f"| {name} | {sizes[name] / 1024:,.0f} | {sizes[name] / sizes[plain]:.2f} "
            f"| {write_ms:.1f} | {read_ms:.1f} | {(write_ms + read_ms) / plain_ms:.2f} |"
        )


if __name__ == "__main__":
    main()
