"""Metrics and the weights behind them."""

import pytest

from lia_bench.core.errors import UnknownNameError
from lia_bench.core.weights import WEIGHTS
from lia_bench.metrics.registry import METRICS, weights_of


def test_a_plain_name_means_what_it_may_stand_for_and_an_id_means_itself() -> None:
    assert weights_of("lpips") == ["alexnet"]
    assert weights_of("lpips_vgg") == ["vgg16"]
    assert weights_of("psnr") == []


def test_what_extractors_load_is_counted() -> None:
    assert weights_of("akd_sample") == []
    assert set(weights_of("akd_face_alignment")) <= set(weights_of("akd"))
    assert weights_of("akd_face_alignment")
    assert weights_of("csim_reid") == weights_of("aed_reid") == ["person-reid"]


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_all_weights_of_metrics_are_listed(metric: str) -> None:
    assert set(weights_of(metric)) <= set(WEIGHTS)


def test_an_unknown_metric() -> None:
    with pytest.raises(UnknownNameError, match="lpips"):
        weights_of("lpipz")
