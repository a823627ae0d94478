"""The metrics that users can name."""

import pytest

from lia_bench.core.errors import UnknownNameError
from lia_bench.metrics.registry import METRICS


def test_each_metric_goes_by_its_own_name() -> None:
    assert {"l1", "lpips", "psnr", "ssim", "ms_ssim", "akd", "mkr"} <= set(METRICS)
    assert all(metric.name == name for name, metric in METRICS.items())


def test_a_typo_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'ms_ssim'"):
        METRICS["ms_sim"]
