"""Checks of a call against limits, naming the field and the limit. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from heed.contract import Contract
from heed.text import TextToken
from service.domain.requests import GenerateOptions
from service.errors import MAX_VIOLATIONS, FieldViolation, InvalidRequestError


class Violations:
    """Gathers what is wrong with a call, so that its caller hears of everything at once."""

    def __init__(self) -> None:
        self._violations: list[FieldViolation] = []

    @property
    def is_full(self) -> bool:
        """Whether looking further is of no use."""
        return len(self._violations) >= MAX_VIOLATIONS

    def add(self, field: str, description: str) -> None:
        """Notes what is wrong with a field."""
        self._violations.append(FieldViolation(field, description))

    def check(self) -> None:
        """Ends the call if anything was noted.

        Raises:
            InvalidRequestError: Something was.
        """
        if self._violations:
            raise InvalidRequestError(self._violations)


def check_count(field: str, count: int, max_count: int) -> None:
    """Checks how many texts or pairs a call has.

    Raises:
        InvalidRequestError: None, or more than the limit.
    """
    if not 1 <= count <= max_count:
        raise InvalidRequestError.of(field, f"must have 1 to {max_count} entries, got {count}")


def check_characters(fields: Sequence[str], texts: Sequence[str], max_characters: int) -> None:
    """Checks texts before any work is spent on them.

    Args:
        fields: The path of every text.
        texts: The texts.
        max_characters: The most code points of a text.

    Raises:
        InvalidRequestError: A text is longer.
    """
    violations = Violations()
    for field, text in zip(fields, texts, strict=True):
        if len(text) > max_characters and not violations.is_full:
            violations.add(field, f"must have at most {max_characters} characters, got {len(text)}")
    violations.check()


def check_bytes(field: str, images: Sequence[bytes], max_bytes: int) -> None:
    """Checks picture files before any work is spent on them.

    Args:
        field: The path of the list that holds them.
        images: The files.
        max_bytes: The most bytes of a file.

    Raises:
        InvalidRequestError: A file is empty or longer.
    """
    violations = Violations()
    for index, content in enumerate(images):
        if not 1 <= len(content) <= max_bytes and not violations.is_full:
            limits = f"must be a file of 1 to {max_bytes} bytes, got {len(content)}"
            violations.add(f"{field}[{index}].content", limits)
    violations.check()


def check_source(
    violations: Violations, field: str, *, token_count: int, contract: Contract
) -> None:
    """Checks the length of a tokenized source text."""
    _check_length(
        violations,
        field,
        token_count=token_count,
        most=contract.max_source_tokens,
        model=contract.model_name,
    )


def check_target(
    violations: Violations, field: str, *, token_count: int, contract: Contract
) -> None:
    """Checks the length of a tokenized target text; the end token comes on top."""
    _check_length(
        violations,
        field,
        token_count=token_count,
        most=contract.max_target_tokens - 1,
        model=contract.model_name,
    )


def _check_length(
    violations: Violations, field: str, *, token_count: int, most: int, model: str
) -> None:
    if token_count == 0:
        violations.add(field, "must hold at least one token; it is empty or white space alone")
    elif token_count > most:
        violations.add(
            field, f"must have at most {most} tokens for model {model!r}, got {token_count}"
        )


def check_prefix(tokens: Sequence[TextToken]) -> None:
    """Checks that an output can begin with a prefix: what the model cannot write, it cannot.

    Args:
        tokens: The prefix in tokens of the target.

    Raises:
        InvalidRequestError: The vocabulary lacks some of it.
    """
    for token in tokens:
        if token.is_unknown:
            raise InvalidRequestError.of(
                "options.prefix",
                "must consist of pieces that the model can write; "
                f"characters {token.begin + 1} to {token.end} are none",
            )


def check_options(options: GenerateOptions, prefix_count: int, contract: Contract) -> None:
    """Checks options against a model's contract.

    Args:
        options: The options.
        prefix_count: Tokens of the prefix.
        contract: The contract of the version that answers.

    Raises:
        InvalidRequestError: An option is out of range.
    """
    violations = Violations()
    limit = contract.max_target_tokens
    max_length = limit if options.max_length is None else options.max_length
    if not 1 <= max_length <= limit:
        violations.add("options.max_length", f"must be 1 to {limit}, got {max_length}")
        max_length = limit
    min_length = options.min_length or 0
    if not 0 <= min_length < max_length:
        violations.add(
            "options.min_length",
            f"must be 0 to {max_length - 1} (less than max_length), got {min_length}",
        )
    if prefix_count >= max_length:
        violations.add(
            "options.prefix",
            f"must have at most {max_length - 1} tokens (less than max_length), got {prefix_count}",
        )
    violations.check()
