"""Words of the source in the place of tokens that are unknown. Pure.

Letters: T target tokens, S source tokens.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from service.domain.answers import Hypothesis, Token, TokenKind
from service.domain.models import LoadedVersion
from service.domain.signatures import FloatArray
from service.pipeline.attention_words import sums_over_words, word_axis


class _Edit(NamedTuple):
    """A span of an output's text, and what stands there from now on.

    Attributes:
        begin: Where it begins, in code points.
        end: Where it ends (exclusive).
        text: The new text.
    """

    begin: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class UnknownWords:
    """Replaces unknown tokens of the outputs of one source.

        word(t) = source word argmax_s weights[t, s]      Luong et al. 2015; Jean et al. 2015

    Where the target's tokens are whole words, so are their replacements, whatever pieces the
    source has. Otherwise a source piece stands for each unknown piece, and nothing parts it from
    its neighbours but what the model wrote.

    Attributes:
        source_text: The source.
        source_tokens: Its tokens: the columns of the attention.
        are_words: Whether each token of the source, and of the target, is a whole word.
    """

    source_text: str
    source_tokens: tuple[Token, ...]
    are_words: tuple[bool, bool]

    @staticmethod
    def of(
        version: LoadedVersion, source_text: str, source_tokens: tuple[Token, ...]
    ) -> UnknownWords:
        """Those of the outputs that a version makes of a source."""
        tokenizers = version.source_tokenizer, version.target_tokenizer
        of_source, of_target = (tokenizer.splits_words for tokenizer in tokenizers)
        return UnknownWords(source_text, source_tokens, (of_source, of_target))

    def replaced(self, hypothesis: Hypothesis) -> Hypothesis:
        """The output with words of the source; unchanged where no token is unknown.

        A token that looked at nothing stays as it is. The attention must be between tokens.
        """
        attention = hypothesis.attention
        if attention is None:
            return hypothesis
        text, tokens = self.replaced_in(hypothesis.text, hypothesis.tokens, attention.weights)
        return dataclasses.replace(
            hypothesis,
            text=text,
            tokens=tokens,
            attention=dataclasses.replace(attention, target_tokens=tokens),
        )

    def replaced_in(
        self, text: str, tokens: tuple[Token, ...], weights: FloatArray
    ) -> tuple[str, tuple[Token, ...]]:
        """A text and its tokens with words of the source.

        Args:
            text: The output, or its beginning.
            tokens: Its tokens.
            weights: What they looked at, float32 [T, S]; T may be larger.
        """
        places = [place for place, token in enumerate(tokens) if token.kind is TokenKind.UNKNOWN]
        if not places:
            return text, tokens
        words, weights = self._words(weights[places])
        edits: dict[int, _Edit] = {}
        for place, row in zip(places, weights, strict=True):
            if row.max(initial=0) > 0:
                edits[place] = self._edit(text, tokens[place], words[int(row.argmax())])
        return _edited(text, tokens, edits)

    def _words(self, weights: FloatArray) -> tuple[Sequence[str], FloatArray]:
        """What can be written, and the weights of it."""
        source_is_words, target_is_words = self.are_words
        if source_is_words or not target_is_words:
            return [token.text.strip() for token in self.source_tokens], weights
        axis = word_axis(self.source_text, self.source_tokens)
        return [word.text for word in axis.words], sums_over_words(weights, axis.shares)

    def _edit(self, text: str, token: Token, word: str) -> _Edit:
        """Takes out the white space that a tokenizer writes around an unknown token.

        It writes a space before and one behind. The one before is the word's own if tokens are
        words, except at the start of the text.
        """
        _, is_word = self.are_words
        begin, end = token.begin, token.end
        if text[begin - 1 : begin] == " " and (begin == 1 or not is_word):
            begin -= 1
        if text[end : end + 1] == " ":
            end += 1
        return _Edit(begin, end, word)


def _edited(
    text: str, tokens: Sequence[Token], edits: dict[int, _Edit]
) -> tuple[str, tuple[Token, ...]]:
    """Carries out edits, by the places of their tokens, in order."""
    parts: list[str] = []
    moved: list[Token] = []
    end, shift = 0, 0
    for place, token in enumerate(tokens):
        edit = edits.get(place)
        if edit is None:
            moved.append(token._replace(begin=token.begin + shift, end=token.end + shift))
            continue
        begin = edit.begin + shift
        moved.append(token._replace(text=edit.text, begin=begin, end=begin + len(edit.text)))
        parts += (text[end : edit.begin], edit.text)
        end = edit.end
        shift += len(edit.text) - (edit.end - edit.begin)
    return "".join((*parts, text[end:])), tuple(moved)
