"""Asks a gateway with Triton's own client, and prints what it answered as JSON.

    python -m tests.support.triton_calls HOST:PORT MODEL

A process of its own, since both the client and the gateway bring classes for the protocol's
messages, and one process can hold one of them alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any


def ask_with_triton(address: str, model: str) -> dict[str, Any]:
    """Runs this module, and returns what it prints."""
    finished = subprocess.run(
        [sys.executable, "-m", "tests.support.triton_calls", address, model],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if finished.returncode != 0:
        raise RuntimeError(f"Triton's client failed:\n{finished.stderr}")
    answers: dict[str, Any] = json.loads(finished.stdout)
    return answers


def _main(address: str, model: str) -> None:
    import numpy as np
    import tritonclient.grpc as triton
    from tritonclient.grpc import service_pb2
    from tritonclient.utils import InferenceServerException

    def text_input(texts: list[str], shape: list[int]) -> triton.InferInput:
        tensor = triton.InferInput("text", shape, "BYTES")
        elements = np.array([text.encode() for text in texts], object).reshape(shape)
        return tensor.set_data_from_numpy(elements)

    def plain(values: Any) -> Any:
        def readable(value: Any) -> Any:
            return value.decode() if isinstance(value, bytes) else float(value)

        flat = [readable(value) for value in values.ravel()]
        return {"shape": list(values.shape), "values": flat}

    def infer(texts: list[str], *names: str, shape: list[int] | None = None, **parameters: Any):
        outputs = [triton.InferRequestedOutput(name) for name in names] or None
        try:
            result = client.infer(
                model,
                [text_input(texts, shape or [len(texts)])],
                outputs=outputs,
                parameters=parameters,
                request_id="mine",
            )
        except InferenceServerException as error:
            return {"status": error.status(), "message": error.message()}
        response = result.get_response()
        tensors = {out.name: plain(result.as_numpy(out.name)) for out in response.outputs}
        about = {"id": response.id, "model": response.model_name, "version": response.model_version}
        return {**about, **tensors}

    def stream(texts: list[str]) -> list[Any]:
        import queue

        seen: queue.Queue[Any] = queue.Queue()
        client.start_stream(lambda result, error: seen.put((result, error)))
        for text in texts:
            client.async_stream_infer(model, [text_input([text], [1])], request_id=text[:9])
        answers = [seen.get(timeout=30) for _ in texts]
        client.stop_stream()
        return [
            error.message() if error else plain(result.as_numpy("text"))["values"][0]
            for result, error in answers
        ]

    client = triton.InferenceServerClient(address)
    all_outputs = ("text", "score", "tokens", "token_scores", "source_tokens", "attention")
    with client:
        messages = service_pb2.DESCRIPTOR.message_types_by_name
        answers = {
            "live": client.is_server_live(),
            "ready": client.is_server_ready(),
            "model_ready": client.is_model_ready(model),
            "version_ready": client.is_model_ready(model, "1"),
            "other_version_ready": client.is_model_ready(model, "99"),
            "other_model_ready": client.is_model_ready("nothing"),
            "server": client.get_server_metadata(as_json=True),
            "model": client.get_model_metadata(model, as_json=True),
            "config": client.get_model_config(model, as_json=True),
            "plain": infer(["attention", "chicago"]),
            "column": infer(["attention", "chicago"], shape=[2, 1]),
            "everything": infer(["attention", "a"], *all_outputs, prefix="AH", max_length=5),
            "beam": infer(["attention", "a"], *all_outputs, beam_width=4, num_hypotheses=3),
            "sample": infer(["attention"], sample=True, seed=7, temperature="0.5", top_k=5),
            "unknown_parameter": infer(["a"], beam_with=4),
            "wrong_parameter": infer(["a"], beam_width="many"),
            "too_wide": infer(["a"], beam_width=1000),
            "empty": infer(["a", " "]),
            "unknown_output": infer(["a"], "logits"),
            "wrong_shape": infer(["a", "b"], shape=[1, 2]),
            "stream": stream(["attention", " ", "chicago"]),
            "fields": {
                name: {field.name: [field.number, field.type] for field in message.fields}
                for name, message in messages.items()
            },
        }
    print(json.dumps(answers))


if __name__ == "__main__":
    _main(*sys.argv[1:])
