"""Starts the gateway as a real process, the way a user does.

    with running_gateway(["--model-server", server.address, "--model", "g2p"]) as gateway:
        gateway.stub.Generate(...)

Every gateway listens on 127.0.0.1, on a port that the system picks, and is ended by its own
process id when the block is left.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import grpc
import psutil
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from heed.v1 import inference_pb2, inference_pb2_grpc

GATEWAY_COMMAND = (sys.executable, "-m", "service")
LISTENING_LINE = re.compile(r"Heed gateway listening at (\S+)")
HTTP_LINE = re.compile(r"Heed gateway HTTP at (\S+)")
READY_LINE = re.compile(r"Heed gateway ready at (\S+)")
START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 40.0

Detail = TypeVar("Detail", bound=Message)


class GatewayFailedError(Exception):
    """The process ended, or was not ready in time; the message holds what it printed."""


@dataclass
class GatewayProcess:
    """A running gateway.

    Attributes:
        address: Where it listens, `host:port`.
        process: Its process.
        folder: Holds its temporary files, and the log that receives what it prints.
    """

    address: str
    process: subprocess.Popen[bytes]
    folder: Path

    @functools.cached_property
    def channel(self) -> grpc.Channel:
        """A channel to it."""
        options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        return grpc.insecure_channel(self.address, options=options)

    @property
    def stub(self) -> inference_pb2_grpc.InferenceServiceStub:
        """Calls it."""
        return inference_pb2_grpc.InferenceServiceStub(self.channel)

    @functools.cached_property
    def url(self) -> str:
        """Where it answers over HTTP; it must have been started with --http-port."""
        return self.wait_for_log(HTTP_LINE)[1]

    def log(self) -> str:
        """Everything it has printed so far."""
        return _log_path(self.folder).read_text(errors="replace")

    def health(self, service: str = "") -> str:
        """The health of a service by name: "SERVING", "NOT_SERVING"."""
        stub = health_pb2_grpc.HealthStub(self.channel)
        answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=5)
        return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))

    def wait_until_ready(self, timeout_s: float = START_TIMEOUT_S) -> None:
        """Waits for the ready line."""
        self.wait_for_log(READY_LINE, timeout_s)

    def wait_for_log(self, pattern: re.Pattern[str], timeout_s: float = 30.0) -> re.Match[str]:
        """Waits until it has printed a line.

        Raises:
            GatewayFailedError: It ended, or did not print it in time.
        """
        give_up_at = time.monotonic() + timeout_s
        while time.monotonic() < give_up_at:
            ended = self.process.poll() is not None
            if found := pattern.search(self.log()):
                return found
            if ended:
                break
            time.sleep(0.02)
        raise GatewayFailedError(f"no line like {pattern.pattern!r} in:\n{self.log()}")

    def model_server_child(self) -> psutil.Process:
        """The local model server that it started."""
        for child in psutil.Process(self.process.pid).children():
            if "model_server" in child.cmdline():
                return child
        raise GatewayFailedError(f"the gateway has no model server:\n{self.log()}")

    def terminate(self) -> int:
        """Asks it to stop (SIGTERM) and returns its exit status."""
        self.process.terminate()
        return self.process.wait(STOP_TIMEOUT_S)


def _log_path(folder: Path) -> Path:
    return folder / "gateway.log"


def start_gateway(
    flags: Sequence[str],
    *,
    until_ready: bool = True,
    command: Sequence[str] = GATEWAY_COMMAND,
) -> GatewayProcess:
    """Starts a gateway.

    Args:
        flags: Its flags, without the port.
        until_ready: Whether to wait until every model is ready, and not only until it listens.
        command: What starts it.

    Raises:
        GatewayFailedError: It ended, or was not ready in time. Nothing is left running.
    """
    folder = Path(tempfile.mkdtemp(prefix="heed-gateway-"))
    with _log_path(folder).open("wb") as log_file:
        process = subprocess.Popen(
            [*command, "--grpc-port=0", *_http_flags(flags), *flags],
            stdin=subprocess.DEVNULL,
            stdout=log_file,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TMPDIR": str(folder)},  # so that one that is killed leaves nothing
        )
    gateway = GatewayProcess("", process, folder)
    try:
        address = gateway.wait_for_log(LISTENING_LINE, START_TIMEOUT_S)[1]
        gateway.address = address
        if until_ready:
            gateway.wait_until_ready()
    except BaseException:
        end_gateway(gateway)
        raise
    return gateway


def _http_flags(flags: Sequence[str]) -> list[str]:
    """No HTTP for tests that do not ask for it: most need no second port."""
    return [] if any(flag.startswith("--http-port") for flag in flags) else ["--no-http"]


def end_gateway(gateway: GatewayProcess) -> None:
    """Ends a gateway if it still runs, and removes what it left."""
    if gateway.address:
        gateway.channel.close()
    if gateway.process.poll() is None:
        gateway.process.terminate()
        try:
            gateway.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            gateway.process.kill()
            gateway.process.wait()
    shutil.rmtree(gateway.folder, ignore_errors=True)


@contextmanager
def running_gateway(
    flags: Sequence[str],
    *,
    until_ready: bool = True,
    command: Sequence[str] = GATEWAY_COMMAND,
) -> Iterator[GatewayProcess]:
    """`start_gateway` for a block: it is ended when the block is left."""
    gateway = start_gateway(flags, until_ready=until_ready, command=command)
    try:
        yield gateway
    finally:
        end_gateway(gateway)


def generate_request(*texts: str, **options: object) -> inference_pb2.GenerateRequest:
    """A request to generate, for the only model."""
    return inference_pb2.GenerateRequest(
        texts=texts, options=inference_pb2.GenerateOptions(**options)
    )


def error_of(call: Callable[[], object]) -> grpc.RpcError:
    """The error that a call ends in."""
    try:
        answer = call()
    except grpc.RpcError as error:
        return error
    raise AssertionError(f"an error was expected, got {answer}")


def detail_of(error: grpc.RpcError, kind: type[Detail]) -> Detail:
    """The detail of a kind that came with an error.

    Raises:
        AssertionError: There is none.
    """
    status = rpc_status.from_call(error)
    for packed in status.details if status is not None else ():
        detail = kind()
        if packed.Unpack(detail):
            return detail
    raise AssertionError(f"no {kind.DESCRIPTOR.full_name} in {error}")


def violations_of(error: grpc.RpcError) -> dict[str, str]:
    """What is wrong with a request: descriptions by field."""
    violations = detail_of(error, error_details_pb2.BadRequest).field_violations
    return {violation.field: violation.description for violation in violations}
