"""LIA-Bench: data, benchmark and model zoo for image animation."""

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lia_bench.models.animator import Animator

__version__ = version("lia-bench")


def load_model(
    name: str,
    checkpoint: str | Path | None = None,
    variant: str | None = None,
    device: str | None = None,
    **overrides: Any,
) -> "Animator":
    """A model of the zoo, ready to `animate`; see `lia_bench.models.loading.load_model`."""
    # Imported here, so that `import lia_bench` and the command's --help do not wait for torch.
    from lia_bench.models.loading import load_model as load

    return load(name, checkpoint=checkpoint, variant=variant, device=device, **overrides)


__all__ = ["__version__", "load_model"]
