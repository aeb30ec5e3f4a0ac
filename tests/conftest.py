"""Fixtures that tests of every tier share, and how Hypothesis draws."""

from hypothesis import HealthCheck, settings

from tests.support.training import tiny_run

__all__ = ["tiny_run"]

# No test fails because the machine is busy.
settings.register_profile("heed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("heed")
