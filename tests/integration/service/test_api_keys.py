"""API keys against a real gateway: who comes in, to what, how often; and keys that change."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import pytest
from google.rpc import error_details_pb2

from heed import AsyncClient, Client
from heed.client import AccessError, OverloadedError
from heed.v1 import inference_pb2
from service.security.api_keys import ApiKeyEntry, digest_of, make_key
from service.security.make_api_key import entry_as_toml
from tests.support.gateway import (
    GatewayProcess,
    detail_of,
    error_of,
    generate_request,
    running_gateway,
)
from tests.support.stub_model_server import MODEL_NAME, running_stub
from tests.support.waiting import wait_until

PERMISSIONS: dict[str, dict[str, object]] = {
    "anything": {},
    "others": {"models": ("another*",)},
    "slow": {"requests_per_s": 1.0},
    "few tokens": {"tokens_per_s": 4.0},
    "expired": {"expires": "2020-01-01T00:00:00Z"},
    "one by one": {"max_calls": 1},
}


class Keys:
    """A file of keys, and the keys themselves by the names of their entries."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.keys: dict[str, str] = {}
        self.entries: dict[str, str] = {}
        for name, permissions in PERMISSIONS.items():
            self.add(name, **permissions)

    def add(self, name: str, **permissions: object) -> None:
        key, key_id = make_key()
        entry = {"id": key_id, "name": name, "sha256": digest_of(key), **permissions}
        self.keys[name] = key
        self.entries[name] = entry_as_toml(ApiKeyEntry.model_validate(entry))
        self.write()

    def remove(self, name: str) -> None:
        del self.entries[name]
        self.write()

    def write(self) -> None:
        self.path.write_text("\n".join(self.entries.values()))


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    keys = Keys(tmp_path_factory.mktemp("keys") / "keys.toml")
    keys.path.chmod(0o644)
    return keys


@pytest.fixture(scope="module")
def gateway(keys: Keys) -> Iterator[GatewayProcess]:
    with running_stub() as stub:
        flags = ["--model-server", stub.address, "--model", MODEL_NAME]
        with running_gateway([*flags, f"--api-keys={keys.path}", "--http-port=0"]) as gateway:
            yield gateway


def headers(key: str | None) -> tuple[tuple[str, str], ...]:
    return () if key is None else (("authorization", f"Bearer {key}"),)


def refusal(gateway: GatewayProcess, key: str | None) -> tuple[grpc.StatusCode, str]:
    request = generate_request("heed")
    error = error_of(lambda: gateway.stub.Generate(request, timeout=10, metadata=headers(key)))
    return error.code(), detail_of(error, error_details_pb2.ErrorInfo).reason


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (None, "API_KEY_MISSING"),
        ("nonsense", "API_KEY_INVALID"),
        (make_key()[0], "API_KEY_INVALID"),
    ],
    ids=["none", "nonsense", "one never given out"],
)
def test_without_a_good_key_nobody_is_answered(
    gateway: GatewayProcess, key: str | None, reason: str
) -> None:
    assert refusal(gateway, key) == (grpc.StatusCode.UNAUTHENTICATED, reason)


def test_an_expired_key_is_told_so(gateway: GatewayProcess, keys: Keys) -> None:
    assert refusal(gateway, keys.keys["expired"]) == (
        grpc.StatusCode.UNAUTHENTICATED,
        "API_KEY_EXPIRED",
    )


async def test_both_clients_send_their_key_with_every_call(
    gateway: GatewayProcess, keys: Keys
) -> None:
    key = keys.keys["anything"]
    with Client(gateway.address, api_key=key) as client:
        assert client.generate("heed").text == "heed"
        assert [answer.text for answer in client.generate_many(["a", "b"])] == ["a", "b"]
    async with AsyncClient(gateway.address, api_key=key) as other:
        assert (await other.generate("heed")).text == "heed"
        assert [model.name for model in await other.models()] == [MODEL_NAME]
    with Client(gateway.address) as client, pytest.raises(AccessError, match="x-api-key"):
        client.models()


def test_health_needs_no_key(gateway: GatewayProcess) -> None:
    assert gateway.health() == "SERVING"


def test_http_asks_for_the_same_keys(gateway: GatewayProcess, keys: Keys) -> None:
    with httpx.Client(base_url=gateway.url) as client:
        body = {"texts": ["heed"]}
        refused = client.post("/v1/generate", json=body)
        assert refused.status_code == 401
        assert "API_KEY_MISSING" in refused.text
        client.headers["authorization"] = f"Bearer {keys.keys['others']}"
        assert client.post("/v1/generate", json=body).status_code == 400
        named = {**body, "model": {"name": MODEL_NAME}}
        assert client.post("/v1/generate", json=named).status_code == 403
        client.headers["authorization"] = f"Bearer {keys.keys['anything']}"
        assert client.post("/v1/generate", json=body).status_code == 200


def test_pages_tell_those_without_a_key_no_more_than_whether_it_works(
    gateway: GatewayProcess, keys: Keys
) -> None:
    with httpx.Client(base_url=gateway.url) as client:
        assert client.get("/healthz").status_code == 200
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["models"]) == (200, [])
        assert client.get("/metrics").status_code == 401
        client.headers["x-api-key"] = keys.keys["anything"]
        assert client.get("/readyz").json()["models"]
        metrics = client.get("/metrics").text
    assert 'heed_errors_total{method="Generate",reason="API_KEY_MISSING"}' in metrics
    assert not any(key in metrics for key in keys.keys.values())


def test_models_that_a_key_does_not_permit_are_not_there_for_it(
    gateway: GatewayProcess, keys: Keys
) -> None:
    metadata = headers(keys.keys["others"])
    models = gateway.stub.ListModels(
        inference_pb2.ListModelsRequest(), timeout=10, metadata=metadata
    )
    assert list(models.models) == []
    for name, code, reason in (
        (MODEL_NAME, grpc.StatusCode.PERMISSION_DENIED, "MODEL_NOT_PERMITTED"),
        ("no-such-model", grpc.StatusCode.PERMISSION_DENIED, "MODEL_NOT_PERMITTED"),
        ("another-one", grpc.StatusCode.NOT_FOUND, "UNKNOWN_MODEL"),
    ):
        request = inference_pb2.GenerateRequest(
            model=inference_pb2.ModelSelector(name=name), texts=["heed"]
        )
        error = error_of(
            lambda request=request: gateway.stub.Generate(request, timeout=10, metadata=metadata)
        )
        info = detail_of(error, error_details_pb2.ErrorInfo)
        assert (error.code(), info.reason) == (code, reason)
        assert name == MODEL_NAME or MODEL_NAME not in str(error)


def test_calls_beyond_the_rate_are_told_when_to_come_back(
    gateway: GatewayProcess, keys: Keys
) -> None:
    with Client(gateway.address, api_key=keys.keys["slow"]) as client:
        client.models()
        with pytest.raises(OverloadedError) as refused:
            client.models()
        assert refused.value.reason == "RATE_LIMITED"
        assert 0 < (refused.value.retry_delay_s or 0) <= 1
        assert [each.text for each in client.generate_many(["a"])] == ["a"]


def test_tokens_beyond_the_rate_are_refused(gateway: GatewayProcess, keys: Keys) -> None:
    with Client(gateway.address, api_key=keys.keys["few tokens"]) as client:
        client.generate("a longer text")
        with pytest.raises(OverloadedError, match="4 tokens a second"):
            client.generate("heed")
        assert client.models()


def test_keys_come_and_go_without_a_restart(gateway: GatewayProcess, keys: Keys) -> None:
    keys.add("new")
    with Client(gateway.address, api_key=keys.keys["new"]) as client:
        wait_until(lambda: _comes_in(client))
        keys.remove("new")
        wait_until(lambda: not _comes_in(client))
        keys.path.write_text("[[keys]]\nname = 1\n")
        gateway.wait_for_log(
            re.compile("new file of API keys is refused.*keys.toml:1: id: .*keys.toml:2: name")
        )
        with Client(gateway.address, api_key=keys.keys["anything"]) as old:
            assert _comes_in(old)
        keys.write()


def _comes_in(client: Client) -> bool:
    try:
        client.models()
    except AccessError:
        return False
    return True


def test_commands_take_the_key_from_the_environment_or_a_file(
    gateway: GatewayProcess, keys: Keys, tmp_path: Path
) -> None:
    key_file = tmp_path / "key"
    key_file.write_text(keys.keys["anything"] + "\n")
    command = [sys.executable, "-m", "heed", "models", "--json", "--address", gateway.address]
    runs = [
        subprocess.run(
            [*command, *flags],
            check=False,
            env={**os.environ, "HEED_API_KEY": variable},
            capture_output=True,
            text=True,
            timeout=60,
        )
        for flags, variable in (
            ([], keys.keys["anything"]),
            (["--api-key-file", str(key_file)], "wrong"),
            ([], ""),
        )
    ]
    assert [run.returncode for run in runs] == [0, 0, 1]
    assert "an API key is needed" in runs[2].stderr


def test_the_log_knows_names_but_no_keys(gateway: GatewayProcess, keys: Keys) -> None:
    log = gateway.log()
    assert "keys.toml may be read or changed by every user" in log
    assert not any(key in log or key[-43:] in log for key in keys.keys.values())
    assert not re.search(r"heed_[0-9a-f]{8}_", log)
