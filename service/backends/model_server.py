"""Calls to one model server that speaks TensorFlow Serving's gRPC, through the wire twin."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import grpc
import grpc.aio
import numpy as np
from google.protobuf.message import DecodeError

from heed.contract import Signature
from heed.wire.v1 import serving_pb2
from service.backends.status_table import error_for_status
from service.backends.tensor_codec import TensorError, decode_tensor, encode_tensor
from service.cancellation import is_cancelling
from service.domain.signatures import Array, PredictTarget
from service.errors import (
    InternalError,
    ModelAnswerError,
    ModelContractError,
    ModelServerUnreachableError,
)
from service.tracing import outgoing
from service.tracing.spans import Metadata

logger = logging.getLogger(__name__)

PREDICT: Final = "/tensorflow.serving.PredictionService/Predict"
GET_MODEL_STATUS: Final = "/tensorflow.serving.ModelService/GetModelStatus"

CHANNEL_OPTIONS: Final[Sequence[tuple[str, int]]] = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # A restarted model server is found again within a second.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # In spite of its name the time that one attempt to connect may take.
    ("grpc.min_reconnect_backoff_ms", 2000),
    # A model server that vanished without a word fails its calls instead of keeping them.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 10_000),
)


_SURPRISES: Final = (ModelContractError, InternalError)
"""Failures that neither load nor a roll-out explains: the log gets the model server's words."""


_UNKNOWN_LABEL: Final = (
    grpc.StatusCode.INVALID_ARGUMENT,  # no such label
    grpc.StatusCode.NOT_FOUND,  # its version is gone
    grpc.StatusCode.FAILED_PRECONDITION,  # its version has no signature "contract"
)


class ModelStatusError(Exception):
    """The model server did not say which versions it has.

    Attributes:
        code: The gRPC status code.
        is_unknown_model: Whether it said that it knows no such model.
        is_timeout: Whether it did not answer in time; it may just be busy.
        is_busy: Whether it answered that it has too many calls.
    """

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(f"{code.name}: {details}")
        self.code = code
        self.is_unknown_model = code is grpc.StatusCode.NOT_FOUND
        self.is_timeout = code is grpc.StatusCode.DEADLINE_EXCEEDED
        self.is_busy = code is grpc.StatusCode.RESOURCE_EXHAUSTED


@dataclass(frozen=True, slots=True)
class VersionStatus:
    """What the model server says about one version.

    Attributes:
        version: The version.
        is_available: Whether it answers requests.
        failure: Why it could not be loaded; empty if nothing failed.
    """

    version: int
    is_available: bool
    failure: str = ""


class ModelServer:
    """A connection to one model server. It is made at the first call, and again when it broke.

    Args:
        address: HOST:PORT, or unix:PATH.
        credentials: Proves identities by TLS; None for a connection without.
        server_name: The name that its certificate must bear; empty for the host of the address.
    """

    def __init__(
        self,
        address: str,
        credentials: grpc.ChannelCredentials | None = None,
        *,
        server_name: str = "",
    ) -> None:
        options: list[tuple[str, int | str]] = [*CHANNEL_OPTIONS]
        if server_name:
            options.append(("grpc.default_authority", server_name))
        if credentials is None:
            self._channel = grpc.aio.insecure_channel(address, options=options)
        else:
            if server_name:
                options.append(("grpc.ssl_target_name_override", server_name))
            self._channel = grpc.aio.secure_channel(address, credentials, options=options)
        self._address = address
        self._last_failure = ""
        self._is_closed = False
        self._calls_under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._methods: dict[str, grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]] = {
            method: self._channel.unary_unary(method) for method in (PREDICT, GET_MODEL_STATUS)
        }

    async def close(self, *, grace_s: float = 0.0) -> None:
        """Ends the connection. New calls fail at once, those under way when the time is up.

        Args:
            grace_s: How long calls under way may take, in seconds.
        """
        self._is_closed = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), grace_s)
        await self._channel.close()

    async def predict(
        self, target: PredictTarget, inputs: Mapping[str, Array], *, timeout_s: float
    ) -> Mapping[str, Array]:
        """Runs one call on a pinned version; see `service.domain.signatures.Predictor`.

        Raises:
            ServiceError: The model server failed, refused or could not be reached.
        """
        request = _predict_request(target, inputs)
        try:
            with outgoing("Predict", {"heed.signature": target.signature.value}) as metadata:
                answer = await self._call(
                    PREDICT, request.SerializeToString(), timeout_s, metadata=metadata
                )
        except grpc.aio.AioRpcError as error:
            code, details = error.code(), error.details() or ""
            failure = error_for_status(code, details, target.model)
            level = logging.WARNING if isinstance(failure, _SURPRISES) else logging.DEBUG
            logger.log(level, "Predict failed with %s: %s", code.name, details)
            raise failure from error
        return _read_answer(answer, target)

    async def model_status(self, model: str, *, timeout_s: float) -> tuple[VersionStatus, ...]:
        """Asks which versions of a model there are, newest first.

        Raises:
            ModelStatusError: It did not answer, or with an error.
        """
        request = serving_pb2.GetModelStatusRequest(model_spec=serving_pb2.ModelSpec(name=model))
        try:
            with _status_errors():
                answer = await self._call(GET_MODEL_STATUS, request.SerializeToString(), timeout_s)
                response = serving_pb2.GetModelStatusResponse.FromString(answer)
        except ModelStatusError as error:
            self._tell_failure(str(error))
            raise
        self._last_failure = ""
        return tuple(_version_status(status) for status in response.model_version_status)

    async def labelled_version(self, model: str, label: str, *, timeout_s: float) -> int | None:
        """Asks which version a label stands for; None if it stands for none here.

        The answer comes from the signature `contract`: GetModelStatus knows nothing of labels.

        Raises:
            ModelStatusError: It did not answer, or with an error.
        """
        request = serving_pb2.PredictRequest(output_filter=["contract"])
        request.model_spec.name = model
        request.model_spec.version_label = label
        request.model_spec.signature_name = Signature.CONTRACT.value
        request.inputs["request"].CopyFrom(encode_tensor(np.zeros(1, np.int32)))
        try:
            with _status_errors():
                answer = await self._call(PREDICT, request.SerializeToString(), timeout_s)
                version = serving_pb2.PredictResponse.FromString(answer).model_spec.version.value
        except ModelStatusError as error:
            if error.code in _UNKNOWN_LABEL:
                return None
            raise
        return int(version) or None

    def _tell_failure(self, words: str) -> None:
        """Logs why the model server cannot be asked: a handshake may say what is wrong with it."""
        if words != self._last_failure and not self._is_closed:
            logger.warning("model server %s cannot be asked: %s", self._address, words)
            self._last_failure = words

    async def _call(
        self, method: str, request: bytes, timeout_s: float, *, metadata: Metadata = ()
    ) -> bytes:
        if self._is_closed:
            raise ModelServerUnreachableError
        self._calls_under_way += 1
        self._idle.clear()
        try:
            call = self._methods[method](request, timeout=timeout_s, metadata=metadata or None)
            return bytes(await call)
        except (grpc.aio.UsageError, asyncio.InvalidStateError) as error:
            raise ModelServerUnreachableError from error  # the channel was closed under the call
        except asyncio.CancelledError as error:
            if is_cancelling():
                raise
            raise ModelServerUnreachableError from error
        finally:
            self._calls_under_way -= 1
            if not self._calls_under_way:
                self._idle.set()


@contextlib.contextmanager
def _status_errors() -> Iterator[None]:
    """Makes a ModelStatusError of whatever keeps the model server's answer away."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise ModelStatusError(error.code(), error.details() or "") from error
    except ModelServerUnreachableError as error:
        raise ModelStatusError(grpc.StatusCode.UNAVAILABLE, error.message) from error
    except DecodeError as error:
        raise ModelStatusError(grpc.StatusCode.INTERNAL, "the answer cannot be read") from error


def _predict_request(
    target: PredictTarget, inputs: Mapping[str, Array]
) -> serving_pb2.PredictRequest:
    request = serving_pb2.PredictRequest(output_filter=target.outputs)
    request.model_spec.name = target.model.name
    request.model_spec.version.value = target.model.version
    request.model_spec.signature_name = target.signature.value
    for name, array in inputs.items():
        request.inputs[name].CopyFrom(encode_tensor(array))
    return request


def _read_answer(answer: bytes, target: PredictTarget) -> dict[str, Array]:
    key = target.model
    metadata = {"model": key.name, "version": str(key.version)}
    try:
        response = serving_pb2.PredictResponse.FromString(answer)
        outputs = {name: decode_tensor(tensor) for name, tensor in response.outputs.items()}
    except DecodeError as error:
        raise ModelAnswerError("the answer is no PredictResponse", metadata) from error
    except TensorError as error:
        raise ModelAnswerError(f"the answer holds a broken tensor: {error}", metadata) from error
    if response.model_spec.version.value != key.version:
        raise ModelAnswerError(
            f"version {response.model_spec.version.value} answered for version {key.version}",
            metadata,
        )
    return outputs


def _version_status(status: serving_pb2.ModelVersionStatus) -> VersionStatus:
    is_available = status.state == serving_pb2.ModelVersionStatus.AVAILABLE
    failure = ""
    if status.status.error_code:
        code = _CODE_NAMES.get(status.status.error_code, str(status.status.error_code))
        failure = f"{code}: {status.status.error_message}"
    return VersionStatus(status.version, is_available, failure)


_CODE_NAMES: Final = {code.value[0]: code.name for code in grpc.StatusCode}
