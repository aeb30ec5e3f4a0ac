"""Which source word each word of an output comes from. Pure."""

from __future__ import annotations

from service.domain.answers import AlignedPair, Alignment, Token, TokenKind
from service.domain.signatures import FloatArray
from service.pipeline.attention_words import WordAxis


def align_words(
    weights: FloatArray, target: WordAxis, source: WordAxis, *, min_weight: float = 0.0
) -> Alignment:
    """The source word that each target word attends to most.

        source(t) = argmax over s of weights[t, s]                     Luong et al. 2015, 5.5

    Of equal weights the earlier source word counts. The end token is no word and has no pair.

    Args:
        weights: float32 [target words, source words], the end token's row last if there is one.
        target: The rows.
        source: The columns.
        min_weight: Pairs with a smaller weight are left out, 0 to 1; those of weight 0 always are.
    """
    pairs = []
    for target_index, word in enumerate(target.words):
        if word.kind is TokenKind.END:
            continue
        source_index = int(weights[target_index].argmax())
        weight = float(weights[target_index, source_index])
        if weight > 0 and weight >= min_weight:
            pairs.append(AlignedPair(source_index, target_index, weight))
    return Alignment(_spans(source.words), _spans(target.words), tuple(pairs))


def _spans(words: tuple[Token, ...]) -> tuple[tuple[int, int], ...]:
    return tuple((word.begin, word.end) for word in words if word.kind is not TokenKind.END)
