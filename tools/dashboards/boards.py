"""All dashboards."""

from __future__ import annotations

from typing import Final

from tools.dashboards.batching import BATCHING
from tools.dashboards.calls import CALLS
from tools.dashboards.gateways import GATEWAYS
from tools.dashboards.models import MODELS
from tools.dashboards.overview import OVERVIEW
from tools.dashboards.tf_serving import MODEL_SERVERS

DASHBOARDS: Final = (OVERVIEW, CALLS, BATCHING, MODELS, MODEL_SERVERS, GATEWAYS)
