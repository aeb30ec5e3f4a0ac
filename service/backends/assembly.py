"""The backends as the settings want them: model servers, their models, and who follows both."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import grpc

from service.backends.local_model_server import (
    LocalModelServer,
    ModelsDirectoryError,
    check_installed,
    find_models,
)
from service.backends.merging import VersionRules
from service.backends.model_server import ModelServer
from service.backends.registry import ModelRegistry
from service.backends.replicas.addresses import Endpoint, parse_target
from service.backends.replicas.discovery import Discovery
from service.backends.replicas.hedging import HedgeRule
from service.backends.replicas.outliers import EjectionRules
from service.backends.replicas.pool import PoolRules, ReplicaPool
from service.domain.models import CanaryShare
from service.metrics import Metrics
from service.settings import GatewaySettings
from service.settings.versions import check_models


class Credentials(Protocol):
    """Where connections get their credentials from."""

    @property
    def credentials(self) -> grpc.ChannelCredentials:
        """What a connection made now shows and checks."""
        ...

    def on_change(self, connect_anew: Callable[[grpc.ChannelCredentials], None]) -> None:
        """Calls a function with new credentials each time there are some."""


class _Task(Protocol):
    def run(self) -> Coroutine[Any, Any, None]: ...


@dataclass(frozen=True, slots=True)
class Backends:
    """The model servers and what is known of their models.

    Attributes:
        pool: Runs calls.
        registry: Knows the models.
        tasks: What must run for as long as they are used, by name.
    """

    pool: ReplicaPool
    registry: ModelRegistry
    tasks: Mapping[str, _Task]

    def coroutines(self) -> dict[str, Coroutine[Any, Any, None]]:
        """What must run, started anew."""
        return {name: task.run() for name, task in self.tasks.items()}


def make_backends(
    settings: GatewaySettings, metrics: Metrics, tls: Credentials | None = None
) -> Backends:
    """Puts the backends together; needs a running event loop.

    Args:
        settings: What is served, and how.
        metrics: Count and measure.
        tls: TLS of the connections to model servers; None without. The local one has none.

    Raises:
        ModelsDirectoryError: There is nothing to serve in --models-dir.
    """
    names = model_names(settings)
    tls = None if settings.models_dir is not None else tls

    def connect(endpoint: Endpoint) -> ModelServer:
        credentials = None if tls is None else tls.credentials
        return ModelServer(endpoint.address, credentials, server_name=endpoint.server_name)

    pool = ReplicaPool(connect, pool_rules(settings), metrics.replicas)
    if tls is not None:
        tls.on_change(lambda _: pool.reconnect())
    registry = ModelRegistry(
        pool,
        {name: version_rules(settings, name) for name in names},
        poll_interval_s=settings.poll_interval_s,
        metrics=metrics.models,
        absence=_absence(settings),
    )
    finder: tuple[str, _Task]
    if settings.models_dir is not None:
        finder = (
            "local model server",
            LocalModelServer(
                settings.models_dir, names, lambda address: pool.set_endpoints([Endpoint(address)])
            ),
        )
    else:
        targets = [parse_target(text) for text in settings.model_server]
        finder = (
            "discovery",
            Discovery(targets, pool.set_endpoints, refresh_s=settings.dns_refresh_s),
        )
    return Backends(pool, registry, {"registry": registry, finder[0]: finder[1]})


def pool_rules(settings: GatewaySettings) -> PoolRules:
    """How calls are spread."""
    hedge_ms = settings.hedge_after_ms
    return PoolRules(
        ejection=EjectionRules(
            failures_in_a_row=settings.eject_after_failures,
            failed_share=settings.eject_failed_share,
            slower_than=settings.eject_slower_than,
            first_s=settings.ejection_s,
            longest_s=settings.longest_ejection_s,
        ),
        retry_share=settings.retry_budget,
        hedge=HedgeRule(
            after_s=None if hedge_ms is None else hedge_ms / 1000,
            percentile=settings.hedge_percentile,
        ),
    )


def version_rules(settings: GatewaySettings, model: str) -> VersionRules:
    """How the versions of a model are chosen."""
    labels = [label for label in settings.model_label if label.model == model]
    return VersionRules(
        roll_out=settings.roll_out,
        canaries=tuple(
            CanaryShare(canary.version, canary.share)
            for canary in settings.canary
            if canary.model == model
        ),
        labels={label.label: label.version for label in labels if label.version is not None},
        followed_labels=tuple(label.label for label in labels if label.version is None),
        seed=settings.canary_seed,
    )


def _absence(settings: GatewaySettings) -> str:
    if settings.models_dir is not None:
        return "the model server is starting"
    return f"no address of {', '.join(settings.model_server)} is known yet"


def model_names(settings: GatewaySettings) -> Sequence[str]:
    """The models to serve.

    Raises:
        ModelsDirectoryError: There is nothing to serve in --models-dir, or not what settings name.
    """
    if settings.models_dir is None:
        return settings.model
    check_installed()
    names = find_models(settings.models_dir, settings.model)
    try:
        check_models(settings, names)
    except ValueError as error:
        raise ModelsDirectoryError(str(error)) from error
    return names
