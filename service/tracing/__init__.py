"""Traces of calls: which stages they went through, in which batch, and what came before them.

Off unless somebody wants them: then nothing of OpenTelemetry is loaded. Spans never hold a text.
"""

from service.tracing.spans import (
    NO_TRACING,
    BatchTrace,
    CallTrace,
    Ending,
    Tracing,
    WaitingRow,
    batch,
    current_trace,
    outgoing,
    stage,
)

__all__ = [
    "NO_TRACING",
    "BatchTrace",
    "CallTrace",
    "Ending",
    "Tracing",
    "WaitingRow",
    "batch",
    "current_trace",
    "outgoing",
    "stage",
]
