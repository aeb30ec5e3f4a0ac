"""Recipes for models of pictures."""

from __future__ import annotations

import json

import pytest

from heed.contract import Contract, ContractError, ImageInput
from model_export.config import DevMetric, RecipeError, load_recipe
from tests.support.exported_pictures import SMALL


def test_the_recipe_reads_digits_and_tells_where_they_come_from() -> None:
    recipe = load_recipe("digit-strips")

    assert recipe.dev_metric is DevMetric.ACCURACY
    assert recipe.picture_model.image.place_count(160) == recipe.picture_model.max_source_tokens
    assert "10.24432/C50P49" in recipe.card.training_data
    assert recipe.card.training_data_license == "CC BY 4.0"
    with pytest.raises(RecipeError, match="reads pictures, and no text"):
        _ = recipe.source_text_tokenizer
    with pytest.raises(RecipeError, match="reads text, and no pictures"):
        _ = load_recipe("g2p-tiny").picture_model


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("model.height=30", "height 30 is no multiple of 4"),
        ("model.max_width=150", "max_width 150 is no multiple of 4"),
        ("model.poolings=3", "poolings 3 needs as many convolutions, not 2"),
        ("model.convolutions=[4, 6]", "a multiple of 4, not 6"),
        ("model.channel_count=2", "channel_count"),
        ("training.length_buckets=[200]", "ends at 200 pixels, but the model is limited"),
        ("source_tokenizer={kind: character}", "the task caption has no source_tokenizer"),
        ("data.kind=cmudict_g2p", "the task caption does not go with data of cmudict_g2p"),
        ("task=translate", "does not go with a model of image_rnn"),
        ("model={kind: rnn}", "the task caption does not go with a model of rnn"),
        ("model.attention=luong_dot", "the score dot needs decoder_width 8"),
        ("data.links={train: a}", "data.links is for models that read text"),
        ("training.dev_metric=bleu", "none of the task caption"),
    ],
)
def test_what_does_not_fit_is_named(change: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        load_recipe("digit-strips", [*SMALL, change])


def test_a_recipe_of_texts_needs_a_source_tokenizer() -> None:
    with pytest.raises(RecipeError, match="the task pronounce needs a source_tokenizer"):
        load_recipe("g2p-tiny", ["source_tokenizer=null"])


def test_the_contract_holds_to_its_grid() -> None:
    image = ImageInput(height=24, max_width=160, cell_height=4, cell_width=4)
    assert (image.row_count, image.column_count(9), image.place_count(9)) == (6, 3, 18)
    with pytest.raises(ValueError, match="no multiple of cell_height"):
        ImageInput(height=25, max_width=160, cell_height=4, cell_width=4)


def test_a_contract_of_pictures_has_no_source_tokenizer() -> None:
    values = {
        "model_name": "strips",
        "task": "caption",
        "image": ImageInput(height=24, max_width=160, cell_height=4, cell_width=4),
        "target_tokenizer": {"sha256": "0" * 64, "vocabulary_size": 14},
        "max_source_tokens": 240,
        "max_target_tokens": 16,
        "attention": [{"kind": "xu_soft", "layer_index": 0, "head_count": 1}],
        "attention_average": {"layer_indices": [0], "description": "the only one"},
        "signatures": ["greedy", "score", "contract"],
    }
    contract = Contract.model_validate(values)
    assert Contract.from_json(contract.to_json()) == contract
    assert contract.source_vocabulary_size == 0
    for change, message in (
        ({"image": None}, "needs image, and has no source_tokenizer"),
        ({"source_tokenizer": values["target_tokenizer"]}, "needs image"),
        ({"max_source_tokens": 40}, "the widest picture has 240 places"),
        ({"task": "translate"}, "needs a source_tokenizer, and has no image"),
    ):
        with pytest.raises(ContractError, match=message):
            Contract.from_json(json.dumps({**json.loads(contract.to_json()), **change}))
