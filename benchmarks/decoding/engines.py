"""Both engines behind one interface: prepare a batch, decode it, read the tokens."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from benchmarks.decoding.cases import BEAM_WIDTH, EngineName, Search
from benchmarks.decoding.subject import BenchmarkError
from heed.contract import CONTRACT_ASSET, Contract
from heed.text import Tokenizer
from model_export.evaluation.padding import padded

Sources = Sequence[Sequence[int]]
Prepared = Any
Result = Any


class DecodingEngine(Protocol):
    """Decodes batches. Safe to call from several threads."""

    def prepare(self, sources: Sources, search: Search, max_length: int) -> Prepared:
        """A batch in the engine's own form; its time does not count."""

    def decode(self, prepared: Prepared) -> Result:
        """Decodes it, with the scores."""

    def tokens(self, result: Result) -> list[list[int]]:
        """The best output of each source, the end token included."""


class HeedEngine:
    """An exported version in a session, as a model server runs it.

    Args:
        folder: The version.
        streams: Batches in work at once; each is computed by one thread.
    """

    def __init__(self, folder: Path, *, streams: int) -> None:
        import tensorflow as tf

        from model_export.export.graph_session import GraphSession
        from model_export.export.signature_table import rules_for

        config = tf.compat.v1.ConfigProto(
            intra_op_parallelism_threads=1, inter_op_parallelism_threads=streams
        )
        self._session = GraphSession(folder, config)
        contract = Contract.from_json((folder / "assets" / CONTRACT_ASSET).read_bytes())
        self._rules = rules_for(contract)

    def prepare(self, sources: Sources, search: Search, max_length: int) -> Prepared:
        """The inputs of a signature, as the gateway sends them."""
        rows = len(sources)
        inputs = {
            **_padded(sources, "tokens", "lengths"),
            "max_lengths": np.full(rows, max_length, np.int32),
            "min_lengths": np.zeros(rows, np.int32),
            "prefix_tokens": np.zeros((rows, 1), np.int32),
            "prefix_lengths": np.zeros(rows, np.int32),
        }
        if search is Search.BEAM:
            inputs["beam_width"] = np.full(rows, BEAM_WIDTH, np.int32)
            inputs["no_repeat_ngram"] = np.zeros(rows, np.int32)
            inputs["length_penalty"] = np.zeros(rows, np.float32)
            inputs["coverage_penalty"] = np.zeros(rows, np.float32)
        return str(search), inputs, self._rules[search].output_sets[0]

    def decode(self, prepared: Prepared) -> Result:
        """Runs the signature, for everything but attention."""
        return self._session.run(*prepared)

    def tokens(self, result: Result) -> list[list[int]]:
        """The best output of each source."""
        return [
            row[0, : lengths[0]].tolist()
            for row, lengths in zip(result["tokens"], result["lengths"], strict=True)
        ]

    def score(self, sources: Sources, targets: Sources) -> list[list[float]]:
        """The log-probability of each token of given outputs."""
        inputs = _padded(sources, "tokens", "lengths")
        forced = _padded(targets, "target_tokens", "target_lengths")
        scores = self._session.run("score", {**inputs, **forced}, ["token_scores"])
        return [
            row[: len(target)].tolist()
            for row, target in zip(scores["token_scores"], targets, strict=True)
        ]


class CTranslate2Engine:
    """CTranslate2.

    Args:
        folder: The converted model.
        tokenizer: Names the tokens.
        precision: What it computes in, its `compute_type`.
        threads: Batches worked on at once, and threads of each.
    """

    def __init__(
        self, folder: Path, tokenizer: Tokenizer, *, precision: str, threads: tuple[int, int]
    ) -> None:
        import ctranslate2

        supported = ctranslate2.get_supported_compute_types("cpu")
        if precision not in supported:
            raise BenchmarkError(f"CTranslate2 has no {precision} on this machine: {supported}")
        inter_threads, intra_threads = threads
        self._translator = ctranslate2.Translator(
            str(folder),
            device="cpu",
            compute_type=precision,
            inter_threads=inter_threads,
            intra_threads=intra_threads,
        )
        self._pieces = [tokenizer.piece(index) for index in range(tokenizer.vocabulary_size)]
        self._ids = {piece: index for index, piece in enumerate(self._pieces)}

    def prepare(self, sources: Sources, search: Search, max_length: int) -> Prepared:
        """Its tokens are strings. One hypothesis is asked for, so that it can stop early."""
        options = {
            "beam_size": BEAM_WIDTH if search is Search.BEAM else 1,
            "max_decoding_length": max_length,
            "min_decoding_length": 0,
            "length_penalty": 0,  # ranked by the plain sum of the tokens' scores, as Heed
            "return_scores": True,
            "return_end_token": True,
        }
        return [[self._pieces[token] for token in source] for source in sources], options

    def decode(self, prepared: Prepared) -> Result:
        """Translates."""
        rows, options = prepared
        return self._translator.translate_batch(rows, **options)

    def tokens(self, result: Result) -> list[list[int]]:
        """The best output of each source."""
        return [[self._ids[piece] for piece in row.hypotheses[0]] for row in result]


def import_libraries(name: EngineName) -> None:
    """Imports what an engine needs, so that its time and memory are not taken for the model's."""
    if name is EngineName.CTRANSLATE2:
        import_module("ctranslate2")
        return
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    tensorflow = import_module("tensorflow")
    tensorflow.get_logger().setLevel("ERROR")
    import_module("model_export.export.graph_session")


def load_engine(
    name: EngineName, folder: Path, *, precision: str, tokenizer: Path, threads: tuple[int, int]
) -> DecodingEngine:
    """An engine with its model.

    Args:
        name: Which engine.
        folder: Its export.
        precision: The number format.
        tokenizer: The file that names the tokens.
        threads: Batches worked on at once, and threads of each; Heed has one for each.

    Raises:
        BenchmarkError: The engine lacks the number format.
    """
    if name is EngineName.HEED:
        return HeedEngine(folder, streams=threads[0])
    return CTranslate2Engine(
        folder, Tokenizer(tokenizer.read_bytes()), precision=precision, threads=threads
    )


def _padded(
    rows: Sources, tokens_name: str, lengths_name: str
) -> Mapping[str, np.ndarray[Any, Any]]:
    lengths = np.array([len(row) for row in rows], np.int32)
    return {tokens_name: padded(rows), lengths_name: lengths}
