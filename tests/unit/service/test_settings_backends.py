from __future__ import annotations

import pytest

from service.backends.assembly import pool_rules, version_rules
from service.backends.replicas.hedging import HedgeRule
from service.domain.models import CanaryShare
from service.settings import SettingsError, read_settings
from service.settings.versions import Canary, ModelLabel, RollOut

BACKEND = ["--model-server", "a:1", "--model", "g2p"]


@pytest.mark.parametrize(
    "flags",
    [
        ["--model-server", "a:1,b:2,[::1]:3"],
        ["--model-server", "a:1", "--model-server", "b:2,[::1]:3"],
    ],
)
def test_model_servers_are_separated_by_commas_or_named_one_by_one(flags: list[str]) -> None:
    settings = read_settings([*flags, "--model", "g2p"], {})
    assert settings.model_server == ("a:1", "b:2", "[::1]:3")


def test_names_and_sockets_are_addresses_too() -> None:
    texts = "dns:///models.svc:8500,unix:/run/heed/model-server.sock"
    settings = read_settings(["--model-server", texts, "--model", "g2p"], {})
    assert settings.model_server == tuple(texts.split(","))


def test_rules_of_the_pool_come_from_the_settings() -> None:
    flags = ["--retry-budget=0", "--hedge-after-ms=250", "--eject-after-failures=3"]
    flags += ["--eject-slower-than=8", "--ejection-s=2", "--longest-ejection-s=60"]
    rules = pool_rules(read_settings([*BACKEND, *flags], {}))
    assert (rules.retry_share, rules.hedge.after_s) == (0.0, 0.25)
    assert (rules.ejection.failures_in_a_row, rules.ejection.slower_than) == (3, 8.0)
    assert (rules.ejection.first_s, rules.ejection.longest_s) == (2.0, 60.0)
    assert pool_rules(read_settings(BACKEND, {})).hedge == HedgeRule()


def test_canaries_and_labels_belong_to_their_model() -> None:
    flags = ["--canary=g2p:7=5%,other:2=0.5", "--canary", "g2p:8=.25", "--roll-out=all"]
    flags += ["--model-label", "g2p:stable=6", "--model-label=g2p:next"]
    settings = read_settings([*BACKEND, "--model=other", *flags], {})
    assert settings.canary == (
        *(Canary("g2p", 7, 0.05), Canary("other", 2, 0.5), Canary("g2p", 8, 0.25)),
    )
    assert settings.model_label == (
        *(ModelLabel("g2p", "stable", 6), ModelLabel("g2p", "next", None)),
    )
    rules = version_rules(settings, "g2p")
    assert rules.roll_out is RollOut.ALL
    assert rules.canaries == (CanaryShare(7, 0.05), CanaryShare(8, 0.25))
    assert (rules.labels, rules.followed_labels) == ({"stable": 6}, ("next",))


def test_the_environment_can_say_all_of_it() -> None:
    environment = {"HEED_CANARY": "g2p:7=5%,g2p:8=1%", "HEED_MODEL_LABEL": "g2p:stable=6"}
    settings = read_settings(BACKEND, environment)
    assert [canary.version for canary in settings.canary] == [7, 8]
    assert settings.model_label[0].label == "stable"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--model-server", "a:1,b", "--model", "x"], "--model-server: expected HOST:PORT"),
        (["--model-server", "a:99999", "--model", "x"], "--model-server: expected HOST:PORT"),
        (["--model-server", "a:1,a:1", "--model", "x"], "names a model server twice"),
        ([*BACKEND, "--canary", "g2p=5%"], r"--canary: expected NAME:VERSION=WEIGHT"),
        ([*BACKEND, "--canary", "g2p:7=5"], r"above 0 and up to 100%.*got 'g2p:7=5'"),
        ([*BACKEND, "--canary", "g2p:7=0%"], r"--canary: expected"),
        ([*BACKEND, "--canary", "g2p:7=60%,g2p:8=50%"], "more than 100% together"),
        ([*BACKEND, "--canary", "g2p:7=6%,g2p:7=5%"], "names a version of g2p twice"),
        ([*BACKEND, "--canary", "other:7=6%"], r"--canary: no model 'other' is served"),
        ([*BACKEND, "--model-label", "g2p:7=6"], r"--model-label: expected NAME:LABEL=VERSION"),
        ([*BACKEND, "--model-label", "other:a=6"], r"--model-label: no model 'other' is served"),
        ([*BACKEND, "--model-label", "g2p:a=6,g2p:a"], "gives a label of g2p twice"),
        (
            [*BACKEND, *(f"--model-label=g2p:l{index}" for index in range(17))],
            "g2p may have at most 16 labels",
        ),
        ([*BACKEND, "--hedge-after-ms=5", "--hedge-percentile=95"], "give either --hedge-after-ms"),
        ([*BACKEND, "--hedge-percentile=20"], "--hedge-percentile: .*greater than or equal to 50"),
        ([*BACKEND, "--retry-budget=2"], "--retry-budget: .*less than or equal to 1"),
        ([*BACKEND, "--longest-ejection-s=1"], "--longest-ejection-s: must be at least"),
        ([*BACKEND, "--roll-out=most"], None),
    ],
)
def test_a_wrong_value_names_its_flag_and_what_was_expected(
    flags: list[str], message: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    if message is None:
        with pytest.raises(SystemExit):
            read_settings(flags, {})
        assert "choose from" in capsys.readouterr().err
        return
    with pytest.raises(SettingsError, match=message):
        read_settings(flags, {})


@pytest.mark.parametrize(
    "flags",
    [
        ["--http-cors-origin", "https://a.org,https://b.org"],
        ["--http-cors-origin=https://a.org", "--http-cors-origin=https://b.org"],
    ],
)
def test_web_sites_are_separated_by_commas_or_named_one_by_one(flags: list[str]) -> None:
    settings = read_settings([*BACKEND, *flags], {})
    assert settings.http_cors_origin == ("https://a.org", "https://b.org")
