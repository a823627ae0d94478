"""What a full GPU leads to."""

import pytest
import torch

from lia_bench.core.errors import DeviceError
from lia_bench.core.out_of_memory import batch_size_advice


@pytest.mark.parametrize(
    ("batch_size", "hint"), [(8, "try --batch-size 4"), (3, "try --batch-size 1"), (1, "--device cpu")]
)
def test_the_batch_size_to_try_is_named(batch_size: int, hint: str) -> None:
    with pytest.raises(DeviceError, match=hint), batch_size_advice(batch_size):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")


def test_other_errors_pass() -> None:
    with pytest.raises(RuntimeError, match="something else"), batch_size_advice(8):
        raise RuntimeError("something else")
