"""`lia-bench study create`: draws what raters are asked, and gathers the videos."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lia_bench.core.atomic import replacing
from lia_bench.core.errors import InputError
from lia_bench.core.processes import alone_at
from lia_bench.core.provenance import VERSION, command_line
from lia_bench.leaderboards.study.document import (
    MEDIA,
    STUDY,
    Candidate,
    Question,
    Study,
    present,
    write_study,
)
from lia_bench.leaderboards.study.result_videos import Animation, MediaFolder, ResultVideos, random_id, videos_of

QUESTION = "Which video is better?"


@dataclass(frozen=True)
class StudyRequest:
    """What to ask.

    Attributes:
        results: folders of results, each a dataset.
        output: the study's folder, which must not be there.
        task: 'reconstruction' or 'cross'.
        models: labels of which all pairs are compared; None is all but `identity`.
        against: the label that is compared with all others, if not all pairs are.
        pairs: animations drawn of each dataset; every two models are compared on the same ones.
        attention_checks: questions with an evident answer.
        seed: of the draw, and of every rater's order.
        question: what raters are asked.
    """

    results: tuple[Path, ...]
    output: Path
    task: str = "reconstruction"
    models: tuple[str, ...] | None = None
    against: str | None = None
    pairs: int = 50
    attention_checks: int = 5
    seed: int = 0
    question: str = QUESTION


def create_study(request: StudyRequest, announce: Callable[[str], None]) -> Study:
    """Draw the questions and write the study's folder, whole or not at all.

    Raises:
        InputError: the folder is there, or the results have no videos for it.
        UnknownNameError: a model that results do not have.
        UnreadableVideoError: the footage of an attention check cannot be read.
    """
    busy = "another command is writing this study; wait until it is over, or take another --output"
    with alone_at(request.output, busy, "take another --output"):
        return _create(request, announce)


def _create(request: StudyRequest, announce: Callable[[str], None]) -> Study:
    if request.output.exists():
        kind = "a study, perhaps with answers" if (request.output / STUDY).is_file() else "something"
        raise InputError(f"{request.output}: holds {kind}; take another --output, or remove it")
    found = [videos_of(folder, request.task, _wanted(request)) for folder in dict.fromkeys(request.results)]
    compared = [_pairs_of_models(part, request.against) for part in found]
    random = np.random.default_rng(request.seed)
    with replacing(request.output) as folder:
        folder.mkdir(parents=True)
        media = MediaFolder(folder / MEDIA)
        questions: list[Question] = []
        drawn: list[list[Animation]] = []
        for number, (part, pairs) in enumerate(zip(found, compared, strict=True)):
            drawn.append(_draw(part, request.pairs, random, announce))
            questions += _comparisons(number, drawn[-1], pairs, media)
        questions += _attention_checks(drawn, request, media)
        study = Study(
            id=random_id(),
            question=request.question,
            seed=request.seed,
            created=present(),
            command_line=command_line(),
            version=VERSION,
            datasets=tuple(part.dataset for part in found),
            questions=tuple(questions),
            media=media.entries,
        )
        write_study(folder, study)
    return study


def _wanted(request: StudyRequest) -> tuple[str, ...] | None:
    """Labels to look for; the one that is compared with all others is among them if others are named at all."""
    if request.models is None or request.against is None:
        return request.models
    return (request.against, *(label for label in request.models if label != request.against))


def _pairs_of_models(part: ResultVideos, against: str | None) -> list[tuple[int, int]]:
    labels = [model.label for model in part.dataset.models]
    if against is None:
        return list(itertools.combinations(range(len(labels)), 2))
    if against not in labels:
        there = ", ".join(labels)
        raise InputError(f"{part.dataset.results}: no model '{against}' to compare others with; there are: {there}")
    mine = labels.index(against)
    return [(mine, other) for other in range(len(labels)) if other != mine]


def _draw(
    part: ResultVideos, count: int, random: np.random.Generator, announce: Callable[[str], None]
) -> list[Animation]:
    there = len(part.animations)
    if there < count:
        announce(f"{part.dataset.results}: only {there} clips have videos of all models, not {count}: all are taken")
    order = random.permutation(there)[:count]
    return [part.animations[int(place)] for place in order]


def _comparisons(
    dataset: int, drawn: Sequence[Animation], pairs: Sequence[tuple[int, int]], media: MediaFolder
) -> Iterator[Question]:
    for animation in drawn:
        for first, second in pairs:
            yield Question(
                id=random_id(),
                kind="comparison",
                dataset=dataset,
                clip=animation.clip,
                source_clip=animation.source_clip,
                source=media.place(animation.source_picture),
                driving=media.place(animation.driving_video),
                first=Candidate(video=media.place(animation.videos[first]), model=first),
                second=Candidate(video=media.place(animation.videos[second]), model=second),
            )


def _attention_checks(
    drawn: Sequence[Sequence[Animation]], request: StudyRequest, media: MediaFolder
) -> Iterator[Question]:
    """The true video against the same with its tiles shuffled.

    A frozen video would be no evident wrong answer where little moves, and a blurred one only worse than the truth;
    nobody who looks takes scattered pieces for the better video, whatever the footage shows. The picture above is the
    first of the driving clip's own, so that the truth is the right answer in the cross task as well.
    """
    # Datasets take turns, and a clip comes twice only when all have been.
    rounds = itertools.zip_longest(*([(number, clip) for clip in part] for number, part in enumerate(drawn)))
    turns = [turn for round_ in rounds for turn in round_ if turn is not None]
    for number in range(request.attention_checks):
        dataset, animation = turns[number % len(turns)]
        truth = animation.driving_video
        yield Question(
            id=random_id(),
            kind="attention",
            dataset=dataset,
            clip=animation.clip,
            source_clip=animation.clip,
            source=media.place_first_frame(truth),
            driving=media.place(truth),
            first=Candidate(video=media.place_again(truth), model=None),
            second=Candidate(video=media.place_scrambled(truth, request.seed + number), model=None),
        )
