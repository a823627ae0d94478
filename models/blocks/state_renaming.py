"""Names in a state dict that others published, to our names and back."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from torch import Tensor


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
