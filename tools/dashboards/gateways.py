"""The gateways' processes, keys, certificates and logs."""

from __future__ import annotations

from typing import Final

from tools.dashboards.grafana import Dashboard, Row, panel
from tools.dashboards.promql import rate

GATEWAYS: Final = Dashboard(
    "heed-gateways",
    "Heed: gateways",
    (
        Row(
            "Processes",
            (
                panel(
                    "Processor",
                    "Share of one processor; a process cannot use more (docs/workers.md).",
                    "percentunit",
                    (
                        'rate(process_cpu_seconds_total{job="gateway"}[$__rate_interval])',
                        "{{instance}}",
                    ),
                    thresholds=(0.7, 0.85),
                ),
                panel(
                    "Memory",
                    "Resident memory.",
                    "bytes",
                    ('process_resident_memory_bytes{job="gateway"}', "{{instance}}"),
                ),
                panel(
                    "Open files",
                    "Connections included, beside the most that may be open.",
                    "none",
                    ('process_open_fds{job="gateway"}', "{{instance}}"),
                    ('min(process_max_fds{job="gateway"})', "limit"),
                ),
                panel(
                    "Processor time of a call",
                    "Processor seconds for each call that ended.",
                    "s",
                    (
                        'sum(rate(process_cpu_seconds_total{job="gateway"}[$__rate_interval])) / '
                        "sum(rate(heed_requests_total[$__rate_interval]))",
                        "mean",
                    ),
                ),
                panel(
                    "Versions of Heed",
                    "Gateways by version of Heed and of Python.",
                    "none",
                    (
                        "count by (version, python) (heed_build_info)",
                        "{{version}}, Python {{python}}",
                    ),
                ),
                panel(
                    "Found and answering",
                    "1 while Prometheus reaches a gateway or model server that its name leads to.",
                    "none",
                    ('up{job=~"gateway|tf-serving"}', "{{job}} {{instance}}"),
                ),
            ),
        ),
        Row(
            "Keys, certificates and logs",
            (
                panel(
                    "Days left of certificates",
                    "Until a certificate in use ends; nothing without TLS.",
                    "d",
                    (
                        "(heed_certificate_expiry_timestamp_seconds - time()) / 86400",
                        "{{certificate}} at {{instance}}",
                    ),
                ),
                panel(
                    "Keys and certificates read anew",
                    "In the last hour, usable or not.",
                    "none",
                    (
                        "sum by (what, outcome) (increase(heed_security_reloads_total[1h]))",
                        "{{what}} {{outcome}}",
                    ),
                ),
                panel(
                    "Log lines left out",
                    "Repeated: like failures in crowds. Unwritable: nobody reads, or no room.",
                    "cps",
                    (rate("heed_log_lines_dropped_total", "reason"), "{{reason}}"),
                ),
            ),
        ),
    ),
)
