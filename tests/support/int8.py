"""What tests of 8-bit products need of the machine."""

from __future__ import annotations

import pytest


def skip_without_int8() -> None:
    """Skips a test where this TensorFlow has no products of 8-bit numbers."""
    from model_export.inference import PrecisionError
    from model_export.inference.quantized_products import check_operation

    try:
        check_operation()
    except PrecisionError as error:
        pytest.skip(str(error))
