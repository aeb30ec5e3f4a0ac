"""Training of tokenizers."""

from __future__ import annotations

import io
from collections.abc import Iterable
from enum import StrEnum

import sentencepiece
from pydantic import BaseModel, ConfigDict, Field

from heed.contract import SPECIAL_IDS
from heed.text.tokenizer import TokenizerError


class TokenizerKind(StrEnum):
    """How text is split."""

    CHARACTER = "character"
    WORD = "word"
    BPE = "bpe"
    UNIGRAM = "unigram"


class TokenizerSettings(BaseModel):
    """How to train a tokenizer.

    Attributes:
        kind: How text is split; `word` splits at white space only.
        vocabulary_size: The most ids, the four special ones included (8 to 256,000). `bpe` and
            `unigram` use what the texts support when that is less.
        lowercase: Whether case is folded before splitting. Offsets refer to the text as given.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: TokenizerKind
    vocabulary_size: int = Field(default=8000, ge=8, le=256_000)
    lowercase: bool = True


_SENTENCEPIECE_TYPES = {
    TokenizerKind.CHARACTER: "char",
    TokenizerKind.WORD: "word",
    TokenizerKind.BPE: "bpe",
    TokenizerKind.UNIGRAM: "unigram",
}


def train_tokenizer(texts: Iterable[str], settings: TokenizerSettings) -> bytes:
    """Trains a SentencePiece model. The same texts and settings give the same bytes.

    Text is normalised to Unicode's NFKC. A character tokenizer has no leading space token.

    Returns:
        The serialised model, for `Tokenizer`.

    Raises:
        TokenizerError: SentencePiece could not train on these texts, for example none at all.
    """
    model = io.BytesIO()
    is_character = settings.kind is TokenizerKind.CHARACTER
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts),
            model_writer=model,
            model_type=_SENTENCEPIECE_TYPES[settings.kind],
            vocab_size=settings.vocabulary_size,
            hard_vocab_limit=False,
            normalization_rule_name="nmt_nfkc_cf" if settings.lowercase else "nmt_nfkc",
            add_dummy_prefix=not is_character,
            character_coverage=1.0,
            pad_id=SPECIAL_IDS.pad,
            unk_id=SPECIAL_IDS.unknown,
            bos_id=SPECIAL_IDS.begin,
            eos_id=SPECIAL_IDS.end,
            num_threads=1,
            minloglevel=2,
        )
    except (RuntimeError, ValueError, OSError) as error:
        raise TokenizerError(f"could not train a {settings.kind} tokenizer: {error}") from error
    return model.getvalue()
