from __future__ import annotations

import pytest

from service.http.hosts import names_of


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.7", "::1", "localhost"])
def test_what_only_this_machine_can_reach_has_its_own_names(host: str) -> None:
    names = names_of(host, ())
    assert names is not None
    assert {"localhost", "127.0.0.1", "::1", host} == names


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "gateway.internal"])
def test_what_others_can_reach_has_any_name(host: str) -> None:
    assert names_of(host, ()) is None


def test_names_that_were_set_are_added_to_the_own_ones() -> None:
    assert names_of("0.0.0.0", ["API.example.org"]) == {"0.0.0.0", "api.example.org"}
    local = names_of("127.0.0.1", ["api.example.org"])
    assert local is not None
    assert {"api.example.org", "localhost"} <= local
