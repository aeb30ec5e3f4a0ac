"""A loaded version of a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from model_server.engine.session import GraphSession, Session, SessionConfig
from model_server.messages import get_model_metadata_pb2, meta_graph_pb2
from model_server.status import Code, StatusError

DEFAULT_SIGNATURE = "serving_default"
_VARIABLES_INDEX = Path("variables", "variables.index")
_VARIABLE_OPERATIONS = frozenset({"VarHandleOp", "Variable", "VariableV2"})


@dataclass(frozen=True)
class ServableId:
    """A model's name and one of its version numbers."""

    name: str
    version: int

    def __str__(self) -> str:
        return f"{{name: {self.name} version: {self.version}}}"


@dataclass(frozen=True)
class Signature:
    """One entry point of a model, by the names that clients use.

    Attributes:
        inputs: Alias to the name of the graph's tensor, in the order of the aliases.
        outputs: The same for the outputs.
        defaults: Alias to the serialised TensorProto that stands in for an input not sent.
        input_types: Alias to the element type that the model declares, in the same order.
    """

    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    defaults: Mapping[str, bytes]
    input_types: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Servable:
    """A version that is ready to run.

    Attributes:
        servable_id: Its model and version.
        session: The session, shared by all requests.
        signatures: Key to signature.
        signature_map: The serialised `SignatureDefMap` that describes all signatures to clients.
    """

    servable_id: ServableId
    session: GraphSession
    signatures: Mapping[str, Signature]
    signature_map: bytes

    def signature(self, key: str) -> Signature:
        """The signature of that key; an empty key means `serving_default`.

        Raises:
            StatusError: FAILED_PRECONDITION when the model has none of that key.
        """
        wanted = key or DEFAULT_SIGNATURE
        found = self.signatures.get(wanted)
        if found is None:
            raise StatusError(
                Code.FAILED_PRECONDITION, f'Serving signature key "{wanted}" not found.'
            )
        return found


def load_servable(servable_id: ServableId, path: Path, config: SessionConfig) -> Servable:
    """Loads a version from its folder; warm-up is a step of its own.

    Raises:
        StatusError: With the loader's code and message.
    """
    session = Session(path, config)
    meta_graph = meta_graph_pb2.MetaGraphDef.FromString(session.meta_graph)
    if _lacks_variables(meta_graph, path):
        session.close()
        raise StatusError(
            Code.NOT_FOUND, f"The model has variables but {path / _VARIABLES_INDEX} is missing"
        )
    definitions = meta_graph.signature_def
    described = get_model_metadata_pb2.SignatureDefMap()
    for key, definition in definitions.items():
        described.signature_def[key].CopyFrom(definition)
    return Servable(
        servable_id=servable_id,
        session=session,
        signatures={key: _signature(definition) for key, definition in definitions.items()},
        signature_map=described.SerializeToString(deterministic=True),
    )


def _lacks_variables(meta_graph: Any, path: Path) -> bool:
    """True for a half-copied model, which the loader takes for one without variables."""
    if (path / _VARIABLES_INDEX).is_file():
        return False
    return any(node.op in _VARIABLE_OPERATIONS for node in meta_graph.graph_def.node)


def _signature(definition: Any) -> Signature:
    return Signature(
        inputs={alias: definition.inputs[alias].name for alias in sorted(definition.inputs)},
        outputs={alias: definition.outputs[alias].name for alias in sorted(definition.outputs)},
        defaults={
            alias: definition.defaults[alias].SerializeToString()
            for alias in sorted(definition.defaults)
        },
        input_types={alias: definition.inputs[alias].dtype for alias in sorted(definition.inputs)},
    )
