"""Fixtures that tests of every tier share."""

from tests.support.training import tiny_run

__all__ = ["tiny_run"]
