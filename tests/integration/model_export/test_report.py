"""`heed evaluate --report` of real runs, one of every kind of model."""

from __future__ import annotations

import dataclasses
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from heed.text import Tokenizer, train_tokenizer
from model_export.config import load_recipe
from model_export.data.examples import Split
from model_export.data.pictures import Picture
from model_export.evaluation.evaluate import Judgement, judge
from model_export.evaluation.report.build import report
from model_export.evaluation.report.picture_reading import PictureReader, PictureReading
from model_export.evaluation.report.reading import Reader
from model_export.runs.training_run import TrainingRun, untrained_model
from model_export.training.run_folder import held_run_folder
from model_export.training.stop import StopRequest
from model_export.training.train import train
from tests.support.exported_pictures import CELL, HEIGHT, SMALL
from tests.support.training import run_model_export
from tests.support.web import PHONE, browser, open_page

__all__ = ["browser"]

pytestmark = pytest.mark.timeout(900)  # trainings, also where others train beside them

WORDS = ["sun", "moon", "star", "rain", "snow", "wind", "fire", "sand"]
_VOID = {"meta", "br", "img"}


class _Outline(HTMLParser):
    """Checks that every element ends, and notes ids, links and headings."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.pictures: list[str] = []
        self.uses: list[str] = []
        self.headings: list[str] = []
        self.unnamed: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if "id" in given:
            (self.pictures if tag == "image" else self.ids).append(given["id"] or "")
        if "href" in given and tag in ("a", "use"):
            (self.links if tag == "a" else self.uses).append(given["href"] or "")
        if tag == "table" and not given.get("aria-label"):
            self.unnamed.append(tag)
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("h1", "h2", "h3"):
            self.headings.append(data)


def outline(page: str) -> _Outline:
    found = _Outline()
    found.feed(page)
    assert not found.open
    assert not found.unnamed
    assert set(found.links) == {f"#{place}" for place in found.ids}
    assert set(found.uses) == {f"#{picture}" for picture in found.pictures}
    ids = found.ids + found.pictures
    assert len(set(ids)) == len(ids)
    assert page.count('role="img"') == len(re.findall(r'<svg[^>]*role="img"[^>]*><title>', page))
    assert "<script" not in page
    assert "NaN" not in page
    return found


def trained(folder: Path, data_dir: Path, name: str, *overrides: str) -> TrainingRun:
    recipe = load_recipe(name, overrides)
    with held_run_folder(folder, recipe):
        assert train(recipe, folder=folder, data_dir=data_dir, stop=StopRequest())
    return TrainingRun.load(folder)


@pytest.fixture(scope="module")
def linked_translations(tmp_path_factory: pytest.TempPathFactory) -> Judgement:
    """A Transformer that turns words around, in a language whose links are known."""
    folder = tmp_path_factory.mktemp("linked")
    generator = np.random.default_rng(5)
    for name, count in (("train", 160), ("dev", 24), ("test", 24)):
        rows, links = [], []
        for _ in range(count):
            words = [WORDS[index] for index in generator.integers(0, 8, generator.integers(2, 6))]
            rows.append(f"{' '.join(words)}\t{' '.join(word[::-1] for word in words)}\n")
            links.append(" ".join(f"{place}-{place}" for place in range(len(words))) + "\n")
        (folder / f"{name}.tsv").write_text("".join(rows))
        (folder / f"{name}.links").write_text("".join(links))
    run = trained(
        folder / "run",
        folder,
        "small-vocab-en-fr",
        "data.links={dev: dev.links, test: test.links}",
        "source_tokenizer={kind: word}",
        "target_tokenizer={kind: word}",
        "model={kind: transformer, encoder_layers: 1, decoder_layers: 2, width: 16, "
        "feed_forward_width: 32, head_count: 2, dropout: 0.0}",
        "training.jit_compile=false",
        "training.epochs=3",
        "training.batch_size=16",
        "training.length_buckets=[8]",
        "training.warmup_steps=4",
        "training.learning_rate=0.02",
        "training.evaluate_every_steps=15",
    )
    return judge(run, split=Split.TEST, data_dir=folder)


def test_a_transformer_is_shown_head_by_head(linked_translations: Judgement) -> None:
    page = report(linked_translations)
    assert report(linked_translations) == page
    found = outline(page)
    sections = ["Quality", "Length", "Examples", "Attention, head by head", "Training"]
    assert [name for name in found.headings if name in sections] == sections
    assert found.headings[0] == "small-vocab-en-fr, on test"
    metrics = linked_translations.metrics.as_dict()
    assert f"<b>{metrics['bleu']:.1f}</b>" in page
    assert f"<b>{metrics['alignment_error_rate']:.1%}</b>" in page
    for place in ("0.0", "0.1", "1.0", "1.1"):
        assert f"<figcaption>{place}</figcaption>" in page
    assert "Layers 0, 1: multi_head, 2 heads" in page


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_is_accessible_and_fits_a_phone(
    linked_translations: Judgement, browser: Browser, tmp_path: Path, theme: str
) -> None:
    path = tmp_path / "page.html"
    # axe is put into the page as a script, which the page itself does not allow.
    path.write_text(re.sub("<meta http-equiv[^>]*>", "", report(linked_translations)), "utf-8")
    with open_page(browser, path.as_uri(), theme=theme, phone=True) as page:
        found = Axe().run(page).response["violations"]
        assert not [violation["id"] for violation in found]
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"]


def test_what_is_shown_of_an_example_is_what_the_model_looks_at(
    linked_translations: Judgement,
) -> None:
    reader = Reader(linked_translations.run)
    pairs = [("sun moon star", "nus noom rats"), ("", "nus"), ("sun " * 99, "nus"), ("sun", "")]
    reading, *others = reader.read(pairs)
    assert others == [None, None, None]
    assert reading is not None
    assert reading.rows == ("nus", "noom", "rats", "<end>")
    assert reading.columns == ("sun", "moon", "star")
    assert reading.heads.shape == (2, 2, 4, 3)
    np.testing.assert_allclose(reading.weights.sum(axis=1), 1.0, atol=1e-5)
    (alone,) = reader.read(pairs[:1])
    assert alone is not None
    np.testing.assert_allclose(reading.heads, alone.heads, atol=1e-5)


def test_a_classifier_is_shown_by_its_labels(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    lines = []
    for index in range(120):
        intent, verb = [("Play", "play"), ("Rate", "rate"), ("Book", "reserve")][index % 3]
        words = " ".join(generator.choice(WORDS, 3))
        lines.append(f"{intent}\t{verb} {words} {index}\tO O B-x I-x O\n")
    (tmp_path / "train.tsv").write_text("".join(lines), encoding="utf-8")
    run = trained(
        tmp_path / "run",
        tmp_path,
        "snips",
        "source_tokenizer.vocabulary_size=60",
        "model.attention.units=8",
        "model.encoder={kind: rnn, embedding_width: 8, width: 8}",
        "training.batch_size=16",
        "training.warmup_steps=4",
        "training.learning_rate=0.03",
        "training.evaluate_every_steps=5",
        "training.epochs=2",
        "training.length_buckets=[24]",
    )
    judgement = judge(run, split=Split.DEV, data_dir=tmp_path)
    page = report(judgement)
    found = outline(page)
    sections = ["Quality", "Length", "Labels", "Certainty", "Examples", "Attention, hop by hop"]
    assert [name for name in found.headings if name in sections] == sections
    assert f"<b>{judgement.metrics.as_dict()['accuracy']:.1%}</b>" in page
    assert 'aria-label="confusion matrix"' in page
    assert "parts of the texts that the data marks" in page
    for output in judgement.label_outputs:
        assert sum(output.probabilities.values()) == pytest.approx(1.0, abs=1e-5)
        assert output.label == max(output.probabilities, key=output.probabilities.__getitem__)


def test_a_model_of_pictures_is_shown_with_where_it_looked(tmp_path: Path) -> None:
    recipe = load_recipe("digit-strips", SMALL)
    target = Tokenizer(train_tokenizer(["0123456789"], recipe.target_tokenizer))
    model = untrained_model(recipe, source=None, target=target, labels=())
    run = TrainingRun(tmp_path, recipe, None, target, model, {}, ())
    judged = judge(run, split=Split.TEST)
    # The model has learnt nothing, and would end at once.
    outputs = [str(place) * place for place in range(len(judged.examples))]
    judgement = dataclasses.replace(judged, outputs=outputs)
    page = report(judgement)
    found = outline(page)
    sections = ["Quality", "Length", "Examples", "Attention, head by head"]
    assert [name for name in found.headings if name in sections] == sections
    assert "spread evenly over the picture" in page
    assert "diagonality" not in page
    pairs = [
        (example.picture, output)
        for example, output in zip(judgement.examples, judgement.outputs, strict=True)
        if example.picture is not None
    ]
    empty, *shown = PictureReader(run).read(pairs)
    assert empty is None
    assert len(found.uses) == sum(len(reading.rows) for reading in shown if reading is not None)
    for reading, (picture, output) in zip(shown, pairs[1:], strict=True):
        assert reading is not None
        check_reading(run, reading, picture, output)


def check_reading(run: TrainingRun, reading: PictureReading, picture: Picture, output: str) -> None:
    """Holds what is shown of a picture against the model's own numbers for it alone."""
    columns = picture.columns[None]
    tokens = [2, *run.target_tokenizer.encode_ids(output)]
    widths = np.array([columns.shape[1]], np.int32)
    inputs = {"tokens": columns, "lengths": widths, "target_inputs": np.array([tokens], np.int32)}
    weights = run.model(inputs).attention_heads.numpy()[0, 0, 0]
    # The place in row r of column c is c * rows + r.
    by_columns = weights.reshape(len(tokens), -1, HEIGHT // CELL)
    np.testing.assert_allclose(reading.weights, by_columns.transpose(0, 2, 1), atol=1e-5)
    np.testing.assert_allclose(reading.weights.sum(axis=(1, 2)), 1.0, atol=1e-4)


def test_the_command_writes_the_page_of_a_recurrent_model(tiny_run: Path, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    command = ["evaluate", str(tiny_run), "--split", "dev", "--json", "--beam-width", "3"]
    result = run_model_export([*command, "--report", str(path)], timeout_s=300)
    (tiny_run / "evaluation-dev-beam-3.json").unlink()
    assert result.returncode == 0, result.stderr
    assert f"heed: wrote {path}" in result.stderr
    metrics = json.loads(result.stdout)
    page = path.read_text(encoding="utf-8")
    found = outline(page)
    assert found.headings[0] == "g2p-tiny, on dev"
    assert f"<b>{metrics['word_accuracy']:.1%}</b>" in page
    assert f"<b>{metrics['phoneme_error_rate']:.1%}</b>" in page
    assert "beam of 3" in page
    assert "Layer 0: bahdanau, 1 head." in page
    assert page.count('class="example"') == 10


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("page.txt", "'page.txt' does not end with .html"),
        ("no-folder/page.html", "there is no folder 'no-folder' to write into"),
    ],
)
def test_a_page_that_cannot_be_written_is_refused_before_any_work(name: str, words: str) -> None:
    result = run_model_export(["evaluate", "run", "--report", name])
    assert result.returncode == 2
    assert words in result.stderr
