"""A client before several gateways behind one name."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from heed import AsyncClient, Client
from tests.support.gateway import GatewayProcess, running_gateway
from tests.support.http import metric_values
from tests.support.stub_model_server import MODEL_NAME, running_stub
from tests.support.waiting import wait_until

CALLS = 20


@pytest.fixture
def gateways() -> Iterator[tuple[GatewayProcess, GatewayProcess]]:
    with running_stub() as stub:
        flags = ["--model-server", stub.address, "--model", MODEL_NAME, "--http-port=0"]
        with running_gateway(flags) as one, running_gateway(flags) as other:
            yield one, other


def address_of_both(gateways: tuple[GatewayProcess, GatewayProcess]) -> str:
    """As a name with two addresses: gRPC takes them written out as well."""
    return "ipv4:" + ",".join(gateway.address for gateway in gateways)


def answered_by(gateway: GatewayProcess) -> float:
    text = httpx.get(f"{gateway.url}/metrics").text
    return sum(metric_values(text, "heed_requests_total").values())


def test_calls_are_spread_over_all_gateways_of_a_name(
    gateways: tuple[GatewayProcess, GatewayProcess],
) -> None:
    with Client(address_of_both(gateways)) as client:
        wait_until(lambda: all_answer(client, gateways))
        before = [answered_by(gateway) for gateway in gateways]
        for _ in range(CALLS):
            client.generate("hello")
        more = [answered_by(each) - was for each, was in zip(gateways, before, strict=True)]
    assert more == [CALLS / 2, CALLS / 2]


def all_answer(client: Client, gateways: tuple[GatewayProcess, GatewayProcess]) -> bool:
    """Asks once more; whether both connections stand."""
    client.generate("hello")
    return all(answered_by(gateway) for gateway in gateways)


async def test_a_gateway_that_ends_loses_no_call(
    gateways: tuple[GatewayProcess, GatewayProcess],
) -> None:
    async with AsyncClient(address_of_both(gateways)) as client:
        for _ in range(CALLS):
            await client.generate("hello")
        gateways[0].terminate()
        for _ in range(CALLS):
            assert (await client.generate("hello")).text
