"""Keeping a library's chatter out of the progress display."""

from __future__ import annotations

import os
import sys

import tensorflow as tf


def spend_xla_notice() -> None:
    """Lets XLA say its one sentence per process where nobody hears it.

    TensorFlow writes "Compiled cluster using XLA!" straight to file descriptor 2 at the first
    compilation, whatever its log level, and would tear the progress bar.
    """
    sys.stderr.flush()
    standard_error = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        tf.function(tf.identity, jit_compile=True)(tf.constant(0.0))
    finally:
        os.dup2(standard_error, 2)
        os.close(nowhere)
        os.close(standard_error)
