"""What is compared, on which data, and which figures tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from model_export.config import Recipe, load_recipe

_HERE: Final = Path(__file__).parent


class StudyError(Exception):
    """A comparison was asked for that there is none of. The message is for the user."""


class TimesWanted(StrEnum):
    """Whether to measure what updates and answers cost."""

    ONCE = "once"
    AGAIN = "again"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Mechanism:
    """A row of a comparison.

    Attributes:
        key: Its name in file names and on the command line.
        title: Its name in tables and pictures.
        changes: What it changes of the study's recipe, as `heed train` takes it.
    """

    key: str
    title: str
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """A column of a comparison.

    Attributes:
        name: The name that the figure has in `metrics.json`.
        title: What stands above the column.
        lower_is_better: Which way is good.
        is_share: Whether it is a share of something, shown in percent.
    """

    name: str
    title: str
    lower_is_better: bool = True
    is_share: bool = True


@dataclass(frozen=True, slots=True)
class Study:
    """Mechanisms that are trained on the same data.

    Attributes:
        name: Its name in file names and on the command line.
        title: Its heading on the page.
        about: What the data is, and what is known about where to look.
        recipe: A recipe of Heed, or the path of one.
        changes: What all rows change of it.
        mechanisms: The rows; times are compared with the first.
        measures: The columns; the first judges.
        counted: What the measures are shares of, "words" for example.
        text: The source whose attention is shown.
        output: The right output for it; empty of classifiers.
        needs_folder: Whether the data is neither part of Heed nor made here.
        is_made_here: Whether the program makes the data.
        is_anchored: Whether some links of the data are known by `anchors.py`.
    """

    name: str
    title: str
    about: str
    recipe: str
    changes: tuple[str, ...]
    mechanisms: tuple[Mechanism, ...]
    measures: tuple[Measure, ...]
    counted: str
    text: str
    output: str = ""
    needs_folder: bool = False
    is_made_here: bool = False
    is_anchored: bool = False

    @property
    def has_truth(self) -> bool:
        """Whether it is known where some tokens should look."""
        return self.is_made_here or self.is_anchored

    def recipe_of(
        self, mechanism: Mechanism, *, seed: int, overrides: Sequence[str] = ()
    ) -> Recipe:
        """What a row is trained by.

        Raises:
            RecipeError: A change is wrong.
        """
        name = f"name={self.name}-{mechanism.key}"
        changes = [*self.changes, *mechanism.changes, *overrides]
        return load_recipe(self.recipe, [*changes, name, f"training.seed={seed}"])

    def chosen(self, keys: Sequence[str]) -> tuple[Mechanism, ...]:
        """Its mechanisms of these names, in its order; all of them for no names."""
        return tuple(item for item in self.mechanisms if not keys or item.key in keys)


_ALIGNMENT: Final = Measure("dev.alignment_error_rate", "alignment error")
_WIDTHS: Final = (
    "model.embedding_width=64",
    "model.encoder_width=64",
    "model.decoder_width=128",
    "model.readout_width=128",
    "model.dropout=0.1",
)
"""Both directions of the encoder together are as wide as the decoder, as the score `dot` needs."""
_ONE_EVALUATION: Final = ("training.evaluate_every_steps=1000000", "training.dev_examples=64")
_HALF_WIDTH: Final = 3
_TRANSFORMER: Final = (
    "model={kind: transformer, encoder_layers: 2, decoder_layers: 2, width: 128, "
    "feed_forward_width: 256, head_count: 4, dropout: 0.1}",
    "training.learning_rate=0.002",
    "training.jit_compile=false",
)
DECODERS: Final = (
    Mechanism("bahdanau", "Bahdanau", ("model.attention=bahdanau",)),
    Mechanism(
        "coverage-count",
        "Bahdanau, coverage counted",
        ("model.attention={kind: bahdanau, coverage: count}",),
    ),
    Mechanism(
        "coverage-vector",
        "Bahdanau, coverage vector",
        ("model.attention={kind: bahdanau, coverage: vector}",),
    ),
    Mechanism("luong-dot", "Luong dot", ("model.attention=luong_dot",)),
    Mechanism("luong-general", "Luong general", ("model.attention=luong_general",)),
    Mechanism(
        "luong-general-unfed",
        "Luong general, no input feeding",
        ("model.attention=luong_general", "model.input_feeding=false"),
    ),
    Mechanism("luong-concat", "Luong concat", ("model.attention=luong_concat",)),
    Mechanism("luong-location", "Luong location", ("model.attention=luong_location",)),
    Mechanism(
        "luong-local-m",
        "Luong local-m",
        (f"model.attention={{kind: luong_local_m, half_width: {_HALF_WIDTH}}}",),
    ),
    Mechanism(
        "luong-local-p",
        "Luong local-p",
        (f"model.attention={{kind: luong_local_p, half_width: {_HALF_WIDTH}}}",),
    ),
    Mechanism("xu-soft", "Xu soft, gate and penalty", ("model.attention=xu_soft",)),
    Mechanism("xu-hard", "Xu hard", ("model.attention=xu_hard",)),
    Mechanism("transformer", "Transformer, 4 heads", _TRANSFORMER),
)
"""What decoders look with."""
POOLINGS: Final = (
    Mechanism("context-vector", "context vector", ("model.attention=context_vector",)),
    Mechanism("feed-forward", "feed-forward", ("model.attention=feed_forward",)),
    Mechanism("structured", "structured, 4 hops", ("model.attention=structured",)),
    Mechanism(
        "structured-free",
        "structured, 4 hops, no penalty",
        ("model.attention={kind: structured, penalty: 0}",),
    ),
    Mechanism("local-p-star", "local-p*, 5 positions", ("model.attention=local_p_star",)),
    Mechanism(
        "hierarchical",
        "hierarchical",
        (
            "model.attention=context_vector",
            "model.sentences={max_count: 8, max_tokens: 64, width: 48}",
        ),
    ),
)
"""What classifiers look with."""

_G2P: Final = Study(
    name="g2p",
    title="Words to phonemes",
    about=(
        "CMUdict, which comes with Heed: from the letters of an English word to its phonemes. "
        "About half of its words of up to 12 letters are learnt; all of dev judges. Nobody aligned "
        "the dictionary, but for some consonants there is no doubt: where a word has one *m*, and "
        "its pronunciation one `M`, they belong together. So it is with *b*, *d*, *f*, *l*, *n*, "
        "*p*, *r* and *v*. The alignment error is the share of these phonemes that look most at "
        "another letter."
    ),
    recipe="g2p-quick",
    changes=(
        *_WIDTHS,
        *_ONE_EVALUATION,
        "data.max_train_pairs=64000",
        "training.epochs=1",
        "training.batch_size=64",
        "training.length_buckets=[12]",
    ),
    mechanisms=DECODERS,
    measures=(
        Measure("dev.word_error_rate", "word error"),
        Measure("dev.phoneme_error_rate", "phoneme error"),
        _ALIGNMENT,
    ),
    counted="words",
    text="alphabet",
    output="AE L F AH B EH T",
    is_anchored=True,
)
_ORDER: Final = Study(
    name="order",
    title="A copy or a reversal",
    about=(
        "Three to seven letters behind the word `copy` or `reverse`, to be written in this order: "
        "an artificial task, made by the program, in which the right place is known for every "
        "letter written."
    ),
    recipe=str(_HERE / "order.yaml"),
    changes=(*_WIDTHS, *_ONE_EVALUATION),
    mechanisms=DECODERS,
    measures=(
        Measure("dev.word_error_rate", "sequences with a mistake"),
        Measure("dev.phoneme_error_rate", "wrong letters"),
        _ALIGNMENT,
    ),
    counted="sequences",
    text="reverse h e a r t s",
    output="s t r a e h",
    is_made_here=True,
)
_TRANSLATION: Final = Study(
    name="translation",
    title="English to French",
    about=(
        "The small English-French set of the attention tutorials (recipe `small-vocab-en-fr`; MIT "
        "licence). No alignment is known."
    ),
    recipe="small-vocab-en-fr",
    changes=(
        *_WIDTHS,
        *_ONE_EVALUATION,
        "training.epochs=2",
        "training.length_buckets=[16, 24, 48]",
    ),
    mechanisms=DECODERS,
    measures=(
        Measure("dev.bleu", "BLEU", lower_is_better=False, is_share=False),
        Measure("dev.chrf", "chrF2", lower_is_better=False, is_share=False),
    ),
    counted="sentences",
    text="new jersey is never cold during autumn , but it is warm in august .",
    output=("new jersey ne fait jamais froid au cours de l' automne , mais il est chaud en août ."),
    needs_folder=True,
)
_INTENTS: Final = Study(
    name="intents",
    title="Many to one: intents",
    about=(
        "Snips (recipe `snips`; CC0): which of seven things a voice assistant is asked to do. The "
        "data marks the words that fill a slot, such as the name of a place; attention on them is "
        "told beside what even attention would give. They need not be the words that tell the "
        "intent. Each text is one sentence, or two: the hierarchical row shows what its second "
        "level costs, and not what it is for."
    ),
    recipe="snips",
    changes=(*_ONE_EVALUATION, "training.epochs=3", "training.length_buckets=[10, 16, 44]"),
    mechanisms=POOLINGS,
    measures=(
        Measure("dev.accuracy", "accuracy", lower_is_better=False),
        Measure("dev.macro_f1", "macro F1", lower_is_better=False),
        Measure("dev.attention_on_marks", "attention on slots", lower_is_better=False),
    ),
    counted="texts",
    text="will it snow in the mountains of colorado tomorrow morning",
    needs_folder=True,
)
STUDIES: Final = {study.name: study for study in (_G2P, _ORDER, _TRANSLATION, _INTENTS)}
"""All comparisons, in the page's order."""


def study_named(name: str) -> Study:
    """The study of a name.

    Raises:
        StudyError: There is none.
    """
    if name not in STUDIES:
        raise StudyError(f'there is no study "{name}"; studies: {", ".join(STUDIES)}')
    return STUDIES[name]
