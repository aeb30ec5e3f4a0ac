"""`python -m model_export`."""

import sys

from model_export.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
