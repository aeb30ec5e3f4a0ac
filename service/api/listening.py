"""What can go wrong with the addresses that the gateway listens on."""

from __future__ import annotations


class AddressError(OSError):
    """The gateway cannot listen where it was told to."""
