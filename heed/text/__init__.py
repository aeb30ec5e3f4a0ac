"""Text to tokens and back, with character offsets: the one place where both sides tokenize."""

from heed.text.tokenizer import DecodedText, TextToken, Tokenizer, TokenizerError
from heed.text.tokenizer_training import TokenizerKind, TokenizerSettings, train_tokenizer

__all__ = [
    "DecodedText",
    "TextToken",
    "Tokenizer",
    "TokenizerError",
    "TokenizerKind",
    "TokenizerSettings",
    "train_tokenizer",
]
