"""Texts of chosen lengths, and the Predict calls that answer them without a gateway."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

import numpy as np

from heed.contract import CONTRACT_ASSET, Contract
from heed.text import Tokenizer
from heed.wire.v1 import serving_pb2
from service.backends.tensor_codec import decode_tensor, encode_tensor

WORDS: Final = (
    *("a", "an", "the", "man", "woman", "boy", "girl", "dog", "two", "three", "young", "old"),
    *("people", "children", "red", "blue", "white", "black", "green", "shirt", "hat", "street"),
    *("park", "water", "beach", "ball", "bike", "is", "are", "sitting", "standing", "walking"),
    *("playing", "looking", "holding", "wearing", "down", "front", "of", "and", "while", "outside"),
)


@dataclass(frozen=True)
class Row:
    """A text and its tokens."""

    text: str
    tokens: tuple[int, ...]


@dataclass(frozen=True)
class ExportedModel:
    """A version to measure.

    Attributes:
        base_path: The model's folder; its name is the model's.
        version: The newest version in it.
        contract: What that says about itself.
        tokenizer: Its source tokenizer.
    """

    base_path: Path
    version: int
    contract: Contract
    tokenizer: Tokenizer

    @property
    def name(self) -> str:
        """The model's name."""
        return self.base_path.name


def load_model(base_path: Path) -> ExportedModel:
    """Reads what is needed of an exported model.

    Raises:
        SystemExit: There is none.
    """
    versions = [int(path.name) for path in base_path.glob("[0-9]*") if path.name.isdigit()]
    if not versions:
        raise SystemExit(f"{base_path} holds no exported version")
    assets = base_path / str(max(versions)) / "assets"
    contract = Contract.from_json((assets / CONTRACT_ASSET).read_bytes())
    tokenizer = Tokenizer((assets / "source_tokenizer.model").read_bytes())
    return ExportedModel(base_path, max(versions), contract, tokenizer)


def make_rows(
    model: ExportedModel, count: int, *, shortest: int, longest: int, seed: int = 1
) -> list[Row]:
    """Texts whose lengths are spread evenly, in random order."""
    random = Random(seed)
    longest = min(longest, model.contract.max_source_tokens)
    rows = []
    while len(rows) < count:
        wanted, words = random.randint(shortest, longest), [random.choice(WORDS)]
        tokens = model.tokenizer.encode(words[0])
        while len(tokens) < wanted:
            words.append(random.choice(WORDS))
            tokens = model.tokenizer.encode(" ".join(words))
        if len(tokens) <= longest:
            rows.append(Row(" ".join(words), tuple(token.id for token in tokens)))
    return rows


def predict_request(model: ExportedModel, rows: Sequence[Row]) -> bytes:
    """The Predict that the gateway would send for these rows."""
    count, longest = len(rows), max(len(row.tokens) for row in rows)
    tokens = np.zeros((count, longest), np.int32)
    for padded, row in zip(tokens, rows, strict=True):
        padded[: len(row.tokens)] = row.tokens
    request = serving_pb2.PredictRequest(
        output_filter=["tokens", "lengths", "scores", "token_scores"]
    )
    request.model_spec.name = model.name
    request.model_spec.version.value = model.version
    request.model_spec.signature_name = "greedy"
    inputs = {
        "tokens": tokens,
        "lengths": np.array([len(row.tokens) for row in rows], np.int32),
        "max_lengths": np.full(count, model.contract.max_target_tokens, np.int32),
        "min_lengths": np.zeros(count, np.int32),
        "prefix_tokens": np.zeros((count, 1), np.int32),
        "prefix_lengths": np.zeros(count, np.int32),
    }
    for name, array in inputs.items():
        request.inputs[name].CopyFrom(encode_tensor(array))
    return bytes(request.SerializeToString())


def read_answer(answer: bytes) -> Mapping[str, np.ndarray[Any, Any]]:
    """The outputs of a Predict, read as a client must that wants them."""
    response = serving_pb2.PredictResponse.FromString(answer)
    return {name: decode_tensor(tensor) for name, tensor in response.outputs.items()}


def ideal_batches(rows: Sequence[Row], *, max_tokens: int, max_rows: int) -> list[list[Row]]:
    """Rows sorted by length and cut into batches as large as allowed."""
    batches: list[list[Row]] = []
    for row in sorted(rows, key=lambda each: len(each.tokens)):
        batch = batches[-1] if batches else []
        if batch and len(batch) < max_rows and (len(batch) + 1) * len(row.tokens) <= max_tokens:
            batch.append(row)
        else:
            batches.append([row])
    return batches
