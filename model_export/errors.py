"""Errors whose messages are for the user of a command, who sees them without a traceback."""


class ModelExportError(Exception):
    """A failure that the user can understand and act on."""


class DataError(ModelExportError):
    """Training data is missing or unreadable."""


class RunError(ModelExportError):
    """A training run is missing, unfinished, of another recipe, or cannot be written."""
