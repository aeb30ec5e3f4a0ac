"""The pipeline: what every protocol calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from service.backends.registry import ModelRegistry
from service.batching.batcher import Batcher
from service.domain.answers import Answer, TextResult
from service.domain.models import LoadedVersion, ModelSelector, ModelState
from service.domain.requests import GenerateCall, ScoreCall
from service.errors import ModelAnswerError, UnknownVersionError, VersionGoneError
from service.pipeline.generating import generate_on
from service.pipeline.limits import check_characters, check_count
from service.pipeline.scoring import score_on
from service.pipeline.stopwatch import Stopwatch
from service.security.callers import current_caller
from service.settings import GatewaySettings

WorkOnVersion = Callable[[LoadedVersion], Awaitable[tuple[TextResult, ...]]]


class InferencePipeline:
    """Answers calls.

    Args:
        registry: Knows the models.
        batcher: Takes rows to the model server.
        settings: Limits of a call.
    """

    def __init__(
        self, registry: ModelRegistry, batcher: Batcher, settings: GatewaySettings
    ) -> None:
        self._registry = registry
        self._batcher = batcher
        self._settings = settings

    def list_models(self) -> tuple[ModelState, ...]:
        """Every model that the caller may use, ordered by name."""
        caller = current_caller()
        return tuple(state for state in self._registry.states if caller.permits(state.name))

    def get_model(self, selector: ModelSelector) -> tuple[ModelState, LoadedVersion | None]:
        """One model, and the version asked for; None if none is ready and none was asked for.

        Raises:
            NotFoundError: The model is not served here, or has no such version ready.
            InvalidRequestError: No name was given and there are several models.
        """
        state = self._registry.state(selector)
        if selector.version is None:
            return state, state.versions[0] if state.versions else None
        version = state.find(selector.version)
        if version is None:
            raise UnknownVersionError(state.name, selector.version, state.version_numbers)
        return state, version

    async def generate(self, call: GenerateCall) -> Answer:
        """Generates an output for every text.

        Raises:
            ServiceError: The call failed as a whole.
        """
        check_count("texts", len(call.texts), self._settings.max_texts_per_call)
        fields = [f"texts[{index}]" for index in range(len(call.texts))]
        self._check_characters([*fields, "options.prefix"], [*call.texts, call.options.prefix])
        stopwatch = Stopwatch()
        return await self._answer(
            call.model,
            stopwatch,
            lambda version: generate_on(version, call, batcher=self._batcher, stopwatch=stopwatch),
        )

    async def score(self, call: ScoreCall) -> Answer:
        """Scores every pair.

        Raises:
            ServiceError: The call failed as a whole.
        """
        check_count("pairs", len(call.pairs), self._settings.max_texts_per_call)
        fields = [
            f"pairs[{index}].{name}"
            for index in range(len(call.pairs))
            for name in ("source_text", "target_text")
        ]
        texts = [text for pair in call.pairs for text in (pair.source_text, pair.target_text)]
        self._check_characters(fields, texts)
        stopwatch = Stopwatch()
        return await self._answer(
            call.model,
            stopwatch,
            lambda version: score_on(version, call, batcher=self._batcher, stopwatch=stopwatch),
        )

    def _check_characters(self, fields: list[str], texts: list[str]) -> None:
        check_characters(fields, texts, self._settings.max_text_characters)

    async def _answer(
        self, selector: ModelSelector, stopwatch: Stopwatch, work: WorkOnVersion
    ) -> Answer:
        """Has one version answer the whole call; the next one if it is unloaded meanwhile."""
        version = self._registry.resolve(selector)
        self._batcher.check_room()
        try:
            results = await self._work_on(version, work)
        except VersionGoneError as error:
            if selector.version is not None:
                ready = self._registry.state(selector).version_numbers
                others = [number for number in ready if number != selector.version]
                raise UnknownVersionError(error.model, error.version, others) from error
            version = await self._registry.resolve_after(version.key)
            results = await self._work_on(version, work)
        return Answer(version.key, results, stopwatch.timings())

    async def _work_on(self, version: LoadedVersion, work: WorkOnVersion) -> tuple[TextResult, ...]:
        try:
            return await work(version)
        except ModelAnswerError:
            self._registry.report_broken_answer(version.key)
            raise
