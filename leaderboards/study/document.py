"""`study.json`: what a preference study asks, whose videos it shows, and in which order to a rater."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lia_bench.core.documents import Version, read_document, write_document
from lia_bench.core.errors import InputError
from lia_bench.core.inner_files import inner_file
from lia_bench.core.provenance import sha256_of_file

Item = TypeVar("Item")

STUDY = "study.json"
SCHEMA = 2
MEDIA = "media"
MOST_SHOWN = 4
"""Videos to choose from at once: more do not fit a phone."""

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


class Question(Part):
    """What raters are asked of what a trial shows.

    Attributes:
        aspect: a word for it in columns of results; empty where the study asks one thing.
        text: as raters read it.
    """

    aspect: Annotated[str, Field(pattern=r"^([a-z][a-z0-9_]*)?$")]
    text: Annotated[str, Field(min_length=1)]


class Candidate(Part):
    """One of the videos of a trial.

    Attributes:
        video: the medium.
        model: position in the dataset's models; None in an attention check.
    """

    video: MediaId
    model: int | None


class Trial(Part):
    """Videos of the same picture and the same movement, shown at once; every question of the study is asked of them.

    Attributes:
        id: random.
        kind: 'comparison' of models, or an 'attention' check, whose first candidate is the right answer.
        dataset: position in the study's datasets.
        clip, source_clip: of the driving video and of the source picture.
        source: medium of the source picture.
        driving: medium of the driving video.
        candidates: to choose from; where each stands is each rater's own.
    """

    id: MediaId
    kind: Literal["comparison", "attention"]
    dataset: int
    clip: str
    source_clip: str
    source: MediaId
    driving: MediaId
    candidates: Annotated[tuple[Candidate, ...], Field(min_length=2, max_length=MOST_SHOWN)]

    @property
    def videos(self) -> tuple[str, ...]:
        """The media to choose from."""
        return tuple(candidate.video for candidate in self.candidates)

    @property
    def models(self) -> tuple[int, ...]:
        """The models that are compared; none in an attention check."""
        return tuple(candidate.model for candidate in self.candidates if candidate.model is not None)


class Study(Part):
    """The whole of study.json.

    Attributes:
        id: random; names the raters' cookie, so that two studies on one machine do not meet.
        questions: what raters are asked of each trial, in this order.
        seed: drew clips, and orders them for each rater.
        created: UTC date.
        command_line, version: of the program that wrote it.
        datasets, trials: what is compared.
        media: all files by id.
    """

    schema_version: Literal[2] = 2
    id: MediaId
    questions: Annotated[tuple[Question, ...], Field(min_length=1)]
    seed: int
    created: datetime
    command_line: str
    version: str
    datasets: tuple[StudyDataset, ...]
    trials: tuple[Trial, ...]
    media: dict[MediaId, Medium]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        """Refuse what was edited by hand and points nowhere."""
        if len({question.aspect for question in self.questions}) < len(self.questions):
            raise ValueError("questions: two of the same aspect")
        ids = {trial.id for trial in self.trials}
        if not ids or len(ids) < len(self.trials):
            raise ValueError("trials: none, or one of them twice")
        for trial in self.trials:
            if not 0 <= trial.dataset < len(self.datasets):
                raise ValueError(f"trial {trial.id}: there is no dataset {trial.dataset}")
            models = [candidate.model for candidate in trial.candidates]
            allowed = {None} if trial.kind == "attention" else {*range(len(self.datasets[trial.dataset].models))}
            if not {*models} <= allowed or (trial.kind == "comparison" and len({*models}) < len(models)):
                raise ValueError(f"trial {trial.id}: these are no models to compare: {models}")
            if not {trial.source, trial.driving, *trial.videos} <= self.media.keys():
                raise ValueError(f"trial {trial.id}: shows a file that is not among the media")
        return self

    def of_kind(self, kind: Literal["comparison", "attention"]) -> Iterator[Trial]:
        """The trials of a kind."""
        return (trial for trial in self.trials if trial.kind == kind)


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
    version = Version("schema_version", SCHEMA)
    return read_document(folder / STUDY, Study, "a study", way_out, version=version, upgrade=_of_schema_1)


def _of_schema_1(content: Any) -> Any:
    """Schema 1 asked one question of two videos at a time, and called its trials questions."""
    if not isinstance(content, dict) or content.get("schema_version") != 1:
        return content
    rest = {key: value for key, value in content.items() if key not in ("question", "questions")}
    question = {"aspect": ""} | ({"text": content["question"]} if "question" in content else {})
    pairs = content.get("questions")
    trials = [_of_pair(pair) for pair in pairs] if isinstance(pairs, list) else pairs
    return rest | {"schema_version": SCHEMA, "questions": [question], "trials": trials}


def _of_pair(pair: Any) -> Any:
    if not isinstance(pair, dict):
        return pair
    rest = {key: value for key, value in pair.items() if key not in ("first", "second")}
    return rest | {"candidates": [pair[key] for key in ("first", "second") if key in pair]}


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
    """A trial as one rater sees it.

    Attributes:
        trial: its id.
        videos: media of the candidates, from the first place on the page to the last.
    """

    trial: str
    videos: tuple[str, ...]


def arrange(study: Study, rater: str) -> tuple[Shown, ...]:
    """The rater's own order, the same for the same study and rater.

    Trials come in random order. Attention checks are spread over it, one at a random place of each stretch, so that
    who stops early has met some. The first candidate stands at each place equally often, drawn for every rater anew;
    of two, that exchanges the sides in half of the trials. Further ones fill the other places at random.
    """
    own = random.Random(f"{study.seed} {study.id} {rater}")
    order = _spread(
        _shuffled(list(study.of_kind("comparison")), own), _shuffled(list(study.of_kind("attention")), own), own
    )
    turns = _shuffled(list(range(len(order))), own)
    return tuple(_placed(trial, turn, own) for trial, turn in zip(order, turns, strict=True))


def _spread(trials: list[Trial], checks: list[Trial], own: random.Random) -> list[Trial]:
    order: list[Trial] = []
    for number, check in enumerate(checks):
        stretch = trials[number * len(trials) // len(checks) : (number + 1) * len(trials) // len(checks)]
        stretch.insert(own.randint(0, len(stretch)), check)
        order += stretch
    return order or trials


def _shuffled(items: list[Item], own: random.Random) -> list[Item]:
    own.shuffle(items)
    return items


def _placed(trial: Trial, turn: int, own: random.Random) -> Shown:
    first, *others = trial.videos
    own.shuffle(others)
    others.insert(turn % len(trial.videos), first)
    return Shown(trial.id, tuple(others))
