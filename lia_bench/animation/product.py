"""Every picture of a folder by every video of a folder; what is finished is kept, what is bad stops nothing else."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from lia_bench.animation.film import Film, Performer, filming, make
from lia_bench.animation.inputs import Preparation
from lia_bench.animation.output import Written
from lia_bench.animation.request import USUAL_TRANSFER, AnimationRequest
from lia_bench.core.atomic import remove_partial, write_json, write_text
from lia_bench.core.errors import InputError, UnreadableVideoError
from lia_bench.core.processes import alone_in_folder
from lia_bench.core.provenance import sha256_of_file
from lia_bench.core.text_files import write_table
from lia_bench.core.video import sha256_of_video
from lia_bench.core.video.files import divide_files, left_out_line
from lia_bench.core.video.reader import Frame
from lia_bench.models.controls import amounts_row
from lia_bench.models.lineup import load_lineup
from lia_bench.models.reference import NamedModel, name_models

ORIGINS = "inputs.json"


class Origins:
    """SHA-256 of source and driving video by the name of the result, kept in the folder's `inputs.json`."""

    def __init__(self, folder: Path) -> None:
        """Read what is noted in `folder`.

        Raises:
            InputError: the notes are damaged.
        """
        self._path = folder / ORIGINS
        self._hashes: dict[Path, str] = {}
        try:
            self._noted = json.loads(self._path.read_text(encoding="utf-8")) if self._path.is_file() else {}
        except ValueError:
            raise InputError(f"{self._path}: not readable as JSON; take another --output") from None

    def note(self, output: Path, source: Path, driving: Path) -> None:
        """Write down what `output` is about to be made of."""
        names = {"source name": source.name, "driving name": driving.name}
        self._noted[output.name] = self._of(source, driving) | names
        write_json(self._path, self._noted)

    @property
    def noted(self) -> Mapping[str, Mapping[str, str]]:
        """Of each result, by its name, what it was made of."""
        return self._noted

    def check(self, output: Path, source: Path, driving: Path) -> None:
        """Refuse a result that is there and was made of other files.

        Raises:
            InputError: which of the two it was.
        """
        now = self._of(source, driving)
        noted = self._noted.get(output.name, now)
        differing = [name for name, value in now.items() if noted.get(name) != value]
        if differing:
            raise InputError(
                f"{output}: is there, made of another {' and another '.join(differing)} of that name; remove it, or "
                "take another --output"
            )

    def _of(self, source: Path, driving: Path) -> dict[str, str]:
        for path in (source, driving):
            if path not in self._hashes:
                self._hashes[path] = sha256_of_video(path)
        return {"source": self._hashes[source], "driving video": self._hashes[driving]}


PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"})

FOLDER = Path("animations")
"""Of results, where there are several and none is named."""

SETTINGS = "animations.json"

BAD_INPUT = (InputError, UnreadableVideoError)
"""What one input can be at fault for; anything else stops a command."""

Input = TypeVar("Input")


@dataclass
class Outcome:
    """What a command made.

    Attributes:
        made: the results written now.
        kept: those that were there.
        failures: a line for every input that could not be used, and every result that could not be made.
        pairs: how many results were asked for.
    """

    pairs: int
    made: list[tuple[Path, Written]] = field(default_factory=list)
    kept: list[Path] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Raise InputError where a result could not be made; it names every reason."""
        if self.failures:
            missing = self.pairs - len(self.kept) - len(self.made)
            raise InputError(f"{missing} of {self.pairs} results could not be made: {'; '.join(self.failures)}")


def animate(request: AnimationRequest, announce: Callable[[str], None]) -> Outcome:
    """Make what is asked for: one result, or where a folder is given one for each picture and video in it.

    Args:
        request: what to make.
        announce: takes lines for the user.

    Raises:
        LiaBenchError: of the kind that names the cause. With folders, an input that cannot be used is noted in the
            outcome instead.
    """
    request.check()
    named = name_models(request.models, announce)
    labels = [model.label for model in named]
    sources, drivings = sources_of(request.source), drivings_of(request.driving, announce)
    several = _several(request, drivings)
    name = _result_name(request.source.stem, request.driving.stem, labels)
    output = request.output or Path()
    if request.output is None or (not several and request.names_folder(output)):
        output /= f"{name}.{request.format or 'mp4'}"
    if not several:
        request.check_single_output(output)
    elif request.output is not None:
        request.check_folder(request.output)
    preparation, performers = _opened(request, named, drivings, announce)
    views = [preparation.reference(path) for path in request.references]
    outcome = Outcome(len(sources) * len(drivings))
    if not several:
        source, driving = preparation.moved(request.source), preparation.driving(request.driving)
        outcome.made.append((output, make(source, driving, views, performers, request, output)))
        return outcome
    folder = request.output or FOLDER
    with _alone_in(folder):
        _check_settings(folder, request, performers)
        _make_all(sources, drivings, views, performers, request, preparation, folder, outcome, announce)
    return outcome


@contextmanager
def animation(request: AnimationRequest, announce: Callable[[str], None]) -> Iterator[Film]:
    """Inside, the animation of one picture by one video, rendered while its frames are read; nothing is written.

    Raises:
        LiaBenchError: as `animate`; InputError also for a folder of pictures or of videos.
    """
    request.check()
    drivings = drivings_of(request.driving, announce)
    if _several(request, drivings):
        raise InputError("folders of pictures or videos give several results: name the folder that they go to")
    preparation, performers = _opened(request, name_models(request.models, announce), drivings, announce)
    views = [preparation.reference(path) for path in request.references]
    source, driving = preparation.moved(request.source), preparation.driving(request.driving)
    with filming(source, driving, views, performers, request) as film:
        yield film


def _several(request: AnimationRequest, drivings: Sequence[Path]) -> bool:
    return request.source.is_dir() or list(drivings) != [request.driving]


def _opened(
    request: AnimationRequest, named: Sequence[NamedModel], drivings: Sequence[Path], announce: Callable[[str], None]
) -> tuple[Preparation, list[Performer]]:
    """What looks inputs up, and the models; what is quick to fail comes first."""
    request.check_fps(drivings)
    transfers = request.transfers([model.reference for model in named])
    preparation = Preparation(request, announce)
    for model, transfer in zip(named, transfers, strict=True):
        if request.transfer is None and transfer != USUAL_TRANSFER:
            announce(f"{model.label}: {transfer} transfer, for want of {USUAL_TRANSFER}")
    lineup = load_lineup(
        named, request.runs, request.device, announce, None, request.runtime, request.precision, request.compile
    )
    for loaded in lineup.models if request.edit else ():
        amounts_row(loaded.animator.controls(), request.edit)
    return preparation, [
        Performer(model, transfer, request.edit) for model, transfer in zip(lineup.models, transfers, strict=True)
    ]


def sources_of(path: Path) -> list[Path]:
    """The pictures that a path means: itself, or those of a folder by name.

    Raises:
        InputError: a folder without pictures.
    """
    if not path.is_dir():
        return [path]
    found = [file for file in _files(path) if file.suffix.lower() in PICTURE_SUFFIXES]
    if not found:
        raise InputError(f"{path}: the folder holds no picture ({', '.join(sorted(PICTURE_SUFFIXES))})")
    return found


def drivings_of(path: Path, announce: Callable[[str], None]) -> list[Path]:
    """The videos that a path means: itself, or those of a folder by name; a folder without any is a video itself.

    `announce` is told which files of a folder are no videos.
    """
    if not path.is_dir():
        return [path]
    videos, others = divide_files(_files(path))
    left_out = left_out_line(path, others) if videos else None
    if left_out:
        announce(left_out)
    return videos or [path]


def _make_all(
    sources: Sequence[Path],
    drivings: Sequence[Path],
    references: Sequence[Frame],
    performers: Sequence[Performer],
    request: AnimationRequest,
    preparation: Preparation,
    folder: Path,
    outcome: Outcome,
    announce: Callable[[str], None],
) -> None:
    def leave_out(error: Exception) -> None:
        if str(error) not in outcome.failures:
            outcome.failures.append(str(error))
            announce(f"left out: {error}")

    pictures, videos = _Examined(preparation.source, leave_out), _Examined(preparation.driving, leave_out)
    source_names, driving_names = _names(sources), _names(drivings)
    labels = [performer.model.label for performer in performers]
    origins = Origins(folder)
    for driving in drivings:
        for source in sources:
            name = _result_name(source_names[source], driving_names[driving], labels)
            output = folder / f"{name}.{request.format or 'mp4'}"
            if output.exists():
                try:
                    origins.check(output, source, driving)
                    outcome.kept.append(output)
                except BAD_INPUT as error:
                    leave_out(error)
                continue
            video, picture = videos.get(driving), pictures.get(source)
            if video is None or picture is None:
                continue
            try:
                origins.note(output, source, driving)
                outcome.made.append((output, make(picture, video, references, performers, request, output)))
            except BAD_INPUT as error:
                leave_out(error)
    _list_pairs(folder, origins)


def _list_pairs(folder: Path, origins: Origins) -> None:
    """Write pairs.csv: which source and driving video each result is of, as `lia-bench score` reads it."""
    rows = [
        {"source": of["source name"], "driving": of["driving name"], "generated": name}
        for name, of in sorted(origins.noted.items())
        if "source name" in of and (folder / name).is_file()
    ]
    if rows:
        write_text(folder / "pairs.csv", write_table(("source", "driving", "generated"), rows))


class _Examined(Generic[Input]):
    """Inputs that were looked up, each once, when it is first needed."""

    def __init__(self, examine: Callable[[Path], Input], leave_out: Callable[[Exception], None]) -> None:
        self._examine = examine
        self._leave_out = leave_out
        self._found: dict[Path, Input | None] = {}

    def get(self, path: Path) -> Input | None:
        """What was found in `path`; None where it cannot be used."""
        if path not in self._found:
            try:
                self._found[path] = self._examine(path)
            except BAD_INPUT as error:
                self._leave_out(error)
                self._found[path] = None
        return self._found[path]


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep other commands out of `folder`, and clear away what a killed one left half-written."""
    busy = "another command is writing there; wait for it, or take another --output"
    with alone_in_folder(folder, busy, "for several results, name one with --output"):
        remove_partial(folder)
        yield


def _check_settings(folder: Path, request: AnimationRequest, performers: Sequence[Performer]) -> None:
    """Make sure that what `folder` holds was made as `request` asks, and note how that is.

    Raises:
        InputError: it was made in another way.
    """
    settings = {
        "models": [[performer.model.label, performer.model.checkpoint_sha256] for performer in performers],
        "transfer": [performer.transfer for performer in performers],
        "references": sorted(sha256_of_file(path) for path in request.references),
        # Of what is usual nothing is noted, as in folders made before there were other ways.
        "edit": dict(request.edit) or None,
        "precision": None if request.precision == "32-true" else request.precision,
        "start": request.start,
        "subject": request.subject if request.crop else None,
        "paste_back": request.paste_back,
        "side_by_side": request.is_strip,
    }
    path = folder / SETTINGS
    if not path.is_file():
        write_json(path, settings)
        return
    try:
        there = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise InputError(f"{path}: not readable as JSON; take another --output") from None
    differing = [name for name, value in settings.items() if there.get(name) != value]
    if differing:
        raise InputError(
            f"{folder}: its results were made with another {', '.join(differing)} ({SETTINGS} has it); "
            "take another --output"
        )


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))


def _names(paths: Sequence[Path]) -> dict[Path, str]:
    """What results call each input: its name without the suffix, where no other has the same."""
    stems = Counter(path.stem for path in paths)
    return {path: path.stem if stems[path.stem] == 1 else path.name for path in paths}


def _result_name(source: str, driving: str, labels: Iterable[str]) -> str:
    return "-".join([source, driving, *(re.sub(r"[^\w.-]+", "_", label) for label in labels)])
