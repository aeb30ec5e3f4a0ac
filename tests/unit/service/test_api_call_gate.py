from __future__ import annotations

import asyncio

import pytest

from service.api.call_gate import QUIET_S, CallGate
from service.errors import DrainingError


async def test_a_shut_gate_turns_calls_away_and_waits_for_those_inside() -> None:
    gate, leave = CallGate(), asyncio.Event()

    async def call() -> str:
        with gate.pass_through():
            await leave.wait()
            return "answered"

    inside = asyncio.create_task(call())
    await asyncio.sleep(0)
    draining = asyncio.create_task(gate.drain(timeout_s=10))
    await asyncio.sleep(0)
    with pytest.raises(DrainingError):
        await call()
    assert not draining.done()
    leave.set()
    assert await inside == "answered"
    await asyncio.wait_for(draining, 5 * QUIET_S)


async def test_a_call_that_does_not_end_is_not_waited_for_beyond_the_limit() -> None:
    gate = CallGate()
    with gate.pass_through():
        await asyncio.wait_for(gate.drain(timeout_s=0.05), 5 * QUIET_S)


async def test_a_call_that_fails_leaves_too() -> None:
    gate = CallGate()
    with pytest.raises(ZeroDivisionError), gate.pass_through():
        raise ZeroDivisionError
    await asyncio.wait_for(gate.drain(timeout_s=10), 5 * QUIET_S)
