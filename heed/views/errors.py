"""What can go wrong when attention is drawn."""


class PlotError(Exception):
    """No picture: matplotlib is not installed, or the file cannot be written."""
