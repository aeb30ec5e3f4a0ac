"""The results as Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from typing import Final

from benchmarks.decoding.cases import Case, Search
from benchmarks.decoding.results import EngineResult, Results, SubjectResult

_NOISE: Final = 0.05
"""With a larger share of the processors in others' hands, figures are marked as noisy."""

_HEAD: Final = """\
# Decoding beside CTranslate2

Tokens a second of Heed's exported graphs, run in a session as a model server runs them, beside
CTranslate2 with the same weights: one process for each engine and number format, taking turns;
batches of mixed length in random order; no attention returned, scores by both. A ratio above 1 says
that Heed is faster: the median of the rounds, in brackets the lowest and the highest. Written by
`{command}`; [precisions](../../docs/precisions.md#beside-ctranslate2) says how it is measured.

![Ratios of tokens a second]({plot})
"""


def markdown(results: Results, *, command: str, plot: str) -> str:
    """The page.

    Args:
        results: What was measured, of one model or more.
        command: What repeats it.
        plot: The picture's file, beside the page.
    """
    parts = [_HEAD.format(command=command, plot=plot)]
    parts += [_subject(result) for result in results.subjects.values()]
    return "\n".join(parts)


def _subject(result: SubjectResult) -> str:
    lines = [f"## {result.name}", "", f"{_sentence(result.description)} {_conditions(result)}", ""]
    for search in result.searches:
        lines += [f"Ratios, {search.label}:", "", *_ratios(result, search), ""]
    for search in result.searches:
        lines += [f"Tokens a second, {search.label}:", "", *_speeds(result, search), ""]
    lines += ["Beside each speed:", "", *_costs(result), ""]
    lines += [f"* {search.label}, float32: {each}." for search, each in result.agreement.items()]
    lines += [f"* {label} was not measured: {why}." for label, why in result.left_out.items()]
    return "\n".join(lines) + "\n"


def _conditions(result: SubjectResult) -> str:
    software = ", ".join(f"{name} {version}" for name, version in result.software.items())
    noise = f"other programs had {result.others_share:.0%} of the processors"
    if result.others_share > _NOISE:
        noise = f"**the machine was noisy: {noise}**"
    return (
        f"{result.began_at}, {result.machine}; {software}; {result.streams} request streams, "
        f"{result.source_count:,} sources; {noise}. `{result.command}`"
    )


def _ratios(result: SubjectResult, search: Search) -> Iterator[str]:
    sizes = result.batch_sizes(search)
    yield from _head(["Heed : CTranslate2", *(f"b{rows}" for rows in sizes)])
    for own, other in result.pairs():
        ratios = [result.ratio(own, other, Case(search, rows)) for rows in sizes]
        yield _row([f"{own.precision} : {other.precision}", *(str(each) for each in ratios)])


def _speeds(result: SubjectResult, search: Search) -> Iterator[str]:
    sizes = result.batch_sizes(search)
    yield from _head(["", *(f"b{rows}" for rows in sizes)])
    for each in result.engines:
        medians = [statistics.median(each.tokens_per_s[Case(search, rows).key]) for rows in sizes]
        yield _row([each.engine.label, *(f"{median:,.0f}" for median in medians)])


def _costs(result: SubjectResult) -> Iterator[str]:
    searches = result.searches
    has_bleu = any(each.bleu for each in result.engines)
    quality = [f"BLEU {search.label}" for search in searches] if has_bleu else []
    equal = [f"as its float32, {search.label}" for search in searches]
    names = ["memory, MB", "of it before the model", "export, MB", "load, s", "first call, s"]
    yield from _head(["", *quality, *equal, *names, "batches x threads"])
    for each in result.engines:
        cells = [f"{each.bleu[search]:.2f}" for search in searches] if has_bleu else []
        cells += [_share(each, search) for search in searches]
        cells += [f"{1e-6 * each.memory_bytes:,.0f}", f"{1e-6 * each.bare_bytes:,.0f}"]
        cells += [f"{1e-6 * each.size_bytes:,.1f}", f"{each.load_s:.2f}"]
        cells += [f"{each.first_call_s:.2f}", f"{each.threads[0]} x {each.threads[1]}"]
        yield _row([each.engine.label, *cells])


def _share(each: EngineResult, search: Search) -> str:
    share = each.equal_to_float32.get(search)
    return "–" if share is None else f"{share:.1%}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def _head(cells: Sequence[str]) -> Iterator[str]:
    yield _row(cells)
    yield "|" + "---|" * len(cells)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
