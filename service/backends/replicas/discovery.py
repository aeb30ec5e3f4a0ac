"""Keeps the list of model servers in step with the names that stand for them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from service.backends.replicas.addresses import (
    Endpoint,
    Resolve,
    Target,
    endpoints_of,
    resolve_name,
)

logger = logging.getLogger(__name__)

FIRST_REFRESH_S: Final = 0.5
"""Pause while a name has no address yet, in seconds."""
LOOK_UP_TIMEOUT_S: Final = 15.0
"""How long a look may take, in seconds."""


class Discovery:
    """Looks names up again and again. A name that cannot be looked up keeps its last addresses.

    Args:
        targets: What the user wrote.
        on_change: Called with every model server whenever there are others than before.
        refresh_s: Seconds between two looks.
        resolve: Looks a name up.
    """

    def __init__(
        self,
        targets: Sequence[Target],
        on_change: Callable[[Sequence[Endpoint]], None],
        *,
        refresh_s: float,
        resolve: Resolve = resolve_name,
    ) -> None:
        self._on_change = on_change
        self._refresh_s = refresh_s
        self._resolve = resolve
        self._names = [target for target in targets if target.is_name]
        self._fixed = tuple(target.endpoint for target in targets if not target.is_name)
        self._found: dict[Target, tuple[Endpoint, ...]] = {}
        self._lost: set[Target] = set()
        self._published: tuple[Endpoint, ...] = ()
        self._publish()

    async def run(self) -> None:
        """Follows the names for as long as it is not cancelled."""
        while self._names:
            await self.refresh()
            is_complete = len(self._found) == len(self._names)
            await asyncio.sleep(self._refresh_s if is_complete else FIRST_REFRESH_S)
        await asyncio.Event().wait()

    async def refresh(self) -> None:
        """Looks every name up once."""
        await asyncio.gather(*(self._look_up(name) for name in self._names))
        self._publish()

    async def _look_up(self, name: Target) -> None:
        try:
            addresses = await asyncio.wait_for(
                self._resolve(name.host, name.port), LOOK_UP_TIMEOUT_S
            )
        except OSError as error:  # a TimeoutError is one, too
            if name not in self._lost:
                logger.warning(
                    "the name %s cannot be looked up: %s", name.host, error or "no answer"
                )
            self._lost.add(name)
            return
        self._lost.discard(name)
        if addresses:
            self._found[name] = endpoints_of(name, addresses)

    def _publish(self) -> None:
        found = [endpoint for name in self._names for endpoint in self._found.get(name, ())]
        endpoints = tuple(dict.fromkeys([*self._fixed, *found]))
        if endpoints != self._published:
            self._published = endpoints
            self._on_change(endpoints)
