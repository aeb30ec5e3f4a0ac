"""A few hundred inputs for everything that takes input from outside; `make fuzz` tries more."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from tests.fuzz.targets import TARGETS

EXAMPLES = 150


@pytest.mark.parametrize("name", TARGETS)
def test_whatever_comes_is_taken_or_refused_in_order(name: str) -> None:
    target = TARGETS[name]
    checked = given(target.inputs)(target.check)
    profile = settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    profile(checked)()
