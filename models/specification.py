"""What is known of a model before any network is built, and the models there are."""

from dataclasses import dataclass
from pathlib import Path

import lia_bench.models
from lia_bench.core.registry import FolderRegistry


@dataclass(frozen=True)
class ModelSpecification:
    """A model's entry: names and "module:attribute" references, so that listing imports no torch.

    Attributes:
        name: what users type.
        summary: one line for `lia-bench models list`.
        animator: reference to the Animator class; called with the `model` section of the configuration.
        configuration: reference to the ExperimentConfiguration class of the model.
        variants: folder of `<variant>.yaml` files, or None for a model with nothing to configure.
        default_variant: the variant taken when none is named; empty where there are no variants.
        recipe: reference to what makes a TrainingRecipe of the configuration, mostly its class, or None for a model
            that is not trained.
        authors_checkpoint: module of the authors' checkpoint layout (an `AuthorsLayout`), or None where they
            published none.
        ablations: file of what the model's paper takes apart, by name (`training/configuration.py`), or None.
        card: file with the model's paper, licences and published checkpoints (a `ModelCard`), or None.
        transfer_modes: what `animate(transfer=...)` takes; the first is the default.
    """

    name: str
    summary: str
    animator: str
    configuration: str
    variants: Path | None
    default_variant: str
    recipe: str | None = None
    authors_checkpoint: str | None = None
    ablations: Path | None = None
    card: Path | None = None
    transfer_modes: tuple[str, ...] = ("absolute", "relative")

    def variant_names(self) -> list[str]:
        """Names of the variants, sorted; none for a model with nothing to configure."""
        return sorted(path.stem for path in self.variants.glob("*.yaml")) if self.variants else []


MODELS: FolderRegistry[ModelSpecification] = FolderRegistry(
    "model", ModelSpecification, lia_bench.models, "SPECIFICATION", "lia_bench.models"
)
"""A folder of `models` that defines SPECIFICATION, or an entry point `lia_bench.models`."""
