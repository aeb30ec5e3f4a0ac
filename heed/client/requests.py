"""From the arguments of callers to the messages of heed.v1."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from heed.client.answer_options import AnswerOptions, WeightFormat
from heed.client.errors import ErrorDetails, FieldViolation, InvalidRequestError
from heed.client.priority import Priority
from heed.client.results import AttentionLevel, ModelVersion
from heed.client.search import BeamSearch, Sampling
from heed.client.tokenized import TextSide
from heed.v1 import inference_pb2

_LEVELS = {
    AttentionLevel.NONE: inference_pb2.ATTENTION_LEVEL_NONE,
    AttentionLevel.PIECES: inference_pb2.ATTENTION_LEVEL_PIECES,
    AttentionLevel.WORDS: inference_pb2.ATTENTION_LEVEL_WORDS,
    AttentionLevel.HEADS: inference_pb2.ATTENTION_LEVEL_HEADS,
}
_PRIORITIES = {
    Priority.INTERACTIVE: inference_pb2.PRIORITY_INTERACTIVE,
    Priority.BULK: inference_pb2.PRIORITY_BULK,
}
_WEIGHT_FORMATS = {
    WeightFormat.FLOAT32: inference_pb2.WEIGHT_FORMAT_FLOAT32,
    WeightFormat.FLOAT16: inference_pb2.WEIGHT_FORMAT_FLOAT16,
}
_SIDES = {
    TextSide.SOURCE: inference_pb2.TEXT_SIDE_SOURCE,
    TextSide.TARGET: inference_pb2.TEXT_SIDE_TARGET,
}
_LARGEST_VERSION = 2**63 - 1
_LARGEST_OPTION = 2**31 - 1


@dataclass(frozen=True, slots=True)
class GenerateOptions:
    """The options of a generate call, as `Client.generate` documents them."""

    model: str | ModelVersion = ""
    attention: AttentionLevel | str = AttentionLevel.NONE
    max_length: int | None = None
    min_length: int | None = None
    prefix: str = ""
    search: BeamSearch | Sampling | None = None
    priority: Priority = Priority.INTERACTIVE
    answers: AnswerOptions | None = None

    def message(self) -> inference_pb2.GenerateOptions:
        """The options as a message.

        Raises:
            InvalidRequestError: A number does not fit its field, or the prefix is not Unicode.
            TypeError: A value is not of its type.
            ValueError: The attention level is unknown.
        """
        check_number("options.max_length", self.max_length)
        check_number("options.min_length", self.min_length)
        check_unicode("prefix", self.prefix)
        message = inference_pb2.GenerateOptions(
            max_length=self.max_length,
            min_length=self.min_length,
            prefix=self.prefix,
            attention=attention_level(self.attention),
        )
        _add_search(message, self.search)
        _add_answers(message, self.answers, path="options.")
        message.replace_unknown = self.answers is not None and self.answers.replace_unknown
        return message

    def request(self, texts: Sequence[str]) -> inference_pb2.GenerateRequest:
        """The request for these texts. Raises what `message`, `check_texts` and `selector` do."""
        check_texts("texts", texts)
        return inference_pb2.GenerateRequest(
            model=selector(self.model),
            texts=texts,
            options=self.message(),
            priority=_PRIORITIES[self.priority],
        )


def _add_answers(
    message: inference_pb2.GenerateOptions | inference_pb2.ScoreRequest,
    answers: AnswerOptions | None,
    *,
    path: str,
) -> None:
    if answers is None:
        return
    if not isinstance(answers, AnswerOptions):
        raise TypeError(f"answers must be an AnswerOptions, not {type(answers).__name__}")
    check_number(f"{path}attention_options.top_weights", answers.top_weights)
    message.attention_options.CopyFrom(
        inference_pb2.AttentionOptions(
            heads_of_words=answers.heads_of_words,
            top_weights=answers.top_weights,
            weight_format=_WEIGHT_FORMATS[WeightFormat(answers.weight_format)],
        )
    )
    if answers.alignments:
        message.alignment.min_weight = answers.min_alignment_weight


def _add_search(
    message: inference_pb2.GenerateOptions, search: BeamSearch | Sampling | None
) -> None:
    if isinstance(search, BeamSearch):
        _set_options(message, search, path="options")
    elif isinstance(search, Sampling):
        message.sampling.SetInParent()
        _set_options(message.sampling, search, path="options.sampling")
    elif search is not None:
        raise TypeError(f"search must be a BeamSearch or a Sampling, not {type(search).__name__}")


def _set_options(
    message: inference_pb2.GenerateOptions | inference_pb2.SamplingOptions,
    search: BeamSearch | Sampling,
    *,
    path: str,
) -> None:
    """Sets the fields of the message that the search has a value for; their names are equal."""
    for name, value in asdict(search).items():
        if isinstance(value, int):
            check_number(f"{path}.{name}", value)
        if value is not None:
            setattr(message, name, value)


def score_pairs(source: str | Sequence[str], target: str | Sequence[str]) -> list[tuple[str, str]]:
    """The (source, target) pairs of a score call.

    Raises:
        ValueError: One is a text and the other is several, or their numbers differ.
    """
    if isinstance(source, str) != isinstance(target, str):
        raise ValueError("source and target must both be one text, or both be several")
    if isinstance(source, str) and isinstance(target, str):
        return [(source, target)]
    if len(source) != len(target):
        raise ValueError(f"there are {len(source)} sources and {len(target)} targets")
    return list(zip(source, target, strict=True))


def score_request(
    pairs: Sequence[tuple[str, str]],
    *,
    model: str | ModelVersion,
    attention: AttentionLevel | str,
    priority: Priority = Priority.INTERACTIVE,
    answers: AnswerOptions | None = None,
) -> inference_pb2.ScoreRequest:
    """The request to score (source, target) pairs."""
    for index, (source_text, target_text) in enumerate(pairs):
        check_unicode(f"pairs[{index}].source_text", source_text)
        check_unicode(f"pairs[{index}].target_text", target_text)
    request = inference_pb2.ScoreRequest(
        model=selector(model),
        pairs=[
            inference_pb2.TextPair(source_text=source_text, target_text=target_text)
            for source_text, target_text in pairs
        ],
        attention=attention_level(attention),
        priority=_PRIORITIES[priority],
    )
    _add_answers(request, answers, path="")
    return request


def tokenize_request(
    texts: Sequence[str], *, model: str | ModelVersion, side: TextSide | str
) -> inference_pb2.TokenizeRequest:
    """The request to split texts into tokens.

    Raises:
        ValueError: There is no such side.
    """
    check_texts("texts", texts)
    try:
        chosen = _SIDES[TextSide(side)]
    except ValueError as error:
        choices = ", ".join(f'"{choice}"' for choice in TextSide)
        raise ValueError(f"side is {side!r}; it must be one of {choices}") from error
    return inference_pb2.TokenizeRequest(model=selector(model), texts=texts, side=chosen)


def wire_priority(priority: Priority) -> inference_pb2.Priority:
    """The priority as the wire has it."""
    return _PRIORITIES[priority]


def selector(model: str | ModelVersion) -> inference_pb2.ModelSelector:
    """The model and version that a request asks for.

    Raises:
        ValueError: Both a version and a label are given, or one of them cannot be sent.
    """
    if isinstance(model, str):
        model = ModelVersion(model)
    check_unicode("model.name", model.name)
    check_number("model.version", model.version, largest=_LARGEST_VERSION)
    check_unicode("model.label", model.label)
    if model.label and model.version is not None:
        raise ValueError("model has a version and a label; give one of them")
    return inference_pb2.ModelSelector(name=model.name, version=model.version, label=model.label)


def attention_level(level: AttentionLevel | str) -> inference_pb2.AttentionLevel:
    """The level as the wire has it.

    Raises:
        ValueError: There is no such level; the message lists the levels.
    """
    try:
        return _LEVELS[AttentionLevel(level)]
    except ValueError as error:
        choices = ", ".join(f'"{choice}"' for choice in AttentionLevel)
        raise ValueError(f"attention is {level!r}; it must be one of {choices}") from error


def check_texts(field: str, texts: Iterable[str]) -> None:
    """Checks that every text is a string that Unicode can write.

    Raises:
        TypeError: A text is not a string.
        InvalidRequestError: A text holds half of a surrogate pair.
    """
    for index, text in enumerate(texts):
        check_unicode(f"{field}[{index}]", text)


def invalid_field(field: str, description: str) -> InvalidRequestError:
    """The error for a field that the client itself refuses."""
    details = ErrorDetails(
        "INVALID_ARGUMENT", "INVALID_REQUEST", (FieldViolation(field, description),)
    )
    return InvalidRequestError(f"{field}: {description}", details)


def check_unicode(field: str, text: str) -> None:
    """Checks that a text is a string that Unicode can write.

    Raises:
        TypeError: It is no string.
        InvalidRequestError: It holds half of a surrogate pair.
    """
    if not isinstance(text, str):
        raise TypeError(f"{field} must be a str, not {type(text).__name__}")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise invalid_field(
            field,
            f"character {error.start + 1} is not valid Unicode (invalid UTF-8, or half a pair)",
        ) from error


def check_number(field: str, value: int | None, *, largest: int = _LARGEST_OPTION) -> None:
    """Checks that a number is an integer that fits its field; None is always right.

    Raises:
        TypeError: It is no integer.
        InvalidRequestError: It does not fit.
    """
    if value is None:
        return
    if not isinstance(value, int):
        raise TypeError(f"{field.rpartition('.')[2]} must be an int, not {type(value).__name__}")
    if not -largest <= value <= largest:
        raise invalid_field(field, f"{value} is out of range; at most {largest}")
