from __future__ import annotations

from pathlib import Path

import pytest

from model_server.flags import FlagError, parse_flags
from model_server.messages import config_pb2
from model_server.settings import Settings


def settings(*arguments: str) -> Settings:
    flags = parse_flags(["--model_base_path=/m", *arguments], version="heed 1")
    return Settings.from_flags(flags)


def session_config(*arguments: str) -> config_pb2.ConfigProto:
    return config_pb2.ConfigProto.FromString(settings(*arguments).session_config())


def threads(*arguments: str) -> tuple[int, int]:
    config = session_config(*arguments)
    return config.intra_op_parallelism_threads, config.inter_op_parallelism_threads


def test_a_model_must_be_named() -> None:
    with pytest.raises(FlagError, match="give --model_base_path or --model_config_file"):
        Settings.from_flags(parse_flags([], version="heed 1"))


@pytest.mark.parametrize(
    "argument",
    ["--port=70000", "--grpc_max_threads=0", "--max_num_load_retries=-1", "--model_name="],
)
def test_a_value_out_of_range_names_its_flag(argument: str) -> None:
    with pytest.raises(FlagError, match=argument.partition("=")[0]):
        settings(argument)


@pytest.mark.parametrize(
    "argument", ["--batching_parameters_file=/b", "--enable_per_model_batching_parameters"]
)
def test_batching_parameters_need_batching(argument: str) -> None:
    with pytest.raises(FlagError, match="set without --enable_batching"):
        settings(argument)
    settings(argument, "--enable_batching")


def test_addresses_hold_host_port_and_socket() -> None:
    assert settings("--port=0").addresses == ("127.0.0.1:0",)
    assert settings("--host=::", "--port=1").addresses == ("[::]:1",)
    assert settings("--grpc_socket_path=/s").addresses == ("127.0.0.1:8500", "unix:/s")


def test_channel_arguments_are_numbers_where_they_can_be() -> None:
    argument = "--grpc_channel_arguments=grpc.max_connection_age_ms=2000,grpc.name=x"
    assert settings(argument).channel_arguments == (
        ("grpc.max_connection_age_ms", 2000),
        ("grpc.name", "x"),
    )


def test_threads_are_automatic_unless_they_are_given() -> None:
    assert threads() == (0, 0)
    assert threads("--tensorflow_session_parallelism=3") == (3, 3)
    assert threads("--tensorflow_intra_op_parallelism=2") == (2, 0)
    assert threads(
        "--tensorflow_intra_op_parallelism=2", "--tensorflow_inter_op_parallelism=4"
    ) == (2, 4)


def test_all_three_thread_flags_at_once_are_refused() -> None:
    with pytest.raises(FlagError, match="not all three"):
        threads(
            *("--tensorflow_session_parallelism=3", "--tensorflow_intra_op_parallelism=2"),
            "--tensorflow_inter_op_parallelism=4",
        )


def test_a_session_configuration_file_is_the_base_that_flags_change(tmp_path: Path) -> None:
    file = tmp_path / "session.config"
    file.write_text("allow_soft_placement: true intra_op_parallelism_threads: 7")
    argument = f"--tensorflow_session_config_file={file}"
    assert session_config(argument).allow_soft_placement
    assert threads(argument) == (7, 0)
    assert threads(argument, "--tensorflow_session_parallelism=2") == (2, 2)


@pytest.mark.parametrize("content", [None, "nonsense"])
def test_a_session_configuration_that_cannot_be_read_is_an_error(
    tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "session.config"
    if content:
        file.write_text(content)
    with pytest.raises(FlagError, match="--tensorflow_session_config_file"):
        session_config(f"--tensorflow_session_config_file={file}")


def test_warm_up_runs_once_unless_told_otherwise() -> None:
    assert settings().warmup_iterations == 1
    assert settings("--num_request_iterations_for_warmup=3").warmup_iterations == 3
    assert settings("--num_request_iterations_for_warmup=0").warmup_iterations == 1
    assert settings("--enable_model_warmup=false").warmup_iterations == 0


def test_a_negative_retry_interval_means_no_pause() -> None:
    assert settings("--load_retry_interval_micros=-1").retry_interval_s == 0
    assert settings("--load_retry_interval_micros=250000").retry_interval_s == 0.25
