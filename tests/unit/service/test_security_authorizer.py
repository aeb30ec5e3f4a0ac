from __future__ import annotations

import datetime as dt

import pytest

from service.domain.requests import Priority
from service.errors import (
    ExpiredApiKeyError,
    InvalidApiKeyError,
    MissingApiKeyError,
    ModelNotPermittedError,
    RateLimitedError,
    TooManyCallsError,
)
from service.security.api_keys import ApiKeyEntry, KeyRing, digest_of, make_key
from service.security.authorizer import Authorizer
from service.security.callers import ANYBODY, current_caller, work_for

PEER = "ipv4:192.0.2.1:1234"
NOW = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Door:
    """An authorizer with one key, and time at a test's command."""

    def __init__(self, *, max_calls_per_client: int = 100, **permissions: object) -> None:
        self.key, key_id = make_key()
        self.entry = ApiKeyEntry.model_validate(
            {"id": key_id, "name": "search", "sha256": digest_of(self.key), **permissions}
        )
        self.clock = Clock()
        self.authorizer = Authorizer(
            KeyRing({key_id: self.entry}),
            max_calls_per_client=max_calls_per_client,
            clock=self.clock,
            now=lambda: NOW,
        )

    def call(self) -> None:
        with self.authorizer.let_in({"x-api-key": self.key}, PEER):
            pass


@pytest.fixture(autouse=True)
def _nobody_calls() -> None:
    work_for(ANYBODY)


def test_without_keys_everybody_may_do_everything() -> None:
    with Authorizer(None).let_in({}, PEER) as caller:
        assert current_caller() is caller is ANYBODY
        caller.check_model("any")
        caller.take_tokens(10**9)
        assert caller.priority(Priority.INTERACTIVE) is Priority.INTERACTIVE


@pytest.mark.parametrize(
    "headers",
    [
        {"x-api-key": "{key}"},
        {"x-api-key": " {key} "},
        {"authorization": "Bearer {key}"},
        {"authorization": "bearer  {key}"},
        {"authorization": "Basic abc", "x-api-key": "{key}"},
    ],
)
def test_a_key_is_taken_from_either_header(headers: dict[str, str]) -> None:
    door = Door()
    sent = {name: value.format(key=door.key) for name, value in headers.items()}
    with door.authorizer.let_in(sent, PEER) as caller:
        assert caller.name == "search"


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({}, MissingApiKeyError),
        ({"authorization": "Basic abc"}, MissingApiKeyError),
        ({"authorization": "Bearer"}, MissingApiKeyError),
        ({"authorization": "Bearer abc"}, InvalidApiKeyError),
        ({"x-api-key": ""}, InvalidApiKeyError),
        ({"x-api-key": make_key()[0]}, InvalidApiKeyError),
    ],
)
def test_without_a_good_key_nobody_comes_in(
    headers: dict[str, str], error: type[Exception]
) -> None:
    door = Door()
    with pytest.raises(error), door.authorizer.let_in(headers, PEER):
        pytest.fail("came in")
    with pytest.raises(error):
        door.authorizer.check(headers)


def test_a_key_expires_to_the_moment() -> None:
    Door(expires=NOW + dt.timedelta(seconds=1)).call()
    with pytest.raises(ExpiredApiKeyError, match="2030-01-01"):
        Door(expires=NOW).call()


def test_models_that_a_key_does_not_name_are_not_for_it() -> None:
    door = Door(models=["en-*"])
    with door.authorizer.let_in({"x-api-key": door.key}, PEER) as caller:
        assert caller.permitted(["en-fr", "de-en", "en-de"]) == ["en-fr", "en-de"]
        caller.check_model("en-fr")
        with pytest.raises(ModelNotPermittedError, match="'de-en'"):
            caller.check_model("de-en")


def test_calls_beyond_the_rate_are_told_when_to_come_back() -> None:
    door = Door(requests_per_s=2)
    door.call()
    door.call()
    with pytest.raises(RateLimitedError) as refused:
        door.call()
    assert refused.value.metadata == {"unit": "requests", "limit_per_s": "2"}
    door.clock.now_s += refused.value.retry_after_s
    door.call()


def test_tokens_are_counted_over_all_calls_of_a_key() -> None:
    door = Door(tokens_per_s=100)
    with door.authorizer.let_in({"x-api-key": door.key}, PEER) as caller:
        caller.take_tokens(150)
    with door.authorizer.let_in({"x-api-key": door.key}, PEER) as caller:
        with pytest.raises(RateLimitedError) as refused:
            caller.take_tokens(1)
        assert refused.value.metadata["unit"] == "tokens"
        assert refused.value.retry_after_s == pytest.approx(0.51)


def test_a_key_s_priority_has_a_ceiling() -> None:
    door = Door(max_priority="bulk")
    with door.authorizer.let_in({"x-api-key": door.key}, PEER) as caller:
        assert caller.priority(Priority.INTERACTIVE) is Priority.BULK


def test_calls_under_way_are_limited_for_each_key() -> None:
    door = Door(max_calls=2)
    headers = {"x-api-key": door.key}
    first, second, third = (door.authorizer.let_in(headers, f"192.0.2.{n}") for n in range(3))
    with first:
        with second, pytest.raises(TooManyCallsError), third:
            pytest.fail("came in")
        door.call()


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        ("ipv4:192.0.2.1:1", "ipv4:192.0.2.1:2", True),
        ("ipv4:192.0.2.1:1", "ipv4:192.0.2.2:1", False),
        ("ipv6:%5B::1%5D:1", "ipv6:%5B::1%5D:2", True),
        ("ipv4:192.0.2.1:1", "192.0.2.1", True),
        ("ipv6:%5B2001:db8::1%5D:9", "2001:db8::1", True),
        ("2001:db8::1", "2001:db8::2", False),
        ("unix:", "unix:", True),
    ],
)
def test_calls_under_way_are_limited_for_each_address(
    first: str, second: str, is_same: bool
) -> None:
    authorizer = Authorizer(None, max_calls_per_client=1)
    with authorizer.let_in({}, first):
        if is_same:
            with pytest.raises(TooManyCallsError), authorizer.let_in({}, second):
                pytest.fail("came in")
        else:
            with authorizer.let_in({}, second):
                pass
    with authorizer.let_in({}, second):
        pass


def test_a_refused_call_is_not_counted_as_under_way() -> None:
    door = Door(requests_per_s=1, max_calls=1)
    door.call()
    with pytest.raises(RateLimitedError):
        door.call()
    door.clock.now_s += 1
    door.call()


def test_new_keys_take_the_place_of_old_ones_and_unchanged_ones_keep_their_counts() -> None:
    door, other = Door(requests_per_s=1), Door()
    door.call()
    both = KeyRing({each.entry.id: each.entry for each in (door, other)})
    door.authorizer.replace_keys(both)
    with pytest.raises(RateLimitedError):
        door.call()
    with door.authorizer.let_in({"x-api-key": other.key}, PEER):
        pass
    changed = door.entry.model_copy(update={"requests_per_s": 5.0})
    door.authorizer.replace_keys(KeyRing({changed.id: changed}))
    door.call()
    with pytest.raises(InvalidApiKeyError):
        door.authorizer.check({"x-api-key": other.key})
