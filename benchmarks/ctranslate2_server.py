"""CTranslate2 behind a plain grpc.aio server that answers `heed.v1` Generate, greedily.

What someone would write in an afternoon. `--batching none` translates each call by itself;
`--batching waiting` takes whatever has come while the last batch was translated.

Usage: python -m benchmarks.ctranslate2_server FOLDER MODELS/NAME [--batching none|waiting]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import ctranslate2
import grpc
import grpc.aio

from benchmarks.real_load.rows import ExportedModel, load_model
from heed.text import Tokenizer
from heed.v1 import inference_pb2

READY: Final = "CTranslate2 ready at"
SERVICE: Final = "heed.v1.InferenceService"


class Translator:
    """Translates tokens, a batch at a time.

    Args:
        folder: The converted model.
        max_length: Tokens of an output at most, the end token counted.
        max_rows: Rows of a batch at most.
    """

    def __init__(self, folder: Path, *, max_length: int, max_rows: int) -> None:
        self._translator = ctranslate2.Translator(
            str(folder), device="cpu", compute_type="float32", intra_threads=os.cpu_count() or 1
        )
        self._max_length = max_length
        self._max_rows = max_rows
        self._threads = ThreadPoolExecutor(max_workers=64)
        self._waiting: list[tuple[list[str], asyncio.Future[Any]]] = []
        self._has_come = asyncio.Event()

    async def alone(self, rows: list[list[str]]) -> list[Any]:
        """Each call by itself."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._translate, rows)

    async def together(self, rows: list[list[str]]) -> list[Any]:
        """With the rows of other calls."""
        loop = asyncio.get_running_loop()
        futures = [loop.create_future() for _ in rows]
        self._waiting += zip(rows, futures, strict=True)
        self._has_come.set()
        return list(await asyncio.gather(*futures))

    async def send_batches(self) -> None:
        """Translates what waits, first come, first served, for ever."""
        while True:
            await self._has_come.wait()
            batch = self._waiting[: self._max_rows]
            del self._waiting[: self._max_rows]
            if not self._waiting:
                self._has_come.clear()
            for (_, future), result in zip(
                batch, await self.alone([row for row, _ in batch]), strict=True
            ):
                if not future.done():
                    future.set_result(result)

    def _translate(self, rows: list[list[str]]) -> list[Any]:
        results: list[Any] = self._translator.translate_batch(
            rows,
            beam_size=1,
            max_decoding_length=self._max_length,
            min_decoding_length=0,
            length_penalty=0,  # the plain sum of the tokens' scores
            return_scores=True,
            return_end_token=True,
        )
        return results


class Answers:
    """Turns outputs into messages.

    Args:
        model: The model whose tokenizers are used.
    """

    def __init__(self, model: ExportedModel) -> None:
        self._model = model
        path = model.base_path / str(model.version) / "assets" / "target_tokenizer.model"
        self._target = Tokenizer(path.read_bytes())
        vocabulary = range(self._target.vocabulary_size)
        self._ids = {self._target.piece(index): index for index in vocabulary}

    def tokens(self, text: str) -> list[str]:
        """A text as CTranslate2 reads it."""
        tokenizer = self._model.tokenizer
        return [tokenizer.piece(token_id) for token_id in tokenizer.encode_ids(text)]

    def message(self, results: list[Any]) -> bytes:
        """The answer to a call."""
        response = inference_pb2.GenerateResponse()
        response.model.name, response.model.version = self._model.name, self._model.version
        for result in results:
            ids = [self._ids[piece] for piece in result.hypotheses[0]]
            end = self._model.contract.special_ids.end
            text = self._target.decode([each for each in ids if each != end]).text
            hypothesis = response.results.add().hypotheses.add(text=text, score=result.scores[0])
            for token_id, piece in zip(ids, result.hypotheses[0], strict=True):
                hypothesis.tokens.add(id=token_id, text=piece)
        return bytes(response.SerializeToString())


async def serve(arguments: argparse.Namespace) -> None:
    """Answers until it is told to end."""
    model = load_model(arguments.model)
    answers = Answers(model)
    translator = Translator(
        arguments.folder,
        max_length=model.contract.max_target_tokens,
        max_rows=arguments.max_batch_rows,
    )
    is_alone = arguments.batching == "none"
    translate = translator.alone if is_alone else translator.together

    async def generate(request: inference_pb2.GenerateRequest, context: Any) -> bytes:
        del context
        return answers.message(await translate([answers.tokens(text) for text in request.texts]))

    handler = grpc.unary_unary_rpc_method_handler(
        generate, request_deserializer=inference_pb2.GenerateRequest.FromString
    )
    server = grpc.aio.server()
    handlers = grpc.method_handlers_generic_handler(SERVICE, {"Generate": handler})
    server.add_generic_rpc_handlers((handlers,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sender = None if is_alone else asyncio.create_task(translator.send_batches(), name="batches")
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    print(f"{READY} 127.0.0.1:{port}", flush=True)
    await ended.wait()
    await server.stop(1.0)
    if sender is not None:
        sender.cancel()


def main() -> None:
    """Reads the command line and serves."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="what ctranslate2_model.py wrote")
    parser.add_argument("model", type=Path, metavar="MODELS/NAME", help="for its tokenizers")
    parser.add_argument("--batching", choices=("none", "waiting"), default="waiting")
    parser.add_argument("--max-batch-rows", type=int, default=64)
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
