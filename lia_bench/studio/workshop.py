"""What all tabs of the studio share: the models that are here, the jobs of each tab, and the folder that all is in."""

import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event, Lock

import numpy as np
from PIL import Image

from lia_bench.animation.crop import cut
from lia_bench.core.errors import InputError
from lia_bench.core.names import printable
from lia_bench.core.video import resize, write_video
from lia_bench.core.video.reader import Frame
from lia_bench.core.weight_file import WeightFile
from lia_bench.models.card import PUBLISHED, how_to_fetch, is_fetched, published_variants
from lia_bench.models.lineup import LineupModel, find_checkpoint, load_lineup
from lia_bench.models.reference import ModelReference, NamedModel, name_models
from lia_bench.models.specification import MODELS
from lia_bench.models.training.run_folder import RunFolder
from lia_bench.models.training.runs import newest_of_model
from lia_bench.preprocessing.boxes import Box
from lia_bench.preprocessing.recipes.sample.footage import tube_box
from lia_bench.preprocessing.recipes.sample.identities import draw_identity
from lia_bench.preprocessing.recipes.sample.motion import FRAMES_PER_SECOND, draw_motion
from lia_bench.preprocessing.recipes.sample.renderer import TalkingHead

KEPT_MODELS = 3
"""In memory: loading one again takes longer than showing a picture."""


@dataclass(frozen=True)
class StudioSettings:
    """What the command named.

    Attributes:
        models: references `name[:variant][@checkpoint]` to offer; none for all runs.
        runs: folder of training runs.
        results: folder of results.
        device: as torch names devices; None for the GPU where there is one.
    """

    models: tuple[str, ...]
    runs: Path
    results: Path
    device: str | None = None


@dataclass(frozen=True)
class Offer:
    """A published checkpoint of the zoo.

    Attributes:
        model: `name:variant`.
        licence: of its weights.
        size: of its files, as far as it is known.
        way: that it is here, or how it gets here.
    """

    model: str
    licence: str
    size: str
    way: str


class StoppedError(Exception):
    """The user has had enough of a job."""


@dataclass
class Job:
    """What one tab of a browser has asked for.

    Attributes:
        key: part of the address of its files, which nobody can guess.
        folder: of its files.
    """

    key: str
    folder: Path
    _stopped: Event = field(default_factory=Event)

    def stop(self) -> None:
        """Let the job end at its next frame, or before its first."""
        self._stopped.set()

    def check(self) -> None:
        """Raise StoppedError once the job was stopped."""
        if self._stopped.is_set():
            raise StoppedError

    def address(self, name: str) -> str:
        """Of a file of the job, for the page."""
        return f"films/{self.key}/{name}"


class Workshop:
    """The models and jobs of a studio. Models are used by one job at a time; jobs may be stopped from any thread."""

    def __init__(self, settings: StudioSettings, folder: Path) -> None:
        """`folder`: for everything that comes up; whoever opened the studio deletes it."""
        self.settings = settings
        self.uploads, self.films, self.reports, self.samples = (
            folder / name for name in ("uploads", "films", "reports", "samples")
        )
        for path in (self.uploads, self.films, self.reports, self.samples):
            path.mkdir()
        self._loaded: dict[tuple[str, str | None, Path | None], LineupModel] = {}
        self._jobs: dict[str, Job] = {}
        self._lock = Lock()

    def begin(self, tab: str) -> Job:
        """A new job of a tab; what it had before is stopped and deleted."""
        job = Job(secrets.token_urlsafe(12), Path())
        job.folder = self.films / job.key
        job.folder.mkdir()
        self.forget(tab)
        with self._lock:
            self._jobs[tab] = job
        return job

    def current(self, tab: str) -> Job:
        """The job that a tab began last.

        Raises:
            StoppedError: the tab is closed.
        """
        with self._lock:
            if tab not in self._jobs:
                raise StoppedError
            return self._jobs[tab]

    def stop(self, tab: str) -> bool:
        """Stop the job of a tab; whether it has one."""
        with self._lock:
            job = self._jobs.get(tab)
        if job is not None:
            job.stop()
        return job is not None

    def forget(self, tab: str) -> None:
        """Stop the job of a tab, and delete its files."""
        with self._lock:
            job = self._jobs.pop(tab, None)
        if job is not None:
            job.stop()
            shutil.rmtree(job.folder, ignore_errors=True)

    def stop_all(self) -> None:
        """Let every job end at its next frame."""
        with self._lock:
            for job in self._jobs.values():
                job.stop()

    def references(self) -> list[tuple[str, str]]:
        """What to call each model that is here, and its reference: runs, fetched checkpoints, what needs no weights."""
        if self.settings.models:
            return [(text, text) for text in self.settings.models]
        found = []
        for name in MODELS:
            newest = newest_of_model(self.settings.runs, name)
            for path in sorted(self.settings.runs.glob(f"{name}/*")):
                run = RunFolder(path)
                if run.exists() and run.last():
                    remarks = [f"run {path.name}"]
                    remarks += ["the newest"] if newest is not None and newest.path == path else []
                    remarks += ["not finished"] if run.to_go() else []
                    variant = run.description().variant
                    called = f"{name}{f':{variant}' if variant else ''}, {', '.join(remarks)}"
                    found.append((printable(called), f"{name}@{path}"))
            for variant in published_variants(name):
                if is_fetched(name, variant):
                    found.append((f"{name}:{variant}, as published", f"{name}:{variant}@{PUBLISHED}"))
        bare = [name for name, one in MODELS.items() if one.recipe is None and one.variants is None]
        return found + [(name, name) for name in bare]

    def load(self, texts: Sequence[str], announce: Callable[[str], None]) -> list[LineupModel]:
        """The models of references, loaded or still in memory.

        Raises:
            InputError: a reference that the studio does not offer.
            LiaBenchError: as `name_models` and `load_lineup` raise.
        """
        offered = {reference for _, reference in self.references()}
        for text in texts:
            if text not in offered:
                raise InputError(f"{text}: not offered here: name it with --models, or load the page again")
        return [self._model(named, announce) for named in name_models(texts, announce)]

    def _model(self, named: NamedModel, announce: Callable[[str], None]) -> LineupModel:
        reference = named.reference
        checkpoint = find_checkpoint(reference, self.settings.runs, announce=announce)
        key = (reference.name, reference.variant, checkpoint)
        model = self._loaded.pop(key, None)
        if model is None:
            at = ModelReference(reference.name, reference.variant, checkpoint)
            lineup = load_lineup([NamedModel(at, named.label)], self.settings.runs, self.settings.device, announce)
            model = lineup.models[0]
        self._loaded[key] = model
        while len(self._loaded) > KEPT_MODELS:
            self._loaded.pop(next(iter(self._loaded)))
        # What tells models of one job apart depends on the others.
        return replace(model, label=named.label)


@dataclass(frozen=True)
class Sample:
    """A drawn picture and a drawn video, heads alone, for who has none at hand."""

    picture: Path
    video: Path


SAMPLE_SIDE = 256
SAMPLE_FRAMES = 25
SOURCE_PERSON, DRIVING_PERSON = 3, 0


def draw_sample(folder: Path) -> Sample:
    """Draw one person's picture and another one's video into `folder`, as `preprocess sample` draws."""
    sample = Sample(folder / "drawn_face.png", folder / "drawn_motion.mp4")
    write_video(sample.video, _drawn(DRIVING_PERSON, SAMPLE_FRAMES), FRAMES_PER_SECOND)
    Image.fromarray(next(_drawn(SOURCE_PERSON, 1))).save(sample.picture)
    return sample


def _drawn(person: int, frames: int) -> Iterator[Frame]:
    motion = draw_motion(0, person, frames)
    actor = TalkingHead(draw_identity(0, person), 0, person)
    pictures = [actor.picture(motion, moment) for moment in range(frames)]
    square = Box(*tube_box(np.array([picture.head for picture in pictures])))
    for picture in pictures:
        yield resize(cut(picture.frame, square), (SAMPLE_SIDE, SAMPLE_SIDE))


def published() -> list[Offer]:
    """Every checkpoint that a model's authors publish, under which licence, and whether it is here."""
    return [_offer(model, variant, files) for model in MODELS for variant, files in published_variants(model).items()]


def _offer(model: str, variant: str, files: Sequence[WeightFile]) -> Offer:
    sizes = [file.size_bytes for file in files]
    known = [size for size in sizes if size is not None]
    size = f"{sum(known) / 1e6:.0f} MB" if len(known) == len(sizes) else ""
    way = "here" if is_fetched(model, variant) else how_to_fetch(model, variant)
    return Offer(f"{model}:{variant}", "; ".join(sorted({file.licence for file in files})), size, way)


def one_line(said: object, uploads: Path) -> str:
    """An error or a remark for the page: its text, uploads called by their names alone."""
    text = f"{said.filename or 'the disk'}: {said.strerror}" if isinstance(said, OSError) else str(said)
    return printable(re.sub(rf"{re.escape(str(uploads))}/(?:[0-9a-f]+/)?", "", " ".join(text.split())))


def chosen(value: object, what: str) -> Path:
    """The file that an upload left.

    Raises:
        InputError: there is none.
    """
    if not value:
        raise InputError(f"no {what} yet: upload one, take one with the camera, or choose a sample")
    return Path(str(value))
