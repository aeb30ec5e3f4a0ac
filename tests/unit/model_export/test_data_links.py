"""Links between words, read from files and brought onto pieces."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from heed.text import Tokenizer, TokenizerKind, TokenizerSettings, train_tokenizer
from model_export.config import LinkFiles, LinkUnit, load_recipe
from model_export.data.batches import batch_dataset
from model_export.data.buckets import bucket_pairs, plan_epoch
from model_export.data.examples import Example, ExampleSet, Link
from model_export.data.links import pair_links, read_links, with_links
from model_export.data.load import load_examples
from model_export.errors import DataError
from model_export.main import main


@pytest.fixture(scope="module")
def letters() -> Tokenizer:
    settings = TokenizerSettings(kind=TokenizerKind.CHARACTER)
    return Tokenizer(train_tokenizer(["abcdefghij"], settings))


def test_pharaohs_format_is_read_with_sure_and_possible_links(tmp_path: Path) -> None:
    (tmp_path / "links").write_text("0-0 1p2 3?1\n\n2-0\n")
    expected = [
        (Link(0, 0), Link(1, 2, is_sure=False), Link(3, 1, is_sure=False)),
        (),
        (Link(2, 0),),
    ]
    assert read_links(tmp_path / "links") == expected
    (tmp_path / "links.gz").write_bytes(gzip.compress((tmp_path / "links").read_bytes()))
    assert read_links(tmp_path / "links.gz") == expected


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("0-0\n1:1\n", "links, line 2: '1:1' is no link such as 0-0 or 1p2"),
        ("0-0\n", "links has 1 lines of links for 2 examples: write the texts to align with"),
        ("0-0\n0-2\n", "line 2: the link 0-2 is beyond the 1 source and 2 target words"),
    ],
)
def test_a_wrong_file_is_explained(tmp_path: Path, content: str, problem: str) -> None:
    (tmp_path / "links").write_text(content)
    examples = ExampleSet(train=(Example("a", ("b",)), Example("c", ("d e",))), dev=(), test=())
    with pytest.raises(DataError) as caught:
        with_links(examples, LinkFiles(train="links"), tmp_path)
    assert problem in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read .*links"):
        read_links(tmp_path / "links")


def test_all_pieces_of_linked_words_are_linked(letters: Tokenizer) -> None:
    example = Example("ab c", ("d ef",), links=(Link(0, 1), Link(1, 0)))
    tokenizers = {"source_tokenizer": letters, "target_tokenizer": letters}
    found = pair_links(example, **tokenizers, unit=LinkUnit.WORD)
    source = [token.text for token in letters.encode(example.source)]
    target = [token.text for token in letters.encode("d ef")]
    named = {(source[s], target[t]) for t, s in found}
    assert named == {("a", "e"), ("a", "f"), ("b", "e"), ("b", "f"), ("c", "d")}
    pieces = pair_links(example, **tokenizers, unit=LinkUnit.PIECE)
    assert sorted(pieces) == [(0, 1), (1, 0)]


def test_batches_share_a_target_position_among_its_sources(letters: Tokenizer) -> None:
    pairs = bucket_pairs(
        [("abc", "de"), ("ab", "d")],
        source_tokenizer=letters,
        target_tokenizer=letters,
        lengths=[4],
        links=[[(0, 0), (0, 2), (1, 1)], []],
    )
    plan = plan_epoch(pairs, batch_sizes=[3], seed=1, epoch=0)
    (batch,) = batch_dataset(pairs, plan)
    alignment = batch["alignment"].numpy()
    linked = int(np.argmax(alignment.sum(axis=(1, 2))))
    expected = np.zeros([4, 4])
    expected[0, [0, 2]], expected[1, 1] = 0.5, 1.0
    np.testing.assert_array_equal(alignment[linked], expected)
    # A pair without links, and the empty row that fills the batch.
    assert not np.delete(alignment, linked, axis=0).any()


def test_links_stay_with_their_examples_when_only_a_share_is_used(tmp_path: Path) -> None:
    rows = [(f"a{'b' * n}", " ".join("x" for _ in range(n + 1))) for n in range(6)]
    for name in ("train", "dev"):
        (tmp_path / f"{name}.tsv").write_text("".join(f"{s}\t{t}\n" for s, t in rows))
    (tmp_path / "train.links").write_text("".join(f"0-{n}\n" for n in range(6)))
    overrides = ["data.links.train=train.links", "data.max_train_pairs=3"]
    recipe = load_recipe("small-vocab-en-fr", overrides)
    examples = load_examples(recipe.data, tmp_path)
    assert [example.links for example in examples.train] == [
        (Link(0, len(example.source) - 1),) for example in examples.train
    ]
    assert examples.dev[0].links is None


def test_pairs_are_printed_for_an_aligner_in_the_order_of_the_links(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "train.tsv").write_text("a  cat\tun chat\nit is\tc' est\n")
    (tmp_path / "dev.tsv").write_text("yes\toui\n")
    arguments = ["pairs", "small-vocab-en-fr", "--data-dir", str(tmp_path)]
    assert main(arguments) == 0
    assert capsys.readouterr().out == "a cat ||| un chat\nit is ||| c' est\n"
    assert main([*arguments, "--split", "dev"]) == 0
    assert capsys.readouterr().out == "yes ||| oui\n"
