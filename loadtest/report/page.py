"""The report as one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from loadtest.measuring import Measured
from loadtest.report import plots
from loadtest.report.results import SearchResults
from loadtest.report.summary import summarize

_STYLE: Final = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #1b1b1b; background: #fff; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
table { border-collapse: collapse; margin: .6rem 0; }
th, td { text-align: left; padding: .25rem .9rem .25rem 0; border-bottom: 1px solid #e4e4e4; }
td { font-variant-numeric: tabular-nums; vertical-align: top; }
td:not(:last-child) { white-space: nowrap; }
figure { margin: 1rem 0; } figure img { max-width: 100%; height: auto; }
figcaption { font-size: .9rem; color: #555; }
.verdict { padding: .7rem 1rem; border-radius: .4rem; }
.met { background: #e6f4ea; } .broken { background: #fce8e6; } .noisy { background: #fef7e0; }
code { background: #f4f4f4; padding: .1rem .3rem; border-radius: .2rem; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
"""


def write_page(results: SearchResults, path: Path) -> None:
    """Writes the page of a search."""
    path.write_text(_page(results), encoding="utf-8")


def write_load_page(measured: Measured, summary: Mapping[str, Any], path: Path) -> None:
    """Writes the page of a single load; `summary` is `load_summary`'s."""
    parts = [*_kept(summary["load"]["broken"]), *_load(measured, summary["load"])]
    if summary["drift"]:
        parts += ["<h2>From the first third to the last</h2>", _drift(summary["drift"])]
    path.write_text(document("A load", [*parts, *_where(summary)]), encoding="utf-8")


def _kept(broken: Sequence[str]) -> list[str]:
    if broken:
        return [f'<p class="verdict broken"><b>Not met:</b> {html.escape("; ".join(broken))}']
    return ['<p class="verdict met">The objectives are met.']


def _drift(drift: Mapping[str, Sequence[float]]) -> str:
    rows = [[name, f"{first:.1f}", f"{last:.1f}"] for name, (first, last) in drift.items()]
    return table(["", "first third", "last third"], rows)


def document(title: str, parts: Iterable[str]) -> str:
    """A whole page from its parts."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{html.escape(title)}</h1>\n" + "\n".join(parts) + "\n</main>\n</body>\n</html>\n"
    )


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; cells are text."""
    cells = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in head)
    lines = "\n".join(
        "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    head_row = f"<thead><tr>{cells}</tr></thead>"
    return f'<div class="wide"><table>{head_row}\n<tbody>{lines}</tbody></table></div>'


def picture(svg: str, caption: str) -> str:
    """A picture with what it shows."""
    data = base64.b64encode(svg.encode()).decode()
    text = html.escape(caption)
    return (
        f'<figure><img alt="{text}" src="data:image/svg+xml;base64,{data}">'
        f"<figcaption>{text}</figcaption></figure>"
    )


def milliseconds(value: float | None) -> str:
    """A time as it is shown; a dash where there is none."""
    if value is None:
        return "–"
    return f"{value:.1f} ms" if value < 10 else f"{value:.0f} ms"


def _page(results: SearchResults) -> str:
    summary = summarize(results)
    parts = [
        *_verdict(results),
        f"<h2>At {results.rate:.1f} requests a second</h2>",
        *_load(results.final, summary["final"]),
        *_searches(results, summary),
        *_generator(summary["generator"], results.rate),
        *_where(summary),
    ]
    return document(f"Load test of {results.model}", parts)


def _verdict(results: SearchResults) -> list[str]:
    parts = []
    if results.failures:
        parts.append(
            f'<p class="verdict broken"><b>Not met:</b> {html.escape("; ".join(results.failures))}'
        )
    else:
        parts.append(
            f'<p class="verdict met"><b>{results.rate:.1f} requests a second</b> meet the '
            "objectives."
        )
    rates = ", ".join(f"{found.rate:.1f}" for found in results.searches)
    parts.append(
        f"<p>The searches found {rates} requests a second, {results.disagreement:.0%} apart."
    )
    if results.noise:
        parts.append(
            '<p class="verdict noisy"><b>The machine was noisy:</b> '
            f"{html.escape('; '.join(results.noise))}. Repeat it while nothing else runs."
        )
    bounds = results.objectives.latency_ms
    parts.append(
        f"<p>Objectives: p50 within {bounds.p50:g} ms, p95 within {bounds.p95:g} ms, p99 within "
        f"{bounds.p99:g} ms, at most {results.objectives.errors.max_share:.1%} failed. Latency "
        "counts from when a request was to be sent, so that no waiting is hidden."
    )
    return parts


def _load(measured: Measured, final: Mapping[str, Any]) -> list[str]:
    latency, load = final["latency_ms"], measured.load
    share = final["model_server_share"]
    parts = [
        table(
            ["answers a second", *latency, "failed"],
            [
                [
                    f"{final['answers_per_s']:.1f}",
                    *(milliseconds(value) for value in latency.values()),
                    f"{final['error_share']:.2%}",
                ]
            ],
        ),
        picture(plots.latency_curves({"answers": load}), "Share of the answers within a time"),
        picture(plots.over_time(load), "Latency in each second, and how many were asked"),
        "<h3>Where the time goes</h3>",
        picture(plots.stages(load), "Percentiles of each stage; they do not add up"),
        table(
            ["stage", "p50", "p95", "p99"],
            [
                [name, *(milliseconds(value) for value in values.values())]
                for name, values in final["stages_ms"].items()
            ],
        ),
        f"<p>The model server has {share['of_latency']:.0%} of the latency and "
        f"{share['of_processor_time']:.0%} of the servers' processor time.",
        "<h3>Processors and memory</h3>",
        picture(plots.processors(measured), "Processors that each process kept busy"),
        table(
            ["process", "processors", "processor time for an answer", "most memory"],
            [
                [
                    name,
                    f"{used['cores']:.2f}",
                    f"{used['cpu_ms_per_answer']:.2f} ms",
                    f"{used['most_mib']:.0f} MiB",
                ]
                for name, used in final["processes"].items()
            ],
        ),
        f"<p>Everything else on the machine kept {final['other_cores']:.2f} processors busy.",
    ]
    return [*parts, *_batches(final["batches"])]


def _batches(batches: Mapping[str, Any] | None) -> list[str]:
    if not batches or not batches["count"]:
        return []
    counts = {float(bound): count for bound, count in batches["row_counts"].items()}
    return [
        "<h3>Batches</h3>",
        table(
            ["batches", "rows in one", "fill", "padding", "time in the model server"],
            [
                [
                    batches["count"],
                    f"{batches['rows']:.1f}",
                    f"{batches['fill']:.1%}",
                    f"{batches['padding']:.1%}",
                    milliseconds(1e3 * batches["seconds"]),
                ]
            ],
        ),
        picture(plots.batch_rows(counts), "Rows in a batch"),
    ]


def _searches(results: SearchResults, summary: Mapping[str, Any]) -> list[str]:
    names = [f"search {number}" for number in range(1, len(results.searches) + 1)] + ["for longer"]
    everything = [*results.searches, results.held]
    trials = {name: found.trials for name, found in zip(names, everything, strict=True)}
    rows = [
        [
            name,
            f"{trial['rate']:.1f}",
            *(milliseconds(trial["latency_ms"][name]) for name in ("p50", "p95", "p99")),
            f"{trial['error_share']:.2%}",
            "met" if trial["is_met"] else "; ".join(trial["broken"]),
        ]
        for name, search in zip(names, [*summary["searches"], summary["held"]], strict=True)
        for trial in search["trials"]
    ]
    return [
        "<h2>The search</h2>",
        picture(plots.latency_by_rate(trials, results.objectives), "p99 at each rate tried"),
        table(
            ["measured in", "requests a second", "p50", "p95", "p99", "failed", "objectives"], rows
        ),
        f"<p>Users who wait for each answer got {results.capacity:.1f} answers a second.",
    ]


def _generator(generator: Mapping[str, Any], rate: float) -> list[str]:
    parts = [
        "<h2>The load generator</h2>",
        f"<p>It sends {generator['ceiling_requests_per_s']:.0f} requests a second to a server that "
        f"answers at once, {generator['ceiling_requests_per_s'] / max(rate, 1e-9):.1f} times the "
        f"rate found, and takes {generator['ceiling_cpu_ms']:.2f} ms of a processor for each.",
    ]
    crossed = generator["cross_check"]
    if crossed is None:
        return [*parts, "<p>k6 is not installed: no second opinion."]
    rows = [
        [
            name,
            f"{found['requests_per_s']:.1f}",
            *(milliseconds(value) for value in found["latency_ms"].values()),
            f"{found['failed_share']:.2%}",
        ]
        for name, found in crossed.items()
    ]
    return [
        *parts,
        "<p>Half of the rate at equal gaps, from both tools, one after the other:",
        table(["tool", "requests a second", "p50", "p95", "p99", "failed"], rows),
    ]


def _where(summary: Mapping[str, Any]) -> list[str]:
    machine, texts = summary["machine"], summary["texts"]
    software = ", ".join(f"{name} {version}" for name, version in machine["software"].items())
    place = (
        f"{machine['processor']}, {machine['processor_count']} processors, "
        f"{machine['memory_bytes'] / 2**30:.0f} GiB, {machine['system']}"
    )
    sent = (
        f"{texts['count']}; {texts['source']}; {texts['mean_tokens']:.1f} tokens on average, "
        f"{texts['longest_tokens']} at most"
    )
    rows = {
        "command": summary["command"],
        "began": summary["began_at"],
        "machine": place,
        "software": software,
        "texts": sent,
    }
    return ["<h2>Where, and with what</h2>", table(["", ""], rows.items())]
