"""Load for locust, with its web page, without, and from many machines.

    locust -f loadtest/locustfile.py --host 127.0.0.1:50051            the page, at port 8089
    locust -f loadtest/locustfile.py --host 127.0.0.1:50051 --headless -u 50 -t 1m
    locust -f loadtest/locustfile.py --master ...                      and on other machines:
    locust -f loadtest/locustfile.py --worker --master-host NAME

`--host` is the gateway's gRPC address. A user is a source of requests at random times, one a
second unless `--rate-per-user` says otherwise; with `--closed` one who waits for each answer.
"""

from __future__ import annotations

import logging
import time
from itertools import count
from random import Random
from typing import Any, Final

import gevent
import grpc.experimental.gevent
from gevent.pool import Group
from locust import User, events, task
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from heed.defaults import DEFAULT_ADDRESS
from loadtest.arrivals import arrivals
from loadtest.asking import Asker
from loadtest.kinds import AskKind
from loadtest.options import LoadOptions, add_load_arguments, load_options
from loadtest.recording import Recorder
from loadtest.samples import Sample

# The command `locust` has patched the standard library for greenlets. gRPC has to know of them
# before its first object is made, or a call would stop every user.
grpc.experimental.gevent.init_gevent()

_LOG: Final = logging.getLogger("loadtest")


class Run:
    """What the users of this process share while a test runs.

    Args:
        options: What they do.
        host: Where the gateway listens.
        environment: Locust's.
        recorder: Keeps the samples.
    """

    def __init__(
        self, options: LoadOptions, host: str, environment: Environment, recorder: Recorder
    ) -> None:
        self.options = options
        self.asker = Asker(host, options.ask, tls=options.tls, api_key=options.api_key)
        self.began_at_s = time.perf_counter()
        self._environment = environment
        self._recorder = recorder
        self._clock_offset_s = time.time() - time.perf_counter()
        self._user_numbers = count()
        self._worker = getattr(environment.runner, "worker_index", 0)

    def random(self) -> Random:
        """Another source of chance for each user, on every worker."""
        return Random(f"user:{self.options.seed}:{self._worker}:{next(self._user_numbers)}")

    def now_s(self) -> float:
        """Seconds since the test began."""
        return time.perf_counter() - self.began_at_s

    def ask(self, kind: AskKind, texts: list[str], due_s: float) -> None:
        """Makes a call that was due so many seconds after the beginning, and reports it."""
        due = self.began_at_s + due_s
        begin = time.perf_counter()
        outcome = self.asker.ask(kind, texts)
        end = time.perf_counter()
        first_at_s = outcome.first_at_s
        self._recorder.add(
            Sample(
                kind=str(kind),
                due_s=due + self._clock_offset_s,
                late_s=begin - due,
                latency_s=end - due,
                code=outcome.code,
                reason=outcome.reason,
                text_count=len(texts),
                stages=outcome.stages,
                first_s=None if first_at_s is None else first_at_s - due,
            )
        )
        self._environment.events.request.fire(
            request_type="gRPC",
            name=str(kind),
            response_time=1e3 * (end - due),
            response_length=outcome.byte_count,
            exception=outcome.error,
            context={},
        )


_runs: dict[int, Run] = {}
"""The run of each environment, by its id; there is one environment in a process."""

_recorders: dict[int, Recorder] = {}


class HeedUser(User):
    """Sends requests at its own times, or, with `--closed`, waits for each answer."""

    host = DEFAULT_ADDRESS

    def on_start(self) -> None:
        """Draws the first arrival."""
        self._run = _runs[id(self.environment)]
        options = self._run.options
        self._random = self._run.random()
        self._calls = Group()
        self._arrivals = None
        self._due_s = 0.0
        if options.rate_per_user is not None:
            self._arrivals = arrivals(
                options.rate_per_user,
                pattern=options.pattern,
                random=self._random,
                spacing=options.spacing,
                begin_s=self._run.now_s(),
            )
            self._due_s = next(self._arrivals)

    def on_stop(self) -> None:
        """Waits for the calls that are under way."""
        self._calls.join(timeout=self._run.options.ask.timeout_s + 1)

    def wait_time(self) -> float:
        """Until the next arrival, or until a user who waits has rested."""
        if self._arrivals is None:
            rest_s = self._run.options.think_time_s
            return self._random.expovariate(1 / rest_s) if rest_s else 0.0
        return max(0.0, self._due_s - self._run.now_s())

    @task
    def ask(self) -> None:
        """Sends what is due, or, with `--closed`, asks and waits."""
        if self._arrivals is None:
            self._run.ask(*self._draw(), self._run.now_s())
        elif self._due_s <= self._run.now_s():
            self._calls.spawn(self._run.ask, *self._draw(), self._due_s)
            self._due_s = next(self._arrivals)

    def _draw(self) -> tuple[AskKind, list[str]]:
        options = self._run.options
        kind = options.mix.draw(self._random)
        text_count = options.bulk_texts if kind is AskKind.BULK else 1
        return kind, self._random.choices(options.texts, k=text_count)


@events.init_command_line_parser.add_listener
def _add_arguments(parser: Any) -> None:
    add_load_arguments(parser)


@events.init.add_listener
def _init(environment: Environment, **given: object) -> None:
    """Makes the calls that are under way at the end of a test count, and opens the samples."""
    del given
    options = _options_of(environment)
    if not environment.stop_timeout:
        environment.stop_timeout = options.ask.timeout_s + 2
    _recorders[id(environment)] = Recorder(environment, options.samples)


@events.test_start.add_listener
def _begin(environment: Environment, **given: object) -> None:
    del given
    options, runner = _options_of(environment), environment.runner
    if not isinstance(runner, MasterRunner):
        host = environment.host or HeedUser.host
        _runs[id(environment)] = Run(options, host, environment, _recorders[id(environment)])
    if options.load_seconds and runner is not None and not isinstance(runner, WorkerRunner):
        gevent.spawn_later(options.load_seconds, runner.quit)


@events.test_stop.add_listener
def _end(environment: Environment, **given: object) -> None:
    del given
    run = _runs.pop(id(environment), None)
    if run is not None:
        run.asker.close()


def _options_of(environment: Environment) -> LoadOptions:
    try:
        return load_options(vars(environment.parsed_options))
    except ValueError as error:
        _LOG.error("%s", error)
        raise SystemExit(2) from error
