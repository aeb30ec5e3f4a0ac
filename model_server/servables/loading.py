"""From a version's folder to a servable that has answered its warm-up requests."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from model_server.engine.session import SessionConfig
from model_server.servables.servable import Servable, ServableId, load_servable
from model_server.servables.warmup import run_warmup
from model_server.status import Code, StatusError

_MODEL_FILES = ("saved_model.pb", "saved_model.pbtxt")
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SavedModelLoader:
    """Loads versions.

    Attributes:
        config: Threads and tags of the sessions.
        warmup_iterations: How often each recorded request runs; 0: no warm-up.
    """

    config: SessionConfig
    warmup_iterations: int

    def __call__(self, servable_id: ServableId, path: Path) -> Servable:
        """Load one version.

        Raises:
            StatusError: When the folder holds no model that can be loaded, or a warm-up request
                failed. Nothing stays loaded then.
        """
        if not any((path / name).is_file() for name in _MODEL_FILES):
            raise StatusError(
                Code.NOT_FOUND,
                "Specified file path does not appear to contain a SavedModel bundle (should have "
                f"a file called `saved_model.pb`)\nSpecified file path: {path}",
            )
        servable = load_servable(servable_id, path, self.config)
        try:
            self._warm_up(servable, path)
        except BaseException:
            servable.session.close()
            raise
        return servable

    def _warm_up(self, servable: Servable, path: Path) -> None:
        if not self.warmup_iterations:
            return
        count = run_warmup(servable, path, iterations=self.warmup_iterations)
        if count:
            logger.info("Ran %d warm-up requests of %s", count, servable.servable_id)
