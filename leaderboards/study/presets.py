"""The studies of papers: whose videos are compared with all others, and in which words."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """A paper's paired study.

    Attributes:
        against: the label of the paper's model, which is compared with each other one.
        question: what raters are asked.
    """

    against: str
    question: str


PRESETS = {
    # Wang et al., ICLR 2022, section 4.3.
    "lia": Preset("lia", "Which clip is more realistic?"),
    # Siarohin et al., NeurIPS 2019, section 4: raters select the most realistic image animation of a pair.
    "fomm": Preset("fomm", "Which is the more realistic image animation?"),
}
"""By the names of their models."""
