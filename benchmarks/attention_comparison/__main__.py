"""`python -m benchmarks.attention_comparison`."""

import sys

from benchmarks.attention_comparison.command import main

sys.exit(main(sys.argv[1:]))
