"""How much does a gateway carry? Load from locust, searches for the limit, and reports.

`python -m loadtest --help` lists the commands; `locust -f loadtest/locustfile.py` runs the same
load by hand, on one machine or on many.
"""
