"""All metrics together, and how they are shown."""

from __future__ import annotations

import os
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from service.metrics.batching import BatchingMetrics
from service.metrics.calls import CallMetrics
from service.metrics.families import Described, Families
from service.metrics.models import ModelMetrics, ReplicaMetrics
from service.metrics.process import CacheMetrics, ProcessMetrics, SecurityMetrics

FOLDER_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"


class Metrics:
    """Everything that the gateway counts and measures.

    Attributes:
        calls: Calls from their arrival to their end.
        batching: The queue and the batches.
        models: Models and their versions.
        replicas: Model servers.
        cache: The cache of answers.
        security: Keys and certificates.
        process: The process itself.
        described: What each metric is, in the order in which they are shown.
    """

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._folder = os.environ.get(FOLDER_VARIABLE)
        families = Families(self._registry)
        self.calls = CallMetrics(families)
        self.batching = BatchingMetrics(families)
        self.models = ModelMetrics(families)
        self.replicas = ReplicaMetrics(families, is_multiprocess=self._folder is not None)
        self.cache = CacheMetrics(families)
        self.security = SecurityMetrics(families)
        self.process = ProcessMetrics(families)
        self.described: tuple[Described, ...] = tuple(families.described)
        if self._folder is None:
            ProcessCollector(registry=self._registry)  # knows of one process alone

    @property
    def registry(self) -> Collector:
        """The metrics of this process alone."""
        return self._registry

    def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """The metrics of all processes as text.

        Args:
            accept: The asker's `Accept` header, which chooses between Prometheus' and OpenMetrics'
                format.

        Returns:
            The text, and its content type.
        """
        encode, content_type = choose_encoder(accept)
        return encode(self._shown()), content_type

    def _shown(self) -> CollectorRegistry:
        if self._folder is None:
            return self._registry
        shared = CollectorRegistry()
        MultiProcessCollector(shared, self._folder)  # type: ignore[no-untyped-call]
        return shared


def forget_process(process_id: int) -> None:
    """Takes a process that ended out of the gauges; its counters stay in the sums."""
    if FOLDER_VARIABLE in os.environ:
        mark_process_dead(process_id)  # type: ignore[no-untyped-call]
