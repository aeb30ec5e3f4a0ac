"""Runs the gateway: `python -m service`, the same as `heed serve`."""

import sys

from service.main import main

sys.exit(main(["serve", *sys.argv[1:]]))
