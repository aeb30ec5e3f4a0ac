"""The signatures as functions of the model: check the inputs, run, name the outputs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from heed.contract import IMAGES_INPUT, WIDTHS_INPUT, Contract, Signature
from heed.text import Tokenizer
from model_export.decoding import (
    BeamOptions,
    DecodingOptions,
    SampleOptions,
    beam_search,
    default_options,
    greedy_search,
    sample_search,
    score_targets,
)
from model_export.decoding.bounded import BoundedModel
from model_export.export.classifying import classify
from model_export.export.compiled_search import CompiledSearch
from model_export.export.exportable import ExportableModel, decoding_model
from model_export.export.input_checks import (
    checked_beam_options,
    checked_options,
    checked_pictures,
    checked_row_count,
    checked_sample_options,
    checked_sentence_ids,
    checked_shapes,
    checked_tokens,
)
from model_export.export.signature_table import MAX_CONTRACT_ROWS, SignatureRule, rules_for

Tensors = dict[str, tf.Tensor]
Search = Callable[..., Any]


class ServedModel(tf.Module):
    """A model as its signatures: what is saved as a SavedModel.

    Only the weights are tracked, so that the file holds nothing of Keras.

    Args:
        exportable: The model, its tokenizers and its contract.
    """

    def __init__(self, exportable: ExportableModel) -> None:
        super().__init__(name="served_model")
        # Hidden in functions from tf.Module, which would track the models.
        self._exportable = lambda: exportable
        model, self.weights = _served(exportable)
        self._model = lambda: model
        searches = {
            search: _search_of(model, search, exportable.contract)
            for search in (greedy_search, beam_search, sample_search)
        }
        self._search = lambda search: searches[search]

    def signatures(self) -> Mapping[str, tf.types.experimental.GenericFunction]:
        """A graph function for every signature of the contract."""
        functions: dict[Signature, Callable[[Tensors], Tensors]] = {
            Signature.SERVING_DEFAULT: self._serving_default,
            Signature.GREEDY: self._greedy,
            Signature.BEAM: self._beam,
            Signature.SAMPLE: self._sample,
            Signature.SCORE: self._score,
            Signature.CLASSIFY: self._classify,
            Signature.CONTRACT: self._contract,
        }
        table = rules_for(self._exportable().contract)
        return {
            str(name): _graph_function(functions[name], table[name])
            for name in self._exportable().contract.signatures
        }

    def _serving_default(self, inputs: Tensors) -> Tensors:
        limit = self._exportable().contract.max_target_tokens
        options = default_options(tf.shape(next(iter(inputs.values())))[0], limit)
        return self._decode(greedy_search, inputs, options)

    def _greedy(self, inputs: Tensors) -> Tensors:
        return self._decode(greedy_search, inputs, self._limits(inputs))

    def _beam(self, inputs: Tensors) -> Tensors:
        contract = self._exportable().contract
        options = checked_beam_options(
            BeamOptions(**{name: inputs[name] for name in BeamOptions._fields}),
            max_beam_width=contract.max_beam_width,
            max_target_tokens=contract.max_target_tokens,
        )
        return self._decode(beam_search, inputs, (self._limits(inputs), options))

    def _sample(self, inputs: Tensors) -> Tensors:
        options = checked_sample_options(
            SampleOptions(**{name: inputs[name] for name in SampleOptions._fields}),
            vocabulary_size=self._exportable().contract.target_vocabulary_size,
        )
        return self._decode(sample_search, inputs, (self._limits(inputs), options))

    def _limits(self, inputs: Tensors) -> DecodingOptions:
        contract = self._exportable().contract
        return checked_options(
            DecodingOptions(**{name: inputs[name] for name in DecodingOptions._fields}),
            vocabulary_size=contract.target_vocabulary_size,
            max_target_tokens=contract.max_target_tokens,
        )

    def _decode(self, search: Search, inputs: Tensors, options: object) -> Tensors:
        tokens, lengths = self._source(inputs)
        hypotheses = self._search(search)(
            tokens,
            lengths=lengths,
            options=options,
            attention_layers=self._exportable().attention_layers,
        )
        outputs: Tensors = hypotheses._asdict()
        return outputs

    def _score(self, inputs: Tensors) -> Tensors:
        contract = self._exportable().contract
        tokens, lengths = self._source(inputs)
        target_tokens, target_lengths = checked_tokens(
            inputs["target_tokens"],
            inputs["target_lengths"],
            names=("target_tokens", "target_lengths"),
            vocabulary_size=contract.target_vocabulary_size,
            max_length=contract.max_target_tokens,
        )
        scores = score_targets(
            self._model(),
            tokens,
            lengths=lengths,
            target_tokens=target_tokens,
            target_lengths=target_lengths,
            attention_layers=self._exportable().attention_layers,
        )
        return scores._asdict()

    def _classify(self, inputs: Tensors) -> Tensors:
        tokens, lengths = self._source(inputs)
        source = {"tokens": tokens, "lengths": lengths}
        sentences = self._exportable().contract.sentences
        if sentences is not None:
            source["sentence_ids"] = checked_sentence_ids(
                inputs["sentence_ids"], lengths, columns=tf.shape(tokens)[1], limits=sentences
            )
        return classify(self._model(), source)

    def _source(self, inputs: Tensors) -> tuple[tf.Tensor, tf.Tensor]:
        contract = self._exportable().contract
        if contract.image is not None:
            return checked_pictures(
                inputs[IMAGES_INPUT], inputs[WIDTHS_INPUT], max_width=contract.image.max_width
            )
        return checked_tokens(
            inputs["tokens"],
            inputs["lengths"],
            names=("tokens", "lengths"),
            vocabulary_size=contract.source_vocabulary_size,
            max_length=contract.max_source_tokens,
        )

    def _contract(self, inputs: Tensors) -> Tensors:
        exportable = self._exportable()
        request = checked_row_count(inputs["request"], name="request", most=MAX_CONTRACT_ROWS)
        rows = tf.shape(request)
        return {
            "contract": tf.fill(rows, exportable.contract.to_json().encode()),
            "source_tokenizer": tf.fill(rows, _serialized(exportable.source_tokenizer)),
            "target_tokenizer": tf.fill(rows, _serialized(exportable.target_tokenizer)),
        }


def _served(exportable: ExportableModel) -> tuple[Any, list[Any]]:
    """What the signatures run, and its weights."""
    served = decoding_model(exportable)
    if served is None:
        return exportable.model, [variable.value for variable in exportable.model.weights]
    return served, served.weights


def _search_of(model: Any, search: Search, contract: Contract) -> Search:
    """A search over a model, as it is or compiled by XLA."""
    if contract.shape_buckets is None:
        return functools.partial(search, model)
    bounded = BoundedModel(
        model, steps=contract.max_target_tokens, beam_width=contract.max_beam_width
    )
    return CompiledSearch(search, bounded, contract.shape_buckets)


def _serialized(tokenizer: Tokenizer | None) -> bytes:
    return b"" if tokenizer is None else tokenizer.serialized


def _graph_function(
    compute: Callable[[Tensors], Tensors], rule: SignatureRule
) -> tf.types.experimental.GenericFunction:
    """`compute` as a graph function with one argument per input, behind the checks of shapes."""
    specs = {
        name: tf.TensorSpec(tensor.shape, tensor.dtype, name=name)
        for name, tensor in rule.inputs.items()
    }

    @tf.function(autograph=False)
    def signature(**inputs: tf.Tensor) -> Tensors:
        return compute(checked_shapes({name: inputs[name] for name in specs}))

    return signature.get_concrete_function(**specs)
