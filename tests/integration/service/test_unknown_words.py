"""Words of the source in the place of unknown words, through the real stack."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from heed import AnswerOptions, BeamSearch, Client, Sampling
from heed.client import FinalResult, GenerateResult, Hypothesis, InvalidRequestError
from tests.support.exported_words import words_models_dir
from tests.support.gateway import GatewayProcess, running_gateway

__all__ = ["words_models_dir"]

TEXTS = ["paris is rainy during Zürichsee", "Ouagadougou", "june but Ærøskøbing is 雨 ☃"]
REPLACING = AnswerOptions(replace_unknown=True)
SEARCHES = [None, BeamSearch(4, num_hypotheses=4), Sampling(seed=2, num_samples=8)]


@pytest.fixture(scope="module")
def gateway(words_models_dir: Path) -> Iterator[GatewayProcess]:
    with running_gateway(["--models-dir", str(words_models_dir)]) as one:
        yield one


@pytest.fixture
def client(gateway: GatewayProcess) -> Iterator[Client]:
    with Client(gateway.address) as one:
        yield one


def words_by_hand(hypothesis: Hypothesis) -> str:
    """What should be written: every token is a word, or a run of unknown ones."""
    source_words = [token.text for token in hypothesis.attention.source_tokens]
    weights = hypothesis.attention.weights
    return " ".join(
        source_words[int(row.argmax())] if token.kind == "unknown" else token.text
        for token, row in zip(hypothesis.tokens, weights, strict=True)
        if token.kind != "end"
    )


def pairs(
    before: list[GenerateResult], after: list[GenerateResult]
) -> Iterator[tuple[Hypothesis, Hypothesis]]:
    for one, other in zip(before, after, strict=True):
        yield from zip(one.hypotheses, other.hypotheses, strict=True)


@pytest.mark.parametrize("search", SEARCHES, ids=["greedy", "beam", "samples"])
def test_unknown_words_are_those_of_the_source_that_were_looked_at_most(
    client: Client, search: BeamSearch | Sampling | None
) -> None:
    asking = client.with_search(search)
    plain = asking.generate(TEXTS, attention="pieces")
    replaced = asking.with_answers(REPLACING).generate(TEXTS, attention="pieces")
    count = 0
    for one, other in pairs(plain, replaced):
        assert other.text == words_by_hand(one)
        assert "⁇" not in other.text
        assert (other.score, other.rank_score) == (one.score, one.rank_score)
        assert [(t.id, t.kind, t.score) for t in other.tokens] == [
            (t.id, t.kind, t.score) for t in one.tokens
        ]
        for token in other.tokens:
            assert other.text[token.begin : token.end] == token.text
        assert other.attention.target_tokens == other.tokens
        np.testing.assert_array_equal(other.attention.weights, one.attention.weights)
        count += sum(token.kind == "unknown" for token in one.tokens)
    assert count > 1, "the model wrote too few unknown words to show anything"


def test_no_attention_is_sent_that_nobody_asked_for(client: Client) -> None:
    with_attention = client.with_answers(REPLACING).generate(TEXTS, attention="pieces")
    without = client.with_answers(REPLACING).generate(TEXTS)
    assert [answer.text for answer in without] == [answer.text for answer in with_attention]
    assert all(answer.attention is None for answer in without)


def test_alignments_words_and_heads_are_those_of_the_new_text(client: Client) -> None:
    asking = client.with_answers(AnswerOptions(replace_unknown=True, alignments=True))
    for level in ("words", "heads"):
        for answer in asking.with_search(SEARCHES[2]).generate(TEXTS, attention=level):
            for hypothesis in answer.hypotheses:
                alignment = hypothesis.alignment
                assert [word.text for word in alignment.target_words] == hypothesis.text.split()
                for source, target, _ in alignment.words():
                    assert answer.source_text[source.begin : source.end] == source.text
                    assert hypothesis.text[target.begin : target.end] == target.text
                assert (hypothesis.attention.heads is not None) == (level == "heads")


def test_outputs_that_grow_are_replaced_as_they_grow(client: Client) -> None:
    for seed in range(6):
        asking = client.with_answers(REPLACING).with_search(Sampling(seed=seed))
        for text in TEXTS:
            *grown, final = asking.stream_generate(text, chunk_tokens=1)
            assert isinstance(final, FinalResult)
            assert final.result.text == asking.generate(text).text
            for event in grown:
                assert "⁇" not in event.text
                assert final.result.text.startswith(event.text)


def test_the_command_line_replaces_them(gateway: GatewayProcess, client: Client) -> None:
    command = [sys.executable, "-m", "heed", "generate", "--address", gateway.address]
    flags = ["--num-samples", "4", "--seed", "2"]
    finished = subprocess.run(
        [*command, "--replace-unknown", *flags, "--json", TEXTS[0]],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    document = json.loads(finished.stdout)
    found = [document["text"], *(other["text"] for other in document["alternatives"])]
    asking = client.with_answers(REPLACING).with_search(Sampling(seed=2, num_samples=4))
    expected = asking.generate(TEXTS[0])
    assert found == [hypothesis.text for hypothesis in expected.hypotheses]
    printed = subprocess.run(
        [*command, "--replace-unknown", *flags, TEXTS[0]],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    assert [line.split("\t")[0] for line in printed.splitlines()] == ["1", "2", "3", "4"]
    assert [line.split("\t")[2] for line in printed.splitlines()] == found


def test_a_beam_wider_than_the_vocabulary_is_refused_with_the_limit(client: Client) -> None:
    widest = client.models()[0].max_beam_width
    assert widest < 32, "the vocabulary is as large as any beam"
    answer = client.with_search(BeamSearch(widest, num_hypotheses=widest)).generate("june")
    assert len(answer.hypotheses) <= widest
    refused = rf"options\.beam_width: must be 1 to {widest}, got {widest + 1}"
    with pytest.raises(InvalidRequestError, match=refused):
        client.with_search(BeamSearch(widest + 1)).generate("june")
