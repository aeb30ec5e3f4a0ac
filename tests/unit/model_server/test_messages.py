from __future__ import annotations

import subprocess
import sys


def run(code: str) -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=60)


def test_the_messages_come_without_the_package_tensorflow() -> None:
    run(
        "import sys, model_server.messages as messages\n"
        "assert messages.predict_pb2.PredictRequest\n"
        "assert 'tensorflow' not in sys.modules"
    )


def test_the_real_package_can_be_imported_afterwards() -> None:
    run(
        "import warnings, model_server.messages as messages\n"
        "warnings.simplefilter('ignore')\n"
        "import tensorflow as tf\n"
        "proto = tf.make_tensor_proto([1.0])\n"
        "assert type(proto) is messages.tensor_pb2.TensorProto\n"
        "assert tf.make_ndarray(proto).tolist() == [1.0]"
    )


def test_the_real_package_is_used_when_it_is_there_already() -> None:
    run(
        "import warnings; warnings.simplefilter('ignore')\n"
        "import sys, tensorflow as tf, model_server.messages as messages\n"
        "assert sys.modules['tensorflow'] is tf\n"
        "assert messages.predict_pb2.PredictRequest"
    )
