"""Ask attention models, and see what they looked at."""

__version__ = "0.1.0"
