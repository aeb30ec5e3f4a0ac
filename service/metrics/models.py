"""Metrics of models and of the model servers that run them."""

from __future__ import annotations

from prometheus_client import Gauge

from service.metrics.families import Families


class ModelMetrics:
    """Measures models and their versions. Versions are values, not labels: there is no end to them.

    Args:
        families: Makes the metrics.
    """

    def __init__(self, families: Families) -> None:
        self._ready = families.gauge(
            "model_ready", "1 while the model can answer, else 0.", ("model",), across="livemin"
        )
        self._newest = families.gauge(
            "model_newest_version",
            "The newest version that is ready; 0 while there is none.",
            ("model",),
            across="livemax",
        )
        self._ready_versions = families.gauge(
            "model_ready_versions", "How many versions are ready.", ("model",), across="livemin"
        )
        self._loaded = families.counter(
            "model_versions_loaded", "Versions that became ready.", ("model",)
        )
        self._refused = families.counter(
            "model_versions_refused",
            "Versions that were refused because they break their contract.",
            ("model",),
        )

    def state(
        self, model: str, *, is_ready: bool, newest_version: int, ready_versions: int
    ) -> None:
        """How a model is now; `newest_version` is 0 while none is ready."""
        self._ready.labels(model).set(is_ready)
        self._newest.labels(model).set(newest_version)
        self._ready_versions.labels(model).set(ready_versions)
        self._loaded.labels(model)
        self._refused.labels(model)

    def version_loaded(self, model: str) -> None:
        """A version became ready."""
        self._loaded.labels(model).inc()

    def version_refused(self, model: str) -> None:
        """A version was refused."""
        self._refused.labels(model).inc()


class ReplicaMetrics:
    """Measures model servers by their address.

    Args:
        families: Makes the metrics.
        is_multiprocess: Whether several processes share the numbers; labels then stay for ever.
    """

    def __init__(self, families: Families, *, is_multiprocess: bool) -> None:
        self._can_forget = not is_multiprocess
        self._healthy = families.gauge(
            "replica_healthy",
            "1 while a model server gets calls, else 0.",
            ("replica",),
            across="livemin",
        )
        self._outstanding = families.gauge(
            "replica_outstanding_tokens",
            "Padded tokens sent to a model server and not answered yet.",
            ("replica",),
            across="livesum",
        )
        self._calls = families.counter(
            "replica_calls", "Predict calls to a model server.", ("replica", "outcome")
        )
        self._ejections = families.counter(
            "replica_ejections",
            "How often a model server was taken out because its calls failed.",
            ("replica",),
        )
        self._retries = families.counter(
            "replica_retries",
            "Predict calls that failed and went to another model server; outcome refused: the "
            "budget of repetitions was spent.",
            ("outcome",),
            known=(("ok",), ("failed",), ("refused",)),
        )
        self._hedges = families.counter(
            "replica_hedges",
            "Second Predict calls sent because the first was slow, by the one that won.",
            ("winner",),
            known=(("first",), ("second",)),
        )

    def state(self, replica: str, *, is_healthy: bool, outstanding_tokens: int) -> None:
        """How a model server is now."""
        self._healthy.labels(replica).set(is_healthy)
        self._outstanding.labels(replica).set(outstanding_tokens)
        self._ejections.labels(replica)
        for outcome in ("ok", "failed"):
            self._calls.labels(replica, outcome)

    def outstanding(self, replica: str, tokens: int) -> None:
        """How many padded tokens a model server has to answer now."""
        self._outstanding.labels(replica).set(tokens)

    def called(self, replica: str, *, is_ok: bool) -> None:
        """A Predict call to a model server ended."""
        self._calls.labels(replica, "ok" if is_ok else "failed").inc()

    def ejected(self, replica: str) -> None:
        """A model server was taken out for a while."""
        self._ejections.labels(replica).inc()

    def retried(self, outcome: str) -> None:
        """A failed call went to another one: "ok", "failed", or "refused" for want of budget."""
        self._retries.labels(outcome).inc()

    def hedged(self, winner: str) -> None:
        """A call was sent twice, and the "first" or the "second" answered."""
        self._hedges.labels(winner).inc()

    def forget(self, replica: str) -> None:
        """A model server left for good: its numbers go, so that addresses do not gather.

        Numbers that several processes share stay; their gauges are 0 then.
        """
        gauges: tuple[Gauge, ...] = (self._healthy, self._outstanding)
        for gauge in gauges:
            if self._can_forget:
                gauge.remove(replica)
            else:
                gauge.labels(replica).set(0)
        if self._can_forget:
            self._ejections.remove(replica)
            for outcome in ("ok", "failed"):
                self._calls.remove(replica, outcome)
