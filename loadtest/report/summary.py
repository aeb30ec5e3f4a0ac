"""The numbers of a load test, for JSON, for the page and for a README."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from loadtest.asking import STAGES
from loadtest.generator_check import CrossCheck
from loadtest.locust_run import GENERATOR
from loadtest.machine import Machine
from loadtest.measuring import Measured, Texts
from loadtest.report.results import SearchResults
from loadtest.samples import Load, load_of, percentile
from loadtest.search import Found
from loadtest.servers import GATEWAY, MODEL_SERVER

SHARES: Final = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}
_STAGE_SHARES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_MIB: Final = 2**20
_SHORTEST_DRIFT_S: Final = 30.0
_LEAST_STAGE_S: Final = 1e-4


def summarize(results: SearchResults) -> dict[str, Any]:
    """Everything that is reported, in values that JSON knows."""
    summary = {
        "model": results.model,
        "command": results.command,
        "began_at": results.began_at,
        "machine": asdict(results.machine),
        "objectives": results.objectives.model_dump(),
        "texts": texts_summary(results.texts),
        "rate": results.rate,
        "searches": [_found(found) for found in results.searches],
        "held": _found(results.held),
        "disagreement": results.disagreement,
        "noise": results.noise,
        "capacity_of_waiting_users": results.capacity,
        "final": measured_summary(results.final),
        "generator": _generator(results),
        "failures": results.failures,
        "readme_line": readme_line(results),
    }
    return finite(summary)


def load_summary(
    measured: Measured, *, texts: Texts, machine: Machine, command: str, began_at: str
) -> dict[str, Any]:
    """A single load: its numbers, and how they changed while it ran."""
    return finite(
        {
            "command": command,
            "began_at": began_at,
            "machine": asdict(machine),
            "texts": texts_summary(texts),
            "load": measured_summary(measured),
            "drift": drift(measured),
        }
    )


def texts_summary(texts: Texts) -> dict[str, Any]:
    """What was sent."""
    counts = sorted(texts.token_counts)
    return {
        "source": texts.source,
        "count": len(counts),
        "mean_tokens": sum(counts) / len(counts),
        "longest_tokens": counts[-1],
    }


def drift(measured: Measured) -> dict[str, tuple[float, float]]:
    """Figures of the first third of a load and of the last one; empty for a short one.

    What leaks or fills up shows here: latencies in milliseconds, memory of each process in MiB.
    """
    samples, points = measured.load.samples, measured.usage.points
    if measured.load.seconds < _SHORTEST_DRIFT_S or not points:
        return {}
    begin_s, third_s = samples[0].due_s, measured.load.seconds / 3
    first = load_of(sample for sample in samples if sample.due_s < begin_s + third_s)
    last = load_of(sample for sample in samples if sample.due_s >= begin_s + 2 * third_s)
    figures = {
        f"{name}, ms": (1e3 * first.latency_s(share), 1e3 * last.latency_s(share))
        for name, share in _STAGE_SHARES.items()
    }
    third = max(1, len(points) // 3)
    for name in measured.usage.names:
        memory = [point.resident_bytes.get(name, 0) / _MIB for point in points]
        figures[f"memory of the {name}, MiB"] = (max(memory[:third]), max(memory[-third:]))
    return figures


def measured_summary(measured: Measured) -> dict[str, Any]:
    """One load in full."""
    load, usage = measured.load, measured.usage
    answers = max(1, len(load.answered))
    return {
        **_trial(measured),
        "request_count": len(load.samples),
        "stages_ms": stage_percentiles_ms(load),
        "batches": None if measured.batches is None else asdict(measured.batches),
        "processes": {
            name: {
                "cores": usage.cores(name),
                "cpu_ms_per_answer": 1e3 * usage.cpu_s(name) / answers,
                "most_mib": usage.most_bytes(name) / _MIB,
            }
            for name in usage.names
        },
        "other_cores": usage.other_cores,
        "model_server_share": model_server_share(measured),
    }


def model_server_share(measured: Measured) -> dict[str, float]:
    """What part of the processor time of the servers, and of the latency, is the model server's."""
    usage = measured.usage
    model_s, gateway_s = usage.cpu_s(MODEL_SERVER), usage.cpu_s(GATEWAY)
    told = [sample for sample in measured.load.answered if "model" in sample.stages]
    latency_s = sum(sample.latency_s for sample in told)
    in_model_s = sum(sample.stages["model"] for sample in told)
    return {
        "of_processor_time": model_s / (model_s + gateway_s) if model_s else 0.0,
        "of_latency": in_model_s / latency_s if latency_s else 0.0,
    }


def stage_seconds(load: Load) -> dict[str, list[float]]:
    """Where the time of each answered request went, in ascending order, by stage.

    "sent late" is the load generator's, "gateway, other" what the gateway does not tell apart, and
    "network, client" what is left. Stages that took no time anywhere are left out.
    """
    by_stage: dict[str, list[float]] = {}
    for sample in load.answered:
        if not sample.stages:
            continue
        told_s = sum(sample.stages.get(name, 0.0) for name in STAGES)
        total_s = sample.stages.get("total", told_s)
        parts = {
            "sent late": sample.late_s,
            **{name: sample.stages.get(name, 0.0) for name in STAGES},
            "gateway, other": max(0.0, total_s - told_s),
            "network, client": max(0.0, sample.latency_s - sample.late_s - total_s),
        }
        for name, seconds in parts.items():
            by_stage.setdefault(name, []).append(seconds)
    return {
        name: sorted(values) for name, values in by_stage.items() if max(values) > _LEAST_STAGE_S
    }


def stage_percentiles_ms(load: Load) -> dict[str, dict[str, float]]:
    """Percentiles of each stage, in milliseconds. Those of stages do not add up."""
    return {
        name: {label: 1e3 * percentile(values, share) for label, share in _STAGE_SHARES.items()}
        for name, values in stage_seconds(load).items()
    }


def readme_line(results: SearchResults) -> str:
    """One row for a table of figures."""
    final, noisy = results.final, ", on a noisy machine" if results.noise else ""
    load = final.load
    p50, p95, p99 = (1e3 * load.latency_s(share) for share in (0.5, 0.95, 0.99))
    share = model_server_share(final)["of_processor_time"]
    return (
        f"| `{results.model}` under load, {results.machine.processor_count} processors{noisy} | "
        f"{results.rate:.0f} requests/s: p50 {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms, "
        f"{load.error_share:.1%} failed; {share:.0%} of the servers' processor time is the "
        f"model server's | `{results.command}` |"
    )


def _found(found: Found[Measured]) -> dict[str, Any]:
    return {"rate": found.rate, "trials": [_trial(trial) for trial in found.trials]}


def _trial(measured: Measured) -> dict[str, Any]:
    load = measured.load
    return {
        "rate": measured.rate,
        "is_met": measured.is_met,
        "broken": list(measured.broken),
        "requests_per_s": load.requests_per_s,
        "answers_per_s": load.answers_per_s,
        "latency_ms": {
            name: 1e3 * load.latency_s(share) for name, share in {**SHARES, "max": 1.0}.items()
        },
        "late_ms": {name: 1e3 * load.late_s(SHARES[name]) for name in ("p50", "p99")},
        "error_share": load.error_share,
        "failures": load.failures,
    }


def _generator(results: SearchResults) -> dict[str, Any]:
    return {
        "ceiling_requests_per_s": results.ceiling.requests_per_s,
        "ceiling_cpu_ms": 1e3 * results.ceiling.cpu_s,
        "ceiling_of_rate": results.ceiling.requests_per_s / results.rate if results.rate else None,
        "cores": results.final.usage.cores(GENERATOR),
        "cross_check": None if results.cross_check is None else _crossed(results.cross_check),
    }


def _crossed(check: CrossCheck) -> dict[str, Any]:
    ours = check.ours.load
    return {
        "locust": {
            "requests_per_s": ours.requests_per_s,
            "failed_share": ours.error_share,
            "latency_ms": {name: 1e3 * ours.latency_s(SHARES[name]) for name in _STAGE_SHARES},
        },
        "k6": {
            "requests_per_s": check.foreign.requests_per_s,
            "failed_share": check.foreign.failed_share,
            "latency_ms": {name: 1e3 * value for name, value in check.foreign.latency_s.items()},
        },
    }


def finite(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same with null where a number is infinite: JSON has no word for it."""
    return {str(key): _finite(each) for key, each in values.items()}


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return finite(value)
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
