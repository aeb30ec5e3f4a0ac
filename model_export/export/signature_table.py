"""The signatures of the model contract: names, number formats and shapes, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from heed.contract import (
    ATTENTION_HEADS_OUTPUT,
    ATTENTION_OUTPUT,
    IMAGES_INPUT,
    SENTENCE_ATTENTION_OUTPUT,
    WIDTHS_INPUT,
    Contract,
    ImageInput,
    Signature,
)


@dataclass(frozen=True, slots=True)
class TensorRule:
    """What an input or output is.

    Attributes:
        dtype: TensorFlow's name of the number format: "int32", "uint8", "float32" or "string".
        shape: Sizes; None = differs from request to request. Dimension 0 holds the rows.
    """

    dtype: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class SignatureRule:
    """What a signature is.

    Attributes:
        inputs: Rules by name.
        outputs: Rules by name.
        output_sets: The sets of outputs that callers ask for. There are few on purpose: a server
            keeps a queue and an optimised executor for each.
    """

    inputs: Mapping[str, TensorRule]
    outputs: Mapping[str, TensorRule]
    output_sets: tuple[tuple[str, ...], ...]


_ROWS = TensorRule("int32", (None,))
_NUMBERS = TensorRule("float32", (None,))
_IDS = TensorRule("int32", (None, None))
_TEXT = TensorRule("string", (None,))

_SOURCE = {"tokens": _IDS, "lengths": _ROWS}
_OPTIONS = {
    "max_lengths": _ROWS,
    "min_lengths": _ROWS,
    "prefix_tokens": _IDS,
    "prefix_lengths": _ROWS,
}
_BEAM = {
    "beam_width": _ROWS,
    "length_penalty": _NUMBERS,
    "coverage_penalty": _NUMBERS,
    "no_repeat_ngram": _ROWS,
}
_SAMPLING = {"temperature": _NUMBERS, "top_k": _ROWS, "top_p": _NUMBERS, "seed": _ROWS}
_DECODED = ("tokens", "lengths", "scores", "token_scores")
_DECODING_SETS = (_DECODED, (*_DECODED, ATTENTION_OUTPUT))
_RANKED = (*_DECODED, "ranks")
_RANKED_SETS = (_RANKED, (*_RANKED, ATTENTION_OUTPUT))
_SCORED = ("token_scores", "scores")
_CONTRACT = {"contract": _TEXT, "source_tokenizer": _TEXT, "target_tokenizer": _TEXT}


def _decoded(hypotheses: int | None) -> dict[str, TensorRule]:
    """The outputs of decoding, for K hypotheses; None = as many as the caller asks for."""
    return {
        "tokens": TensorRule("int32", (None, hypotheses, None)),
        "lengths": TensorRule("int32", (None, hypotheses)),
        "scores": TensorRule("float32", (None, hypotheses)),
        "token_scores": TensorRule("float32", (None, hypotheses, None)),
        ATTENTION_OUTPUT: TensorRule("float32", (None, hypotheses, None, None)),
    }


def _pictures(image: ImageInput) -> dict[str, TensorRule]:
    """The inputs that hold pictures: columns of pixels from the left, each from the top."""
    return {
        IMAGES_INPUT: TensorRule("uint8", (None, None, image.height, image.channel_count)),
        WIDTHS_INPUT: _ROWS,
    }


def signature_table(
    *, layer_count: int, head_count: int, image: ImageInput | None = None
) -> Mapping[Signature, SignatureRule]:
    """The rules of a decoder's signatures.

    Args:
        layer_count: Layers with attention, L.
        head_count: Heads of each, N.
        image: What pictures the model reads; None: it reads tokens.
    """
    source = _SOURCE if image is None else _pictures(image)
    scores = {
        "token_scores": TensorRule("float32", (None, None)),
        "scores": TensorRule("float32", (None,)),
        ATTENTION_OUTPUT: TensorRule("float32", (None, None, None)),
        ATTENTION_HEADS_OUTPUT: TensorRule("float32", (None, layer_count, head_count, None, None)),
    }
    score_sets = (
        _SCORED,
        (*_SCORED, ATTENTION_OUTPUT),
        (*_SCORED, ATTENTION_OUTPUT, ATTENTION_HEADS_OUTPUT),
    )
    limited = {**source, **_OPTIONS}
    ranked = {**_decoded(None), "ranks": TensorRule("float32", (None, None))}
    targets = {"target_tokens": _IDS, "target_lengths": _ROWS}
    return MappingProxyType(
        {
            Signature.SERVING_DEFAULT: SignatureRule(source, _decoded(1), _DECODING_SETS),
            Signature.GREEDY: SignatureRule(limited, _decoded(1), _DECODING_SETS),
            Signature.BEAM: SignatureRule({**limited, **_BEAM}, ranked, _RANKED_SETS),
            Signature.SAMPLE: SignatureRule({**limited, **_SAMPLING}, _decoded(1), _DECODING_SETS),
            Signature.SCORE: SignatureRule({**source, **targets}, scores, score_sets),
            Signature.CONTRACT: SignatureRule({"request": _ROWS}, _CONTRACT, (tuple(_CONTRACT),)),
        }
    )


def classifier_table(
    *, label_count: int, hop_count: int, has_sentences: bool
) -> Mapping[Signature, SignatureRule]:
    """The rules of a classifier's signatures.

    Args:
        label_count: Labels, C.
        hop_count: Hops of the attention over tokens, N.
        has_sentences: Whether the model is hierarchical.
    """
    sentence_ids = {"sentence_ids": _IDS} if has_sentences else {}
    attention = {ATTENTION_OUTPUT: TensorRule("float32", (None, None))}
    if has_sentences:
        attention[SENTENCE_ATTENTION_OUTPUT] = TensorRule("float32", (None, None))
    probabilities = {"probabilities": TensorRule("float32", (None, label_count))}
    heads = {ATTENTION_HEADS_OUTPUT: TensorRule("float32", (None, hop_count, None))}
    outputs = {**probabilities, **attention, **heads}
    output_sets = (tuple(probabilities), (*probabilities, *attention), tuple(outputs))
    return MappingProxyType(
        {
            Signature.CLASSIFY: SignatureRule({**_SOURCE, **sentence_ids}, outputs, output_sets),
            Signature.CONTRACT: SignatureRule({"request": _ROWS}, _CONTRACT, (tuple(_CONTRACT),)),
        }
    )


def rules_for(contract: Contract) -> Mapping[Signature, SignatureRule]:
    """The rules of every signature that a model with this contract may offer."""
    layers = contract.attention
    if contract.is_classifier:
        return classifier_table(
            label_count=len(contract.labels),
            hop_count=layers[0].head_count,
            has_sentences=contract.sentences is not None,
        )
    return signature_table(
        layer_count=len(layers), head_count=layers[0].head_count, image=contract.image
    )


MAX_CONTRACT_ROWS: Final = 1024
"""The most rows of one `contract` call: each answers with both tokenizers."""
