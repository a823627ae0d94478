"""What a user asks `evaluate` and `score` for, and what they leave."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lia_bench.core.errors import InputError
from lia_bench.core.suggestions import unknown
from lia_bench.leaderboards.results.csv_writing import PER_CLIP
from lia_bench.leaderboards.results.report import Run
from lia_bench.leaderboards.results.report_file import ReportFile
from lia_bench.metrics.registry import SUBJECTS, check_name
from lia_bench.metrics.specification import Protocol

SPLIT = "test"
"""The partition of a dataset that is evaluated."""

TASKS = ("reconstruction", "cross")

KEYPOINTS, MASKS, FLOWS = KINDS = ("keypoints", "masks", "flows")
"""What of a model's motion an overlay video may show."""

Trim = tuple[int, int, int, int]
"""Pixels left out at the top, right, bottom and left of every frame."""


@dataclass(frozen=True)
class EvaluationRequest:
    """What to evaluate.

    Attributes:
        models: references `name[:variant][@checkpoint]`; identity is added.
        dataset: name or folder of a prepared dataset; None is the only one in `data`.
        tasks: of 'reconstruction' and 'cross'; none are both, or reconstruction alone where no two test clips show
            different persons.
        transfer: of the cross task, and of single models, as 'relative,mraa=avd'. None is relative, and for a model
            that does not know it the model's usual one.
        metrics: names; None is all there are.
        protocol: the rules that numbers are computed by.
        subject: what the clips show, as far as plain names of metrics depend on it; None is what the dataset says.
        name: of the results folder; None is made from the dataset, the size and what differs from the usual.
        device: torch's name; None is the GPU where there is one.
        batch_size: frames rendered together; numbers do not depend on it, the speed does.
        precision, compile: as `Animator.speed_up` takes them; part of what a row says.
        size: side in pixels at which frames are scored; None is that of the model whose frames are smallest.
        clips: a list of clips (see `lia_bench.core.prepared_dataset`); only the test clips that it names count.
        limit: only the first so many test clips are animated or drive; None is all.
        seed: of the pairs and of the intervals.
        pairs: animations of the cross task; None is one a clip, at most 50.
        pairs_file: the pairs themselves (see `pairs.read_pairs`), in place of drawn ones.
        sources: dataset, or folder of clips or pictures, that the sources of the cross task are from; None is the
            dataset itself.
        references: further views of each source, drawn from its clip, for models that take some.
        best_of_references: whether a model that takes none is run from each view, and each frame's best counts, as its
            distance from the true one tells.
        max_frames: only the first so many frames of each clip count; None is all.
        skip_source_frame: whether reconstruction leaves the first frame, which is the source, out of its numbers.
        start: 'first' or 'best': the driving frame that relative transfer begins from.
        reconstruction_transfer: the mode that reconstruction takes, of models that have it; None is each model's own.
        set_side: 'driving' or 'source': the clips that distances of sets are measured from, in the cross task.
        videos: whether to write videos: of each clip a strip of all side by side, and every model's alone.
        flow_videos: whether to write videos of the models' dense flows as well.
        show: of 'keypoints', 'masks' and 'flows', what a further video of each model shows over its frames.
        data: folder of prepared datasets.
        runs: folder of training runs.
        results: folder of results.
    """

    models: tuple[str, ...]
    dataset: str | None = None
    tasks: tuple[str, ...] = ()
    transfer: str | None = None
    metrics: tuple[str, ...] | None = None
    name: str | None = None
    device: str | None = None
    batch_size: int = 8
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    compile: bool = False
    protocol: Protocol = Protocol.LITERATURE
    subject: str | None = None
    size: int | None = None
    clips: Path | None = None
    limit: int | None = None
    seed: int = 0
    pairs: int | None = None
    pairs_file: Path | None = None
    sources: str | None = None
    references: int = 0
    best_of_references: bool = False
    max_frames: int | None = None
    skip_source_frame: bool = False
    start: Literal["first", "best"] = "first"
    reconstruction_transfer: str | None = None
    set_side: Literal["driving", "source"] = "driving"
    videos: bool = True
    flow_videos: bool = False
    show: tuple[str, ...] = ()
    data: Path = Path("data")
    runs: Path = Path("runs")
    results: Path = Path("results")

    def check(self) -> None:
        """Raise InputError or UnknownNameError for a value that cannot be, before anything is loaded."""
        for task in self.tasks:
            if task not in TASKS:
                raise InputError(unknown("task", task, TASKS))
        if self.protocol is Protocol.THEVAL:
            raise InputError("--protocol theval is of videos: lia-bench score --protocol theval --generated FOLDER")
        _check_metrics(self.metrics, self.subject)
        _check_counts({"batch-size": self.batch_size, "limit": self.limit, "pairs": self.pairs, "size": self.size})
        _check_counts({"max-frames": self.max_frames, "references": self.references or None})
        self._check_together()
        if self.compile and (self.flow_videos or self.show):
            raise InputError("--compile: compiled code does not tell of keypoints, masks and flows: leave it out")
        if self.flow_videos and not self.videos:
            raise InputError("--flow-videos and --no-videos: leave one of them out")
        if self.show and not self.videos:
            raise InputError("--show and --no-videos: leave one of them out")
        for kind in self.show:
            if kind not in KINDS:
                raise InputError(f"--show: {unknown('kind', kind, KINDS)}")
        _check_name(self.name, self.results)

    def _check_together(self) -> None:
        """Raise InputError for values that exclude each other."""
        if self.pairs_file is not None and self.pairs is not None:
            raise InputError("--pairs and --pairs-file: leave one of them out")
        for option, value in {"--pairs-file": self.pairs_file, "--sources": self.sources}.items():
            if value is not None and self.tasks and "cross" not in self.tasks:
                raise InputError(f"{option} is for the cross task: leave it out, or add --task cross")
            if value is not None and self.best_of_references:
                raise InputError(f"{option} is for the cross task, --best-of-references is not: leave one of them out")
        if self.best_of_references and not self.references:
            raise InputError("--best-of-references goes with --references N")
        if self.best_of_references and "cross" in self.tasks:
            raise InputError(
                "--best-of-references takes each frame's best by its true one, which the cross task has none of: "
                "take --task reconstruction alone"
            )
        if self.max_frames == 1 and self.skip_source_frame:
            raise InputError("--max-frames 1 and --skip-source-frame leave no frame: leave one of them out")
        if self.start not in ("first", "best"):
            raise InputError(unknown("start", self.start, ("first", "best")))
        if self.set_side not in ("driving", "source"):
            raise InputError(unknown("side", self.set_side, ("driving", "source")))


@dataclass(frozen=True)
class ScoreRequest:
    """What to score.

    Attributes:
        generated: folder of the videos to score.
        reference: folder of the true videos, or a prepared dataset, whose test clips are taken; None under the protocol
            theval alone, which then has no scores.
        source: folder of the animated images, or one image; the references then show other persons, so that identity is
            compared with the images, and what compares pixels is left out.
        pairs_file: what belongs together (see `video_folders.match_listed`), in place of equal names; the references
            then show other persons. None is the pairs.csv that `animate` left in `generated`, where there is one.
        max_frames: only the first so many frames of each video count; None is all.
        skip_source_frame: whether reconstruction leaves the first frame, which is the source, out of its numbers.
        set_side: 'driving' or 'source': what distances of sets are measured from where the images are given.
        model: what tables call the program; None is the name of `generated`.
        transfer: how it transferred motion; 'relative' compares poses and expressions by their changes since the first
            frame. Empty where nobody knows, which compares them as they are.
        metrics: names; None is all plain ones.
        protocol: the rules that numbers are computed by.
        subject: what the videos show; None is what a prepared dataset says.
        trim: what of every frame is left out, such as lines that a visualiser drew.
        name: of the results folder; None is score- (under theval, theval-) and the name of the reference folder.
        device: torch's name; None is the GPU where there is one.
        batch_size: frames scored together; no number depends on it.
        seed: of the 95 % intervals.
        videos: whether the true and the generated videos are shown beside the numbers, as files of the results; under
            theval, which looks at each alone, they are not.
        results: parent of the results folder.
    """

    generated: Path
    reference: Path | None = None
    source: Path | None = None
    pairs_file: Path | None = None
    max_frames: int | None = None
    skip_source_frame: bool = False
    set_side: Literal["driving", "source"] = "driving"
    model: str | None = None
    transfer: str = ""
    metrics: tuple[str, ...] | None = None
    protocol: Protocol = Protocol.LITERATURE
    subject: str | None = None
    trim: Trim = (0, 0, 0, 0)
    name: str | None = None
    device: str | None = None
    batch_size: int = 8
    seed: int = 0
    videos: bool = True
    results: Path = Path("results")

    def check(self) -> None:
        """Raise InputError or UnknownNameError for a value that cannot be, before anything is loaded."""
        _check_metrics(self.metrics, self.subject)
        _check_counts({"batch-size": self.batch_size, "max-frames": self.max_frames})
        if self.protocol is Protocol.THEVAL:
            self._check_theval()
        if self.set_side not in ("driving", "source"):
            raise InputError(unknown("side", self.set_side, ("driving", "source")))
        if self.set_side == "source" and self.source is None:
            raise InputError("--set-side source: name the images that were animated with --source")
        if self.max_frames == 1 and self.skip_source_frame:
            raise InputError("--max-frames 1 and --skip-source-frame leave no frame: leave one of them out")
        if min(self.trim) < 0:
            raise InputError(f"--trim {','.join(map(str, self.trim))}: pixels cannot be negative")
        _check_name(self.name, self.results)

    def _check_theval(self) -> None:
        """Raise InputError for what videos that are looked at one by one, and whole, have no use for."""
        given = {
            "--source": self.source,
            "--pairs-file": self.pairs_file,
            "--max-frames": self.max_frames,
            "--skip-source-frame": self.skip_source_frame,
            "--set-side": self.set_side != "driving",
            "--transfer": self.transfer,
            "--subject": self.subject not in (None, "face"),
        }
        if useless := [option for option, value in given.items() if value]:
            raise InputError(
                f"--protocol theval looks at each video of a face alone and whole: leave {', '.join(useless)} out"
            )


@dataclass(frozen=True)
class EvaluationOutcome:
    """What an evaluation left.

    Attributes:
        report: the report of the results folder.
        run_index: position of this evaluation's run in it.
        failures: one line for each clip that could not be read.
        first: whether this process is the one that writes and prints, of several.
        leaderboard: path of leaderboard.csv.
        video: path of one side-by-side video; None where none was written.
    """

    report: ReportFile
    run_index: int
    failures: tuple[str, ...]
    first: bool
    leaderboard: Path
    video: Path | None = None

    @property
    def run(self) -> Run:
        """The entry of this evaluation in the report."""
        return self.report.content.runs[self.run_index]

    @property
    def per_clip(self) -> Path:
        """Path of per_clip.csv."""
        return self.report.folder / PER_CLIP


def _check_metrics(metrics: tuple[str, ...] | None, subject: str | None) -> None:
    for metric in metrics or ():
        check_name(metric)
    if subject is not None and subject not in SUBJECTS:
        raise InputError(unknown("subject", subject, SUBJECTS))


def _check_counts(counts: dict[str, int | None]) -> None:
    for option, value in counts.items():
        if value is not None and value < 1:
            raise InputError(f"--{option} {value}: it must be at least 1")


def _check_name(name: str | None, results: Path) -> None:
    if name is not None and (Path(name).name != name or name.startswith(".")):
        raise InputError(f"--name {name}: it names one folder in {results}, without slashes")
