"""Which of several subjects counts."""

import numpy as np

from lia_bench.metrics.extractors.extractor import subject_index
from lia_bench.metrics.specification import Protocol


def test_the_first_or_the_largest() -> None:
    tall = np.array([[0.0, 0.0], [10.0, 60.0]])
    wide = np.array([[50.0, 80.0], [20.0, 50.0], [30.0, 60.0]])
    assert subject_index([tall, wide], Protocol.LITERATURE) == 0
    assert subject_index([tall, wide], Protocol.STRICT) == 1
    assert subject_index([wide, tall], Protocol.STRICT) == 0
