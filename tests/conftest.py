"""Fixtures that tests of every tier share, how Hypothesis draws, and what signals do."""

import signal

from hypothesis import HealthCheck, settings

from tests.support.training import tiny_run

__all__ = ["tiny_run"]

# No test fails because the machine is busy.
settings.register_profile("heed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("heed")

# Tests that run in the background, or under nohup, would hand ignored signals on to the programs
# that they start and then interrupt.
for _number, _handler in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGHUP, signal.SIG_DFL),
    (signal.SIGQUIT, signal.SIG_DFL),
):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _handler)
