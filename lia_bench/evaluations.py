"""The commands `evaluate` and `score` as functions of Python, as `commands` has the others."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lia_bench.commands import AnyPath, Say, Subject, path_or_none, several

if TYPE_CHECKING:
    from lia_bench.outcomes import Results


def evaluate(
    models: str | Sequence[str],
    dataset: AnyPath | None = None,
    *,
    tasks: Sequence[Literal["reconstruction", "cross"]] = (),
    transfer: str | None = None,
    metrics: str | Sequence[str] | None = None,
    protocol: Literal["literature", "strict"] = "literature",
    subject: Subject | None = None,
    name: str | None = None,
    device: str | None = None,
    batch_size: int = 8,
    precision: Literal["32-true", "bf16-mixed"] = "32-true",
    compile: bool = False,
    size: int | None = None,
    clips: AnyPath | None = None,
    limit: int | None = None,
    seed: int = 0,
    pairs: int | None = None,
    pairs_file: AnyPath | None = None,
    sources: AnyPath | None = None,
    references: int = 0,
    best_of_references: bool = False,
    max_frames: int | None = None,
    skip_source_frame: bool = False,
    start: Literal["first", "best"] = "first",
    reconstruction_transfer: str | None = None,
    set_side: Literal["driving", "source"] = "driving",
    videos: bool = True,
    flow_videos: bool = False,
    show: str | Sequence[str] = (),
    data: AnyPath = "data",
    runs: AnyPath = "runs",
    results: AnyPath = "results",
    say: Say = print,
) -> "Results":
    """Run models over the test clips of a dataset and score them, as `lia-bench evaluate` does.

    >>> import lia_bench
    >>> results = lia_bench.evaluate(["lia", "fomm"], "sample")     # doctest: +SKIP
    >>> results.table()[["model", "task", "l1", "akd"]]             # doctest: +SKIP

    Options mean what `lia_bench.leaderboards.evaluation.request.EvaluationRequest` says. Clips that cannot be read are
    left out, and told by `say` and by the results' `failures`.

    Raises:
        LiaBenchError: of the kind that names the cause, with the way out.
    """
    from lia_bench.core.memory import batch_size_advice, keep_freed_memory
    from lia_bench.leaderboards.evaluation.evaluate import evaluate as run
    from lia_bench.leaderboards.evaluation.request import EvaluationRequest
    from lia_bench.metrics.specification import Protocol
    from lia_bench.outcomes import Results

    request = EvaluationRequest(
        models=several(models),
        dataset=None if dataset is None else str(dataset),
        tasks=tuple(tasks),
        transfer=transfer,
        metrics=None if metrics is None else several(metrics),
        protocol=Protocol(protocol),
        subject=subject,
        name=name,
        device=device,
        batch_size=batch_size,
        precision=precision,
        compile=compile,
        size=size,
        clips=path_or_none(clips),
        limit=limit,
        seed=seed,
        pairs=pairs,
        pairs_file=path_or_none(pairs_file),
        sources=None if sources is None else str(sources),
        references=references,
        best_of_references=best_of_references,
        max_frames=max_frames,
        skip_source_frame=skip_source_frame,
        start=start,
        reconstruction_transfer=reconstruction_transfer,
        set_side=set_side,
        videos=videos,
        flow_videos=flow_videos,
        show=several(show),
        data=Path(data),
        runs=Path(runs),
        results=Path(results),
    )
    keep_freed_memory()
    with batch_size_advice(batch_size):
        return Results.of(run(request, say), say)


def score(
    generated: AnyPath,
    reference: AnyPath | None = None,
    *,
    source: AnyPath | None = None,
    pairs_file: AnyPath | None = None,
    max_frames: int | None = None,
    skip_source_frame: bool = False,
    set_side: Literal["driving", "source"] = "driving",
    transfer: str = "",
    model: str | None = None,
    metrics: str | Sequence[str] | None = None,
    protocol: Literal["literature", "strict", "theval"] = "literature",
    subject: Subject | None = None,
    trim: tuple[int, int, int, int] = (0, 0, 0, 0),
    name: str | None = None,
    device: str | None = None,
    batch_size: int = 8,
    seed: int = 0,
    videos: bool = True,
    results: AnyPath = "results",
    say: Say = print,
) -> "Results":
    """Score videos that any program made, as `lia-bench score` does: matched with true ones by name.

    Options mean what `lia_bench.leaderboards.evaluation.request.ScoreRequest` says. Videos that cannot be compared are
    left out, and told by `say` and by the results' `failures`.

    Raises:
        LiaBenchError: of the kind that names the cause, with the way out.
    """
    from lia_bench.core.memory import keep_freed_memory
    from lia_bench.leaderboards.evaluation.request import ScoreRequest
    from lia_bench.leaderboards.evaluation.score import score as run
    from lia_bench.metrics.specification import Protocol
    from lia_bench.outcomes import Results

    request = ScoreRequest(
        generated=Path(generated),
        reference=path_or_none(reference),
        source=path_or_none(source),
        pairs_file=path_or_none(pairs_file),
        max_frames=max_frames,
        skip_source_frame=skip_source_frame,
        set_side=set_side,
        transfer=transfer,
        model=model,
        metrics=None if metrics is None else several(metrics),
        protocol=Protocol(protocol),
        subject=subject,
        trim=trim,
        name=name,
        device=device,
        batch_size=batch_size,
        seed=seed,
        videos=videos,
        results=Path(results),
    )
    keep_freed_memory()
    return Results.of(run(request, say), say)
