"""The layouts of the checkpoint files that models' authors published, as the zoo reads and writes them."""

import importlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

from torch import Tensor

from lia_bench.models.specification import ModelSpecification


class AuthorsLayout(Protocol):
    """What the module that `ModelSpecification.authors_checkpoint` names has."""

    def animator_state(self, content: Mapping[str, Any]) -> dict[str, Tensor] | None:
        """The animator's state dict from the content of the authors' file; None where it is another layout.

        Raises:
            CheckpointError: the layout is theirs, but an entry is missing or unknown.
        """

    def authors_content(self, state: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]] | None:
        """The animator's state dict as the networks of the authors' file; None for another model's."""


@runtime_checkable
class NamingLayout(AuthorsLayout, Protocol):
    """Of authors whose weights have settings of their own, which no variant can hold since trainings have others."""

    def model_settings(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """Fields of the `model` section that come with the weights in their file."""


@runtime_checkable
class OwnWriting(Protocol):
    """Of authors whose files are not the networks' state dicts by name in one file of torch.save."""

    def write_files(self, content: Mapping[str, Mapping[str, Tensor]], output: Path) -> None:
        """Write what `authors_content` returned as their file, or as their folder."""


@runtime_checkable
class FolderLayout(AuthorsLayout, OwnWriting, Protocol):
    """Of authors who published a folder of several files."""

    def files_in(self, folder: Path) -> dict[str, Path]:
        """Their files in a folder, by the names that the content has them under; empty where it holds none of them.

        Raises:
            CheckpointError: some are there, and others that have to be are not.
        """


def authors_layout(specification: ModelSpecification) -> AuthorsLayout | None:
    """The layout of a model's authors; None where they published none."""
    if specification.authors_checkpoint is None:
        return None
    return cast(AuthorsLayout, importlib.import_module(specification.authors_checkpoint))


def named_as_in_file(content: Mapping[str, Any]) -> dict[str, Tensor]:
    """Every tensor of a file under "network.name", or "name" where it is in no network."""
    named: dict[str, Tensor] = {}
    for name, part in content.items():
        if isinstance(part, Tensor):
            named[name] = part
        elif isinstance(part, Mapping):
            named.update({f"{name}.{inner}": value for inner, value in part.items() if isinstance(value, Tensor)})
    return named


class StateRenaming:
    """Pairs (theirs, ours) of name patterns; `*` stands for one part of a name between dots, the same in both."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._to_ours = [(_expression(theirs), _template(ours)) for theirs, ours in pairs]
        self._to_theirs = [(_expression(ours), _template(theirs)) for theirs, ours in pairs]

    def to_ours(self, state: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
        """The state under our names; None where a name fits no pattern, so that it is another layout."""
        return _rename(state, self._to_ours)

    def to_theirs(self, state: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
        """The state under their names; None where a name fits no pattern."""
        return _rename(state, self._to_theirs)


def first_names(names: Iterable[str], most: int = 3) -> str:
    """The first `most` of some names in alphabetical order, and how many more there are, for a message."""
    ordered = sorted(names)
    rest = f" and {len(ordered) - most} more" if len(ordered) > most else ""
    return f"{', '.join(ordered[:most])}{rest}"


def block_names(theirs: str, ours: str) -> tuple[tuple[str, str], ...]:
    """Pairs for StateRenaming: a block of one convolution in FOMM and its descendants, a ConvolutionBlock."""
    return ((f"{theirs}.conv.*", f"{ours}.convolution.*"), (f"{theirs}.norm.*", f"{ours}.normalisation.*"))


def residual_names(theirs: str, ours: str) -> tuple[tuple[str, str], ...]:
    """Pairs for StateRenaming: a residual block of theirs, a ResidualBlock."""
    return tuple(
        (f"{theirs}.{short}{number}.*", f"{ours}.{name}{number}.*")
        for number in (1, 2)
        for short, name in (("norm", "normalisation"), ("conv", "convolution"))
    )


def hourglass_names(theirs: str, ours: str) -> tuple[tuple[str, str], ...]:
    """Pairs for StateRenaming: their encoder and decoder under one name, an Hourglass."""
    return (
        *block_names(f"{theirs}.encoder.down_blocks.*", f"{ours}.down.*"),
        *block_names(f"{theirs}.decoder.up_blocks.*", f"{ours}.up.*"),
    )


def encoder_decoder_names(residual: str = "bottleneck.r*") -> tuple[tuple[str, str], ...]:
    """Pairs for StateRenaming: the layers of a generator, from stem to output; `residual`: their residual blocks."""
    return (
        *block_names("first", "stem"),
        *block_names("down_blocks.*", "down.*"),
        *residual_names(residual, "residual.*"),
        *block_names("up_blocks.*", "up.*"),
        ("final.*", "output.*"),
    )


def disentanglement_names() -> tuple[tuple[str, str], ...]:
    """Pairs for StateRenaming: the layers of a DisentanglementNetwork (MRAA, TPSMM)."""
    return (
        ("id_encoder.*.*", "identity_encoder.*.*"),
        ("pose_encoder.*.*", "pose_encoder.*.*"),
        ("decoder.*.*", "decoder.*.*"),
    )


def spade_decoder_names(theirs: str, ours: str) -> Iterator[tuple[str, str]]:
    """Pairs for StateRenaming: a SpadeDecoder without its output; `theirs`, `ours`: prefixes that end in a dot."""
    yield (f"{theirs}fc.*", f"{ours}input.*")
    for block, name in (("G_middle_*", "middle.*"), ("up_*", "up.*")):
        yield from _spade_block_names(f"{theirs}{block}", f"{ours}{name}")


def _spade_block_names(theirs: str, ours: str) -> Iterator[tuple[str, str]]:
    for convolution, name in (("conv_0", "convolution1"), ("conv_1", "convolution2"), ("conv_s", "shortcut")):
        yield from _spectral_names(f"{theirs}.{convolution}", f"{ours}.{name}")
    for number, name in (("0", "normalisation1"), ("1", "normalisation2"), ("s", "shortcut_normalisation")):
        yield (f"{theirs}.norm_{number}.mlp_shared.0.*", f"{ours}.{name}.shared.*")
        yield (f"{theirs}.norm_{number}.mlp_gamma.*", f"{ours}.{name}.scale.*")
        yield (f"{theirs}.norm_{number}.mlp_beta.*", f"{ours}.{name}.shift.*")


def _spectral_names(theirs: str, ours: str) -> Iterator[tuple[str, str]]:
    yield (f"{theirs}.weight_orig", f"{ours}.parametrizations.weight.original")
    yield (f"{theirs}.weight_u", f"{ours}.parametrizations.weight.0._u")
    yield (f"{theirs}.weight_v", f"{ours}.parametrizations.weight.0._v")
    yield (f"{theirs}.*", f"{ours}.*")


def _rename(state: Mapping[str, Tensor], rules: Sequence[tuple[re.Pattern[str], str]]) -> dict[str, Tensor] | None:
    renamed = {}
    for name, value in state.items():
        match = next(((found, template) for rule, template in rules if (found := rule.fullmatch(name))), None)
        if match is None:
            return None
        found, template = match
        renamed[template.format(*found.groups())] = value
    return renamed


def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", r"([^.]+)"))


def _template(pattern: str) -> str:
    return pattern.replace("*", "{}")


@dataclass(frozen=True)
class RenamedNetwork:
    """A network and its names.

    Attributes:
        theirs: the key of its state dict in their file.
        ours: the animator's attribute.
        names: those inside the state dict.
        optional: files and animators without it, or with nothing in it, are as good.
    """

    theirs: str
    ours: str
    names: StateRenaming
    optional: bool = False


class RenamedNetworks:
    """Their file's content to an animator's state dict and back."""

    def __init__(self, *networks: RenamedNetwork) -> None:
        self._networks = networks

    def to_ours(self, content: Mapping[str, Any]) -> dict[str, Tensor] | None:
        """The animator's state; None where a network or a name is another model's.

        What else the file holds (optimisers, a discriminator, the epoch) is passed over.
        """
        state: dict[str, Tensor] = {}
        for network in self._networks:
            part = content.get(network.theirs, {})
            renamed = network.names.to_ours(part) if isinstance(part, Mapping) else None
            if renamed is None or not (renamed or network.optional):
                return None
            state.update({f"{network.ours}.{name}": value for name, value in renamed.items()})
        return state

    def to_theirs(self, state: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]] | None:
        """Their file's networks, without optional ones that the state lacks; None where it is another model's."""
        content = {}
        taken = 0
        for network in self._networks:
            prefix = f"{network.ours}."
            own = {name[len(prefix) :]: value for name, value in state.items() if name.startswith(prefix)}
            renamed = network.names.to_theirs(own)
            if renamed is None or not (renamed or network.optional):
                return None
            if renamed:
                content[network.theirs] = renamed
            taken += len(own)
        return content if taken == len(state) else None
