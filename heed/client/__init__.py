"""The client of the gateway: `Client`, `AsyncClient`, their results and their errors."""

from heed.client.access import Tls
from heed.client.alignments import AlignedPair, Alignment, Word
from heed.client.answer_options import AnswerOptions, WeightFormat
from heed.client.async_client import AsyncClient
from heed.client.bulk import PAUSE, BulkSettings, Pause
from heed.client.captioned import Caption, CaptionResult, ImageAttention, ImageGrid
from heed.client.classified import (
    ClassifyResult,
    LabelProbability,
    SentenceWeight,
    SourceAttention,
)
from heed.client.client import Client
from heed.client.errors import (
    AccessError,
    ErrorDetails,
    FieldViolation,
    GatewayFaultError,
    HeedError,
    InvalidRequestError,
    ModelFaultError,
    NotFoundError,
    OverloadedError,
    TimedOutError,
    UnavailableError,
    UnreachableError,
)
from heed.client.priority import Priority
from heed.client.results import (
    Attention,
    AttentionKind,
    AttentionLevel,
    FinishReason,
    GenerateResult,
    Hypothesis,
    ImageInput,
    Model,
    ModelCard,
    ModelVersion,
    ScoreResult,
    Timings,
    Token,
    TokenKind,
)
from heed.client.search import BeamSearch, Sampling
from heed.client.streams import FinalResult, PartialResult, Segment, StreamEvent
from heed.client.tokenized import TextSide, TokenizedText
from heed.client.version_status import VersionCondition, VersionStatus

__all__ = [
    "PAUSE",
    "AccessError",
    "AlignedPair",
    "Alignment",
    "AnswerOptions",
    "AsyncClient",
    "Attention",
    "AttentionKind",
    "AttentionLevel",
    "BeamSearch",
    "BulkSettings",
    "Caption",
    "CaptionResult",
    "ClassifyResult",
    "Client",
    "ErrorDetails",
    "FieldViolation",
    "FinalResult",
    "FinishReason",
    "GatewayFaultError",
    "GenerateResult",
    "HeedError",
    "Hypothesis",
    "ImageAttention",
    "ImageGrid",
    "ImageInput",
    "InvalidRequestError",
    "LabelProbability",
    "Model",
    "ModelCard",
    "ModelFaultError",
    "ModelVersion",
    "NotFoundError",
    "OverloadedError",
    "PartialResult",
    "Pause",
    "Priority",
    "Sampling",
    "ScoreResult",
    "Segment",
    "SentenceWeight",
    "SourceAttention",
    "StreamEvent",
    "TextSide",
    "TimedOutError",
    "Timings",
    "Tls",
    "Token",
    "TokenKind",
    "TokenizedText",
    "UnavailableError",
    "UnreachableError",
    "VersionCondition",
    "VersionStatus",
    "WeightFormat",
    "Word",
]
