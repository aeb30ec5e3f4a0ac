import pytest

from heed.v1 import inference_pb2
from service.api.from_messages import read_generate, read_score
from service.domain.requests import Priority
from service.errors import InvalidRequestError


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (inference_pb2.PRIORITY_UNSPECIFIED, Priority.INTERACTIVE),
        (inference_pb2.PRIORITY_INTERACTIVE, Priority.INTERACTIVE),
        (inference_pb2.PRIORITY_BULK, Priority.BULK),
    ],
)
def test_a_call_has_the_priority_of_its_request(value: int, expected: Priority) -> None:
    generate = inference_pb2.GenerateRequest(texts=["a"], priority=value)
    assert read_generate(generate, None).priority is expected
    assert read_score(inference_pb2.ScoreRequest(priority=value), None).priority is expected


def test_an_unknown_priority_is_refused_with_the_choices() -> None:
    with pytest.raises(InvalidRequestError, match="PRIORITY_BULK; got 9") as refused:
        read_generate(inference_pb2.GenerateRequest(texts=["a"], priority=9), None)
    assert refused.value.violations[0].field == "priority"
