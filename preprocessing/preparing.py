"""A whole run of a recipe: plan, cut, and write down what became of every clip."""

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lia_bench.core.atomic import write_text
from lia_bench.core.clips_table import TABLE
from lia_bench.core.dataset_description import (
    Counts,
    DatasetDescription,
    ShardNumber,
    read_description,
    write_description,
)
from lia_bench.core.errors import InputError
from lia_bench.core.prepared_dataset import PARTITIONS
from lia_bench.core.provenance import sha256_of_file, versions
from lia_bench.preprocessing.clip_table import COLUMNS, MetadataTable
from lia_bench.preprocessing.crops import ClipFormat, cut_clips
from lia_bench.preprocessing.download.batch import fetch_missing
from lia_bench.preprocessing.download.fetcher import DownloadOptions
from lia_bench.preprocessing.ledger import FOUND_TABLE, Outcome, alone_in, write_clips_table
from lia_bench.preprocessing.plan import Plan, plan_from_table, videos_of_share
from lia_bench.preprocessing.prepared.contact_sheet import write_contact_sheet
from lia_bench.preprocessing.search import SearchPlan, search_footage
from lia_bench.preprocessing.specification import DATASETS
from lia_bench.preprocessing.workers.engine import Engine

LIBRARIES = ("av", "decord", "numpy", "scikit-image")


@dataclass(frozen=True)
class PreparationOptions:
    """How a dataset is written, whatever it is made of.

    Attributes:
        output: folder of the dataset; train/ and test/ come into it.
        size: side of the clips in pixels.
        clip_format: "mp4" files or "png" folders.
        engine: what the cutting is spread over.
        searching_engine: what the search is spread over, of a recipe that detects; its workers may need a GPU.
        shard: (number, count), number from 1, of a run that does a part of the work; None does all of it.
    """

    output: Path
    size: int
    clip_format: ClipFormat
    engine: Engine
    searching_engine: Engine
    shard: tuple[int, int] | None = None


@dataclass(frozen=True)
class Preparation:
    """A finished run of a recipe.

    Attributes:
        output: folder of the dataset.
        outcomes: one for each clip tried, in the order of clips.csv.
        hash: SHA-256 of clips.csv; empty where no clip came of a whole run, and nothing was written.
    """

    output: Path
    outcomes: tuple[Outcome, ...]
    hash: str

    @property
    def counts(self) -> dict[str, int]:
        """Clips by status."""
        statuses = [outcome.status for outcome in self.outcomes]
        return {status: statuses.count(status) for status in ("ok", "dropped", "failed", "unavailable")}


def prepare_from_table(
    table: MetadataTable,
    footage: Path,
    options: PreparationOptions,
    recipe: str,
    arguments: Mapping[str, Any],
    rule: Callable[[Plan], Plan] = lambda plan: plan,
    download: DownloadOptions | None = None,
) -> Preparation:
    """Cut every row of a table whose footage is there, and write clips.csv and dataset.json.

    A run that was killed and started again keeps the clips that are finished and whole. A row that cannot be cut
    has its reason in clips.csv and does not stop the others; `report.report` turns that into an exit code.

    Args:
        table: rows in the published columns.
        footage: folder of <video_id>.mp4.
        options: how the dataset is written.
        recipe: name that dataset.json gives for what was done.
        arguments: what dataset.json notes of the command's own options.
        rule: leaves out what the recipe does not want of the table.
        download: how to fetch footage that is not there yet; None fetches nothing.

    Raises:
        InputError: no footage, or as `check_output` and `fetch_missing`.
    """
    check_output(options, recipe)
    shard = options.shard or (1, 1)
    if download is not None:
        fetch_missing(videos_of_share(table, shard), footage, download)
    plan = rule(plan_from_table(table, footage, shard))
    with alone_in(options.output):
        return _finish(plan, options, recipe, arguments, _subject_of(recipe))


def prepare_from_search(
    search: SearchPlan,
    options: PreparationOptions,
    recipe: str,
    arguments: Mapping[str, Any],
    subject: str | None = None,
) -> Preparation:
    """Search footage, cut what was found, and write clips.csv, dataset.json and the table of what was found.

    Started again it searches and cuts what is missing.

    Args:
        search: what is searched, and how.
        options: how the dataset is written.
        recipe: as of `prepare_from_table`.
        arguments: likewise.
        subject: what the clips show, for dataset.json; None for what the recipe's specification says.

    Raises:
        InputError: an output whose clips would lie among the footage, or as `check_output`.
    """
    check_output(options, recipe)
    _check_apart(search, options.output)
    with alone_in(options.output):
        plan = search_footage(search, options.output, options.searching_engine, options.shard)
        preparation = _finish(plan, options, recipe, arguments, _subject_of(recipe) if subject is None else subject)
        if preparation.hash:
            _write_found(options.output / FOUND_TABLE, plan)
        return preparation


def check_output(options: PreparationOptions, recipe: str) -> None:
    """Refuse an output that the clips of `recipe` cannot be written to, before a download or another long part.

    Raises:
        InputError: a size H.264 does not have, or a folder that holds another recipe's dataset, that another run is at
            work in, or that cannot be written.
    """
    if options.clip_format == "mp4" and options.size % 2:
        raise InputError(f"--size {options.size}: H.264 needs an even size; give {options.size + 1}, or --format png")
    if options.output.exists():
        with alone_in(options.output):
            holds = _recipe_in(options.output)
        if holds not in (recipe, None):
            raise InputError(f"{options.output}: holds a dataset of the recipe '{holds}'; name another --output")


def _recipe_in(output: Path) -> str | None:
    """The recipe of the dataset in a folder; None where there is none, or none that can be read."""
    try:
        return read_description(output).recipe or None
    except InputError:
        return None


def _subject_of(recipe: str) -> str:
    return DATASETS[recipe].subject if recipe in DATASETS else ""


def _check_apart(search: SearchPlan, output: Path) -> None:
    """Refuse clips beside the footage, where one may overwrite it, and where the next run would search them."""
    clips = {output.resolve() / name for name in PARTITIONS}
    for folder in {unit.video.parent for unit in search.units if unit.video is not None}:
        if not clips.isdisjoint((folder.resolve(), *folder.resolve().parents)):
            raise InputError(f"{output}: the clips would lie among their footage; name another --output")


def _finish(
    plan: Plan, options: PreparationOptions, recipe: str, arguments: Mapping[str, Any], subject: str
) -> Preparation:
    table = options.output / TABLE
    is_new = not table.is_file()
    outcomes = cut_clips(plan, options.output, options.size, options.clip_format, options.engine)
    outcomes.sort(key=lambda outcome: outcome.position)
    if is_new and options.shard is None and not any(outcome.status == "ok" for outcome in outcomes):
        return Preparation(options.output, tuple(outcomes), "")
    write_clips_table(table, outcomes)
    preparation = Preparation(options.output, tuple(outcomes), sha256_of_file(table))
    own = {"size": options.size, "format": options.clip_format, **arguments}
    write_description(
        options.output,
        DatasetDescription(
            recipe=recipe,
            subject=subject,
            arguments={key: str(value) if isinstance(value, Path) else value for key, value in own.items()},
            versions={**versions(), **{name: _version(name) for name in LIBRARIES}},
            counts=_counts(preparation),
            hash=preparation.hash,
            shard=ShardNumber(index=options.shard[0], count=options.shard[1]) if options.shard else None,
            positions=[list(outcome.position) for outcome in outcomes] if options.shard else None,
        ),
    )
    write_contact_sheet(options.output)
    return preparation


def _counts(preparation: Preparation) -> Counts:
    good = [outcome for outcome in preparation.outcomes if outcome.status == "ok"]
    return Counts(
        rows=len(preparation.outcomes),
        **preparation.counts,
        clips={name: sum(clip.partition == name for clip in good) for name in PARTITIONS},
        frames=sum(clip.frames for clip in good),
    )


def _write_found(path: Path, plan: Plan) -> None:
    """The clips to cut as a table in the published columns, for others to cut by without a detector."""
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    table.writerows({**cut.cells, "partition": cut.partition} for cut in plan.cuts)
    write_text(path, text.getvalue())


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
