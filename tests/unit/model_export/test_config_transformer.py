"""Settings of Transformers and of what their training needs."""

from __future__ import annotations

import pytest

from model_export.config import RateSchedule, RecipeError, TransformerSettings, load_recipe

RECIPES = ["multi30k-en-de", "multi30k-en-fr"]


@pytest.mark.parametrize("name", RECIPES)
def test_the_recipes_are_the_tiny_transformer(name: str) -> None:
    recipe = load_recipe(name)
    model = recipe.model
    assert isinstance(model, TransformerSettings)
    assert (model.encoder_layers, model.decoder_layers, model.width) == (4, 4, 128)
    assert (model.feed_forward_width, model.head_count, model.dropout) == (256, 4, 0.3)
    assert recipe.joint_tokenizer
    assert recipe.source_tokenizer == recipe.target_tokenizer
    assert recipe.training.schedule is RateSchedule.INVERSE_SQUARE_ROOT


def test_the_last_layer_but_one_is_averaged_unless_told_otherwise() -> None:
    averages = [TransformerSettings(decoder_layers=count).attention_average for count in (1, 2, 6)]
    assert [average.layer_indices for average in averages] == [(0,), (0,), (4,)]
    assert averages[2].description == "all 4 heads of decoder layer 4"
    told = TransformerSettings(decoder_layers=3, averaged_layers=(0, 2)).attention_average
    assert told.layer_indices == (0, 2)
    assert told.description == "all 4 heads of decoder layers 0, 2"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("model.head_count=3", "model: width 128 is no multiple of head_count 3"),
        ("model.averaged_layers=[4]", r"different layers from 0 to 3, not \[4\]"),
        ("model.averaged_layers=[1, 1]", r"different layers from 0 to 3, not \[1, 1\]"),
        ("model.norm=middle", "model.norm: 'middle' is not a choice.*choices: pre, post"),
        ("model.head_cout=2", 'unknown key.*did you mean "head_count"'),
        ("joint_tokenizer=false", "model.embeddings all needs a joint_tokenizer"),
        ("target_tokenizer.vocabulary_size=9000", "source_tokenizer and target_tokenizer alike"),
        ("training.batch_tokens=39", "batch_tokens 39 cannot hold a pair of the last"),
    ],
)
def test_what_does_not_fit_is_refused(change: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        load_recipe("multi30k-en-de", [change])


def test_an_odd_width_has_learned_positions_only() -> None:
    changes = ["model.width=15", "model.head_count=3"]
    with pytest.raises(RecipeError, match="sinusoidal positions need an even width, not 15"):
        load_recipe("multi30k-en-de", changes)
    load_recipe("multi30k-en-de", [*changes, "model.positions=learned"])


def test_a_budget_of_tokens_gives_short_pairs_larger_batches() -> None:
    changes = ["training.length_buckets=[10, 30]", "training.batch_tokens=95"]
    assert load_recipe("multi30k-en-de", changes).training.batch_sizes == (9, 3)
    rows = load_recipe("multi30k-en-de", ["training.batch_tokens=null", "training.batch_size=7"])
    assert rows.training.batch_sizes == (7,) * 5
