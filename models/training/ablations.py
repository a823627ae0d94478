"""What a paper takes apart: named sets of settings of a model, over any of its variants."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from lia_bench.core.configuration import Section, read_yaml, validate
from lia_bench.core.errors import UnknownNameError
from lia_bench.core.suggestions import unknown
from lia_bench.models.specification import ModelSpecification

KEY = "ablation"


class Ablation(Section):
    """A row of a paper's ablation: what it leaves out, in words, and the settings that leave it out."""

    summary: str
    settings: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @property
    def parts(self) -> list[str]:
        """The keys of its settings as `--set` takes them; a whole section that it sets counts as one."""
        return [f"{section}.{name}" for section, values in self.settings.items() for name in values]


def read_ablations(specification: ModelSpecification) -> dict[str, Ablation]:
    """The ablations of a model by name, in the paper's order; none for a model without a file of them.

    Raises:
        InputError: the file is not readable.
    """
    path = specification.ablations
    if path is None:
        return {}
    return {name: validate(Ablation, content, f"{path}: {name}") for name, content in read_yaml(path).items()}


def settings_of_ablation(specification: ModelSpecification, name: str) -> Mapping[str, Any]:
    """What the ablation sets, nested.

    Raises:
        UnknownNameError: the model has no such ablation.
    """
    ablations = read_ablations(specification)
    if name not in ablations:
        model = specification.name
        if not ablations:
            raise UnknownNameError(f"{model} has no named ablations: leave out {KEY}={name}")
        raise UnknownNameError(unknown(f"ablation of {model}", name, ablations))
    return ablations[name].settings
