"""`study.json`: what a paired preference study asks, whose videos it shows, and in which order to a rater."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lia_bench.core.documents import Version, read_document, write_document
from lia_bench.core.errors import InputError
from lia_bench.core.inner_files import inner_file
from lia_bench.core.provenance import sha256_of_file

STUDY = "study.json"
SCHEMA = 1
MEDIA = "media"

MediaId = Annotated[str, Field(pattern=r"^[0-9a-f]{24}$")]
"""Random, so that it says nothing about the model that made the video."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Part(BaseModel):
    """A part of study.json: immutable, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Medium(Part):
    """A file below the study's folder `media`.

    Attributes:
        suffix: what its name has after the id.
        sha256: of its bytes.
    """

    suffix: Literal[".mp4", ".png"]
    sha256: Sha256


class StudyModel(Part):
    """A model whose videos are shown: the columns of a leaderboard that say which."""

    label: str
    model: str
    variant: str
    checkpoint: str
    checkpoint_sha256: str
    transfer: str


class StudyDataset(Part):
    """A folder of results that the videos come from.

    Attributes:
        results: the folder as it was given.
        report_sha256: of its report.json.
        dataset, split, dataset_hash: as in its tables.
        task: 'reconstruction' or 'cross'.
        models: whose videos are shown.
    """

    results: str
    report_sha256: Sha256
    dataset: str
    split: str
    dataset_hash: str
    task: Literal["reconstruction", "cross"]
    models: tuple[StudyModel, ...]


class Candidate(Part):
    """One of the two videos of a question.

    Attributes:
        video: the medium.
        model: position in the dataset's models; None in an attention check.
    """

    video: MediaId
    model: int | None


class Question(Part):
    """Two videos of the same picture and the same movement.

    Attributes:
        id: random.
        kind: 'comparison' of two models, or an 'attention' check, whose first candidate is the right answer.
        dataset: position in the study's datasets.
        clip, source_clip: of the driving video and of the source picture.
        source: medium of the source picture.
        driving: medium of the driving video.
        first, second: the candidates; which side they are on is each rater's own.
    """

    id: MediaId
    kind: Literal["comparison", "attention"]
    dataset: int
    clip: str
    source_clip: str
    source: MediaId
    driving: MediaId
    first: Candidate
    second: Candidate

    def videos(self) -> tuple[str, str]:
        """The two media to choose from."""
        return self.first.video, self.second.video


class Study(Part):
    """The whole of study.json.

    Attributes:
        id: random; names the raters' cookie, so that two studies on one machine do not meet.
        question: what raters are asked.
        seed: drew clips, and orders them for each rater.
        created: UTC date.
        command_line, version: of the program that wrote it.
        datasets, questions: what is compared.
        media: all files by id.
    """

    schema_version: Literal[1] = 1
    id: MediaId
    question: str
    seed: int
    created: datetime
    command_line: str
    version: str
    datasets: tuple[StudyDataset, ...]
    questions: tuple[Question, ...]
    media: dict[MediaId, Medium]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        """Refuse what was edited by hand and points nowhere."""
        ids = {question.id for question in self.questions}
        if not ids or len(ids) < len(self.questions):
            raise ValueError("questions: none, or one of them twice")
        for question in self.questions:
            if not 0 <= question.dataset < len(self.datasets):
                raise ValueError(f"question {question.id}: there is no dataset {question.dataset}")
            models = {question.first.model, question.second.model}
            allowed = {None} if question.kind == "attention" else {*range(len(self.datasets[question.dataset].models))}
            if not models <= allowed or (question.kind == "comparison" and len(models) < 2):
                raise ValueError(f"question {question.id}: these are no models to compare: {models}")
            if not {question.source, question.driving, *question.videos()} <= self.media.keys():
                raise ValueError(f"question {question.id}: shows a file that is not among the media")
        return self

    def of_kind(self, kind: Literal["comparison", "attention"]) -> Iterator[Question]:
        """The questions of a kind."""
        return (question for question in self.questions if question.kind == kind)


def write_study(folder: Path, study: Study) -> None:
    """Write study.json."""
    write_document(folder / STUDY, study)


def read_study(folder: Path) -> Study:
    """Read the study.json of a folder.

    Raises:
        InputError: there is none, or it is damaged or of another version.
    """
    if not inner_file(folder, STUDY).is_file():
        raise InputError(f"{folder}: holds no {STUDY}; `lia-bench study create` writes one")
    way_out = "put back what `lia-bench study create` wrote"
    return read_document(folder / STUDY, Study, "a study", way_out, version=Version("schema_version", SCHEMA))


def media_path(folder: Path, study: Study, medium: str) -> Path:
    """Where a medium lies; KeyError for an id that the study does not have."""
    return folder / MEDIA / f"{medium}{study.media[medium].suffix}"


def check_media(folder: Path, study: Study) -> None:
    """Refuse to show videos that are gone or are not those that the study was created with.

    Raises:
        InputError: names the first such file.
    """
    for medium, entry in study.media.items():
        path = media_path(folder, study, medium)
        inner_file(folder, str(path.relative_to(folder)))
        if not path.is_file():
            raise InputError(f"{path}: is gone; put it back, or create another study")
        if sha256_of_file(path) != entry.sha256:
            raise InputError(f"{path}: was changed after the study was created; put it back, or create another")


def present() -> datetime:
    """Now, UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True)
class Shown:
    """A question as one rater sees it.

    Attributes:
        question: its id.
        left, right: media of the candidates.
    """

    question: str
    left: str
    right: str


def arrange(study: Study, rater: str) -> tuple[Shown, ...]:
    """The rater's own order, the same for the same study and rater.

    Questions come in random order. Attention checks are spread over it, one at a random place of each stretch, so that
    who stops early has met some. In half of the questions, drawn for every rater anew, the candidates change sides.
    """
    own = random.Random(f"{study.seed} {study.id} {rater}")
    order = _spread(
        _shuffled(list(study.of_kind("comparison")), own), _shuffled(list(study.of_kind("attention")), own), own
    )
    exchanged = [place % 2 == 1 for place in range(len(order))]
    own.shuffle(exchanged)
    return tuple(_sided(question, swap) for question, swap in zip(order, exchanged, strict=True))


def _spread(questions: list[Question], checks: list[Question], own: random.Random) -> list[Question]:
    order: list[Question] = []
    for number, check in enumerate(checks):
        stretch = questions[number * len(questions) // len(checks) : (number + 1) * len(questions) // len(checks)]
        stretch.insert(own.randint(0, len(stretch)), check)
        order += stretch
    return order or questions


def _shuffled(questions: list[Question], own: random.Random) -> list[Question]:
    own.shuffle(questions)
    return questions


def _sided(question: Question, swap: bool) -> Shown:
    left, right = reversed(question.videos()) if swap else question.videos()
    return Shown(question.id, left, right)
