"""dataset.json: what a prepared dataset says about itself, read and written here alone."""

import contextlib
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from lia_bench.core.atomic import write_json
from lia_bench.core.documents import Version, read_document

DESCRIPTION = "dataset.json"
SCHEMA = 2
"""Of the files written. Schema 1, whose files do not name it, has no subject."""

SUBJECTS_OF_DETECTORS = {"face": "face", "person": "body"}
"""What the clips of any footage show, by what was looked for in it."""

_SUBJECTS_OF_RECIPES = {
    **dict.fromkeys(("dfdc", "nemo", "portraits", "vox"), "face"),
    **dict.fromkeys(("aist", "fashion", "taichi", "ted"), "body"),
    "sample": "sample",
}
"""Of those that wrote schema 1, which did not say what clips show."""

_FOUND_BY = {"mediapipe": "face", "s3fd": "face", "keypoint-rcnn": "person", "mediapipe-pose": "person"}
"""Likewise, of those that searched for it."""

ProgramVersion = str | None
"""None of a program that was not there."""


class Counts(BaseModel):
    """How much there is: rows by status, clips by partition, frames of the clips."""

    model_config = ConfigDict(frozen=True)

    rows: int
    ok: int
    dropped: int
    failed: int
    unavailable: int
    clips: dict[str, int]
    frames: int


class ShardNumber(BaseModel):
    """Which share of the work, from 1, of how many."""

    model_config = ConfigDict(frozen=True)

    index: int = Field(ge=1)
    count: int = Field(ge=1)


class Packing(BaseModel):
    """How the frames of a packed dataset are stored.

    Attributes:
        source: hash of the dataset that was packed.
        quality: of the JPEG pictures, 1 to 100, with colours at half the resolution (4:2:0).
        tars: SHA-256 of each tar file, by its name.
    """

    model_config = ConfigDict(frozen=True)

    source: str
    quality: int
    tars: dict[str, str]


class DatasetDescription(BaseModel):
    """The content of dataset.json.

    Attributes:
        schema_version: of the file, which calls it `schema`.
        recipe: what made the dataset.
        subject: what the clips show ("face", "body", "sample"); empty where it is something else or nobody said it.
        arguments: of the recipe, by name, as plain data.
        versions: of the programs that made it; of a merged dataset, several where its shards differ.
        counts: what there is; None where a file of schema 1 does not say.
        hash: SHA-256 of clips.csv.
        shard: which shard it is; None of a whole dataset.
        positions: of a shard, the place of each of its rows among the rows of all shards.
        packed: how frames are stored where tar files hold them; None of a dataset whose clips are files or folders.
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    schema_version: Literal[2] = Field(2, alias="schema")
    recipe: str
    subject: str
    arguments: dict[str, Any]
    versions: dict[str, ProgramVersion | list[ProgramVersion]]
    counts: Counts | None
    hash: str
    shard: ShardNumber | None = None
    positions: list[list[int]] | None = None
    packed: Packing | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_schema_1(cls, content: Any) -> Any:
        if not isinstance(content, dict) or not content.keys().isdisjoint(("schema", "subject")):
            return content
        # Whoever read one of its keys was content to find it missing.
        empty: dict[str, Any] = {"recipe": "", "arguments": {}, "versions": {}, "counts": None, "hash": ""}
        return {**empty, **content, "schema": SCHEMA, "subject": _subject_by_recipe(content)}

    @field_validator("arguments")
    @classmethod
    def _with_a_size(cls, arguments: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(arguments.get("size"), int | None):
            raise ValueError("its size is no whole number of pixels")
        return arguments

    @property
    def size(self) -> int | None:
        """Side of the clips in pixels, where it says so."""
        return self.arguments.get("size")


def read_description(folder: Path) -> DatasetDescription:
    """The dataset.json of a prepared dataset, of any schema up to the present one.

    Raises:
        InputError: it is not there, damaged, of another shape, or of a later schema.
    """
    return read_document(
        folder / DESCRIPTION,
        DatasetDescription,
        "the description of a dataset",
        "run the command that prepares the dataset again",
        version=Version("schema", SCHEMA),
    )


def write_description(folder: Path, description: DatasetDescription) -> None:
    """Write the dataset.json of a prepared dataset, atomically."""
    content = description.model_dump(mode="json", by_alias=True)
    of_some = {"shard": description.shard, "positions": description.shard, "packed": description.packed}
    content = {key: value for key, value in content.items() if of_some.get(key, content) is not None}
    write_json(folder / DESCRIPTION, content)


def _subject_by_recipe(content: dict[str, Any]) -> str:
    """What clips show by what made them: their recipe, or else their detector.

    Empty where neither is known: others may have made them with a package that is not installed here.
    """
    recipe, arguments = str(content.get("recipe")), content.get("arguments")
    subject = _SUBJECTS_OF_RECIPES.get(recipe) or _plugged_in("lia_bench.datasets", recipe)
    if subject or not isinstance(arguments, dict):
        return subject
    detector = str(arguments.get("detector"))
    found = _FOUND_BY.get(detector) or _plugged_in("lia_bench.detectors", detector)
    return SUBJECTS_OF_DETECTORS.get(found, "")


def _plugged_in(group: str, name: str) -> str:
    """The subject of another package's recipe or detector."""
    with contextlib.suppress(Exception):
        for point in entry_points(group=group, name=name):
            return str(point.load().subject)
    return ""
