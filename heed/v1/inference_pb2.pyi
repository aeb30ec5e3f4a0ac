from google.protobuf import duration_pb2 as _duration_pb2
from heed.v1 import model_pb2 as _model_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AttentionLevel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ATTENTION_LEVEL_UNSPECIFIED: _ClassVar[AttentionLevel]
    ATTENTION_LEVEL_NONE: _ClassVar[AttentionLevel]
    ATTENTION_LEVEL_PIECES: _ClassVar[AttentionLevel]
    ATTENTION_LEVEL_HEADS: _ClassVar[AttentionLevel]
    ATTENTION_LEVEL_WORDS: _ClassVar[AttentionLevel]

class WeightFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WEIGHT_FORMAT_UNSPECIFIED: _ClassVar[WeightFormat]
    WEIGHT_FORMAT_FLOAT32: _ClassVar[WeightFormat]
    WEIGHT_FORMAT_FLOAT16: _ClassVar[WeightFormat]

class Priority(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRIORITY_UNSPECIFIED: _ClassVar[Priority]
    PRIORITY_INTERACTIVE: _ClassVar[Priority]
    PRIORITY_BULK: _ClassVar[Priority]

class TokenKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TOKEN_KIND_UNSPECIFIED: _ClassVar[TokenKind]
    TOKEN_KIND_TEXT: _ClassVar[TokenKind]
    TOKEN_KIND_UNKNOWN: _ClassVar[TokenKind]
    TOKEN_KIND_END: _ClassVar[TokenKind]
    TOKEN_KIND_WORD: _ClassVar[TokenKind]

class FinishReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FINISH_REASON_UNSPECIFIED: _ClassVar[FinishReason]
    FINISH_REASON_END: _ClassVar[FinishReason]
    FINISH_REASON_LENGTH: _ClassVar[FinishReason]

class TextSide(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TEXT_SIDE_UNSPECIFIED: _ClassVar[TextSide]
    TEXT_SIDE_SOURCE: _ClassVar[TextSide]
    TEXT_SIDE_TARGET: _ClassVar[TextSide]
ATTENTION_LEVEL_UNSPECIFIED: AttentionLevel
ATTENTION_LEVEL_NONE: AttentionLevel
ATTENTION_LEVEL_PIECES: AttentionLevel
ATTENTION_LEVEL_HEADS: AttentionLevel
ATTENTION_LEVEL_WORDS: AttentionLevel
WEIGHT_FORMAT_UNSPECIFIED: WeightFormat
WEIGHT_FORMAT_FLOAT32: WeightFormat
WEIGHT_FORMAT_FLOAT16: WeightFormat
PRIORITY_UNSPECIFIED: Priority
PRIORITY_INTERACTIVE: Priority
PRIORITY_BULK: Priority
TOKEN_KIND_UNSPECIFIED: TokenKind
TOKEN_KIND_TEXT: TokenKind
TOKEN_KIND_UNKNOWN: TokenKind
TOKEN_KIND_END: TokenKind
TOKEN_KIND_WORD: TokenKind
FINISH_REASON_UNSPECIFIED: FinishReason
FINISH_REASON_END: FinishReason
FINISH_REASON_LENGTH: FinishReason
TEXT_SIDE_UNSPECIFIED: TextSide
TEXT_SIDE_SOURCE: TextSide
TEXT_SIDE_TARGET: TextSide

class ModelSelector(_message.Message):
    __slots__ = ("name", "version", "label")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    label: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ..., label: _Optional[str] = ...) -> None: ...

class AttentionOptions(_message.Message):
    __slots__ = ("heads_of_words", "top_weights", "weight_format")
    HEADS_OF_WORDS_FIELD_NUMBER: _ClassVar[int]
    TOP_WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FORMAT_FIELD_NUMBER: _ClassVar[int]
    heads_of_words: bool
    top_weights: int
    weight_format: WeightFormat
    def __init__(self, heads_of_words: bool = ..., top_weights: _Optional[int] = ..., weight_format: _Optional[_Union[WeightFormat, str]] = ...) -> None: ...

class AlignmentOptions(_message.Message):
    __slots__ = ("min_weight",)
    MIN_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    min_weight: float
    def __init__(self, min_weight: _Optional[float] = ...) -> None: ...

class GenerateOptions(_message.Message):
    __slots__ = ("max_length", "min_length", "prefix", "attention", "beam_width", "num_hypotheses", "length_penalty", "coverage_penalty", "no_repeat_ngram_size", "sampling", "attention_options", "alignment", "replace_unknown")
    MAX_LENGTH_FIELD_NUMBER: _ClassVar[int]
    MIN_LENGTH_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    ATTENTION_FIELD_NUMBER: _ClassVar[int]
    BEAM_WIDTH_FIELD_NUMBER: _ClassVar[int]
    NUM_HYPOTHESES_FIELD_NUMBER: _ClassVar[int]
    LENGTH_PENALTY_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_PENALTY_FIELD_NUMBER: _ClassVar[int]
    NO_REPEAT_NGRAM_SIZE_FIELD_NUMBER: _ClassVar[int]
    SAMPLING_FIELD_NUMBER: _ClassVar[int]
    ATTENTION_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    ALIGNMENT_FIELD_NUMBER: _ClassVar[int]
    REPLACE_UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    max_length: int
    min_length: int
    prefix: str
    attention: AttentionLevel
    beam_width: int
    num_hypotheses: int
    length_penalty: float
    coverage_penalty: float
    no_repeat_ngram_size: int
    sampling: SamplingOptions
    attention_options: AttentionOptions
    alignment: AlignmentOptions
    replace_unknown: bool
    def __init__(self, max_length: _Optional[int] = ..., min_length: _Optional[int] = ..., prefix: _Optional[str] = ..., attention: _Optional[_Union[AttentionLevel, str]] = ..., beam_width: _Optional[int] = ..., num_hypotheses: _Optional[int] = ..., length_penalty: _Optional[float] = ..., coverage_penalty: _Optional[float] = ..., no_repeat_ngram_size: _Optional[int] = ..., sampling: _Optional[_Union[SamplingOptions, _Mapping]] = ..., attention_options: _Optional[_Union[AttentionOptions, _Mapping]] = ..., alignment: _Optional[_Union[AlignmentOptions, _Mapping]] = ..., replace_unknown: bool = ...) -> None: ...

class SamplingOptions(_message.Message):
    __slots__ = ("temperature", "top_k", "top_p", "seed", "num_samples")
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    TOP_P_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    NUM_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    temperature: float
    top_k: int
    top_p: float
    seed: int
    num_samples: int
    def __init__(self, temperature: _Optional[float] = ..., top_k: _Optional[int] = ..., top_p: _Optional[float] = ..., seed: _Optional[int] = ..., num_samples: _Optional[int] = ...) -> None: ...

class GenerateRequest(_message.Message):
    __slots__ = ("model", "texts", "options", "priority")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    model: ModelSelector
    texts: _containers.RepeatedScalarFieldContainer[str]
    options: GenerateOptions
    priority: Priority
    def __init__(self, model: _Optional[_Union[ModelSelector, _Mapping]] = ..., texts: _Optional[_Iterable[str]] = ..., options: _Optional[_Union[GenerateOptions, _Mapping]] = ..., priority: _Optional[_Union[Priority, str]] = ...) -> None: ...

class GenerateResponse(_message.Message):
    __slots__ = ("model", "results", "timings")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_FIELD_NUMBER: _ClassVar[int]
    model: _model_pb2.ModelVersion
    results: _containers.RepeatedCompositeFieldContainer[GenerateResult]
    timings: Timings
    def __init__(self, model: _Optional[_Union[_model_pb2.ModelVersion, _Mapping]] = ..., results: _Optional[_Iterable[_Union[GenerateResult, _Mapping]]] = ..., timings: _Optional[_Union[Timings, _Mapping]] = ...) -> None: ...

class GenerateResult(_message.Message):
    __slots__ = ("source_tokens", "hypotheses")
    SOURCE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    HYPOTHESES_FIELD_NUMBER: _ClassVar[int]
    source_tokens: _containers.RepeatedCompositeFieldContainer[Token]
    hypotheses: _containers.RepeatedCompositeFieldContainer[Hypothesis]
    def __init__(self, source_tokens: _Optional[_Iterable[_Union[Token, _Mapping]]] = ..., hypotheses: _Optional[_Iterable[_Union[Hypothesis, _Mapping]]] = ...) -> None: ...

class StreamGenerateRequest(_message.Message):
    __slots__ = ("model", "text", "options", "split_sentences", "chunk_tokens", "priority")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    SPLIT_SENTENCES_FIELD_NUMBER: _ClassVar[int]
    CHUNK_TOKENS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    model: ModelSelector
    text: str
    options: GenerateOptions
    split_sentences: bool
    chunk_tokens: int
    priority: Priority
    def __init__(self, model: _Optional[_Union[ModelSelector, _Mapping]] = ..., text: _Optional[str] = ..., options: _Optional[_Union[GenerateOptions, _Mapping]] = ..., split_sentences: bool = ..., chunk_tokens: _Optional[int] = ..., priority: _Optional[_Union[Priority, str]] = ...) -> None: ...

class StreamGenerateResponse(_message.Message):
    __slots__ = ("model", "segment_index", "segment_count", "begin_offset", "end_offset", "partial", "result", "timings")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_INDEX_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    BEGIN_OFFSET_FIELD_NUMBER: _ClassVar[int]
    END_OFFSET_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_FIELD_NUMBER: _ClassVar[int]
    model: _model_pb2.ModelVersion
    segment_index: int
    segment_count: int
    begin_offset: int
    end_offset: int
    partial: PartialHypothesis
    result: GenerateResult
    timings: Timings
    def __init__(self, model: _Optional[_Union[_model_pb2.ModelVersion, _Mapping]] = ..., segment_index: _Optional[int] = ..., segment_count: _Optional[int] = ..., begin_offset: _Optional[int] = ..., end_offset: _Optional[int] = ..., partial: _Optional[_Union[PartialHypothesis, _Mapping]] = ..., result: _Optional[_Union[GenerateResult, _Mapping]] = ..., timings: _Optional[_Union[Timings, _Mapping]] = ...) -> None: ...

class PartialHypothesis(_message.Message):
    __slots__ = ("text", "tokens", "stable_end_offset")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    STABLE_END_OFFSET_FIELD_NUMBER: _ClassVar[int]
    text: str
    tokens: _containers.RepeatedCompositeFieldContainer[Token]
    stable_end_offset: int
    def __init__(self, text: _Optional[str] = ..., tokens: _Optional[_Iterable[_Union[Token, _Mapping]]] = ..., stable_end_offset: _Optional[int] = ...) -> None: ...

class GenerateManyRequest(_message.Message):
    __slots__ = ("config", "input")
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    config: GenerateManyConfig
    input: GenerateManyInput
    def __init__(self, config: _Optional[_Union[GenerateManyConfig, _Mapping]] = ..., input: _Optional[_Union[GenerateManyInput, _Mapping]] = ...) -> None: ...

class GenerateManyConfig(_message.Message):
    __slots__ = ("model", "options", "priority")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    model: ModelSelector
    options: GenerateOptions
    priority: Priority
    def __init__(self, model: _Optional[_Union[ModelSelector, _Mapping]] = ..., options: _Optional[_Union[GenerateOptions, _Mapping]] = ..., priority: _Optional[_Union[Priority, str]] = ...) -> None: ...

class GenerateManyInput(_message.Message):
    __slots__ = ("id", "text")
    ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    id: str
    text: str
    def __init__(self, id: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class GenerateManyResponse(_message.Message):
    __slots__ = ("id", "result", "error", "model", "timings")
    ID_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_FIELD_NUMBER: _ClassVar[int]
    id: str
    result: GenerateResult
    error: TextError
    model: _model_pb2.ModelVersion
    timings: Timings
    def __init__(self, id: _Optional[str] = ..., result: _Optional[_Union[GenerateResult, _Mapping]] = ..., error: _Optional[_Union[TextError, _Mapping]] = ..., model: _Optional[_Union[_model_pb2.ModelVersion, _Mapping]] = ..., timings: _Optional[_Union[Timings, _Mapping]] = ...) -> None: ...

class TextError(_message.Message):
    __slots__ = ("code", "reason", "message", "metadata", "field_violations", "retry_delay")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    FIELD_VIOLATIONS_FIELD_NUMBER: _ClassVar[int]
    RETRY_DELAY_FIELD_NUMBER: _ClassVar[int]
    code: int
    reason: str
    message: str
    metadata: _containers.ScalarMap[str, str]
    field_violations: _containers.RepeatedCompositeFieldContainer[FieldViolation]
    retry_delay: _duration_pb2.Duration
    def __init__(self, code: _Optional[int] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ..., field_violations: _Optional[_Iterable[_Union[FieldViolation, _Mapping]]] = ..., retry_delay: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class FieldViolation(_message.Message):
    __slots__ = ("field", "description")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    field: str
    description: str
    def __init__(self, field: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class Token(_message.Message):
    __slots__ = ("id", "text", "begin_offset", "end_offset", "kind", "score")
    ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    BEGIN_OFFSET_FIELD_NUMBER: _ClassVar[int]
    END_OFFSET_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    id: int
    text: str
    begin_offset: int
    end_offset: int
    kind: TokenKind
    score: float
    def __init__(self, id: _Optional[int] = ..., text: _Optional[str] = ..., begin_offset: _Optional[int] = ..., end_offset: _Optional[int] = ..., kind: _Optional[_Union[TokenKind, str]] = ..., score: _Optional[float] = ...) -> None: ...

class Hypothesis(_message.Message):
    __slots__ = ("text", "score", "tokens", "finish_reason", "attention", "rank_score", "alignment")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    FINISH_REASON_FIELD_NUMBER: _ClassVar[int]
    ATTENTION_FIELD_NUMBER: _ClassVar[int]
    RANK_SCORE_FIELD_NUMBER: _ClassVar[int]
    ALIGNMENT_FIELD_NUMBER: _ClassVar[int]
    text: str
    score: float
    tokens: _containers.RepeatedCompositeFieldContainer[Token]
    finish_reason: FinishReason
    attention: Attention
    rank_score: float
    alignment: Alignment
    def __init__(self, text: _Optional[str] = ..., score: _Optional[float] = ..., tokens: _Optional[_Iterable[_Union[Token, _Mapping]]] = ..., finish_reason: _Optional[_Union[FinishReason, str]] = ..., attention: _Optional[_Union[Attention, _Mapping]] = ..., rank_score: _Optional[float] = ..., alignment: _Optional[_Union[Alignment, _Mapping]] = ...) -> None: ...

class TextSpan(_message.Message):
    __slots__ = ("begin_offset", "end_offset")
    BEGIN_OFFSET_FIELD_NUMBER: _ClassVar[int]
    END_OFFSET_FIELD_NUMBER: _ClassVar[int]
    begin_offset: int
    end_offset: int
    def __init__(self, begin_offset: _Optional[int] = ..., end_offset: _Optional[int] = ...) -> None: ...

class Alignment(_message.Message):
    __slots__ = ("source_words", "target_words", "pairs")
    SOURCE_WORDS_FIELD_NUMBER: _ClassVar[int]
    TARGET_WORDS_FIELD_NUMBER: _ClassVar[int]
    PAIRS_FIELD_NUMBER: _ClassVar[int]
    source_words: _containers.RepeatedCompositeFieldContainer[TextSpan]
    target_words: _containers.RepeatedCompositeFieldContainer[TextSpan]
    pairs: _containers.RepeatedCompositeFieldContainer[AlignedPair]
    def __init__(self, source_words: _Optional[_Iterable[_Union[TextSpan, _Mapping]]] = ..., target_words: _Optional[_Iterable[_Union[TextSpan, _Mapping]]] = ..., pairs: _Optional[_Iterable[_Union[AlignedPair, _Mapping]]] = ...) -> None: ...

class AlignedPair(_message.Message):
    __slots__ = ("source_index", "target_index", "weight")
    SOURCE_INDEX_FIELD_NUMBER: _ClassVar[int]
    TARGET_INDEX_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    source_index: int
    target_index: int
    weight: float
    def __init__(self, source_index: _Optional[int] = ..., target_index: _Optional[int] = ..., weight: _Optional[float] = ...) -> None: ...

class Attention(_message.Message):
    __slots__ = ("target_tokens", "source_tokens", "weights", "heads", "packed_weights")
    TARGET_TOKENS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    HEADS_FIELD_NUMBER: _ClassVar[int]
    PACKED_WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    target_tokens: _containers.RepeatedCompositeFieldContainer[Token]
    source_tokens: _containers.RepeatedCompositeFieldContainer[Token]
    weights: _containers.RepeatedScalarFieldContainer[float]
    heads: _containers.RepeatedCompositeFieldContainer[AttentionHead]
    packed_weights: PackedWeights
    def __init__(self, target_tokens: _Optional[_Iterable[_Union[Token, _Mapping]]] = ..., source_tokens: _Optional[_Iterable[_Union[Token, _Mapping]]] = ..., weights: _Optional[_Iterable[float]] = ..., heads: _Optional[_Iterable[_Union[AttentionHead, _Mapping]]] = ..., packed_weights: _Optional[_Union[PackedWeights, _Mapping]] = ...) -> None: ...

class PackedWeights(_message.Message):
    __slots__ = ("weights_per_row", "columns", "weights", "float16_weights")
    WEIGHTS_PER_ROW_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    FLOAT16_WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    weights_per_row: int
    columns: _containers.RepeatedScalarFieldContainer[int]
    weights: _containers.RepeatedScalarFieldContainer[float]
    float16_weights: bytes
    def __init__(self, weights_per_row: _Optional[int] = ..., columns: _Optional[_Iterable[int]] = ..., weights: _Optional[_Iterable[float]] = ..., float16_weights: _Optional[bytes] = ...) -> None: ...

class AttentionHead(_message.Message):
    __slots__ = ("layer_index", "head_index", "weights", "packed_weights")
    LAYER_INDEX_FIELD_NUMBER: _ClassVar[int]
    HEAD_INDEX_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    PACKED_WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    layer_index: int
    head_index: int
    weights: _containers.RepeatedScalarFieldContainer[float]
    packed_weights: PackedWeights
    def __init__(self, layer_index: _Optional[int] = ..., head_index: _Optional[int] = ..., weights: _Optional[_Iterable[float]] = ..., packed_weights: _Optional[_Union[PackedWeights, _Mapping]] = ...) -> None: ...

class Timings(_message.Message):
    __slots__ = ("total_duration", "tokenize_duration", "queue_duration", "model_duration", "heads_duration", "detokenize_duration", "attention_duration", "cached_result_count")
    TOTAL_DURATION_FIELD_NUMBER: _ClassVar[int]
    TOKENIZE_DURATION_FIELD_NUMBER: _ClassVar[int]
    QUEUE_DURATION_FIELD_NUMBER: _ClassVar[int]
    MODEL_DURATION_FIELD_NUMBER: _ClassVar[int]
    HEADS_DURATION_FIELD_NUMBER: _ClassVar[int]
    DETOKENIZE_DURATION_FIELD_NUMBER: _ClassVar[int]
    ATTENTION_DURATION_FIELD_NUMBER: _ClassVar[int]
    CACHED_RESULT_COUNT_FIELD_NUMBER: _ClassVar[int]
    total_duration: _duration_pb2.Duration
    tokenize_duration: _duration_pb2.Duration
    queue_duration: _duration_pb2.Duration
    model_duration: _duration_pb2.Duration
    heads_duration: _duration_pb2.Duration
    detokenize_duration: _duration_pb2.Duration
    attention_duration: _duration_pb2.Duration
    cached_result_count: int
    def __init__(self, total_duration: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., tokenize_duration: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., queue_duration: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., model_duration: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., heads_duration: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., detokenize_duration: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., attention_duration: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., cached_result_count: _Optional[int] = ...) -> None: ...

class TextPair(_message.Message):
    __slots__ = ("source_text", "target_text")
    SOURCE_TEXT_FIELD_NUMBER: _ClassVar[int]
    TARGET_TEXT_FIELD_NUMBER: _ClassVar[int]
    source_text: str
    target_text: str
    def __init__(self, source_text: _Optional[str] = ..., target_text: _Optional[str] = ...) -> None: ...

class ScoreRequest(_message.Message):
    __slots__ = ("model", "pairs", "attention", "priority", "attention_options", "alignment")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PAIRS_FIELD_NUMBER: _ClassVar[int]
    ATTENTION_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    ATTENTION_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    ALIGNMENT_FIELD_NUMBER: _ClassVar[int]
    model: ModelSelector
    pairs: _containers.RepeatedCompositeFieldContainer[TextPair]
    attention: AttentionLevel
    priority: Priority
    attention_options: AttentionOptions
    alignment: AlignmentOptions
    def __init__(self, model: _Optional[_Union[ModelSelector, _Mapping]] = ..., pairs: _Optional[_Iterable[_Union[TextPair, _Mapping]]] = ..., attention: _Optional[_Union[AttentionLevel, str]] = ..., priority: _Optional[_Union[Priority, str]] = ..., attention_options: _Optional[_Union[AttentionOptions, _Mapping]] = ..., alignment: _Optional[_Union[AlignmentOptions, _Mapping]] = ...) -> None: ...

class ScoreResponse(_message.Message):
    __slots__ = ("model", "results", "timings")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_FIELD_NUMBER: _ClassVar[int]
    model: _model_pb2.ModelVersion
    results: _containers.RepeatedCompositeFieldContainer[ScoreResult]
    timings: Timings
    def __init__(self, model: _Optional[_Union[_model_pb2.ModelVersion, _Mapping]] = ..., results: _Optional[_Iterable[_Union[ScoreResult, _Mapping]]] = ..., timings: _Optional[_Union[Timings, _Mapping]] = ...) -> None: ...

class ScoreResult(_message.Message):
    __slots__ = ("source_tokens", "target")
    SOURCE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    source_tokens: _containers.RepeatedCompositeFieldContainer[Token]
    target: Hypothesis
    def __init__(self, source_tokens: _Optional[_Iterable[_Union[Token, _Mapping]]] = ..., target: _Optional[_Union[Hypothesis, _Mapping]] = ...) -> None: ...

class ClassifyOptions(_message.Message):
    __slots__ = ("max_labels", "attention")
    MAX_LABELS_FIELD_NUMBER: _ClassVar[int]
    ATTENTION_FIELD_NUMBER: _ClassVar[int]
    max_labels: int
    attention: AttentionLevel
    def __init__(self, max_labels: _Optional[int] = ..., attention: _Optional[_Union[AttentionLevel, str]] = ...) -> None: ...

class ClassifyRequest(_message.Message):
    __slots__ = ("model", "texts", "options", "priority")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    model: ModelSelector
    texts: _containers.RepeatedScalarFieldContainer[str]
    options: ClassifyOptions
    priority: Priority
    def __init__(self, model: _Optional[_Union[ModelSelector, _Mapping]] = ..., texts: _Optional[_Iterable[str]] = ..., options: _Optional[_Union[ClassifyOptions, _Mapping]] = ..., priority: _Optional[_Union[Priority, str]] = ...) -> None: ...

class ClassifyResponse(_message.Message):
    __slots__ = ("model", "results", "timings")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_FIELD_NUMBER: _ClassVar[int]
    model: _model_pb2.ModelVersion
    results: _containers.RepeatedCompositeFieldContainer[ClassifyResult]
    timings: Timings
    def __init__(self, model: _Optional[_Union[_model_pb2.ModelVersion, _Mapping]] = ..., results: _Optional[_Iterable[_Union[ClassifyResult, _Mapping]]] = ..., timings: _Optional[_Union[Timings, _Mapping]] = ...) -> None: ...

class ClassifyResult(_message.Message):
    __slots__ = ("labels", "source_tokens", "attention")
    LABELS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    ATTENTION_FIELD_NUMBER: _ClassVar[int]
    labels: _containers.RepeatedCompositeFieldContainer[LabelProbability]
    source_tokens: _containers.RepeatedCompositeFieldContainer[Token]
    attention: SourceAttention
    def __init__(self, labels: _Optional[_Iterable[_Union[LabelProbability, _Mapping]]] = ..., source_tokens: _Optional[_Iterable[_Union[Token, _Mapping]]] = ..., attention: _Optional[_Union[SourceAttention, _Mapping]] = ...) -> None: ...

class LabelProbability(_message.Message):
    __slots__ = ("label", "probability")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    label: str
    probability: float
    def __init__(self, label: _Optional[str] = ..., probability: _Optional[float] = ...) -> None: ...

class SourceAttention(_message.Message):
    __slots__ = ("source_tokens", "weights", "heads", "sentences")
    SOURCE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    HEADS_FIELD_NUMBER: _ClassVar[int]
    SENTENCES_FIELD_NUMBER: _ClassVar[int]
    source_tokens: _containers.RepeatedCompositeFieldContainer[Token]
    weights: _containers.RepeatedScalarFieldContainer[float]
    heads: _containers.RepeatedCompositeFieldContainer[AttentionHead]
    sentences: _containers.RepeatedCompositeFieldContainer[SentenceWeight]
    def __init__(self, source_tokens: _Optional[_Iterable[_Union[Token, _Mapping]]] = ..., weights: _Optional[_Iterable[float]] = ..., heads: _Optional[_Iterable[_Union[AttentionHead, _Mapping]]] = ..., sentences: _Optional[_Iterable[_Union[SentenceWeight, _Mapping]]] = ...) -> None: ...

class SentenceWeight(_message.Message):
    __slots__ = ("begin_offset", "end_offset", "weight")
    BEGIN_OFFSET_FIELD_NUMBER: _ClassVar[int]
    END_OFFSET_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    begin_offset: int
    end_offset: int
    weight: float
    def __init__(self, begin_offset: _Optional[int] = ..., end_offset: _Optional[int] = ..., weight: _Optional[float] = ...) -> None: ...

class Image(_message.Message):
    __slots__ = ("content",)
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    content: bytes
    def __init__(self, content: _Optional[bytes] = ...) -> None: ...

class CaptionRequest(_message.Message):
    __slots__ = ("model", "images", "options", "priority")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    model: ModelSelector
    images: _containers.RepeatedCompositeFieldContainer[Image]
    options: GenerateOptions
    priority: Priority
    def __init__(self, model: _Optional[_Union[ModelSelector, _Mapping]] = ..., images: _Optional[_Iterable[_Union[Image, _Mapping]]] = ..., options: _Optional[_Union[GenerateOptions, _Mapping]] = ..., priority: _Optional[_Union[Priority, str]] = ...) -> None: ...

class CaptionResponse(_message.Message):
    __slots__ = ("model", "results", "timings")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_FIELD_NUMBER: _ClassVar[int]
    model: _model_pb2.ModelVersion
    results: _containers.RepeatedCompositeFieldContainer[CaptionResult]
    timings: Timings
    def __init__(self, model: _Optional[_Union[_model_pb2.ModelVersion, _Mapping]] = ..., results: _Optional[_Iterable[_Union[CaptionResult, _Mapping]]] = ..., timings: _Optional[_Union[Timings, _Mapping]] = ...) -> None: ...

class CaptionResult(_message.Message):
    __slots__ = ("grid", "hypotheses")
    GRID_FIELD_NUMBER: _ClassVar[int]
    HYPOTHESES_FIELD_NUMBER: _ClassVar[int]
    grid: ImageGrid
    hypotheses: _containers.RepeatedCompositeFieldContainer[Hypothesis]
    def __init__(self, grid: _Optional[_Union[ImageGrid, _Mapping]] = ..., hypotheses: _Optional[_Iterable[_Union[Hypothesis, _Mapping]]] = ...) -> None: ...

class ImageGrid(_message.Message):
    __slots__ = ("image_width", "image_height", "column_count", "row_count", "cell_width", "cell_height")
    IMAGE_WIDTH_FIELD_NUMBER: _ClassVar[int]
    IMAGE_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    COLUMN_COUNT_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    CELL_WIDTH_FIELD_NUMBER: _ClassVar[int]
    CELL_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    image_width: int
    image_height: int
    column_count: int
    row_count: int
    cell_width: float
    cell_height: float
    def __init__(self, image_width: _Optional[int] = ..., image_height: _Optional[int] = ..., column_count: _Optional[int] = ..., row_count: _Optional[int] = ..., cell_width: _Optional[float] = ..., cell_height: _Optional[float] = ...) -> None: ...

class TokenizeRequest(_message.Message):
    __slots__ = ("model", "texts", "side")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    model: ModelSelector
    texts: _containers.RepeatedScalarFieldContainer[str]
    side: TextSide
    def __init__(self, model: _Optional[_Union[ModelSelector, _Mapping]] = ..., texts: _Optional[_Iterable[str]] = ..., side: _Optional[_Union[TextSide, str]] = ...) -> None: ...

class TokenizeResponse(_message.Message):
    __slots__ = ("model", "results", "max_token_count")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    MAX_TOKEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    model: _model_pb2.ModelVersion
    results: _containers.RepeatedCompositeFieldContainer[TokenizedText]
    max_token_count: int
    def __init__(self, model: _Optional[_Union[_model_pb2.ModelVersion, _Mapping]] = ..., results: _Optional[_Iterable[_Union[TokenizedText, _Mapping]]] = ..., max_token_count: _Optional[int] = ...) -> None: ...

class TokenizedText(_message.Message):
    __slots__ = ("tokens", "pieces", "token_count", "fits")
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    PIECES_FIELD_NUMBER: _ClassVar[int]
    TOKEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    FITS_FIELD_NUMBER: _ClassVar[int]
    tokens: _containers.RepeatedCompositeFieldContainer[Token]
    pieces: _containers.RepeatedScalarFieldContainer[str]
    token_count: int
    fits: bool
    def __init__(self, tokens: _Optional[_Iterable[_Union[Token, _Mapping]]] = ..., pieces: _Optional[_Iterable[str]] = ..., token_count: _Optional[int] = ..., fits: bool = ...) -> None: ...

class ListModelsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListModelsResponse(_message.Message):
    __slots__ = ("models",)
    MODELS_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[_model_pb2.Model]
    def __init__(self, models: _Optional[_Iterable[_Union[_model_pb2.Model, _Mapping]]] = ...) -> None: ...

class GetModelRequest(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: ModelSelector
    def __init__(self, model: _Optional[_Union[ModelSelector, _Mapping]] = ...) -> None: ...

class GetModelResponse(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: _model_pb2.Model
    def __init__(self, model: _Optional[_Union[_model_pb2.Model, _Mapping]] = ...) -> None: ...
