from __future__ import annotations

import pytest

from service.settings import GatewaySettings, SettingsError, build_parser, read_settings

BACKEND = ["--model-server", "localhost:8500", "--model", "a"]


def test_defaults_listen_on_this_machine_alone() -> None:
    settings = read_settings(BACKEND, {})
    assert (settings.host, settings.grpc_port) == ("127.0.0.1", 50051)
    assert settings.max_texts_per_call == 256
    assert settings.max_message_bytes == 4 * 1024 * 1024


def test_flags_win_over_the_environment_and_that_over_defaults() -> None:
    environment = {"HEED_GRPC_PORT": "7000", "HEED_MAX_BATCH_ROWS": "9", "HEED_HOST": ""}
    settings = read_settings([*BACKEND, "--grpc-port=8000"], environment)
    assert (settings.grpc_port, settings.max_batch_rows) == (8000, 9)
    assert settings.host == "127.0.0.1"


def test_the_environment_alone_can_start_a_gateway() -> None:
    settings = read_settings(
        [], {"HEED_MODEL_SERVER": "models:8500", "HEED_MODEL": "a,b", "HEED_REFLECTION": "no"}
    )
    assert (settings.model_server, settings.model) == (("models:8500",), ("a", "b"))
    assert settings.reflection is False


def test_a_flag_for_one_backend_beats_a_variable_for_the_other() -> None:
    settings = read_settings(["--models-dir", "m"], {"HEED_MODEL_SERVER": "models:8500"})
    assert settings.model_server == ()


def test_models_can_be_named_several_times() -> None:
    assert read_settings([*BACKEND, "--model", "b"], {}).model == ("a", "b")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "give either --models-dir or --model-server"),
        ([*BACKEND, "--models-dir", "m"], "give either --models-dir or --model-server"),
        (["--model-server", "localhost:8500"], "needs --model NAME"),
        ([*BACKEND, "--model", "a"], "names a model twice"),
        (["--model-server", "localhost", "--model", "a"], "expected HOST:PORT"),
        ([*BACKEND, "--grpc-port", "70000"], r"--grpc-port: .*65535, got '70000'"),
        ([*BACKEND, "--grpc-port", "x"], r"--grpc-port: .*integer.*, got 'x'"),
        ([*BACKEND, "--model", "\udcff"], r"--model: expected a name of .* printable"),
        (
            [*BACKEND, "--model", "m" * 129],
            r"--model: expected a name of at most 128 .*, got 'm{128}'$",
        ),
        ([*BACKEND, "--otlp-endpoint", "http://[::"], r"--otlp-endpoint: expected .*HOST:PORT"),
        ([*BACKEND, "--otlp-endpoint", "http://a:99999"], r"--otlp-endpoint: expected .*HOST:PORT"),
        ([*BACKEND, "--otlp-endpoint", "http://"], r"--otlp-endpoint: expected .*HOST:PORT"),
        ([*BACKEND, "--max-predict-s", "inf"], r"--max-predict-s: .*86400, got 'inf'"),
        ([*BACKEND, "--max-message-bytes", "2147483648"], r"--max-message-bytes: .*2147483647"),
        ([*BACKEND, "--max-batch-rows", "0"], r"--max-batch-rows: .*greater than or equal to 1"),
    ],
)
def test_a_wrong_value_names_its_flag_and_what_was_expected(flags: list[str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        read_settings(flags, {})


def test_an_unknown_flag_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read_settings([*BACKEND, "--max-batch"], {})
    assert "--max-batch" in capsys.readouterr().err


def test_help_describes_every_setting_with_its_default() -> None:
    text = " ".join(build_parser().format_help().split())
    for name, field in GatewaySettings.model_fields.items():
        assert "--" + name.replace("_", "-") in text
        assert field.description
        if field.default and isinstance(field.default, int | float | str):
            assert "(default: " in text
    assert "(default: 65536)" in text
    assert "HEED_GRPC_PORT" in text


def test_an_unknown_flag_is_named_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as error:
        read_settings([*BACKEND, "--grcp-port", "1"], {})
    assert error.value.code == 2
    assert capsys.readouterr().err == (
        "heed: error: unrecognized arguments: --grcp-port 1 (see `heed serve --help`)\n"
    )
