from __future__ import annotations

import pytest

from service.domain.requests import GenerateOptions
from service.errors import InvalidRequestError
from service.pipeline.limits import (
    MAX_VIOLATIONS,
    Violations,
    check_characters,
    check_count,
    check_options,
    check_source,
    check_target,
)
from tests.support.stub_model_server import MAX_SOURCE_TOKENS, MAX_TARGET_TOKENS, echo_contract


@pytest.mark.parametrize("count", [1, 256])
def test_counts_up_to_the_limit_pass(count: int) -> None:
    check_count("texts", count, 256)


@pytest.mark.parametrize("count", [0, 257])
def test_counts_beyond_the_limit_are_refused(count: int) -> None:
    with pytest.raises(InvalidRequestError, match=f"texts: must have 1 to 256.*got {count}"):
        check_count("texts", count, 256)


def test_at_most_ten_long_texts_are_named() -> None:
    fields = [f"texts[{index}]" for index in range(30)]
    with pytest.raises(InvalidRequestError, match=r"and 9 more") as error:
        check_characters(fields, ["xxx"] * 30, 2)
    assert len(error.value.violations) == MAX_VIOLATIONS


@pytest.mark.parametrize("count", [1, MAX_SOURCE_TOKENS])
def test_a_source_within_the_limit_passes(count: int) -> None:
    violations = Violations()
    check_source(violations, "texts[0]", token_count=count, contract=echo_contract())
    violations.check()


def test_a_target_leaves_room_for_the_end_token() -> None:
    violations = Violations()
    field, contract = "pairs[0].target_text", echo_contract()
    check_target(violations, field, token_count=MAX_TARGET_TOKENS - 1, contract=contract)
    violations.check()
    check_target(violations, field, token_count=MAX_TARGET_TOKENS, contract=contract)
    with pytest.raises(InvalidRequestError, match=f"at most {MAX_TARGET_TOKENS - 1} tokens"):
        violations.check()


@pytest.mark.parametrize(
    ("options", "prefix_count"),
    [
        (GenerateOptions(), 0),
        (GenerateOptions(max_length=1), 0),
        (GenerateOptions(max_length=MAX_TARGET_TOKENS, min_length=MAX_TARGET_TOKENS - 1), 0),
        (GenerateOptions(max_length=4), 3),
    ],
)
def test_options_at_their_limits_pass(options: GenerateOptions, prefix_count: int) -> None:
    check_options(options, prefix_count, echo_contract())


@pytest.mark.parametrize(
    ("options", "prefix_count", "fields"),
    [
        (GenerateOptions(max_length=0), 0, ["options.max_length"]),
        (GenerateOptions(min_length=-1), 0, ["options.min_length"]),
        (GenerateOptions(min_length=MAX_TARGET_TOKENS), 0, ["options.min_length"]),
        (GenerateOptions(max_length=3), 3, ["options.prefix"]),
        (
            GenerateOptions(max_length=99, min_length=99),
            99,
            ["options.max_length", "options.min_length", "options.prefix"],
        ),
    ],
)
def test_every_option_out_of_range_is_named(
    options: GenerateOptions, prefix_count: int, fields: list[str]
) -> None:
    with pytest.raises(InvalidRequestError) as error:
        check_options(options, prefix_count, echo_contract())
    assert [violation.field for violation in error.value.violations] == fields
