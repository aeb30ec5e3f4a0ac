"""The options that the locustfile adds to locust's own."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from heed.cli.arguments import API_KEY_VARIABLE
from heed.client import Tls
from heed.defaults import DEFAULT_TIMEOUT_S
from loadtest.arrivals import Pattern, PatternKind, Spacing
from loadtest.asking import AskOptions
from loadtest.kinds import AskKind, Mix
from loadtest.texts import LengthKind, make_texts, read_texts

TEXT_COUNT: Final = 5000
"""Texts that are made where no file is given; they come again and again."""

_LEAST: Final = {"ask_beam_width": 1, "bulk_texts": 1, "think_time_s": 0, "load_seconds": 0}


@dataclass(frozen=True)
class LoadOptions:
    """What users do.

    Attributes:
        ask: How the gateway is asked.
        mix: What is asked, and how often.
        texts: What is sent.
        bulk_texts: Texts in a call of bulk work, 1 or more.
        rate_per_user: Requests a second of each open-loop user; None for users who wait.
        think_time_s: How long a user who waits rests between answer and request, on average.
        pattern: How the rate changes.
        spacing: How requests are spaced.
        load_seconds: When the run ends by itself, in seconds; 0: it does not.
        seed: Decides texts, kinds and arrivals.
        samples: Where samples are written; None: nowhere.
        tls: Encrypts the connection, if given.
        api_key: Sent with every call, if given.
    """

    ask: AskOptions
    mix: Mix
    texts: tuple[str, ...]
    bulk_texts: int
    rate_per_user: float | None
    think_time_s: float
    pattern: Pattern
    spacing: Spacing
    load_seconds: float
    seed: int
    samples: Path | None
    tls: Tls | None
    api_key: str | None


def add_load_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what `load_options` reads."""
    arrivals = parser.add_argument_group(
        "Heed: arrivals",
        "Every user sends requests at random times, --rate-per-user of them a second, whether or "
        "not earlier ones are answered: 50 users are 50 requests a second.",
    )
    arrivals.add_argument(
        "--rate-per-user", type=float, default=1.0, help="requests a second of a user (1)"
    )
    arrivals.add_argument(
        "--closed",
        action="store_true",
        help="users wait for an answer, rest, and ask again: not at a rate of their own",
    )
    arrivals.add_argument(
        "--think-time-s", type=float, default=0.0, help="with --closed: how long they rest (0)"
    )
    arrivals.add_argument(
        "--pattern",
        choices=[str(kind) for kind in PatternKind],
        default=str(PatternKind.STEADY),
        help="steady; bursts; ramp: from nothing to the rate; soak: up and down for long runs",
    )
    arrivals.add_argument(
        "--period-s", type=float, default=10.0, help="of bursts, ramp and soak, in seconds (10)"
    )
    arrivals.add_argument("--burst-factor", type=float, default=3.0, help="rate in a burst (3)")
    arrivals.add_argument("--burst-share", type=float, default=0.2, help="time in bursts (0.2)")
    arrivals.add_argument(
        "--load-seconds",
        type=float,
        default=0.0,
        help="end the run so many seconds after its first request; --run-time counts from the "
        "start of locust (0: do not)",
    )
    arrivals.add_argument(
        "--spacing",
        choices=[str(spacing) for spacing in Spacing],
        default=str(Spacing.POISSON),
        help="at random, as of many independent callers (poisson), or evenly",
    )
    _add_request_arguments(parser)


def _add_request_arguments(parser: argparse.ArgumentParser) -> None:
    requests = parser.add_argument_group("Heed: requests")
    requests.add_argument("--model", default="", help="the model's name (the gateway's only one)")
    requests.add_argument(
        "--mix",
        default="plain",
        help=f"kinds of requests and their weights, for example plain=8,attention=1,beam=1 "
        f"(plain); kinds: {', '.join(AskKind)}",
    )
    requests.add_argument(
        "--attention-level",
        choices=("pieces", "words", "heads"),
        default="pieces",
        help="of the kind attention (pieces)",
    )
    requests.add_argument("--ask-beam-width", type=int, default=4, help="of the kind beam (4)")
    requests.add_argument("--bulk-texts", type=int, default=32, help="texts in a bulk call (32)")
    requests.add_argument(
        "--call-timeout-s",
        type=float,
        default=DEFAULT_TIMEOUT_S,
        help=f"how long a call may take ({DEFAULT_TIMEOUT_S:g})",
    )
    requests.add_argument(
        "--lengths",
        choices=[str(kind) for kind in LengthKind],
        default=str(LengthKind.CAPTIONS),
        help="whose lengths the texts have: captions of photographs, everyday sentences, or "
        "single words (captions)",
    )
    requests.add_argument("--texts", default="", help="a file of texts to send, one a line")
    requests.add_argument("--seed", type=int, default=1, help="decides everything random (1)")
    requests.add_argument("--samples", default="", help="a file for one line a request")
    requests.add_argument("--gateway-tls", action="store_true", help="the gateway speaks TLS")
    requests.add_argument("--gateway-tls-ca", default="", help="who signed its certificate, PEM")


def load_options(given: Mapping[str, Any]) -> LoadOptions:
    """What users do, from parsed arguments.

    The API key comes from the environment, as of `heed`.

    Raises:
        ValueError: A value is out of range, or a file cannot be read.
    """
    _check_ranges(given)
    if given["texts"]:
        texts = read_texts(Path(given["texts"]))
    else:
        texts = make_texts(given["lengths"], TEXT_COUNT, seed=given["seed"])
    return LoadOptions(
        ask=AskOptions(
            model=given["model"],
            attention_level=given["attention_level"],
            beam_width=given["ask_beam_width"],
            timeout_s=given["call_timeout_s"],
        ),
        mix=Mix.parse(given["mix"]),
        texts=tuple(texts),
        bulk_texts=given["bulk_texts"],
        rate_per_user=None if given["closed"] else given["rate_per_user"],
        think_time_s=given["think_time_s"],
        pattern=Pattern(
            PatternKind(given["pattern"]),
            period_s=given["period_s"],
            burst_factor=given["burst_factor"],
            burst_share=given["burst_share"],
        ),
        spacing=Spacing(given["spacing"]),
        load_seconds=given["load_seconds"],
        seed=given["seed"],
        samples=Path(given["samples"]) if given["samples"] else None,
        tls=_tls(given),
        api_key=os.environ.get(API_KEY_VARIABLE) or None,
    )


def _tls(given: Mapping[str, Any]) -> Tls | None:
    if not given["gateway_tls"] and not given["gateway_tls_ca"]:
        return None
    return Tls(ca=given["gateway_tls_ca"] or None)


def _check_ranges(given: Mapping[str, Any]) -> None:
    for name, least in (
        ("ask_beam_width", 1),
        ("bulk_texts", 1),
        ("think_time_s", 0),
        ("load_seconds", 0),
    ):
        if given[name] < least:
            raise ValueError(f"--{name.replace('_', '-')} is {given[name]}; {least} is the least")
    for name in ("rate_per_user", "call_timeout_s"):
        if not given[name] > 0:
            raise ValueError(f"--{name.replace('_', '-')} is {given[name]}; expected above 0")
