"""LIA-Bench: data, benchmark and model zoo for image animation.

`import lia_bench` is quick: what a function needs is imported where it is called.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lia_bench.commands import animate
from lia_bench.core.provenance import VERSION
from lia_bench.media import read_picture, read_video, write_video

if TYPE_CHECKING:
    from lia_bench.models.animator import Animator

__version__ = VERSION


def load_model(
    name: str,
    checkpoint: str | Path | None = None,
    variant: str | None = None,
    device: str | None = None,
    **overrides: Any,
) -> "Animator":
    """A model of the zoo, ready to `animate`; see `lia_bench.models.loading.load_model`.

    >>> import torch
    >>> import lia_bench
    >>> model = lia_bench.load_model("lia", variant="demo-64", device="cpu")
    >>> source, driving = torch.rand(3, 64, 64), torch.rand(2, 3, 64, 64)
    >>> model.animate(source, driving, transfer="relative").shape
    torch.Size([2, 3, 64, 64])
    """
    # Imported here, so that `import lia_bench` and the command's --help do not wait for torch.
    from lia_bench.models.loading import load_model as load

    return load(name, checkpoint=checkpoint, variant=variant, device=device, **overrides)


__all__ = ["__version__", "animate", "load_model", "read_picture", "read_video", "write_video"]
