"""The pages that lead from nothing to something lead there, command by command."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.pages import DOCS
from tests.support.walkthrough import Walkthrough

ALLOWED_S = 400


@pytest.mark.timeout(ALLOWED_S)
def test_a_model_of_ones_own_is_served_and_explains_itself(tmp_path: Path) -> None:
    with Walkthrough(tmp_path) as walk:
        walk.follow(DOCS / "own-model.md")
        assert walk.command("heed classify 'sie sind im jardin'").startswith("French\t")
        painted = walk.command("heed classify 'sie sind im jardin' --attention terminal")
        assert "jardin" in painted
