"""Names for versions, such as `stable`, that clients may ask for instead of a number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from model_server.lifecycle.config import ModelConfig
from model_server.lifecycle.serving import ServingTable
from model_server.servables.servable import ServableId
from model_server.status import Code, StatusError

LabelMap = Mapping[tuple[str, str], int]


class Labels:
    """The labels of all models; the map is immutable and replaced whole.

    Args:
        table: Says which versions can be used at this moment.
        allow_unavailable: Let a new or unchanged label name a version that cannot be used yet.
    """

    def __init__(self, table: ServingTable, *, allow_unavailable: bool) -> None:
        self._table = table
        self._allow_unavailable = allow_unavailable
        self._labels: LabelMap = {}

    def replace(self, models: Iterable[ModelConfig]) -> None:
        """Takes the labels of a new configuration; those not listed are gone.

        Raises:
            StatusError: FAILED_PRECONDITION when a label names a version that is not available.
                Nothing has changed then.
        """
        labels = {
            (model.name, label): version
            for model in models
            for label, version in model.labels.items()
        }
        for (name, label), version in labels.items():
            self._check(name, label, version=version)
        self._labels = labels

    def version(self, name: str, label: str) -> int:
        """The version that a label names.

        Raises:
            StatusError: INVALID_ARGUMENT when there is no such label.
        """
        version = self._labels.get((name, label))
        if version is None:
            raise StatusError(
                Code.INVALID_ARGUMENT, f"Unrecognized servable version label: {label}"
            )
        return version

    def _check(self, name: str, label: str, *, version: int) -> None:
        if self._table.is_available(ServableId(name, version)):
            return
        previous = self._labels.get((name, label), version)
        if self._allow_unavailable and previous == version:
            return
        raise StatusError(
            Code.FAILED_PRECONDITION,
            f"Request to assign label to version {version} of model {name}, "
            "which is not currently available for inference",
        )
