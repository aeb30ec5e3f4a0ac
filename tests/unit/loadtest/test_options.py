import argparse
from random import Random
from typing import Any

import pytest

from loadtest.arrivals import PatternKind
from loadtest.kinds import AskKind, Mix
from loadtest.options import add_load_arguments, load_options


def parsed(*arguments: str) -> dict[str, Any]:
    parser = argparse.ArgumentParser()
    add_load_arguments(parser)
    return vars(parser.parse_args(arguments))


def test_a_user_is_one_plain_request_a_second_unless_told_otherwise() -> None:
    options = load_options(parsed())
    assert options.rate_per_user == 1.0
    assert options.mix.weights == {AskKind.PLAIN: 1.0}
    assert options.pattern.kind is PatternKind.STEADY
    assert len(set(options.texts)) > 1000


def test_closed_users_have_no_rate() -> None:
    assert load_options(parsed("--closed")).rate_per_user is None


def test_the_api_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEED_API_KEY", "secret")
    assert load_options(parsed()).api_key == "secret"


def test_a_mix_draws_kinds_as_often_as_it_says() -> None:
    mix = Mix.parse("plain=3, beam")
    random = Random(1)
    drawn = [mix.draw(random) for _ in range(4000)]
    assert set(drawn) == {AskKind.PLAIN, AskKind.BEAM}
    assert drawn.count(AskKind.BEAM) == pytest.approx(1000, rel=0.1)


@pytest.mark.parametrize("mix", ["", "fast=1", "plain=much", "plain=-1", "plain=0"])
def test_a_mix_that_is_none_is_refused(mix: str) -> None:
    with pytest.raises(ValueError, match="mix"):
        Mix.parse(mix)


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--rate-per-user", "0"),
        ("--call-timeout-s", "0"),
        ("--bulk-texts", "0"),
        ("--think-time-s", "-1"),
        ("--ask-beam-width", "0"),
    ],
)
def test_numbers_out_of_range_are_refused_by_their_flag(flag: str, value: str) -> None:
    with pytest.raises(ValueError, match=flag):
        load_options(parsed(f"{flag}={value}"))


def test_a_missing_file_of_texts_is_refused_by_its_name() -> None:
    with pytest.raises(ValueError, match="/nowhere/texts"):
        load_options(parsed("--texts", "/nowhere/texts"))
