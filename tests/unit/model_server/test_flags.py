from __future__ import annotations

import argparse

import pytest

from model_server.flags import FlagError, flags_without_effect, parse_flags


def parse(*arguments: str) -> argparse.Namespace:
    return parse_flags(arguments, version="heed 1")


def test_the_defaults_are_tensorflow_servings_own() -> None:
    flags = parse()
    assert (flags.port, flags.model_name) == (8500, "default")
    assert (flags.max_num_load_retries, flags.load_retry_interval_micros) == (5, 60_000_000)
    assert flags.file_system_poll_wait_seconds == 1
    assert flags.enable_model_warmup is True
    assert flags.host == "127.0.0.1"


def test_values_follow_an_equals_sign_or_a_space() -> None:
    assert parse("--port=0", "--model_name", "g2p").model_name == "g2p"


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("--enable_model_warmup", True),
        ("--enable_model_warmup=true", True),
        ("--enable_model_warmup=1", True),
        ("--enable_model_warmup=false", False),
        ("--enable_model_warmup=0", False),
    ],
)
def test_switches_take_a_value_or_none(argument: str, value: bool) -> None:
    assert parse(argument).enable_model_warmup is value


@pytest.mark.parametrize("argument", ["--port=many", "--enable_model_warmup=maybe", "stray"])
def test_wrong_values_are_errors(argument: str) -> None:
    with pytest.raises(FlagError):
        parse(argument)


def test_an_unknown_flag_names_its_neighbours() -> None:
    with pytest.raises(FlagError, match=r"unknown flag --model_nam; did you mean --model_name"):
        parse("--model_nam=x")


def test_a_flag_is_never_guessed_from_its_beginning() -> None:
    with pytest.raises(FlagError, match="unknown flag --model_n"):
        parse("--model_n=x")


@pytest.mark.parametrize(
    "argument",
    [
        "--rest_api_enable_cors_support",
        "--ssl_config_file=/s",
        "--use_alts_credentials",
        "--prefer_tflite_model",
    ],
)
def test_a_flag_of_the_real_server_that_is_missing_here_says_so(argument: str) -> None:
    with pytest.raises(FlagError, match="not supported"):
        parse(argument)


@pytest.mark.parametrize("argument", ["--use_alts_credentials=false", "--ssl_config_file="])
def test_a_missing_flag_that_is_switched_off_is_fine(argument: str) -> None:
    parse(argument)


def test_flags_that_have_nothing_to_act_on_are_taken_and_named() -> None:
    flags = parse("--flush_filesystem_caches=false", "--num_unload_threads=2")
    assert flags_without_effect(flags) == ["num_unload_threads", "flush_filesystem_caches"]
