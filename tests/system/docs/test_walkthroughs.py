"""The pages that lead from nothing to something lead there, command by command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.pages import DOCS
from tests.support.walkthrough import Walkthrough

ALLOWED_S = 400
QUICKLY = {"train g2p-quick": "train g2p-tiny training.epochs=2"}
"""A smaller recipe of the same kind."""
LITTLE = (
    "training.epochs=1 training.evaluate_every_steps=2 training.jit_compile=false "
    "data.max_train_pairs=256 data.max_dev_examples=20 data.max_test_examples=20"
)
"""The same training, of a few steps."""


@pytest.mark.timeout(ALLOWED_S)
def test_a_model_of_ones_own_is_served_and_explains_itself(tmp_path: Path) -> None:
    with Walkthrough(tmp_path) as walk:
        walk.follow(DOCS / "own-model.md")
        assert walk.command("heed classify 'sie sind im jardin'").startswith("French\t")
        painted = walk.command("heed classify 'sie sind im jardin' --attention terminal")
        assert "jardin" in painted


@pytest.mark.timeout(ALLOWED_S)
def test_a_model_of_ones_own_that_writes_reads_numbers_it_has_never_seen(tmp_path: Path) -> None:
    with Walkthrough(tmp_path) as walk:
        walk.follow(DOCS / "own-writer.md")
        texts = "'seven hundred forty five' 'ninety four' 'one hundred fifteen'"
        written = walk.command(f"heed generate {texts}").split()
        right = [digits == due for digits, due in zip(written, ["745", "94", "115"], strict=True)]
        assert sum(right) >= 2  # processors round differently
        forced = walk.command("heed generate 'seven hundred forty five' --prefix 9")
        assert forced.startswith("9")
        scored = walk.command("heed score 'ninety four' 94 --json")
        answer = walk.command("heed generate 'ninety four' --json")
        score, generated = json.loads(scored), json.loads(answer)
        assert score["score"] == pytest.approx(generated["score"], abs=1e-4)
        for row, other in zip(
            score["attention"]["weights"], generated["attention"]["weights"], strict=True
        ):
            assert row == pytest.approx(other, abs=1e-4)


@pytest.mark.timeout(ALLOWED_S)
def test_the_tutorial_leads_to_a_heat_map(tmp_path: Path) -> None:
    with Walkthrough(tmp_path, changes=QUICKLY) as walk:
        walk.follow(DOCS / "tutorial.md")
    assert (tmp_path / "attention.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.timeout(ALLOWED_S)
def test_a_model_of_ones_own_data_is_trained_and_served(tmp_path: Path) -> None:
    followed = "goes on as the tutorial does, which is followed to its end"
    left_out = dict.fromkeys(("heed export", "heed serve", "heed generate"), followed)
    changes = {"train dates.yaml": f"train dates.yaml {LITTLE}"}
    with Walkthrough(tmp_path, changes=changes, left_out=left_out) as walk:
        walk.follow(DOCS / "own-data.md")
    assert "BLEU" in (tmp_path / "runs/dates/history.json").read_text().upper()
