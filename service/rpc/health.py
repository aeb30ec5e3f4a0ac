"""Health, per model and as a whole, as the registry sees it."""

from __future__ import annotations

from typing import Final

from grpc_health.v1 import health_pb2
from grpc_health.v1.health import aio as health_aio

from heed.v1 import inference_pb2
from service.backends.registry import ModelRegistry

SERVING: Final = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING: Final = health_pb2.HealthCheckResponse.NOT_SERVING
WHOLE_GATEWAY: Final = ("", inference_pb2.DESCRIPTOR.services_by_name["InferenceService"].full_name)


class HealthReporter:
    """Keeps grpc.health.v1 in step with the registry.

    The names "" and "heed.v1.InferenceService" are SERVING while at least one model is ready, each
    model's own name while that model is.

    Args:
        registry: Knows the models.
    """

    def __init__(self, registry: ModelRegistry) -> None:
        self._registry = registry
        self.servicer = health_aio.HealthServicer()

    async def run(self) -> None:
        """Reports for as long as it is not cancelled."""
        while True:
            changed = self._registry.changed
            states = self._registry.states
            for state in states:
                await self._set(state.name, state.is_ready)
            for name in WHOLE_GATEWAY:
                await self._set(name, any(state.is_ready for state in states))
            await changed.wait()

    async def stop(self) -> None:
        """Reports NOT_SERVING for everything from now on, so that no new calls come."""
        await self.servicer.enter_graceful_shutdown()

    async def _set(self, name: str, is_ready: bool) -> None:
        await self.servicer.set(name, SERVING if is_ready else NOT_SERVING)
