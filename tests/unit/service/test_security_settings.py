"""What the settings of security allow, and what is warned of."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from service.metrics import Metrics
from service.security.security import is_loopback, make_security
from service.settings import SettingsError, read_settings
from tests.support.certificates import Authority

BACKEND = ["--model-server", "localhost:8500", "--model", "a"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--tls-cert", "a"], "--tls-cert and --tls-key need each other"),
        (["--tls-key", "a"], "--tls-cert and --tls-key need each other"),
        (["--tls-client-ca", "a"], "--tls-client-ca needs --tls-cert and --tls-key"),
        (["--model-server-key", "a"], "--model-server-cert and --model-server-key need each other"),
        (
            ["--model-server-key", "a", "--model-server-cert", "b"],
            "--model-server-cert needs --model-server-ca",
        ),
        (["--max-calls-per-client", "0"], "--max-calls-per-client: .*greater than or equal to 1"),
        (["--max-connection-age-s", "0"], "--max-connection-age-s: .*greater than 0"),
        (["--workers", "0"], "--workers: .*greater than or equal to 1"),
    ],
)
def test_flags_that_need_each_other_say_so(flags: list[str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        read_settings([*BACKEND, *flags], {})


def test_the_local_model_server_has_no_certificate() -> None:
    with pytest.raises(SettingsError, match="--model-server-ca goes with --model-server"):
        read_settings(["--models-dir", "models", "--model-server-ca", "ca.pem"], {})


def test_nothing_is_asked_of_callers_unless_told_to() -> None:
    security = make_security(read_settings(BACKEND, {}), Metrics().security)
    assert not security.authorizer.asks_for_keys
    assert (security.keys, security.server_tls, security.channel_tls) == (None, None, None)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.1", False),
        ("gateway.example.org", False),
    ],
)
def test_it_is_known_what_others_can_reach(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def warnings_of(caplog: pytest.LogCaptureFixture, *flags: str) -> str:
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        make_security(read_settings([*BACKEND, *flags], {}), Metrics().security)
    return "\n".join(caplog.messages)


def test_what_is_open_to_others_is_warned_of(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    own = authority.issue("server")
    tls = [f"--tls-cert={own.chain}", f"--tls-key={own.key}"]
    assert warnings_of(caplog) == ""
    exposed = warnings_of(caplog, "--host=0.0.0.0")
    assert "without TLS" in exposed
    assert "without --api-keys or --tls-client-ca" in exposed
    assert "without TLS" not in warnings_of(caplog, "--host=0.0.0.0", *tls)
    everything = [*tls, f"--tls-client-ca={authority.path}"]
    assert warnings_of(caplog, "--host=0.0.0.0", *everything) == ""
    own.key.chmod(0o644)
    assert "server.key may be read or changed by every user" in warnings_of(caplog, *tls)
