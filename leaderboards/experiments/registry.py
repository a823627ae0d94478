"""Which experiments there are, our own by file and those that other packages register, and what such a file says."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from lia_bench.core.configuration import Section, merge, read_yaml, validate
from lia_bench.core.errors import InputError
from lia_bench.core.registry import Registry
from lia_bench.leaderboards import experiments


class PublishedTable(Section):
    """The table of a paper that the numbers stand beside, as of `lia-bench leaderboard --published`."""

    paper: str
    table: str


class Row(Section):
    """A row of the table: whose numbers stand in it.

    Attributes:
        name: unique in the experiment.
        published: what the paper calls the model; empty for the model's own name.
        variant, note: of the published row, as `leaderboard --published` has them.
        model: ours, or `model:variant`; empty where nothing here can fill the row.
        ablation: one that the model has by name (`lia-bench models show`), of whose settings the row is.
        settings: what else a checkpoint's configuration has to say, by key; without any it is the row of all
            checkpoints of the model that fit no other row.
        lacking: why nothing here can fill the row.
    """

    name: str
    published: str = ""
    variant: str = ""
    note: str | None = None
    model: str = ""
    ablation: str = ""
    settings: dict[str, Any] = Field(default_factory=dict)
    lacking: str = ""

    @model_validator(mode="after")
    def _can_be_filled_or_says_why_not(self) -> Self:
        if bool(self.model) == bool(self.lacking):
            raise ValueError(f"row {self.name}: give either its model, or what it is lacking")
        return self


class Pairs(Section):
    """The pairs of the cross task: so many drawn by a seed, or those of a file beside the experiment's."""

    count: int | None = Field(None, ge=1)
    seed: int = Field(0, ge=0)
    file: str | None = None


class Part(Section):
    """One evaluation on each of some datasets; what is not said is as usual for `lia-bench evaluate`.

    Attributes:
        datasets: prepared ones, as `vox`.
        task: 'reconstruction' or 'cross'.
        metrics: the columns.
        published_dataset: what the paper's table calls the dataset, where it is called otherwise.
        trained_on: the dataset of the models' training, where it is another.
        rows: names of the rows that it fills; all without a word.
        sources, pairs, references, best_of_references, max_frames, start, transfer, reconstruction_transfer, set_side:
            as of the options of these names.
        source_frame: whether the first frame, which is the source, counts in reconstruction.
        protocol: the rules that numbers are computed by.
    """

    datasets: tuple[str, ...] = Field(min_length=1)
    split: Literal["test"] = "test"
    task: Literal["reconstruction", "cross"]
    metrics: tuple[str, ...] = Field(min_length=1)
    published_dataset: str = ""
    trained_on: str = ""
    rows: tuple[str, ...] = ()
    sources: str | None = None
    pairs: Pairs = Pairs()
    references: int = Field(0, ge=0)
    best_of_references: bool = False
    max_frames: int | None = Field(None, ge=1)
    source_frame: Literal["counted", "skipped"] = "counted"
    start: Literal["first", "best"] = "first"
    transfer: str | None = None
    reconstruction_transfer: str | None = None
    set_side: Literal["driving", "source"] = "driving"
    protocol: Literal["literature", "strict"] = "literature"


class ExperimentContent(Section):
    """A whole file.

    Attributes:
        title: in a few words.
        published: the table that the numbers stand beside.
        remarks: what of the paper's protocol is not known, or is done otherwise here.
        rows: of the table; without any, those of the published table.
        parts: the evaluations.
    """

    title: str
    published: PublishedTable | None = None
    remarks: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    parts: tuple[Part, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        names = [row.name for row in self.rows]
        if len(set(names)) < len(names):
            raise ValueError("two rows have one name")
        strangers = [name for part in self.parts for name in part.rows if name not in names]
        if strangers:
            raise ValueError(f"a part names the row '{strangers[0]}', which is not there")
        if self.published is None and not self.rows:
            raise ValueError("give rows, or the published table that has them")
        return self


class Experiment:
    """An experiment that was read.

    Attributes:
        name: of its file.
        path: of its file.
        content: what it says.
    """

    def __init__(self, path: Path) -> None:
        """Read a file; what its section `common` says counts in every part that does not say otherwise.

        Raises:
            InputError: no such file, or it says something that cannot be.
            UnknownNameError: a key that there is not.
        """
        values = read_yaml(path)
        common, parts = values.pop("common", {}), values.get("parts")
        if isinstance(common, dict) and isinstance(parts, list) and all(isinstance(part, dict) for part in parts):
            values["parts"] = [merge(common, part) for part in parts]
        elif common:
            raise InputError(f"{path}: 'common' has to be a mapping, and 'parts' a list of them")
        self.path = path
        self.name = path.stem
        self.content = validate(ExperimentContent, values, str(path))

    @property
    def label(self) -> str:
        """The name with the first digits of a hash over all that the file says, comments apart."""
        text = json.dumps(self.content.model_dump(mode="json"), sort_keys=True)
        return f"{self.name}#{hashlib.sha256(text.encode()).hexdigest()[:12]}"


@dataclass(frozen=True)
class ExperimentFile:
    """The file of an experiment, which its name is that of."""

    name: str
    path: Path


class _Files(Registry[ExperimentFile]):
    """Files in place of modules."""

    def _own(self) -> Iterator[tuple[str, ExperimentFile]]:
        for path in sorted((Path(__file__).parent / "papers").glob("*.yaml")):
            yield path.stem, ExperimentFile(path.stem, path)


EXPERIMENTS = _Files("experiment", ExperimentFile, experiments, "", "lia_bench.experiments")


def find_experiment(name: str) -> Experiment:
    """The experiment of that name, or of the YAML file of that path.

    Raises:
        UnknownNameError: there is none.
        InputError: its file says something that cannot be.
    """
    if Path(name).suffix in (".yaml", ".yml"):
        return Experiment(Path(name))
    return Experiment(EXPERIMENTS[name].path)
