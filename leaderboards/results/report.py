"""What `report.json` holds: the history of a results folder, from which its tables are made by `report_file.py`."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from lia_bench.metrics.specification import Score

SCHEMA = 2

Key = tuple[str, str, str]
"""Task, source and driving clip: what tells an animation from the others of a run."""


class Part(BaseModel):
    """A part of report.json; keys that another version added stay in the file."""

    model_config = ConfigDict(extra="allow")


class _WithoutNothing(Part):
    """A part whose optional keys are in the file only where there is something to say."""

    @model_serializer(mode="wrap")
    def _serialise(self, usual: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = type(self).model_fields
        optional = {key for key, field in fields.items() if not field.is_required()}
        return {key: value for key, value in usual(self).items() if value is not None or key not in optional}


class CommonSetting(Part):
    """What all rows of a table have in common, whatever made them.

    Attributes:
        dataset, dataset_hash, split: the clips.
        height, width: of all frames, in pixels.
        seed: of the pairs and of the intervals.
        protocol: the rules that numbers are computed by.
        subject: what the clips show; empty where nobody says.
        metrics: the columns.
        given_pairs: SHA-256 of the pairs that a file named; empty where none did.
        max_frames: only the first so many frames of each clip counted; None is all.
        skip_source_frame: whether the first frame, which is the source, was left out of reconstruction.
        set_side: the clips that distances of sets were measured from, in the cross task.
        experiment: name and hash of the experiment that asked for it.
    """

    dataset: str
    dataset_hash: str
    split: str
    height: int
    width: int
    seed: int
    protocol: str
    subject: str
    metrics: list[str]
    given_pairs: str = ""
    max_frames: int | None = None
    skip_source_frame: bool = False
    set_side: Literal["driving", "source"] = "driving"
    experiment: str = ""


class EvaluationSetting(CommonSetting):
    """The setting of models that were run.

    Attributes:
        listed_clips: how many clips a list left; None without a list.
        limit: only the first so many clips were animated; None is all.
        pair_count: animations of the cross task.
        source_set: name and hash of what the sources of the cross task were drawn from; empty for the dataset.
        references: further views of each source that models were given.
        best_of_references: whether models that take none were run from each view, and each frame's best counted.
        start: the driving frame that relative transfer began from.
        precision, compiled: as `Animator.speed_up` was told.
    """

    kind: Literal["evaluation"] = "evaluation"
    listed_clips: int | None = None
    limit: int | None
    pair_count: int
    source_set: str = ""
    references: int = 0
    best_of_references: bool = False
    start: Literal["first", "best"] = "first"
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    compiled: bool = False


class ScoreSetting(CommonSetting):
    """The setting of videos that another program made.

    Attributes:
        trim: pixels left out at the top, right, bottom and left of every frame.
        sources: one SHA-256 over the images that were animated; None without any.
    """

    kind: Literal["score"] = "score"
    trim: list[int]
    sources: str | None


class PlannedModel(_WithoutNothing):
    """A model of a run.

    Attributes:
        label: what tables and videos call it.
        model, variant: its registered name and configuration; of `score` the program's name.
        checkpoint, checkpoint_sha256: its weights; empty where it has none.
        transfers: task to the transfer mode that it renders with.
        rendered: height and width of its frames where they are resized to be compared.
    """

    label: str
    model: str
    variant: str
    checkpoint: str
    checkpoint_sha256: str
    transfers: dict[str, str] = {}
    rendered: tuple[int, int] | None = None


class MetricMeaning(Part):
    """What a column's numbers are.

    Attributes:
        definition: the metric's id.
        description: the same with the weights that it rests on.
        of_sets: whether it has one value for all clips together.
        averaging: 'frames' where a clip counts by its frames in the mean, 'clips' where all count alike.
    """

    definition: str
    description: str
    of_sets: bool
    averaging: str


class Plan(Part):
    """What makes a run: the same plan goes on with it, another plan is a run of its own.

    Attributes:
        models: in the order of every clip's results.
        tasks: task to the transfer mode that was wanted.
        tasks_with_truth: those in which each frame has a true one.
        metrics: column to what it means, of those that can be had.
        device, version: where and by what the numbers are computed.
    """

    models: list[PlannedModel]
    tasks: dict[str, str]
    tasks_with_truth: list[str]
    metrics: dict[str, MetricMeaning]
    device: str
    version: str


class ModelResult(_WithoutNothing):
    """A model on one clip.

    Attributes:
        seconds: that it rendered; 0 of videos that another program made.
        scores: by column.
        problem: what was wrong with its frames.
        reasons: of columns that have no value, why, where the metric says so.
        video, flow_video, overlay_video: files, relative to the results folder.
    """

    seconds: FiniteFloat
    scores: dict[str, Score]
    problem: str | None = None
    reasons: dict[str, str] | None = None
    video: str | None = None
    flow_video: str | None = None
    overlay_video: str | None = None


class ClipEntry(_WithoutNothing):
    """A finished clip.

    Attributes:
        number: its place in the tables, and in the names of its files of features.
        task: 'reconstruction' or 'cross'.
        clip, source: names of the driving clip and of the one whose first frame was animated.
        features_key: what the true frames' features are cached by.
        frames: how many there are.
        models: results in the order of the plan's models.
        source_picture, driving_video: files, relative to the results folder.
        start_pose_gap: how differently source and first driving frame stand; 0 for the same pose.
        fps, size: of a video that was looked at alone: frames a second, and width and height in pixels.
        date: UTC.
    """

    number: int
    task: str
    clip: str
    source: str
    features_key: str
    frames: int
    models: list[ModelResult]
    source_picture: str | None = None
    driving_video: str | None = None
    start_pose_gap: FiniteFloat | None = None
    fps: FiniteFloat | None = None
    size: tuple[int, int] | None = None
    date: str

    @property
    def key(self) -> Key:
        """What tells it from the others of its run."""
        return self.task, self.source, self.clip


class Failure(Part):
    """A clip that could not be read or compared, and why."""

    model_config = ConfigDict(frozen=True)

    task: str
    clip: str
    source: str
    reason: str
    date: str


class SetScore(_WithoutNothing):
    """A metric of sets over all clips of a task.

    Attributes:
        task, metric: of what.
        model: position among the plan's models.
        value: None where there is none, for the `reason`.
        generated, reference: samples on each side.
        dimensions: numbers in a sample.
    """

    task: str
    model: int
    metric: str
    value: FiniteFloat | None
    reason: str | None
    generated: int | None = None
    reference: int | None = None
    dimensions: int | None = None


class SetScores(Part):
    """All metrics of sets, and how many clips they are from."""

    clips: int
    scores: list[SetScore]


class Run(_WithoutNothing):
    """One plan, and what was measured by it.

    Attributes:
        plan: what was to be measured.
        sessions: where each start's results come from.
        clips, failures: what is finished, and what could not be.
        unavailable: column to the reason why it cannot be had.
        missing_weights: column to the names of the weights that it lacks.
        sets: metrics of sets, when all clips are done.
    """

    plan: Plan
    sessions: list[dict[str, Any]] = []
    clips: list[ClipEntry] = []
    failures: list[Failure] = []
    unavailable: dict[str, str] = {}
    missing_weights: dict[str, list[str]] = {}
    sets: SetScores | None = None

    @model_validator(mode="after")
    def _has_a_result_of_every_model(self) -> Self:
        for number, clip in enumerate(self.clips):
            if len(clip.models) != len(self.plan.models):
                raise ValueError(f"clips.{number} has {len(clip.models)} results of {len(self.plan.models)} models")
        return self

    def finished(self) -> set[Key]:
        """Task, source and driving clip of everything that is measured."""
        return {clip.key for clip in self.clips}


class Cell(Part):
    """What stands behind one cell of the leaderboard.

    Attributes:
        model, checkpoint_sha256, task, transfer, metric: which cell.
        clips, clips_with_a_value: of the row, and of the metric.
        valid_frames, missing_frames: as of a `Score`, over all clips.
        reason: why the cell is empty; None of one that is not.
    """

    model: str
    checkpoint_sha256: str
    task: str
    transfer: str
    metric: str
    clips: int
    clips_with_a_value: int
    valid_frames: int
    missing_frames: int
    reason: str | None


@dataclass(frozen=True)
class ClipPair:
    """Names of two clips, and which frame of the source is animated."""

    source: str
    driving: str
    frame: int = 0


class Report(Part):
    """The whole of report.json: one setting, and every run of models in it.

    Attributes:
        tables: name to the SHA-256 of each table as it was written last; they stand first, so that nobody has to read
            on who only asks whether a table is that one.
        setting: of all runs.
        pairs: of the cross task; None where nothing was drawn.
        runs: in the order of their first starts.
        cells: of the leaderboard as it was written last.
        sha256: of all else, in hexadecimal, as it was written; empty in reports of former versions.
    """

    schema_version: Literal[2] = Field(2, alias="schema")
    tables: dict[str, str] = {}
    setting: Annotated[EvaluationSetting | ScoreSetting, Field(discriminator="kind")]
    pairs: list[ClipPair] | None = None
    runs: list[Run]
    cells: list[Cell] = []
    sha256: str = ""
