"""Recipes of classifiers check themselves."""

from __future__ import annotations

import pytest

from model_export.config import RecipeError, load_recipe


@pytest.mark.parametrize("name", ["snips", "imdb"])
def test_the_recipes_state_their_data_and_licence(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.task == "classify"
    assert recipe.card.training_data
    assert recipe.card.training_data_license
    assert recipe.dev_metric == "accuracy"


def test_a_name_chooses_the_attention() -> None:
    model = load_recipe("snips", ["model.attention=structured"]).classifier_model
    (layer,) = model.attention_layers
    assert (layer.kind, layer.head_count, layer.normalized) == ("structured", 4, True)
    assert model.attention_average.description == "the mean over 4 hops of each token"


def test_a_hierarchical_model_has_attention_over_sentences_too() -> None:
    model = load_recipe("imdb").classifier_model
    assert [layer.layer_index for layer in model.attention_layers] == [0, 1]
    assert "times its sentence's" in model.attention_average.description


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["model.attention=bahdanau"], "'bahdanau' is not a choice; choices: context_vector, feed"),
        (["model.attention={kind: structured, hops: 3}"], "unknown key.*hop_count"),
        (["model.encoder.kind=cnn"], "model.encoder: 'cnn' is not a choice.*choices: rnn"),
        (["model.encoder={kind: transformer, width: 10}"], "width 10 is no multiple of head_count"),
        (["task=translate"], "the task translate does not go with a model of classifier"),
        (["data.kind=cmudict_g2p"], "the task classify does not go with data of cmudict_g2p"),
        (["target_tokenizer={kind: word}"], "the task classify has no target_tokenizer"),
        (["data.links={train: links}"], "data.links is for models that write an output"),
        (["training.dev_metric=bleu"], "dev_metric bleu is none of the task classify"),
        (["training.length_buckets=[100]"], r"limited to 64 \(model.max_source_tokens\)"),
        (["model.sentences={max_count: 2, max_tokens: 9}"], "2 sentences of 9 tokens cannot hold"),
        (["model.sentences={}", "training.jit_compile=true"], "needs training.jit_compile false"),
    ],
)
def test_what_does_not_go_together_is_said(overrides: list[str], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        load_recipe("snips", overrides)


def test_a_model_that_writes_needs_a_target_tokenizer() -> None:
    with pytest.raises(RecipeError, match="the task pronounce needs a target_tokenizer"):
        load_recipe("g2p-tiny", ["target_tokenizer=null"])


def test_each_family_is_asked_for_by_name() -> None:
    with pytest.raises(RecipeError, match="the model of snips is a classifier, and writes no out"):
        _ = load_recipe("snips").seq2seq_model
    with pytest.raises(RecipeError, match="the model of g2p-tiny is no classifier: it is rnn"):
        _ = load_recipe("g2p-tiny").classifier_model
