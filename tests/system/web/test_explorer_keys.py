"""The explorer where the gateway asks for a key, ends, or answers late."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Browser

from service.security.api_keys import ApiKeyEntry, digest_of, make_key
from service.security.make_api_key import entry_as_toml
from tests.support.gateway import running_gateway
from tests.support.http import running_http_gateway
from tests.support.model_server import free_port
from tests.support.pages import DOCS, ROOT, block_with
from tests.support.stub_model_server import MODEL_NAME, running_stub
from tests.support.web import (
    accessibility_violations,
    browser,
    focus_line,
    open_page,
    wait_for_answer,
    word,
)

__all__ = ["browser"]


def test_a_key_is_asked_for_used_and_kept_out_of_the_link(browser: Browser, tmp_path: Path) -> None:
    keys = tmp_path / "keys.toml"
    key, key_id = make_key()
    entry = {"id": key_id, "name": "somebody", "sha256": digest_of(key)}
    keys.write_text(entry_as_toml(ApiKeyEntry.model_validate(entry)))
    keys.chmod(0o600)
    with (
        running_http_gateway("--api-keys", str(keys)) as (gateway, _),
        open_page(browser, gateway.url, {"text": "heed"}) as page,
    ):
        field = page.get_by_label("API key")
        field.wait_for()
        assert "asks for an API key" in page.locator(".problem").first.inner_text()
        assert not accessibility_violations(page)
        field.fill("no key at all")
        page.get_by_role("button", name="Use key").click()
        page.wait_for_function(
            "() => document.querySelector('.problem').textContent.includes('another API key')"
        )
        field.fill(key)
        page.get_by_role("button", name="Use key").click()
        wait_for_answer(page)
        assert page.locator("[data-part=hypothesis] .output").inner_text().startswith("heed")
        page.get_by_role("button", name="Copy link").click()
        page.wait_for_selector("text=Link copied")
        assert key not in page.url
        assert page.evaluate("JSON.stringify([localStorage, sessionStorage])").find(key) < 0


def test_a_model_that_is_not_there_yet_is_looked_at_again_and_asked(browser: Browser) -> None:
    port = free_port()
    flags = ["--model-server", f"127.0.0.1:{port}", "--model", MODEL_NAME, "--http-port=0"]
    with (
        running_gateway(flags, until_ready=False) as gateway,
        open_page(browser, gateway.url, {"text": "heed"}) as page,
    ):
        page.wait_for_selector("text=The page looks again by itself")
        assert page.locator(".answer").count() == 0
        with running_stub(port):
            wait_for_answer(page)
            assert page.locator("[data-part=hypothesis] .output").inner_text().startswith("heed")
            assert page.locator("text=The page looks again by itself").count() == 0


def test_a_gateway_that_is_gone_is_told_in_a_sentence(browser: Browser) -> None:
    with running_stub() as stub:
        flags = ["--model-server", stub.address, "--model", MODEL_NAME, "--http-port=0"]
        with (
            running_gateway(flags) as gateway,
            open_page(browser, gateway.url, {"text": "heed"}) as page,
        ):
            wait_for_answer(page)
            assert gateway.terminate() == 0
            page.get_by_role("button", name="Generate", exact=True).click()
            page.wait_for_selector(".problem")
            assert "The gateway cannot be reached." in page.locator(".problem").inner_text()


def test_the_python_of_the_page_writes_a_file_that_opens(browser: Browser, tmp_path: Path) -> None:
    code = block_with(DOCS / "explorer.md", "standalone_page")
    with running_http_gateway() as (gateway, _):
        there = code.replace("http://localhost:8080", gateway.url)
        command = [sys.executable, "-c", there]
        subprocess.run(command, cwd=tmp_path, check=True, timeout=60, env=_environment())
    with open_page(browser, (tmp_path / "attention.html").as_uri(), offline=True) as page:
        wait_for_answer(page)
        assert page.locator("[data-part=hypothesis] .output").inner_text().startswith("attention")
        assert page.get_by_label("Pieces", exact=True).is_disabled()
        word(page, "source", 0).hover()
        assert focus_line(page).startswith("“attention” is looked at by “attention” 1.000")


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}
