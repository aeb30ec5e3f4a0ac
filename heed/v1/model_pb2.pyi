from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class VersionCondition(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VERSION_CONDITION_UNSPECIFIED: _ClassVar[VersionCondition]
    VERSION_CONDITION_READY: _ClassVar[VersionCondition]
    VERSION_CONDITION_LOADING: _ClassVar[VersionCondition]
    VERSION_CONDITION_REFUSED: _ClassVar[VersionCondition]
    VERSION_CONDITION_FAILED: _ClassVar[VersionCondition]
VERSION_CONDITION_UNSPECIFIED: VersionCondition
VERSION_CONDITION_READY: VersionCondition
VERSION_CONDITION_LOADING: VersionCondition
VERSION_CONDITION_REFUSED: VersionCondition
VERSION_CONDITION_FAILED: VersionCondition

class ModelVersion(_message.Message):
    __slots__ = ("name", "version")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class Model(_message.Message):
    __slots__ = ("name", "version", "ready_versions", "ready", "status_message", "task", "max_source_tokens", "max_target_tokens", "attention", "attention_average", "signatures", "precision", "source_tokenizer_sha256", "target_tokenizer_sha256", "card", "max_beam_width", "class_labels", "versions", "replica_count", "healthy_replica_count", "image")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    READY_VERSIONS_FIELD_NUMBER: _ClassVar[int]
    READY_FIELD_NUMBER: _ClassVar[int]
    STATUS_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    MAX_SOURCE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    MAX_TARGET_TOKENS_FIELD_NUMBER: _ClassVar[int]
    ATTENTION_FIELD_NUMBER: _ClassVar[int]
    ATTENTION_AVERAGE_FIELD_NUMBER: _ClassVar[int]
    SIGNATURES_FIELD_NUMBER: _ClassVar[int]
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    SOURCE_TOKENIZER_SHA256_FIELD_NUMBER: _ClassVar[int]
    TARGET_TOKENIZER_SHA256_FIELD_NUMBER: _ClassVar[int]
    CARD_FIELD_NUMBER: _ClassVar[int]
    MAX_BEAM_WIDTH_FIELD_NUMBER: _ClassVar[int]
    CLASS_LABELS_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    REPLICA_COUNT_FIELD_NUMBER: _ClassVar[int]
    HEALTHY_REPLICA_COUNT_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    ready_versions: _containers.RepeatedScalarFieldContainer[int]
    ready: bool
    status_message: str
    task: str
    max_source_tokens: int
    max_target_tokens: int
    attention: _containers.RepeatedCompositeFieldContainer[AttentionKind]
    attention_average: str
    signatures: _containers.RepeatedScalarFieldContainer[str]
    precision: str
    source_tokenizer_sha256: str
    target_tokenizer_sha256: str
    card: ModelCard
    max_beam_width: int
    class_labels: _containers.RepeatedScalarFieldContainer[str]
    versions: _containers.RepeatedCompositeFieldContainer[VersionStatus]
    replica_count: int
    healthy_replica_count: int
    image: ImageInput
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ..., ready_versions: _Optional[_Iterable[int]] = ..., ready: bool = ..., status_message: _Optional[str] = ..., task: _Optional[str] = ..., max_source_tokens: _Optional[int] = ..., max_target_tokens: _Optional[int] = ..., attention: _Optional[_Iterable[_Union[AttentionKind, _Mapping]]] = ..., attention_average: _Optional[str] = ..., signatures: _Optional[_Iterable[str]] = ..., precision: _Optional[str] = ..., source_tokenizer_sha256: _Optional[str] = ..., target_tokenizer_sha256: _Optional[str] = ..., card: _Optional[_Union[ModelCard, _Mapping]] = ..., max_beam_width: _Optional[int] = ..., class_labels: _Optional[_Iterable[str]] = ..., versions: _Optional[_Iterable[_Union[VersionStatus, _Mapping]]] = ..., replica_count: _Optional[int] = ..., healthy_replica_count: _Optional[int] = ..., image: _Optional[_Union[ImageInput, _Mapping]] = ...) -> None: ...

class ImageInput(_message.Message):
    __slots__ = ("height", "max_width", "channel_count", "cell_height", "cell_width")
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    MAX_WIDTH_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_COUNT_FIELD_NUMBER: _ClassVar[int]
    CELL_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    CELL_WIDTH_FIELD_NUMBER: _ClassVar[int]
    height: int
    max_width: int
    channel_count: int
    cell_height: int
    cell_width: int
    def __init__(self, height: _Optional[int] = ..., max_width: _Optional[int] = ..., channel_count: _Optional[int] = ..., cell_height: _Optional[int] = ..., cell_width: _Optional[int] = ...) -> None: ...

class VersionStatus(_message.Message):
    __slots__ = ("version", "condition", "replica_count", "message", "labels", "traffic_share")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    REPLICA_COUNT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    TRAFFIC_SHARE_FIELD_NUMBER: _ClassVar[int]
    version: int
    condition: VersionCondition
    replica_count: int
    message: str
    labels: _containers.RepeatedScalarFieldContainer[str]
    traffic_share: float
    def __init__(self, version: _Optional[int] = ..., condition: _Optional[_Union[VersionCondition, str]] = ..., replica_count: _Optional[int] = ..., message: _Optional[str] = ..., labels: _Optional[_Iterable[str]] = ..., traffic_share: _Optional[float] = ...) -> None: ...

class AttentionKind(_message.Message):
    __slots__ = ("name", "layer_index", "head_count", "normalized")
    NAME_FIELD_NUMBER: _ClassVar[int]
    LAYER_INDEX_FIELD_NUMBER: _ClassVar[int]
    HEAD_COUNT_FIELD_NUMBER: _ClassVar[int]
    NORMALIZED_FIELD_NUMBER: _ClassVar[int]
    name: str
    layer_index: int
    head_count: int
    normalized: bool
    def __init__(self, name: _Optional[str] = ..., layer_index: _Optional[int] = ..., head_count: _Optional[int] = ..., normalized: bool = ...) -> None: ...

class ModelCard(_message.Message):
    __slots__ = ("description", "training_data", "training_data_license", "metrics", "software")
    class MetricsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    class SoftwareEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TRAINING_DATA_FIELD_NUMBER: _ClassVar[int]
    TRAINING_DATA_LICENSE_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    SOFTWARE_FIELD_NUMBER: _ClassVar[int]
    description: str
    training_data: str
    training_data_license: str
    metrics: _containers.ScalarMap[str, float]
    software: _containers.ScalarMap[str, str]
    def __init__(self, description: _Optional[str] = ..., training_data: _Optional[str] = ..., training_data_license: _Optional[str] = ..., metrics: _Optional[_Mapping[str, float]] = ..., software: _Optional[_Mapping[str, str]] = ...) -> None: ...
