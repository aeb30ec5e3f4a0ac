"""Decoding in Heed's exported graphs beside CTranslate2: `python -m benchmarks.decoding --help`."""
