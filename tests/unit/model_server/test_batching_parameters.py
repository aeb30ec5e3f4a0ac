from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf import text_format

from model_server.batching.parameters import (
    BatchingParameters,
    parse_batching_parameters,
    read_batching_parameters,
)
from model_server.status import Code, StatusError


def test_the_defaults_are_tensorflow_servings_own() -> None:
    parameters = parse_batching_parameters("")
    assert parameters == BatchingParameters(
        max_batch_size=1000,
        batch_timeout_s=0,
        max_enqueued_batches=10,
        allowed_batch_sizes=(),
        pad_variable_length_inputs=False,
        max_execution_batch_size=None,
    )
    assert parameters.threads >= 1


def test_all_fields_are_read() -> None:
    parameters = parse_batching_parameters(
        """
        max_batch_size { value: 8 } batch_timeout_micros { value: 2500 }
        max_enqueued_batches { value: 3 } num_batch_threads { value: 2 }
        thread_pool_name { value: "pool" } allowed_batch_sizes: [4, 8]
        pad_variable_length_inputs: true
        enable_large_batch_splitting { value: true } max_execution_batch_size { value: 4 }
        """
    )
    assert parameters == BatchingParameters(8, 0.0025, 3, 2, "pool", (4, 8), True, 4)


def test_rows_are_cut_only_when_splitting_is_enabled() -> None:
    assert parse_batching_parameters("max_execution_batch_size { value: 4 }").rows_per_run == 1000
    splitting = "max_batch_size { value: 8 } enable_large_batch_splitting { value: true }"
    assert parse_batching_parameters(splitting).rows_per_run == 8


def test_an_unknown_field_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(text_format.ParseError, match="max_batch"):
        parse_batching_parameters("max_batch { value: 8 }")
    file = tmp_path / "batching.config"
    file.write_text("max_batch { value: 8 }")
    with pytest.raises(StatusError, match="Invalid protobuf file") as caught:
        read_batching_parameters(file)
    assert caught.value.code is Code.INVALID_ARGUMENT


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(StatusError, match=r"Cannot read '.*missing'"):
        read_batching_parameters(tmp_path / "missing")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max_batch_size { value: 0 }", "max_batch_size must be at least 1; was 0"),
        ("num_batch_threads { value: 0 }", "num_batch_threads must be at least 1"),
        ("batch_timeout_micros { value: -1 }", "batch_timeout_micros must be at least 0"),
        ("max_batch_size { value: 8 } allowed_batch_sizes: 4", "last entry was 4; expected 8"),
        ("allowed_batch_sizes: [8, 4, 1000]", "must be positive and increasing"),
        (
            "max_batch_size { value: 4 } max_execution_batch_size { value: 8 } "
            "enable_large_batch_splitting { value: true }",
            "less than or equal to max_batch_size; was 8 and 4",
        ),
    ],
)
def test_values_out_of_range_are_errors(text: str, message: str) -> None:
    with pytest.raises(StatusError, match=message):
        parse_batching_parameters(text)


def test_rows_are_rounded_up_to_an_allowed_size() -> None:
    parameters = BatchingParameters(allowed_batch_sizes=(2, 4))
    assert [parameters.rounded(rows) for rows in (1, 2, 3, 4, 5)] == [2, 2, 4, 4, 5]
    assert BatchingParameters().rounded(3) == 3
