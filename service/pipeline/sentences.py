"""Text into sentences: training splits as the gateway does, so `heed.text` has the rule."""

from heed.text.sentences import TextSpan, split_sentences

__all__ = ["TextSpan", "split_sentences"]
