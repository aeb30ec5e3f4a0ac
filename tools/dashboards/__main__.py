"""Writes deploy/grafana/dashboards/*.json; with --check only says whether they are up to date."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tools.dashboards.boards import DASHBOARDS
from tools.dashboards.grafana import dashboard_json

FOLDER = Path(__file__).parents[2] / "deploy/grafana/dashboards"


def files() -> dict[Path, str]:
    """What stands in each file."""
    return {
        FOLDER / f"{one.uid}.json": json.dumps(dashboard_json(one), indent=1) + "\n"
        for one in DASHBOARDS
    }


def main() -> int:
    """Writes or checks."""
    wanted = files()
    is_check = "--check" in sys.argv[1:]
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    foreign = sorted(set(FOLDER.glob("*.json")) - wanted.keys())
    if is_check:
        for path in [*stale, *foreign]:
            print(f"not what tools/dashboards gives: {path.name}", file=sys.stderr)
        return 1 if stale or foreign else 0
    for path in stale:
        path.write_text(wanted[path])
    for path in foreign:
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
