import pytest

from loadtest.gateway_metrics import batches_between, parse_metrics

PAGE = """
# TYPE heed_batch_rows histogram
heed_batch_rows_bucket{{le="1.0",model="g2p"}} {ones}
heed_batch_rows_bucket{{le="2.0",model="g2p"}} {all}
heed_batch_rows_bucket{{le="+Inf",model="g2p"}} {all}
heed_batch_rows_count{{model="g2p"}} {all}
heed_batch_rows_sum{{model="g2p"}} {rows}
# TYPE heed_batch_fill_ratio histogram
heed_batch_fill_ratio_bucket{{le="+Inf",model="g2p"}} {all}
heed_batch_fill_ratio_count{{model="g2p"}} {all}
heed_batch_fill_ratio_sum{{model="g2p"}} {fill}
# TYPE heed_batched_tokens_total counter
heed_batched_tokens_total{{model="g2p"}} {tokens}
# TYPE heed_batched_padding_tokens_total counter
heed_batched_padding_tokens_total{{model="g2p"}} {padding}
"""


def test_batches_of_a_load_are_the_difference_of_two_looks() -> None:
    before = parse_metrics(PAGE.format(ones=5, all=7, rows=9, fill=1.0, tokens=100, padding=50))
    after = parse_metrics(PAGE.format(ones=7, all=13, rows=19, fill=2.5, tokens=190, padding=60))
    batches = batches_between(before, after)
    assert batches.count == 6
    assert batches.rows == pytest.approx(10 / 6)
    assert batches.fill == pytest.approx(0.25)
    assert batches.padding == pytest.approx(0.1)
    assert batches.row_counts == {1.0: 2, 2.0: 4, float("inf"): 0}


def test_no_batches_have_no_rows() -> None:
    nothing = parse_metrics("")
    assert batches_between(nothing, nothing).rows == 0
