from __future__ import annotations

import pytest

from service.api.listening import AddressError, listen_on
from service.workers.ports import SharedPort


@pytest.mark.parametrize("host", ["a" * 64, "a..b", "256.0.0.1"])
def test_a_host_that_cannot_be_is_an_error_in_words(host: str) -> None:
    with pytest.raises(AddressError, match="cannot listen on"):
        SharedPort(host, 0)
    with pytest.raises(AddressError, match="cannot listen on"):
        listen_on(host, 0)
