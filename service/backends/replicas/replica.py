"""One model server among several, as the pool sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any, Final

from service.backends.model_server import ModelServer
from service.backends.replicas.addresses import Endpoint
from service.backends.replicas.outliers import Conduct, EjectionRules
from service.domain.models import VersionKey
from service.domain.signatures import Array, PredictTarget

CLOSE_TIMEOUT_S: Final = 60.0
"""How long a model server that left may take to answer its last calls, in seconds."""


class AbandonedError(Exception):
    """A call was given up, because its model server was found to hang."""


class Replica:
    """A model server, what it offers, and what it has to do.

    Attributes:
        endpoint: Where it is.
        server: The connection to it.
        conduct: How its calls have gone.
        outstanding_tokens: Padded tokens of the calls it has not answered.
        is_doubtful: Whether it was last heard of by a failure or by silence; it is asked only
            where nobody else is.

    Args:
        endpoint: Where it is.
        server: The connection to it; closed by `leave`.
        rules: When it is ejected.
    """

    def __init__(self, endpoint: Endpoint, server: ModelServer, rules: EjectionRules) -> None:
        self.endpoint = endpoint
        self.server = server
        self.conduct = Conduct(rules)
        self.outstanding_tokens = 0
        self.is_doubtful = False
        self._offers: dict[str, frozenset[int]] = {}
        self._calls: dict[asyncio.Timeout, VersionKey] = {}

    @property
    def name(self) -> str:
        """Its address, for logs and metrics."""
        return self.endpoint.address

    @property
    def calls(self) -> Mapping[asyncio.Timeout, VersionKey]:
        """The calls it has not answered."""
        return self._calls

    def offers(self, key: VersionKey) -> bool:
        """Whether it was found to answer calls to a version."""
        return key.version in self._offers.get(key.name, ())

    def offers_any(self, model: str) -> bool:
        """Whether it was found to answer calls to some version of a model."""
        return bool(self._offers.get(model))

    def answers_beyond(self, others: Iterable[Replica]) -> bool:
        """Whether it answers for a model that none of the others answers for."""
        answered = {model for other in others for model in other._offers if other._offers[model]}
        return any(versions and model not in answered for model, versions in self._offers.items())

    def knows(self, model: str) -> bool:
        """Whether it last said which versions of a model it has, be it none."""
        return model in self._offers

    def offer(self, model: str, versions: frozenset[int] | None) -> None:
        """It answers calls to these versions of a model and to no others; None: it is silent."""
        if versions is None:
            self._offers.pop(model, None)
        else:
            self._offers[model] = versions

    def withdraw(self, key: VersionKey) -> None:
        """It no longer answers calls to a version."""
        if key.name in self._offers:
            self._offers[key.name] -= {key.version}

    async def predict(
        self,
        target: PredictTarget,
        inputs: Mapping[str, Array],
        *,
        tokens: int,
        timeout_s: float,
    ) -> Mapping[str, Array]:
        """Runs one call, and counts it as outstanding meanwhile.

        Raises:
            ServiceError: The model server failed, refused or could not be reached.
            AbandonedError: `abandon` was called.
        """
        scope = asyncio.timeout(None)
        self._begin(scope, target.model, tokens)
        try:
            async with scope:
                return await self.server.predict(target, inputs, timeout_s=timeout_s)
        except TimeoutError as error:
            raise AbandonedError from error
        finally:
            self._end(scope, tokens)

    def abandon(self, call: asyncio.Timeout) -> None:
        """Gives a call up; it ends in `AbandonedError`."""
        call.reschedule(asyncio.get_running_loop().time())

    def reconnect(self, server: ModelServer) -> Coroutine[Any, Any, None]:
        """Sends calls over another connection from now on; returns the end of the old one."""
        old, self.server = self.server, server
        return old.close(grace_s=CLOSE_TIMEOUT_S)

    async def leave(self) -> None:
        """Waits for the last answers, within limits, and ends the connection."""
        await self.server.close(grace_s=CLOSE_TIMEOUT_S)

    def _begin(self, scope: asyncio.Timeout, key: VersionKey, tokens: int) -> None:
        self._calls[scope] = key
        self.outstanding_tokens += tokens

    def _end(self, scope: asyncio.Timeout, tokens: int) -> None:
        del self._calls[scope]
        self.outstanding_tokens -= tokens
