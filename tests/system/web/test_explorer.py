"""The attention explorer in a real browser, against a real gateway and model server."""

from __future__ import annotations

import json
import math
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Request

from benchmarks.explorer_frames import answer_of
from heed.page import standalone_page
from tests.support.explorer import (
    TEXT,
    VIEW,
    Question,
    api,
    download,
    gateway,
    is_smooth,
    matrix_of,
    painted_pixels,
    painted_weights,
    percent,
    question,
    tints_of_sources,
)
from tests.support.explorer_models import (
    FLAT,
    HIERARCHICAL,
    INSTANT_NAME,
    TRANSFORMER_NAME,
    explorer_models_dir,
)
from tests.support.gateway import GatewayProcess
from tests.support.waiting import wait_until
from tests.support.web import (
    accessibility_violations,
    as_shown,
    browser,
    focus_line,
    open_page,
    shown_table,
    wait_for_answer,
    word,
)

__all__ = ["api", "browser", "explorer_models_dir", "gateway", "question"]

pytestmark = pytest.mark.timeout(600)  # models are made and loaded before the first test

LONG = ("abcdefghijklmnopqrstuvwxyz" * 8)[:199]


def test_a_text_is_typed_and_its_answer_grows_until_links_and_numbers_appear(
    browser: Browser, gateway: GatewayProcess, question: Question
) -> None:
    with open_page(browser, gateway.url) as page:
        page.evaluate(
            """() => {
                window.seen = [];
                new MutationObserver(() => {
                    const text = document.querySelector('[data-part=growing] .output')?.textContent;
                    if (text && window.seen.at(-1) !== text) window.seen.push(text);
                }).observe(document.body, {subtree: true, childList: true, characterData: true});
            }"""
        )
        page.get_by_role("combobox", name="Model", exact=True).select_option(TRANSFORMER_NAME)
        page.get_by_label("Text", exact=True).fill(TEXT)
        page.locator(".options summary").click()
        page.get_by_role("combobox", name="Search").select_option("sample")
        page.get_by_label("Seed").fill(str(question.seed))
        page.get_by_role("button", name="Generate", exact=True).click()
        wait_for_answer(page)
        grown = page.evaluate("window.seen")
        expected = question.generated("WORDS")["hypotheses"][0]
        shown = page.locator("[data-part=hypothesis] .output").inner_text().rstrip(" ·")
        assert shown == expected["text"]
        assert len(grown) >= 2
        assert all(expected["text"].startswith(text) for text in grown)
        rows = expected["attention"]["targetTokens"]
        assert page.locator("[data-side=target]").count() == len(rows)
        assert page.locator("[data-side=source]").count() == 1
        assert painted_pixels(page, "[data-part=links] canvas") > 100
        assert f"{expected['score']:.3f}" in page.locator(".scores").inner_text()


def test_pointing_at_a_word_highlights_what_the_api_says_it_looked_at(
    browser: Browser, gateway: GatewayProcess, question: Question
) -> None:
    attention = question.generated()["hypotheses"][0]["attention"]
    weights = matrix_of(attention)
    with open_page(browser, gateway.url, question.view) as page:
        wait_for_answer(page)
        for row in (0, len(weights) - 1):
            word(page, "target", row).hover()
            best = int(np.argmax(weights[row]))
            letter = attention["sourceTokens"][best]["text"]
            assert f"looks at “{letter}” {as_shown(weights[row, best])}" in focus_line(page)
            tints = tints_of_sources(page)
            assert tints[best] == max(tints) > 0
        column = 2
        word(page, "source", column).hover()
        best = int(np.argmax(weights[:, column]))
        assert as_shown(weights[best, column]) in focus_line(page)
        assert "is looked at by" in focus_line(page)


def test_words_are_walked_through_by_keys_and_said(
    browser: Browser, gateway: GatewayProcess, question: Question
) -> None:
    weights = matrix_of(question.generated()["hypotheses"][0]["attention"])
    with open_page(browser, gateway.url, question.view) as page:
        wait_for_answer(page)
        word(page, "target", 0).focus()
        page.keyboard.press("ArrowRight")
        assert as_shown(weights[1].max()) in focus_line(page)
        page.keyboard.press("ArrowUp")
        assert "is looked at by" in focus_line(page)
        page.locator("[data-part=heat-map]").focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowRight")
        assert f": {as_shown(weights[0, 1])}." in focus_line(page)
        assert page.locator("[data-part=focus]").first.get_attribute("aria-live") == "polite"


def test_a_tap_keeps_a_word_and_its_links(
    browser: Browser, gateway: GatewayProcess, question: Question
) -> None:
    weights = matrix_of(question.generated()["hypotheses"][0]["attention"])
    with open_page(browser, gateway.url, question.view, phone=True) as page:
        wait_for_answer(page)
        word(page, "target", 1).tap()
        page.wait_for_selector("[data-side=target][aria-pressed=true]")
        assert as_shown(weights[1].max()) in focus_line(page)


def test_a_head_is_chosen_among_small_multiples_that_cost_one_call(
    browser: Browser, gateway: GatewayProcess, question: Question
) -> None:
    hypothesis = question.generated("HEADS")["hypotheses"][0]
    heads = hypothesis["attention"]["heads"]
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url.rpartition("/")[2])

    with open_page(browser, gateway.url, question.view) as page:
        wait_for_answer(page)
        page.on("request", note)
        page.get_by_role("button", name="Every layer and head").click()
        page.wait_for_selector("[data-part=heads]")
        names = page.locator("[data-part=heads] button .unseen").all_inner_texts()
        assert sum(", head " in name for name in names) == len(heads) == 6
        page.get_by_role("button", name="layer 1, head 1").click()
        (chosen,) = [head for head in heads if (head["layerIndex"], head["headIndex"]) == (1, 1)]
        weights = matrix_of(hypothesis["attention"], chosen["weights"])
        assert shown_table(page) == [[as_shown(weight) for weight in row] for row in weights]
        page.get_by_role("button", name="layer 1, mean of its heads").click()
        layer = [head["weights"] for head in heads if head["layerIndex"] == 1]
        mean = matrix_of(hypothesis["attention"], np.mean(layer, axis=0).tolist())
        shown = [[float(cell.lstrip("<>")) for cell in row] for row in shown_table(page)]
        assert np.allclose(shown, mean, atol=0.0011)
        assert asked == ["score"]


def test_the_heads_of_an_output_without_an_end_are_shown_as_well(
    browser: Browser, gateway: GatewayProcess, question: Question
) -> None:
    options = {"sampling": {"seed": question.seed}, "maxLength": 3}
    attention = question.generated("HEADS", **options)["hypotheses"][0]["attention"]
    view = {**question.view, "maxLength": "3", "heads": "1", "head": "0.1"}
    with open_page(browser, gateway.url, view) as page:
        wait_for_answer(page)
        page.wait_for_selector("[data-part=heads]")
        weights = matrix_of(attention, attention["heads"][1]["weights"])
        assert shown_table(page) == [[as_shown(weight) for weight in row] for row in weights]


def test_words_and_pieces_are_both_the_apis(
    browser: Browser, gateway: GatewayProcess, question: Question
) -> None:
    words = question.generated("WORDS")["hypotheses"][0]["attention"]
    with open_page(browser, gateway.url, question.view) as page:
        wait_for_answer(page)
        page.get_by_label("Words", exact=True).check(force=True)
        page.wait_for_function("() => document.querySelectorAll('[data-side=source]').length === 1")
        expected = [[as_shown(weight) for weight in row] for row in matrix_of(words)]
        assert shown_table(page) == expected


def test_a_threshold_leaves_weak_weights_out_of_the_picture(
    browser: Browser, gateway: GatewayProcess, question: Question
) -> None:
    with open_page(browser, gateway.url, question.view) as page:
        wait_for_answer(page)
        everything = painted_pixels(page, "[data-part=links] canvas")
        page.get_by_label("Hide weights below").fill("0.5")
        page.wait_for_function(
            "() => document.querySelector('.slider output').textContent.trim() === '0.500'"
        )
        # A canvas is painted with the next frame.
        wait_until(lambda: painted_pixels(page, "[data-part=links] canvas") < everything / 2)


def test_another_word_is_forced_and_the_rest_generated_again(
    browser: Browser, gateway: GatewayProcess, question: Question
) -> None:
    first = question.generated()["hypotheses"][0]
    place = 2
    beginning = first["text"][: first["tokens"][place]["beginOffset"]].rstrip()
    beam = question.generated(
        "NONE", prefix=beginning, beamWidth=8, numHypotheses=8, maxLength=place + 1
    )
    expected = {
        round(100 * math.exp(each["tokens"][place]["score"]), 1) for each in beam["hypotheses"]
    }
    with open_page(browser, gateway.url, question.view) as page:
        wait_for_answer(page)
        word(page, "target", place).click()
        page.wait_for_selector(".alternatives .chip")
        shown = page.locator(".alternatives .chip").all_inner_texts()
        assert {percent(text) for text in shown} == expected
        other = page.locator(".alternatives .chip:not([aria-current]):not([disabled])").first
        chosen = other.locator("bdi").inner_text()
        other.click()
        page.wait_for_selector(".what-if", state="detached")
        wait_for_answer(page)
        forced = question.generated(prefix=f"{beginning} {chosen}")["hypotheses"][0]["text"]
        shown_text = page.locator("[data-part=hypothesis] .output").inner_text()
        assert shown_text.rstrip(" ·") == forced
        assert forced.startswith(f"{beginning} {chosen}")


def test_hypotheses_stand_side_by_side_with_a_colour_for_each_token(
    browser: Browser, gateway: GatewayProcess, question: Question
) -> None:
    expected = question.generated(beamWidth=4, numHypotheses=3)["hypotheses"]
    view = {**VIEW, "search": "beam", "beamWidth": "4", "numHypotheses": "3"}
    with open_page(browser, gateway.url, view) as page:
        wait_for_answer(page)
        cards = page.locator("[data-part=hypothesis]")
        assert cards.count() == 3
        for index, hypothesis in enumerate(expected):
            card = cards.nth(index)
            assert card.locator(".output").inner_text().rstrip(" ·") == hypothesis["text"]
            tokens = [token for token in hypothesis["tokens"] if token["text"].strip()]
            titles = card.locator(".scored:not(.end)").evaluate_all(
                "all => all.map(each => each.title)"
            )
            assert [percent(title) for title in titles] == pytest.approx(
                [100 * math.exp(token["score"]) for token in tokens], abs=0.051
            )
        page.get_by_role("button", name="2. explore").click()
        rows = expected[1]["attention"]["targetTokens"]
        assert page.locator("[data-side=target]").count() == len(rows)


def test_a_link_restores_the_whole_view(browser: Browser, gateway: GatewayProcess) -> None:
    view = {**VIEW, "search": "beam", "hypothesis": "1", "head": "2.1", "heads": "1", "at": "1."}
    with open_page(browser, gateway.url, view) as page:
        wait_for_answer(page)
        page.wait_for_selector("[data-part=heads]")
        page.get_by_label("Scale to the largest weight").check()
        page.get_by_role("button", name="Copy link").click()
        page.wait_for_selector("text=Link copied")
        link = page.evaluate("navigator.clipboard.readText()")
        line, table = focus_line(page), shown_table(page)
    base, _, fragment = link.partition("#")
    assert base == f"{gateway.url}/"
    with open_page(browser, link) as again:
        wait_for_answer(again)
        again.wait_for_selector("[data-part=heads] [aria-pressed=true]")
        assert focus_line(again) == line
        assert shown_table(again) == table
        assert again.get_by_label("Scale to the largest weight").is_checked()
        assert again.get_by_label("Text", exact=True).input_value() == TEXT
        assert again.locator(".hypothesis.chosen .scores").inner_text().startswith("2.")
    assert "text=attention" in fragment


def test_downloads_are_files_that_open(
    browser: Browser, gateway: GatewayProcess, question: Question, tmp_path: Path
) -> None:
    hypothesis = question.generated()["hypotheses"][0]
    with open_page(browser, gateway.url, {**question.view, "heads": "1", "at": "2."}) as page:
        wait_for_answer(page)
        page.wait_for_selector("[data-part=heads]")
        for name in ("Heat map, PNG", "Links, PNG"):
            assert download(page, name).read_bytes().startswith(b"\x89PNG\r\n")
        for name in ("Heat map, SVG", "Links, SVG"):
            picture = ET.parse(download(page, name)).getroot()
            texts = {element.text for element in picture.iter() if element.tag.endswith("}text")}
            assert {token["text"].strip() for token in hypothesis["tokens"][:-1]} <= texts
        saved = json.loads(download(page, "Answer, JSON").read_bytes())
        assert saved["answers"][0]["response"]["results"][0]["hypotheses"][0] == hypothesis
        html = download(page, "This page, HTML").read_bytes()
        line, table = focus_line(page), shown_table(page)
    files = {"page.html": html, "python.html": standalone_page(saved).encode()}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        with open_page(browser, (tmp_path / name).as_uri(), offline=True) as page:
            wait_for_answer(page)
            assert focus_line(page) == line
            assert shown_table(page) == table
            page.get_by_role("button", name="layer 0, head 1").click()
            assert "layer 0, head 1" in page.locator(".heads-line").inner_text()
            assert page.locator("form").count() == 0


def test_two_models_answer_the_same_text_side_by_side(
    browser: Browser, gateway: GatewayProcess
) -> None:
    with open_page(browser, gateway.url, {**VIEW, "model2": INSTANT_NAME}) as page:
        wait_for_answer(page, 2)
        titles = page.locator(".answer h2").all_inner_texts()
        assert TRANSFORMER_NAME in titles[0]
        assert INSTANT_NAME in titles[1]
        second = page.locator(".answer").nth(1)
        assert second.locator("[data-part=hypothesis] .output").inner_text().rstrip(" ·") == TEXT
        assert second.locator("[data-side=target]").count() == len(TEXT) + 1


def test_two_hundred_tokens_on_each_axis_stay_smooth(
    browser: Browser, gateway: GatewayProcess
) -> None:
    view = {"text": LONG, "model": INSTANT_NAME, "unit": "pieces"}
    with open_page(browser, gateway.url, view) as page:
        wait_for_answer(page)
        assert page.locator("[data-side=target]").count() == len(LONG) + 1
        assert is_smooth(page)


def test_a_dense_matrix_of_that_size_stays_smooth_as_well(browser: Browser, tmp_path: Path) -> None:
    page_of_dense = standalone_page(answer_of("dense", 200))
    (tmp_path / "dense.html").write_text(page_of_dense, encoding="utf-8")
    with open_page(browser, (tmp_path / "dense.html").as_uri(), offline=True) as page:
        wait_for_answer(page)
        assert page.get_by_label("Scale to the largest weight").is_checked()
        assert "strongest links are drawn" in page.locator(".figure-links").inner_text()
        assert is_smooth(page)


def test_the_map_zooms_and_every_cell_can_be_read(
    browser: Browser, gateway: GatewayProcess
) -> None:
    view = {"text": LONG, "model": INSTANT_NAME, "unit": "pieces"}
    with open_page(browser, gateway.url, view) as page:
        wait_for_answer(page)
        heat_map = page.locator("[data-part=heat-map]")
        before = heat_map.screenshot()
        for _ in range(6):
            page.get_by_role("button", name="Zoom in").click()
        assert heat_map.screenshot() != before
        heat_map.focus()
        for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight"):
            page.keyboard.press(key)
        assert focus_line(page).startswith("“c” looks at “c”: 1.000")
        page.get_by_role("button", name="All", exact=True).click()
        page.keyboard.press("Tab")


def test_texts_from_right_to_left_and_combining_characters_are_right(
    browser: Browser, gateway: GatewayProcess
) -> None:
    text = "שלום עולם cafe\u0301"
    with open_page(browser, gateway.url, {"text": text, "model": INSTANT_NAME}) as page:
        wait_for_answer(page)
        source = page.locator(".words.source")
        assert source.get_attribute("dir") == "rtl"
        assert page.locator("[data-side=source]").all_inner_texts() == text.split()
        boxes = [word(page, "source", index).bounding_box() for index in range(2)]
        assert boxes[0]["x"] > boxes[1]["x"]
        word(page, "source", 0).focus()
        page.keyboard.press("ArrowLeft")
        assert focus_line(page).startswith("“עולם”")
        page.get_by_label("Pieces", exact=True).check(force=True)
        page.wait_for_function("() => document.querySelectorAll('[data-side=source]').length > 3")
        pieces = page.locator("[data-side=source]").all_inner_texts()
        assert not any(re.match(r"[\u0300-\u036f]", piece) for piece in pieces)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("phone", [False, True])
def test_everybody_can_use_it_in_both_themes_and_on_a_phone(
    browser: Browser, gateway: GatewayProcess, theme: str, phone: bool
) -> None:
    view = {**VIEW, "search": "beam", "heads": "1", "at": "1."}
    with open_page(browser, gateway.url, view, theme=theme, phone=phone) as page:
        wait_for_answer(page)
        page.wait_for_selector("[data-part=heads]")
        page.wait_for_selector(".alternatives")
        page.locator(".options").evaluate("options => options.open = true")
        shown_table(page)
        assert not accessibility_violations(page)
        width = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert width[0] <= width[1]
        assert page.evaluate("document.documentElement.dataset.theme") == theme
        assert len(page.screenshot(full_page=True)) > 20_000


def test_refusals_are_sentences_that_name_the_field(
    browser: Browser, gateway: GatewayProcess
) -> None:
    with open_page(browser, gateway.url, {**VIEW, "maxLength": "99"}) as page:
        wait_for_answer(page)
        problem = page.locator(".problem").inner_text()
        assert problem.startswith("Longest output must be 1 to ")
        page.get_by_label("Text", exact=True).fill("attention" * 20)
        page.locator(".options").evaluate("options => options.open = true")
        page.get_by_label("Longest output, tokens").fill("")
        page.get_by_role("button", name="Generate", exact=True).click()
        page.wait_for_function(
            "() => document.querySelector('.problem')?.textContent.startsWith('The text')"
        )
        assert not accessibility_violations(page)


def test_a_classifier_paints_words_and_shows_its_labels_and_hops(
    browser: Browser, gateway: GatewayProcess, question: Question
) -> None:
    text = "The film was wonderful."
    words = question.classified(FLAT, text, "WORDS")
    hops = question.classified(FLAT, text, "HEADS")["attention"]["heads"]
    with open_page(browser, gateway.url, {"text": text, "model": FLAT}) as page:
        wait_for_answer(page)
        labels = page.locator(".labels th").all_inner_texts()
        assert labels == [each["label"] for each in words["labels"]]
        shown = page.locator(".labels data").all_inner_texts()
        assert shown == [f"{100 * each['probability']:.1f} %" for each in words["labels"]]
        assert painted_weights(page) == pytest.approx(words["attention"]["weights"])
        page.get_by_label("Pieces", exact=True).check(force=True)
        page.get_by_role("button", name="Every layer and head").click()
        page.get_by_role("button", name="layer 0, head 1").click()
        page.wait_for_selector(".heads-line >> text=layer 0, head 1")
        assert painted_weights(page) == pytest.approx(hops[1]["weights"])
        assert not accessibility_violations(page)


def test_a_hierarchical_classifier_shows_the_weight_of_each_sentence(
    browser: Browser, gateway: GatewayProcess, question: Question
) -> None:
    text = "The film was wonderful. Many people in a large town. It was seen."
    attention = question.classified(HIERARCHICAL, text, "WORDS")["attention"]
    view = {"text": text, "model": HIERARCHICAL}
    with open_page(browser, gateway.url, view, theme="dark") as page:
        wait_for_answer(page)
        sentences = page.locator(".sentence-weight").all_inner_texts()
        weights = [sentence["weight"] for sentence in attention["sentences"]]
        assert [each.split()[-1] for each in sentences] == [as_shown(weight) for weight in weights]
        assert painted_weights(page) == pytest.approx(attention["weights"])
        assert not accessibility_violations(page)
