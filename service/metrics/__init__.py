"""What the gateway counts and measures, for Prometheus.

`Metrics` is made once and handed to the parts that measure. With PROMETHEUS_MULTIPROC_DIR in the
environment before this package is imported, the numbers of all processes that share the folder
are added up in every exposition.
"""

from service.metrics.process import SecurityMetrics
from service.metrics.registry import Metrics, forget_process

__all__ = ["Metrics", "SecurityMetrics", "forget_process"]
