"""One model: what is known of its versions, over all model servers."""

from __future__ import annotations

import logging
from collections.abc import Callable

from service.backends.merging import ReplicaView, VersionRules, merge
from service.backends.version_loader import check_same
from service.domain.models import LoadedVersion, ModelState, Readiness
from service.metrics.models import ModelMetrics

logger = logging.getLogger(__name__)


class ModelCatalogue:
    """Holds the state of one model. Those who watch the model servers tell it what they see.

    A version is read once: the first model server that has it says what its contract and
    tokenizers are, and others that say something else under the same number are refused.

    Args:
        name: The model's name.
        rules: How versions are chosen.
        metrics: Shows the state.
        absence: Why there is nothing to say while there is no model server.
        on_change: Called whenever `state` was replaced by a different one.
    """

    def __init__(
        self,
        name: str,
        rules: VersionRules,
        *,
        metrics: ModelMetrics,
        absence: str,
        on_change: Callable[[], None],
    ) -> None:
        self.name = name
        self.rules = rules
        self._metrics = metrics
        self._absence = absence
        self._on_change = on_change
        self._views: dict[object, ReplicaView] = {}
        self._adopted: dict[tuple[object, int], LoadedVersion] = {}
        self._state = self._merged()

    @property
    def state(self) -> ModelState:
        """The model as it is known now."""
        return self._state

    def known(self, version: int) -> LoadedVersion | None:
        """A version as it was read from a model server that still has it."""
        in_use = (one for view in self._views.values() for one in view.versions)
        for loaded in (*in_use, *self._adopted.values()):
            if loaded.key.version == version:
                return loaded
        return None

    def adopt(self, replica: object, loaded: LoadedVersion) -> None:
        """Takes a version that was read from a model server and found to be good.

        Raises:
            ModelContractError: Another model server has another version under that number.
        """
        known = self.known(loaded.key.version)
        if known is not None:
            check_same(known, loaded.fingerprint)
            return
        self._adopted[replica, loaded.key.version] = loaded
        self._metrics.version_loaded(self.name)
        logger.info("version %d of model %s is ready", loaded.key.version, self.name)

    def answers_without(self, replica: object) -> bool:
        """Whether another model server answers some version."""
        return any(view.versions for other, view in self._views.items() if other is not replica)

    def note_refusal(self, version: int, replica: str, error: Exception) -> None:
        """Tells of a version that a model server has and that is not good."""
        self._metrics.version_refused(self.name)
        logger.error(
            "version %d of model %s on %s is refused: %s", version, self.name, replica, error
        )

    def put(self, replica: object, view: ReplicaView) -> None:
        """This is what a model server says now."""
        self._forget_adopted(replica)
        if self._views.get(replica) != view:
            self._views[replica] = view
            self._update()

    def remove(self, replica: object) -> None:
        """A model server left."""
        self._forget_adopted(replica)
        if self._views.pop(replica, None) is not None:
            self._update()

    def _forget_adopted(self, replica: object) -> None:
        """What is still in use is held by the model server's view from now on."""
        for key in [key for key in self._adopted if key[0] is replica]:
            del self._adopted[key]

    def _update(self) -> None:
        state = self._merged()
        if state == self._state:
            return
        if state.status_message != self._state.status_message and state.status_message:
            level = logging.INFO if state.is_ready else logging.WARNING
            message = "model %s is %s: %s"
            logger.log(level, message, state.name, state.readiness, state.status_message)
        if state.current_version != self._state.current_version and state.current_version:
            logger.info("model %s answers with version %d", state.name, state.current_version)
        self._state = state
        self._on_change()

    def _merged(self) -> ModelState:
        if self._views:
            state = merge(self.name, tuple(self._views.values()), self.rules)
        else:
            state = ModelState(self.name, Readiness.LOADING, status_message=self._absence)
        self._metrics.state(
            self.name,
            is_ready=state.is_ready,
            newest_version=state.version_numbers[0] if state.versions else 0,
            ready_versions=len(state.versions),
        )
        return state
