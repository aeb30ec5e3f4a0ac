"""Who may come in. It knows no protocol: headers and an address are all that it sees."""

from __future__ import annotations

import collections
import contextlib
import datetime as dt
import re
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from service.call_record import note_caller
from service.errors import (
    ExpiredApiKeyError,
    InvalidApiKeyError,
    MissingApiKeyError,
    TooManyCallsError,
)
from service.security.api_keys import ApiKeyEntry, KeyRing
from service.security.callers import ANYBODY, Caller, Clock, work_for

Headers = Mapping[str, str]

_BEARER: Final = re.compile(r"bearer +(\S+) *", re.IGNORECASE)
_GRPC_PEER: Final = re.compile(r"ipv[46]:(.*):\d+")


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Authorizer:
    """Lets callers in, each with the rights of its API key.

    Args:
        keys: The keys; None asks nobody for one.
        max_calls_per_client: The most calls under way at once of a key, or, where no keys are
            asked for, of an address.
        clock: Gives the time in seconds and never goes back.
        now: Gives the date.
    """

    def __init__(
        self,
        keys: KeyRing | None,
        *,
        max_calls_per_client: int = 4096,
        clock: Clock = time.monotonic,
        now: Callable[[], dt.datetime] = _utc_now,
    ) -> None:
        self._keys = keys
        self._max_calls = max_calls_per_client
        self._clock = clock
        self._now = now
        self._callers: dict[str, tuple[ApiKeyEntry, Caller]] = {}
        self._calls: collections.Counter[str] = collections.Counter()

    @property
    def asks_for_keys(self) -> bool:
        """Whether callers need a key."""
        return self._keys is not None

    def replace_keys(self, keys: KeyRing) -> None:
        """Other keys are good from now on. Calls inside go on; unchanged keys keep their counts."""
        self._keys = keys
        self._callers = {
            key_id: (entry, caller)
            for key_id, (entry, caller) in self._callers.items()
            if keys.entries.get(key_id) == entry
        }

    @contextlib.contextmanager
    def let_in(self, headers: Headers, peer: str) -> Iterator[Caller]:
        """Lets a call in and out again; the task works for the caller from then on.

        Args:
            headers: The call's headers, or metadata, with names in lower case.
            peer: Where the call comes from: an address, or an address and port as gRPC writes them.

        Raises:
            UnauthenticatedError: It needs a key and has none that is good.
            OverloadedError: The caller has too many calls under way, or called too often.
        """
        entry = self._identify(headers)
        caller = ANYBODY if entry is None else self._caller_of(entry)
        note_caller(caller.name)
        client = f"key {entry.id}" if entry is not None else _address_of(peer)
        most = self._max_calls if entry is None else entry.max_calls or self._max_calls
        if self._calls[client] >= most:
            raise TooManyCallsError(most)
        caller.take_request()
        work_for(caller)
        self._calls[client] += 1
        try:
            yield caller
        finally:
            self._calls[client] -= 1
            if not self._calls[client]:
                del self._calls[client]

    def check(self, headers: Headers) -> None:
        """Checks that somebody has a good key, for what is no call to a model.

        Raises:
            UnauthenticatedError: A key is needed, and there is none that is good.
        """
        self._identify(headers)

    def _identify(self, headers: Headers) -> ApiKeyEntry | None:
        if self._keys is None:
            return None
        key = api_key_in(headers)
        if key is None:
            raise MissingApiKeyError
        entry = self._keys.find(key)
        if entry is None:
            raise InvalidApiKeyError
        if entry.expires is not None and entry.expires <= self._now():
            raise ExpiredApiKeyError(entry.expires.isoformat())
        return entry

    def _caller_of(self, entry: ApiKeyEntry) -> Caller:
        known = self._callers.get(entry.id)
        if known is not None and known[0] == entry:
            return known[1]
        caller = Caller(entry, self._clock)
        self._callers[entry.id] = (entry, caller)
        return caller


def _address_of(peer: str) -> str:
    """The address alone, the same for every port and protocol."""
    found = _GRPC_PEER.fullmatch(peer)
    return urllib.parse.unquote(found[1]).strip("[]") if found else peer


def api_key_in(headers: Headers) -> str | None:
    """The API key that headers carry; None if there is none.

    `x-api-key` goes before `authorization`, which a proxy may have put there for itself.
    """
    own = headers.get("x-api-key")
    if own is not None:
        return own.strip()
    bearer = _BEARER.fullmatch(headers.get("authorization", ""))
    return bearer[1] if bearer else None
