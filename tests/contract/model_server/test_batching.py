"""Batching: what is merged, padded, rounded, cut and refused."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import tensorflow as tf

from tests.support.model_server import (
    ModelServerFailedError,
    model_flags,
    running_server_under_test,
)
from tests.support.saved_models import publish_copy
from tests.support.serving_client import (
    ServingClient,
    predict_request,
    refused,
    serving_client,
    tensor,
)

MODEL = "full"
INVALID = grpc.StatusCode.INVALID_ARGUMENT
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
QUEUED_S = 0.15  # a call has surely reached its queue, and its batch is surely still open
PADDING = """
    max_batch_size { value: 4 } batch_timeout_micros { value: 400000 }
    max_enqueued_batches { value: 1 } num_batch_threads { value: 1 }
    allowed_batch_sizes: 3 allowed_batch_sizes: 4 pad_variable_length_inputs: true
"""
SPLITTING = """
    max_batch_size { value: 6 } batch_timeout_micros { value: 400000 }
    max_enqueued_batches { value: 3 } num_batch_threads { value: 2 }
    enable_large_batch_splitting { value: true } max_execution_batch_size { value: 2 }
"""


def batching_flags(folder: Path, parameters: str) -> list[str]:
    file = folder / "batching.config"
    file.write_text(parameters)
    return ["--enable_batching", f"--batching_parameters_file={file}"]


@pytest.fixture(scope="module")
def padding(full_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServingClient]:
    """A server that pads inputs and rounds rows up, with one thread and room for one batch."""
    flags = batching_flags(tmp_path_factory.mktemp("padding"), PADDING)
    with (
        running_server_under_test([*model_flags(MODEL, full_model.parent), *flags]) as server,
        serving_client(server.address) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def splitting(
    full_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServingClient]:
    """A server that cuts large requests and does not pad."""
    flags = batching_flags(tmp_path_factory.mktemp("splitting"), SPLITTING)
    with (
        running_server_under_test([*model_flags(MODEL, full_model.parent), *flags]) as server,
        serving_client(server.address) as client,
    ):
        yield client


def begin(client: ServingClient, signature: str, values: Any, **options: Any) -> grpc.Future:
    """Begin a call with the input `x`."""
    dtype = options.pop("dtype", np.float32)
    timeout_s = options.pop("timeout_s", 20)
    inputs = {options.pop("alias", "x"): tensor(values, dtype)}
    request = predict_request(MODEL, inputs, signature=signature, **options)
    return client.prediction.Predict.future(request, timeout=timeout_s)


def output(call: grpc.Future, alias: str = "y") -> Any:
    return tf.make_ndarray(call.result().outputs[alias]).tolist()


def together(client: ServingClient, signature: str, *values: Any, **options: Any) -> list[Any]:
    """The outputs `y` of calls that fill one batch."""
    calls = [begin(client, signature, value, **options) for value in values]
    return [output(call) for call in calls]


def failures(calls: list[grpc.Future]) -> list[tuple[grpc.StatusCode, str]]:
    return [(call.code(), call.details()) for call in calls]


def test_inputs_are_padded_with_the_requests_own_first_element(padding: ServingClient) -> None:
    short, long = together(padding, "echo_float32", [[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0, 7.0]])
    assert short == [[1.0, 2.0, 1.0], [3.0, 4.0, 1.0]]
    assert long == [[5.0, 6.0, 7.0]]


def test_every_dimension_but_the_rows_is_padded(padding: ServingClient) -> None:
    first, second = together(padding, "echo_int64", [[[1, 2]]], [[[3], [4]]], dtype=np.int64)
    assert first == [[[1, 2], [1, 1]]]
    assert second == [[[3, 3], [4, 3]]]


def test_strings_are_padded_too(padding: ServingClient) -> None:
    first, second = together(padding, "echo_string", [["a"]], [["b", "c" * 40]], dtype=object)
    assert first == [[b"a", b"a"]]
    assert second == [[b"b", b"c" * 40]]


def test_rows_are_rounded_up_with_the_first_row_of_the_last_request(
    padding: ServingClient,
) -> None:
    call = begin(padding, "batch", [[1.0, 2.0], [3.0, 4.0]])
    assert output(call, "rows") == [3, 3]
    assert output(call, "last") == [[1.0, 2.0], [1.0, 2.0]]


def test_a_full_batch_runs_at_once_with_all_its_rows(padding: ServingClient) -> None:
    calls = [begin(padding, "batch", [[value], [value]]) for value in (1.0, 2.0)]
    assert [output(call, "rows") for call in calls] == [[4, 4], [4, 4]]
    assert output(calls[0], "last") == output(calls[1], "last")


def test_requests_with_different_output_filters_are_not_mixed(padding: ServingClient) -> None:
    rows = [[1.0], [2.0]]
    calls = [begin(padding, "batch", rows, outputs=names) for names in (["rows"], ["last"])]
    assert output(calls[0], "rows") == [3, 3]
    assert output(calls[1], "last") == [[1.0], [1.0]]


def test_the_order_of_an_output_filter_does_not_matter(padding: ServingClient) -> None:
    orders = (["rows", "last"], ["last", "rows"])
    calls = [begin(padding, "batch", [[1.0], [2.0]], outputs=names) for names in orders]
    assert [output(call, "rows") for call in calls] == [[4, 4], [4, 4]]


def test_a_request_beyond_the_largest_batch_is_refused(padding: ServingClient) -> None:
    with refused(INVALID, "Task size 5 is larger than maximum input batch size 4"):
        begin(padding, "batch", [[1.0]] * 5).result()


def test_inputs_must_have_equal_rows(padding: ServingClient) -> None:
    inputs = {"a": tensor([1.0]), "b": tensor([1.0, 2.0])}
    with refused(INVALID, "Batching Run() input tensors must have equal 0th-dimension size"):
        padding.predict(MODEL, inputs, signature="sum")


def test_inputs_must_have_rows(padding: ServingClient) -> None:
    with refused(INVALID, "Batching Run() input tensors must have at least one dimension"):
        begin(padding, "echo_float32", 1.0).result()


def test_only_six_dimensions_can_be_padded(padding: ServingClient) -> None:
    with refused(INVALID, "Only tensors with rank from 1 to 6 can be padded."):
        begin(padding, "echo_float32", np.zeros([1] * 7)).result()


def test_an_empty_input_beside_others_fails_all_and_runs_alone(padding: ServingClient) -> None:
    empty = np.zeros([2, 0])
    calls = [begin(padding, "echo_float32", value) for value in (empty, [[1.0], [2.0]])]
    expected = INVALID, "Got empty tensor in batch of non-empty tensors."
    assert failures(calls) == [expected] * 2
    assert output(begin(padding, "echo_float32", empty)) == [[], []]


def test_an_error_of_the_run_goes_to_all_of_the_batch(padding: ServingClient) -> None:
    calls = [begin(padding, "matrix", [[1.0] * width] * 2) for width in (2, 3)]
    codes = [code for code, _ in failures(calls)]
    assert codes == [INVALID] * 2
    assert calls[0].details() == calls[1].details()


def test_different_types_in_a_batch_fail_all_of_it(padding: ServingClient) -> None:
    rows = [[1.0], [2.0]]
    calls = [begin(padding, "batch", rows), begin(padding, "batch", rows, dtype=np.float64)]
    for code, details in failures(calls):
        assert code is grpc.StatusCode.INTERNAL
        assert details.startswith("Tensor concat operation failed: ")


def test_a_wrong_type_alone_is_refused_as_ever(padding: ServingClient) -> None:
    with refused(INVALID, "Expects arg[0] to be float but int64 is provided"):
        begin(padding, "echo_float32", [1], dtype=np.int64).result()


def test_an_output_without_rows_fails_even_alone(padding: ServingClient) -> None:
    message = "Batched output tensor has 0 dimensions"
    with refused(grpc.StatusCode.FAILED_PRECONDITION, message):
        begin(padding, "scalar", [1.0, 2.0], alias="a").result()


def test_an_output_with_other_rows_fails_even_alone(padding: ServingClient) -> None:
    message = (
        "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension sizes "
        "of the input tensors"
    )
    with refused(grpc.StatusCode.FAILED_PRECONDITION, message):
        begin(padding, "first_row", [1.0, 2.0], alias="a").result()


def test_a_full_queue_refuses(padding: ServingClient) -> None:
    waiting = begin(padding, "batch", [[1.0]] * 3)
    time.sleep(QUEUED_S)
    message = (
        "The batch scheduling queue to which this task was submitted is full; "
        "currently 1 batches enqueued and max_enqueued_batches is 1"
    )
    with refused(UNAVAILABLE, message):
        begin(padding, "batch", [[1.0]] * 2).result()
    assert output(waiting, "rows") == [3, 3, 3]


def test_a_request_that_expires_in_the_queue_is_not_run(padding: ServingClient) -> None:
    options = {"alias": "steps", "dtype": np.int64}
    blocking = begin(padding, "loop", [10**12], timeout_s=1.5, **options)
    time.sleep(2.5 * QUEUED_S)  # the thread has taken it, or is about to
    expired = begin(padding, "batch", [[1.0]], timeout_s=0.6)
    assert expired.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert blocking.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert output(begin(padding, "batch", [[2.0]]), "last") == [[2.0]]


def test_a_large_request_is_cut_into_several_runs(splitting: ServingClient) -> None:
    call = begin(splitting, "batch", [[float(row)] for row in range(5)])
    assert output(call, "rows") == [2, 2, 2, 2, 1]
    assert output(call, "last") == [[1.0], [1.0], [3.0], [3.0], [4.0]]


def test_a_cut_request_first_fills_the_open_batch(splitting: ServingClient) -> None:
    first = begin(splitting, "batch", [[1.0]])
    second = begin(splitting, "batch", [[2.0], [3.0], [4.0]])
    assert output(first, "rows") == [2]
    assert output(second, "rows") == [2, 2, 2]


def test_a_queue_without_room_for_all_parts_refuses(splitting: ServingClient) -> None:
    waiting = begin(splitting, "batch", [[1.0]])
    time.sleep(QUEUED_S)
    message = (
        "The batch scheduling queue to which this task was submitted is full; task size is 6 but "
        "scheduling capacity is only 5 (num_enqueued_batches=1, max_enqueued_batches=3, "
        "open_batch_size=1, max_execution_batch_size=2)"
    )
    with refused(UNAVAILABLE, message):
        begin(splitting, "batch", [[1.0]] * 6).result()
    assert output(waiting, "rows") == [1]


def test_different_shapes_without_padding_fail_all_of_the_batch(splitting: ServingClient) -> None:
    calls = [begin(splitting, "echo_float32", [[1.0] * width]) for width in (1, 2)]
    beginning = (
        "Tensors with name 'echo_float32_x:0' from different tasks have different shapes and "
        "padding is turned off."
    )
    for code, details in failures(calls):
        assert code is grpc.StatusCode.FAILED_PRECONDITION
        assert details.startswith(beginning)


def test_a_version_brings_its_own_parameters(full_model: Path, tmp_path: Path) -> None:
    version = publish_copy(full_model, tmp_path / MODEL, 1)
    (version / "batching_params.pbtxt").write_text(
        "max_batch_size { value: 5 } allowed_batch_sizes: 5"
    )
    flags = ["--enable_batching", "--enable_per_model_batching_parameters"]
    with (
        running_server_under_test([*model_flags(MODEL, tmp_path / MODEL), *flags]) as server,
        serving_client(server.address) as client,
    ):
        assert output(begin(client, "batch", [[1.0]]), "rows") == [5]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            "max_batch_size { value: 8 } allowed_batch_sizes: 4",
            "Last entry in allowed_batch_sizes must match max_batch_size; "
            "last entry was 4; expected 8",
        ),
        ("max_batch { value: 8 }", "max_batch"),
    ],
)
def test_wrong_parameters_end_the_process(
    full_model: Path, tmp_path: Path, parameters: str, message: str
) -> None:
    flags = batching_flags(tmp_path, parameters)
    with (
        pytest.raises(ModelServerFailedError) as caught,
        running_server_under_test([*model_flags(MODEL, full_model.parent), *flags]),
    ):
        pass
    assert message in str(caught.value)


def test_parameters_without_batching_end_the_process(full_model: Path, tmp_path: Path) -> None:
    flags = batching_flags(tmp_path, "max_batch_size { value: 8 }")[1:]
    with (
        pytest.raises(ModelServerFailedError),
        running_server_under_test([*model_flags(MODEL, full_model.parent), *flags]),
    ):
        pass
