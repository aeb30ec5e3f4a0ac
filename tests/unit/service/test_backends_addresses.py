from __future__ import annotations

import pytest

from service.backends.replicas.addresses import (
    AddressFormatError,
    Endpoint,
    Target,
    endpoints_of,
    parse_target,
    resolve_name,
)


@pytest.mark.parametrize(
    ("text", "expected", "is_name"),
    [
        ("models:8500", Target("models", 8500), True),
        ("dns:///models.svc.local:8500", Target("models.svc.local", 8500), True),
        ("10.0.0.7:8500", Target("10.0.0.7", 8500), False),
        ("[fd00::7]:8500", Target("[fd00::7]", 8500), False),
        ("unix:/run/heed.sock", Target("unix", 0, "/run/heed.sock"), False),
    ],
)
def test_addresses_are_read(text: str, expected: Target, is_name: bool) -> None:
    assert parse_target(text) == expected
    assert parse_target(text).is_name is is_name


def test_an_address_is_used_as_it_was_written() -> None:
    for text in ("models:8500", "[fd00::7]:8500", "unix:/run/heed.sock"):
        assert parse_target(text).endpoint == Endpoint(text)


@pytest.mark.parametrize(
    "text", ["", "models", "models:", "models:0", "models:70000", "http://models:8500", "a b:1"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(AddressFormatError, match="expected HOST:PORT"):
        parse_target(text)


NAME = Target("models", 8500)


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        (["10.0.0.2", "10.0.0.1", "10.0.0.2"], ["10.0.0.1:8500", "10.0.0.2:8500"]),
        (["10.0.0.1"], ["10.0.0.1:8500"]),
        (["fd00::1", "fd00::2"], ["[fd00::1]:8500", "[fd00::2]:8500"]),
        (["10.0.0.1", "10.0.0.2", "fd00::1", "fd00::2"], ["10.0.0.1:8500", "10.0.0.2:8500"]),
        (["127.0.0.1", "::1"], ["models:8500"]),
        ([], []),
    ],
    ids=["several", "one", "IPv6", "both families", "one machine with both", "none"],
)
def test_each_address_of_a_name_is_a_model_server(
    addresses: list[str], expected: list[str]
) -> None:
    assert [endpoint.address for endpoint in endpoints_of(NAME, addresses)] == expected


def test_a_certificate_must_bear_the_name_and_not_the_address() -> None:
    (endpoint,) = endpoints_of(NAME, ["10.0.0.1"])
    assert endpoint.server_name == "models"


async def test_the_system_knows_this_machine() -> None:
    assert set(await resolve_name("localhost", 1)) <= {"127.0.0.1", "::1"}
