"""The server's settings: the flags, checked once."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Annotated, Any, Self

from google.protobuf import text_format
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from model_server.flags import FlagError
from model_server.lifecycle.config import ModelConfig, read_config_file, single_model
from model_server.messages import config_pb2

ThreadCount = Annotated[int, Field(ge=0)]
_THREADS_PER_CPU = 4
_MAX_INT32 = 2**31 - 1


def _default_call_limit() -> int:
    return _THREADS_PER_CPU * len(os.sched_getaffinity(0))


class Settings(BaseModel):
    """Every setting of the server, under the name of its flag."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    port: Annotated[int, Field(ge=0, le=65535)]
    host: str
    grpc_socket_path: str
    grpc_max_threads: Annotated[int, Field(ge=1)] = Field(default_factory=_default_call_limit)
    grpc_channel_arguments: str
    enable_grpc_healthcheck_service: bool
    enable_serialization_as_tensor_content: bool
    rest_api_port: Annotated[int, Field(ge=-1, le=65535)]
    rest_api_num_threads: Annotated[int, Field(ge=1)] = Field(default_factory=_default_call_limit)
    rest_api_timeout_in_ms: Annotated[int, Field(ge=1)]
    monitoring_config_file: str
    enable_batching: bool
    batching_parameters_file: str
    enable_per_model_batching_parameters: bool
    model_name: Annotated[str, Field(min_length=1)]
    model_base_path: str
    model_config_file: str
    model_config_file_poll_wait_seconds: float
    allow_version_labels_for_unavailable_models: bool
    file_system_poll_wait_seconds: float
    num_load_threads: ThreadCount
    max_num_load_retries: Annotated[int, Field(ge=0)]
    load_retry_interval_micros: int
    saved_model_tags: str
    enable_model_warmup: bool
    num_request_iterations_for_warmup: int
    tensorflow_session_parallelism: ThreadCount
    tensorflow_intra_op_parallelism: ThreadCount
    tensorflow_inter_op_parallelism: ThreadCount
    tensorflow_session_config_file: str
    per_process_gpu_memory_fraction: Annotated[float, Field(ge=0, le=1)]
    xla_cpu_compilation_enabled: bool
    xla_gpu_compilation_enabled: bool

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if not (self.model_base_path or self.model_config_file):
            raise ValueError("give --model_base_path or --model_config_file")
        if not self.enable_batching:
            self._check_without_batching()
        counts = (
            self.tensorflow_session_parallelism,
            self.tensorflow_intra_op_parallelism,
            self.tensorflow_inter_op_parallelism,
        )
        if all(counts):
            raise ValueError(
                "give --tensorflow_session_parallelism, or --tensorflow_intra_op_parallelism "
                "and --tensorflow_inter_op_parallelism, but not all three"
            )
        return self

    def _check_without_batching(self) -> None:
        for name in ("batching_parameters_file", "enable_per_model_batching_parameters"):
            if getattr(self, name):
                raise ValueError(f"--{name} is set without --enable_batching")

    @classmethod
    def from_flags(cls, values: argparse.Namespace) -> Settings:
        """Checks the values of the flags.

        Raises:
            FlagError: Naming each flag that has a wrong value.
        """
        given = {name: value for name, value in vars(values).items() if value is not None}
        try:
            return cls(**{name: given[name] for name in cls.model_fields if name in given})
        except ValidationError as error:
            raise FlagError("; ".join(_problem(item) for item in error.errors())) from error

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where the gRPC server listens."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        socket = (f"unix:{self.grpc_socket_path}",) if self.grpc_socket_path else ()
        return (f"{host}:{self.port}", *socket)

    @property
    def channel_arguments(self) -> tuple[tuple[str, str | int], ...]:
        """The pairs of `--grpc_channel_arguments`; values that are numbers become numbers."""
        pairs = (item.partition("=") for item in self.grpc_channel_arguments.split(",") if item)
        return tuple((name, _number_or_text(value)) for name, _, value in pairs)

    @property
    def batching_parameters_path(self) -> Path | None:
        """The file with the batching parameters, if there is one."""
        return Path(self.batching_parameters_file) if self.batching_parameters_file else None

    @property
    def monitoring_config_path(self) -> Path | None:
        """The file that says where the metrics are shown, if there is one."""
        return Path(self.monitoring_config_file) if self.monitoring_config_file else None

    @property
    def load_threads_at_start(self) -> int:
        """How many versions load at once until every model can be used."""
        return _default_call_limit()

    @property
    def retry_interval_s(self) -> float:
        """Pause before a failed load is tried again, in seconds."""
        return max(0, self.load_retry_interval_micros) / 1e6

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags of the graph to load from each SavedModel."""
        return tuple(self.saved_model_tags.split(","))

    @property
    def warmup_iterations(self) -> int:
        """How often each recorded request runs before a version is offered; 0: never."""
        return max(1, self.num_request_iterations_for_warmup) if self.enable_model_warmup else 0

    def read_models(self) -> tuple[ModelConfig, ...]:
        """The models to serve; a configuration file is read anew at each call.

        Raises:
            StatusError: When the configuration is not valid.
        """
        if self.model_config_file:
            return read_config_file(Path(self.model_config_file))
        return single_model(self.model_name, self.model_base_path)

    def session_config(self) -> bytes:
        """The serialised `tensorflow.ConfigProto` of all sessions.

        Raises:
            FlagError: When the session configuration file cannot be read.
        """
        config = self._base_session_config()
        config.gpu_options.per_process_gpu_memory_fraction = self.per_process_gpu_memory_fraction
        if self.tensorflow_intra_op_parallelism or self.tensorflow_inter_op_parallelism:
            config.intra_op_parallelism_threads = self.tensorflow_intra_op_parallelism
            config.inter_op_parallelism_threads = self.tensorflow_inter_op_parallelism
        elif self.tensorflow_session_parallelism:
            config.intra_op_parallelism_threads = self.tensorflow_session_parallelism
            config.inter_op_parallelism_threads = self.tensorflow_session_parallelism
        return bytes(config.SerializeToString())

    def _base_session_config(self) -> Any:
        config, path = config_pb2.ConfigProto(), self.tensorflow_session_config_file
        if not path:
            return config
        try:
            return text_format.Parse(Path(path).read_text(encoding="utf-8"), config)
        except (OSError, ValueError, text_format.ParseError) as error:
            raise FlagError(f"--tensorflow_session_config_file: {error}") from error


def _number_or_text(value: str) -> str | int:
    try:
        number = int(value)
    except ValueError:
        return value
    return number if abs(number) <= _MAX_INT32 else value


def _problem(item: ErrorDetails) -> str:
    where = ".".join(str(part) for part in item["loc"])
    message = str(item["msg"]).removeprefix("Value error, ")
    return f"--{where}: {message}, got {item['input']!r}" if where else message
