"""From a version's folder to a servable that has answered its warm-up requests."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from model_server.batching.parameters import BatchingParameters, read_batching_parameters
from model_server.batching.scheduler import BatchScheduler
from model_server.batching.session import BatchingSession
from model_server.engine.session import SessionConfig
from model_server.metrics import ServerMetrics
from model_server.servables.servable import Servable, ServableId, load_servable
from model_server.servables.warmup import WARMUP_FILE, run_warmup
from model_server.status import Code, StatusError

_OWN_PARAMETERS = "batching_params.pbtxt"
_MODEL_FILES = ("saved_model.pb", "saved_model.pbtxt")
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Batching:
    """How the runs of all versions are gathered into batches.

    Attributes:
        parameters: Of every version, unless each has its own.
        scheduler: The threads, shared by all versions.
        per_version: Read the parameters from each version's folder; a version without any then
            runs each request by itself.
    """

    parameters: BatchingParameters
    scheduler: BatchScheduler
    per_version: bool = False

    def parameters_of(self, path: Path) -> BatchingParameters | None:
        """The parameters of the version in that folder.

        Raises:
            StatusError: When its own cannot be read or are not valid.
        """
        if not self.per_version:
            return self.parameters
        file = path / _OWN_PARAMETERS
        return read_batching_parameters(file) if file.is_file() else None


@dataclass(frozen=True)
class SavedModelLoader:
    """Loads versions.

    Attributes:
        config: Threads and tags of the sessions.
        warmup_iterations: How often each recorded request runs; 0: no warm-up.
        batching: How runs are gathered; None: each request runs by itself.
        metrics: Counts warm-up and batches.
    """

    config: SessionConfig
    warmup_iterations: int
    batching: Batching | None = None
    metrics: ServerMetrics = field(default_factory=ServerMetrics)

    def __call__(self, servable_id: ServableId, path: Path) -> Servable:
        """Loads one version.

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
        batching = self.batching.parameters_of(path) if self.batching else None
        servable = load_servable(servable_id, path, self.config)
        if self.batching and batching:
            session = BatchingSession(
                servable.session,
                batching,
                scheduler=self.batching.scheduler,
                metrics=self.metrics.batching,
            )
            servable = replace(servable, session=session)
        try:
            self._warm_up(servable, path)
        except BaseException:
            servable.session.close()
            raise
        return servable

    def _warm_up(self, servable: Servable, path: Path) -> None:
        if not self.warmup_iterations or not (path / WARMUP_FILE).is_file():
            return
        code, began = Code.OK, time.perf_counter()
        try:
            count = run_warmup(servable, path, iterations=self.warmup_iterations)
        except StatusError as error:
            code = error.code
            raise
        finally:
            latency_s = time.perf_counter() - began
            self.metrics.warmup_latency.observe(latency_s * 1e6, str(path), code.name)
        self.metrics.warmup_records_read.increment(str(path), by=count)
        if count:
            logger.info("Ran %d warm-up requests of %s", count, servable.servable_id)
