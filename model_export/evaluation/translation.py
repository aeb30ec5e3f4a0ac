"""How good translations are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_export.config import BleuTokenizer

if TYPE_CHECKING:
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF


@dataclass(frozen=True, slots=True)
class TranslationMetrics:
    """How good translations are.

    Attributes:
        sentence_count: Sentences that were judged.
        bleu: BLEU, Papineni et al. 2002, by sacreBLEU, 0 to 100.
        chrf: chrF2, Popovic 2015, by sacreBLEU, 0 to 100.
    """

    sentence_count: int
    bleu: float
    chrf: float

    def as_dict(self) -> dict[str, float]:
        """The scores and the number of sentences, by name."""
        return {
            "bleu": self.bleu,
            "chrf": self.chrf,
            "sentence_count": float(self.sentence_count),
        }


def translation_metrics(
    hypotheses: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    tokenizer: BleuTokenizer = BleuTokenizer.MTEVAL_13A,
    lowercase: bool = False,
) -> TranslationMetrics:
    """Judges translations of a whole corpus.

    Args:
        hypotheses: What was produced, one per sentence, one sentence or more.
        references: What is right for each; one translation or more.
        tokenizer: How BLEU splits text into words.
        lowercase: Whether case is ignored, by both scores.

    Raises:
        ValueError: There are no sentences, or not as many hypotheses as sentences.
    """
    if not hypotheses or len(hypotheses) != len(references):
        raise ValueError(f"{len(hypotheses)} hypotheses for {len(references)} sentences")
    bleu, chrf = corpus_metrics(tokenizer, lowercase=lowercase)
    streams = reference_streams(references)
    return TranslationMetrics(
        sentence_count=len(hypotheses),
        bleu=float(bleu.corpus_score(hypotheses, streams).score),
        chrf=float(chrf.corpus_score(hypotheses, streams).score),
    )


def corpus_metrics(tokenizer: BleuTokenizer, *, lowercase: bool) -> tuple[BLEU, CHRF]:
    """BLEU and chrF2 as `translation_metrics` has them."""
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    bleu = BLEU(lowercase=lowercase, tokenize=str(tokenizer), force=True)
    return bleu, CHRF(lowercase=lowercase)


def reference_streams(references: Sequence[Sequence[str]]) -> list[Any]:
    """The first reference of every sentence, then the second, or None: sacreBLEU's order."""
    most = max(len(right) for right in references)
    return [
        [right[index] if index < len(right) else None for right in references]
        for index in range(most)
    ]
