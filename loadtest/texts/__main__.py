"""Counts the lengths of a file's texts, for `lengths.json`: a histogram, and no text.

Usage: python -m loadtest.texts FILE --unit words|letters
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from pathlib import Path

from loadtest.texts.lengths import count_lengths


def main() -> int:
    """Prints the histogram of a file as JSON."""
    parser = argparse.ArgumentParser(prog="python -m loadtest.texts", description=__doc__)
    parser.add_argument("file", type=Path, help="one text a line, up to the first tab; may be .gz")
    parser.add_argument("--unit", choices=("words", "letters"), default="words")
    arguments = parser.parse_args()
    opener = gzip.open if arguments.file.suffix == ".gz" else open
    with opener(arguments.file, "rt", encoding="utf-8") as lines:
        counts = count_lengths((line.partition("\t")[0] for line in lines), unit=arguments.unit)
    print(json.dumps(counts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
