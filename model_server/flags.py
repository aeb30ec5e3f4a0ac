"""The command line: TensorFlow Serving's own flags, by its names and with its meanings."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Mapping, Sequence

_TFLITE = "TensorFlow Lite models are not supported"
_TPU = "TPUs are not supported"

# Flags of the real server that this one refuses: values that change nothing, and why.
_REFUSED: Mapping[str, tuple[frozenset[str], str]] = {
    "rest_api_enable_cors_support": (
        frozenset({"false", "0"}),
        "answering web pages of other origins is not supported; put a proxy in front",
    ),
    "use_alts_credentials": (frozenset({"false", "0"}), "ALTS credentials are not supported"),
    "ssl_config_file": (frozenset({""}), "TLS is not supported; put a proxy in front"),
    "platform_config_file": (frozenset({""}), "platform configuration files are not supported"),
    "prefer_tflite_model": (frozenset({"false", "0"}), _TFLITE),
    "num_tflite_pools": (frozenset(), _TFLITE),
    "num_tflite_interpreters_per_pool": (frozenset(), _TFLITE),
    "enable_signature_method_name_check": (
        frozenset({"false", "0"}),
        "checking method names is not supported",
    ),
    "thread_pool_factory_config_file": (frozenset({""}), "thread pool files are not supported"),
    "mixed_precision": (frozenset({""}), "mixed precision is not supported; export it instead"),
}

# Flags of the real server that are taken but have nothing to act on here.
_WITHOUT_EFFECT = (
    *("num_unload_threads", "flush_filesystem_caches", "enable_profiler", "skip_initialize_tpu"),
    "remove_unused_fields_from_bundle_metagraph",
)


class FlagError(Exception):
    """The command line is not valid; the message says what to write instead."""


def parse_flags(arguments: Sequence[str], *, version: str) -> argparse.Namespace:
    """The flags and their values, unchecked beyond their types.

    Args:
        arguments: The command line after the program's name.
        version: What `--version` prints.

    Raises:
        FlagError: For unknown flags, flags that are not supported, and values of a wrong type.
        SystemExit: After `--help` and `--version`.
    """
    parser = _parser(version)
    _check_known(arguments, parser)
    supported = [argument for argument in arguments if _name(argument) not in _REFUSED]
    return parser.parse_args(supported)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        raise FlagError(message)


def _parser(version: str) -> _Parser:
    parser = _Parser(
        prog="heed model-server",
        description="Serves SavedModels over TensorFlow Serving's gRPC API, for any machine.",
        allow_abbrev=False,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=version, help="print versions")
    _add_address_flags(parser)
    _add_model_flags(parser)
    _add_rest_flags(parser)
    _add_load_flags(parser)
    _add_batching_flags(parser)
    _add_session_flags(parser)
    for name in _WITHOUT_EFFECT:
        parser.add_argument(f"--{name}", nargs="?", help=argparse.SUPPRESS)
    return parser


def _add_address_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("where it listens")
    group.add_argument("--port", type=int, default=8500, help="gRPC port; 0: the system picks")
    group.add_argument(
        "--host", default="127.0.0.1", help="gRPC host; TensorFlow Serving always uses 0.0.0.0"
    )
    group.add_argument("--grpc_socket_path", default="", help="also listen on this UNIX socket")
    group.add_argument(
        "--grpc_max_threads", type=int, help="calls at once, the surplus is refused; 4 x CPUs"
    )
    group.add_argument(
        "--grpc_channel_arguments", default="", help="gRPC arguments as name=value,name=value"
    )
    _add_switch(group, "enable_grpc_healthcheck_service", help="offer grpc.health.v1")
    _add_switch(group, "enable_serialization_as_tensor_content", help="answer in tensor_content")


def _add_rest_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("REST and metrics")
    group.add_argument(
        "--rest_api_port",
        type=int,
        default=0,
        help="HTTP port, on the same host; 0: no HTTP; -1: the system picks",
    )
    group.add_argument(
        "--rest_api_num_threads", type=int, help="HTTP calls at once, the surplus waits; 4 x CPUs"
    )
    group.add_argument(
        "--rest_api_timeout_in_ms", type=int, default=30_000, help="longest HTTP call"
    )
    group.add_argument(
        "--monitoring_config_file",
        default="",
        help="a text MonitoringConfig: Prometheus metrics on the HTTP port",
    )


def _add_batching_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how requests are batched")
    _add_switch(group, "enable_batching", help="run requests that wait together in one batch")
    group.add_argument("--batching_parameters_file", default="", help="a text BatchingParameters")
    _add_switch(
        group,
        "enable_per_model_batching_parameters",
        help="read batching_params.pbtxt in each version's folder instead",
    )


def _add_model_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("which models it serves")
    group.add_argument("--model_name", default="default", help="what clients call the model")
    group.add_argument("--model_base_path", default="", help="the folder above its versions")
    group.add_argument(
        "--model_config_file", default="", help="several models: a text ModelServerConfig"
    )
    group.add_argument(
        "--model_config_file_poll_wait_seconds",
        type=float,
        default=0,
        help="pause between two reads of that file; 0: read it once",
    )
    _add_switch(
        group,
        "allow_version_labels_for_unavailable_models",
        help="let new labels name versions that are not available yet",
    )


def _add_load_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how versions are loaded")
    group.add_argument(
        "--file_system_poll_wait_seconds",
        type=float,
        default=1,
        help="pause between two looks for versions; 0: look once; negative: never",
    )
    group.add_argument(
        "--num_load_threads", type=int, default=0, help="versions loaded at once; 0: one"
    )
    group.add_argument(
        "--max_num_load_retries", type=int, default=5, help="attempts after a first failed load"
    )
    group.add_argument(
        "--load_retry_interval_micros",
        type=int,
        default=60_000_000,
        help="pause before another attempt, in microseconds; negative: none",
    )
    group.add_argument("--saved_model_tags", default="serve", help="tags, separated by commas")
    _add_switch(group, "enable_model_warmup", default=True, help="run recorded requests first")
    group.add_argument(
        "--num_request_iterations_for_warmup",
        type=int,
        default=1,
        help="how often each recorded request runs",
    )


def _add_session_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how graphs run")
    for name, meaning in (
        ("tensorflow_session_parallelism", "threads within and between operations"),
        ("tensorflow_intra_op_parallelism", "threads within one operation"),
        ("tensorflow_inter_op_parallelism", "operations at once"),
    ):
        group.add_argument(f"--{name}", type=int, default=0, help=f"{meaning}; 0: automatic")
    group.add_argument(
        "--tensorflow_session_config_file", default="", help="a text tensorflow.ConfigProto"
    )
    group.add_argument(
        "--per_process_gpu_memory_fraction", type=float, default=0.0, help="0: automatic"
    )
    for kind in ("cpu", "gpu"):
        _add_switch(group, f"xla_{kind}_compilation_enabled", help="allow jit_compile in graphs")


def _add_switch(
    group: argparse._ActionsContainer,
    name: str,
    *,
    default: bool = False,
    help: str,  # noqa: A002
) -> None:
    group.add_argument(
        f"--{name}", nargs="?", const=True, default=default, type=_boolean, help=help
    )


def _boolean(text: str) -> bool:
    match text.lower():
        case "true" | "1":
            return True
        case "false" | "0":
            return False
        case _:
            raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")


def _name(argument: str) -> str:
    return argument.removeprefix("--").partition("=")[0] if argument.startswith("--") else ""


def _check_known(arguments: Sequence[str], parser: argparse.ArgumentParser) -> None:
    known = {option.removeprefix("--") for option in parser._option_string_actions}
    for argument in arguments:
        name = _name(argument)
        if name in _REFUSED:
            _check_refused(name, argument.partition("=")[2] if "=" in argument else "true")
        elif name and name not in known:
            near = difflib.get_close_matches(name, [*known, *_REFUSED], n=3)
            hint = f"; did you mean {', '.join(f'--{flag}' for flag in near)}?" if near else "."
            raise FlagError(f"unknown flag --{name}{hint} See --help for all flags")


def _check_refused(name: str, value: str) -> None:
    harmless, reason = _REFUSED[name]
    if value.lower() not in harmless:
        raise FlagError(f"--{name}: {reason}")


def flags_without_effect(values: argparse.Namespace) -> list[str]:
    """The given flags of the real server that have nothing to act on here."""
    return [name for name in _WITHOUT_EFFECT if getattr(values, name) is not None]
