"""Keeping a library's chatter away from what is shown to users."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

import tensorflow as tf


def spend_xla_notice() -> None:
    """Lets XLA say its one sentence per process where nobody hears it.

    TensorFlow writes "Compiled cluster using XLA!" straight to file descriptor 2 at the first
    compilation, whatever its log level, and would tear the progress bar.
    """
    with _unheard():
        tf.function(tf.identity, jit_compile=True)(tf.constant(0.0))


def spend_session_notice() -> None:
    """As `spend_xla_notice`, for "MLIR V1 optimization pass is not enabled": the first session."""
    graph = tf.Graph()
    with graph.as_default():
        nothing = tf.constant(0.0)
    with _unheard(), tf.compat.v1.Session(graph=graph) as session:
        session.run(nothing)


@contextlib.contextmanager
def _unheard() -> Iterator[None]:
    """Turns file descriptor 2 away: native code does not ask `sys.stderr`."""
    sys.stderr.flush()
    standard_error = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(standard_error, 2)
        os.close(nowhere)
        os.close(standard_error)
