from __future__ import annotations

from pathlib import Path

import pytest

from heed.contract import Task
from heed.text import TokenizerKind
from model_export.config import RecipeError, load_recipe, parse_recipe, recipe_names


def test_every_recipe_that_comes_with_heed_is_valid() -> None:
    assert "g2p-quick" in recipe_names()
    for name in recipe_names():
        assert load_recipe(name).name == name


def test_a_recipe_says_what_to_train() -> None:
    recipe = load_recipe("g2p-quick")
    assert recipe.task is Task.PRONOUNCE
    assert recipe.source_tokenizer.kind is TokenizerKind.CHARACTER
    assert recipe.model.max_source_tokens == 64


def test_overrides_change_single_values() -> None:
    recipe = load_recipe("g2p-quick", ["training.epochs=2", "training.length_buckets=[8, 12]"])
    assert recipe.training.epochs == 2
    assert recipe.training.length_buckets == (8, 12)
    assert recipe.training.batch_size == load_recipe("g2p-quick").training.batch_size


def test_a_recipe_written_as_json_reads_the_same(tmp_path: Path) -> None:
    recipe = load_recipe("g2p-tiny", ["training.learning_rate=1e-3"])
    path = tmp_path / "recipe.json"
    path.write_text(recipe.model_dump_json())
    assert load_recipe(str(path)) == recipe


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.epoch=2", 'training.epoch: unknown key (did you mean "epochs"?); keys here: '),
        ("trainin.epochs=2", 'trainin: unknown key (did you mean "training"?); keys here: card, '),
        ("model.attention=bahdanu", '(did you mean "bahdanau"?); choices: bahdanau, luong_dot'),
        ("model.attention={kind: xu_soft, unit: 3}", "model.attention.unit: unknown key (did you "),
        ("model.attention={units: 3}", "model.attention.kind: missing"),
        ("model.attention.units=0", "model.attention.units: Input should be greater"),
        ("model.attention=luong_dot", "the score dot needs decoder_width 256, the width of the "),
        ("training.dev_metric=bleu", "training.dev_metric bleu is none of the task pronounce; "),
        ("task=speak", "task: 'speak' is not a choice; choices: translate, pronounce"),
        ("training.epochs=many", "training.epochs: Input should be a valid integer"),
        ("training.epochs=0", "training.epochs: Input should be greater than or equal to 1, not 0"),
        ("model.dropout=1", "model.dropout: Input should be less than 1, not 1"),
        ("training.length_buckets=[8, 6]", "training: length_buckets must rise, not [8, 6]"),
        ("training.length_buckets=[8, 65]", "ends at 65 tokens, but the model is limited to 64"),
        ("source_tokenizer.kind=letter", "choices: character, word, bpe, unigram"),
        ("training.epochs", '"training.epochs" is no change to a recipe: write key=value'),
        ("training.epochs.x=1", '"training.epochs.x=1": epochs is a value and has no keys'),
        ("name=[", 'the value of "name=[" is not YAML'),
        ("training.learning_rate=.inf", "training.learning_rate: "),
        ("training.precision=mixed_bfloat16", "mixed_bfloat16 needs jit_compile: false"),
    ],
)
def test_a_wrong_override_is_explained(override: str, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe("g2p-quick", [override])
    assert message in str(caught.value)


def test_names_of_earlier_versions_are_understood() -> None:
    old = load_recipe("g2p-tiny", ["training={dev_words: 7}", "data.kind=cmudict_g2p"])
    assert old.training.dev_examples == 7
    values = load_recipe("g2p-tiny").model_dump(mode="json")
    for part in ("dev", "test"):
        values["data"][f"max_{part}_words"] = values["data"].pop(f"max_{part}_examples")
    assert parse_recipe(values, where="an old run") == load_recipe("g2p-tiny")
    with pytest.raises(RecipeError, match=r"training\.dev_words: unknown key"):
        load_recipe("g2p-tiny", ["training.dev_words=7"])  # beside the recipe's dev_examples


def test_everything_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe("g2p-quick", ["model.width=3", "training.seed=-1"])
    assert "model.width" in str(caught.value)
    assert "training.seed" in str(caught.value)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(RecipeError, match=r"mine: task: missing\n  data: missing"):
        parse_recipe({"name": "x"}, where="mine")


def test_an_unknown_recipe_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe("g2p-quik")
    assert 'there is no recipe "g2p-quik" (did you mean "g2p-quick"?)' in str(caught.value)
    with pytest.raises(RecipeError, match=r"cannot read the recipe .*missing\.yaml"):
        load_recipe(str(tmp_path / "missing.yaml"))


def test_a_file_that_is_no_recipe_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.yaml"
    path.write_text("[1, 2]")
    with pytest.raises(RecipeError, match="expected keys and values"):
        load_recipe(str(path))
    path.write_text("a: [")
    with pytest.raises(RecipeError, match="is not YAML"):
        load_recipe(str(path))
    path.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(RecipeError, match="cannot read the recipe"):
        load_recipe(str(path))
