"""Keeps the answer cache in step with the versions that are ready."""

from __future__ import annotations

from service.backends.registry import ModelRegistry
from service.pipeline.answer_cache import AnswerCache


async def follow_versions(cache: AnswerCache, registry: ModelRegistry) -> None:
    """Drops the answers of every version that goes, for as long as it is not cancelled."""
    while True:
        changed = registry.changed
        cache.keep_versions({v.key for state in registry.states for v in state.versions})
        await changed.wait()
