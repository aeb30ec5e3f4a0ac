from __future__ import annotations

from pathlib import Path

import pytest

from model_export.evaluation.text_outputs import Beam, TextDecoder
from model_export.runs.training_run import TrainingRun

WORDS = ["attention", "a", "cat", "chicago", "hippopotamus", "dog"]


@pytest.fixture(scope="module")
def decoder(tiny_run: Path) -> TextDecoder:
    run = TrainingRun.load(tiny_run)
    return TextDecoder(
        run.model,
        source_tokenizer=run.source_tokenizer,
        target_tokenizer=run.target_tokenizer,
        max_target_tokens=run.recipe.model.max_target_tokens,
        batch_size=2,
    )


def test_outputs_are_phonemes_in_the_order_of_the_texts(decoder: TextDecoder) -> None:
    outputs = decoder.decode(WORDS)
    assert decoder.decode(WORDS[::-1]) == outputs[::-1]
    assert [decoder.decode([word])[0] for word in WORDS] == outputs
    assert all(phoneme.isupper() for output in outputs for phoneme in output.split())
    assert len(outputs[4].split()) > len(outputs[1].split())


def test_a_text_without_tokens_has_an_empty_output(decoder: TextDecoder) -> None:
    assert decoder.decode(["", "cat"])[0] == ""
    assert decoder.decode([]) == []


def test_sources_longer_than_any_in_training_are_answered(decoder: TextDecoder) -> None:
    (output,) = decoder.decode(["antidisestablishmentarianism" * 2])
    assert 0 < len(output.split()) <= 64


def test_progress_is_reported(decoder: TextDecoder) -> None:
    done: list[int] = []
    decoder.decode(WORDS[:5], on_progress=done.append)
    assert done == [2, 4, 5]


def test_a_beam_of_1_says_what_greedy_search_says(tiny_run: Path, decoder: TextDecoder) -> None:
    run = TrainingRun.load(tiny_run)
    beam = TextDecoder(
        run.model,
        source_tokenizer=run.source_tokenizer,
        target_tokenizer=run.target_tokenizer,
        max_target_tokens=run.recipe.model.max_target_tokens,
        batch_size=4,
        beam=Beam(1),
    )
    words = ["heed", "attention", "a"]
    assert beam.decode(words) == decoder.decode(words)


def test_a_length_penalty_makes_outputs_no_shorter(tiny_run: Path) -> None:
    run = TrainingRun.load(tiny_run)

    def token_count(length_penalty: float) -> int:
        decoder = TextDecoder(
            run.model,
            source_tokenizer=run.source_tokenizer,
            target_tokenizer=run.target_tokenizer,
            max_target_tokens=run.recipe.model.max_target_tokens,
            batch_size=len(WORDS),
            beam=Beam(4, length_penalty),
        )
        return sum(len(output.split()) for output in decoder.decode(WORDS))

    assert token_count(10.0) >= token_count(0.0)
