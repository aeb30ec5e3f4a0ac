"""Writes Grafana's dashboards from short descriptions: python -m tools.dashboards [--check]."""
