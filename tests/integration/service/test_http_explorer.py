"""How the gateway serves the attention explorer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from heed.page import page_files
from service.security.api_keys import ApiKeyEntry, digest_of, make_key
from service.security.make_api_key import entry_as_toml
from tests.support.http import running_http_gateway


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Of a gateway that asks for keys: the page is no secret."""
    keys: Path = tmp_path_factory.mktemp("keys") / "keys.toml"
    key, key_id = make_key()
    entry = {"id": key_id, "name": "somebody", "sha256": digest_of(key)}
    keys.write_text(entry_as_toml(ApiKeyEntry.model_validate(entry)))
    keys.chmod(0o600)
    with (
        running_http_gateway("--api-keys", str(keys)) as (gateway, _),
        httpx.Client(base_url=gateway.url) as client,
    ):
        yield client


def test_the_page_and_its_files_are_sent_as_they_are(http: httpx.Client) -> None:
    for file in page_files():
        path = "/" if file.name == "index.html" else f"/{file.name}"
        response = http.get(path)
        assert response.status_code == 200
        assert response.content == file.content
        assert response.headers["content-type"] == file.media_type
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"


def test_the_policy_permits_the_page_its_own_files_and_gateway_and_nothing_else(
    http: httpx.Client,
) -> None:
    policy = http.get("/").headers["content-security-policy"]
    rules = {name: rest for name, _, rest in (rule.partition(" ") for rule in policy.split("; "))}
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert rules["frame-ancestors"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert "unsafe" not in policy


def test_the_page_is_asked_for_anew_and_its_files_are_kept(http: httpx.Client) -> None:
    page = http.get("/")
    assert page.headers["cache-control"] == "no-cache"
    for name in re.findall(r'="\./([^"]+)"', page.text):
        assert "immutable" in http.get(f"/{name}").headers["cache-control"]


def test_who_has_a_file_already_is_told_so(http: httpx.Client) -> None:
    tag = http.get("/").headers["etag"]
    again = http.get("/", headers={"if-none-match": f'"other", {tag}'})
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["etag"] == tag
    assert http.get("/", headers={"if-none-match": '"other"'}).status_code == 200


def test_files_are_compressed_for_those_who_accept_it(http: httpx.Client) -> None:
    (script,) = [file for file in page_files() if file.name.endswith(".js")]
    plain = http.get(f"/{script.name}", headers={"accept-encoding": "identity"})
    packed = http.get(f"/{script.name}", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content


def test_only_reading_is_allowed(http: httpx.Client) -> None:
    assert http.head("/").status_code == 200
    assert http.post("/").status_code == 405
    assert http.get("/build.json").status_code == 404
    assert http.get("/__init__.py").status_code == 404
