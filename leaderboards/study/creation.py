"""`lia-bench study create`: draws what raters are shown, as they like or as a paper did, and gathers the videos."""

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lia_bench.core.atomic import replacing
from lia_bench.core.errors import InputError
from lia_bench.core.names import printable
from lia_bench.core.processes import alone_at
from lia_bench.core.provenance import VERSION, command_line
from lia_bench.leaderboards.study.document import (
    MEDIA,
    MOST_SHOWN,
    STUDY,
    Candidate,
    Question,
    Study,
    Trial,
    present,
    write_study,
)
from lia_bench.leaderboards.study.result_videos import Animation, MediaFolder, ResultVideos, random_id, videos_of

BETTER = (Question(aspect="", text="Which video is better?"),)
ASPECT = re.compile(r"([a-z][a-z0-9_]*)=(.*)", re.DOTALL)


@dataclass(frozen=True)
class Preset:
    """A paper's study.

    Attributes:
        questions: what raters are asked.
        against: the label of the paper's model, where it is compared with each other one, two at a time.
        together: whether all models' videos are shown at once.
    """

    questions: tuple[Question, ...]
    against: str | None = None
    together: bool = False


PRESETS = {
    # Wang et al., ICLR 2022, section 4.3.
    "lia": Preset((Question(aspect="", text="Which clip is more realistic?"),), against="lia"),
    # Siarohin et al., NeurIPS 2019, section 4: raters select the most realistic image animation of a pair.
    "fomm": Preset((Question(aspect="", text="Which is the more realistic image animation?"),), against="fomm"),
    # Shalev and Wolf, CVPR 2022: the best of four, for quality and for motion. The words are ours.
    "iapm": Preset(
        (
            Question(aspect="quality", text="Which video is the most realistic?"),
            Question(aspect="motion", text="Which video follows the movement best?"),
        ),
        together=True,
    ),
}
"""By the names of their models."""


def questions_of(texts: Sequence[str]) -> tuple[Question, ...]:
    """Questions as users give them: TEXT, or ASPECT=TEXT.

    >>> questions_of(["motion=Which moves better?"])
    (Question(aspect='motion', text='Which moves better?'),)

    Raises:
        InputError: an empty text, one whose bytes are not UTF-8, or several of which one has no word of its own.
    """
    found = []
    for text in texts:
        named = ASPECT.fullmatch(text)
        aspect, said = named.groups() if named else ("", text)
        if not said.strip():
            raise InputError("--question: is empty; say what raters are asked")
        if any(0xD800 <= ord(sign) <= 0xDFFF for sign in said):
            raise InputError(f"--question: {printable(said)}: is not UTF-8; write it as UTF-8 text")
        found.append(Question(aspect=aspect, text=said.strip()))
    aspects = {question.aspect for question in found}
    if len(found) > 1 and ("" in aspects or len(aspects) < len(found)):
        raise InputError(
            "--question: of several, each needs a word of its own: --question 'motion=Which moves better?'"
        )
    return tuple(found)


@dataclass(frozen=True)
class StudyRequest:
    """What to ask.

    Attributes:
        results: folders of results, each a dataset.
        output: the study's folder, which must not be there.
        task: 'reconstruction' or 'cross'.
        models: labels of which all pairs are compared; None is all but `identity`.
        against: the label that is compared with all others, if not all pairs are.
        together: whether all models' videos are shown at once, instead of two at a time.
        pairs: animations drawn of each dataset; models are compared on the same ones.
        attention_checks: trials with an evident answer.
        seed: of the draw, and of every rater's order.
        questions: what raters are asked of each trial.
    """

    results: tuple[Path, ...]
    output: Path
    task: str = "reconstruction"
    models: tuple[str, ...] | None = None
    against: str | None = None
    together: bool = False
    pairs: int = 50
    attention_checks: int = 5
    seed: int = 0
    questions: tuple[Question, ...] = BETTER


def create_study(request: StudyRequest, announce: Callable[[str], None]) -> Study:
    """Draw the trials and write the study's folder, whole or not at all.

    Raises:
        InputError: the folder is there, the results have no videos for it, or more models than fit are to be shown at
            once.
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
    compared = [_compared(part, request) for part in found]
    random = np.random.default_rng(request.seed)
    with replacing(request.output) as folder:
        folder.mkdir(parents=True)
        media = MediaFolder(folder / MEDIA)
        trials: list[Trial] = []
        drawn: list[list[Animation]] = []
        for number, (part, models) in enumerate(zip(found, compared, strict=True)):
            drawn.append(_draw(part, request.pairs, random, announce))
            trials += _comparisons(number, drawn[-1], models, media)
        shown = [len(models[0]) for models in compared]
        trials += _attention_checks(drawn, shown, request, media)
        study = Study(
            id=random_id(),
            questions=request.questions,
            seed=request.seed,
            created=present(),
            command_line=command_line(),
            version=VERSION,
            datasets=tuple(part.dataset for part in found),
            trials=tuple(trials),
            media=media.entries,
        )
        write_study(folder, study)
    return study


def _wanted(request: StudyRequest) -> tuple[str, ...] | None:
    """Labels to look for; the one that is compared with all others is among them if others are named at all."""
    if request.models is None or request.against is None:
        return request.models
    return (request.against, *(label for label in request.models if label != request.against))


def _compared(part: ResultVideos, request: StudyRequest) -> list[tuple[int, ...]]:
    """Which models are shown at once, all in the same number."""
    labels = [model.label for model in part.dataset.models]
    there = ", ".join(labels)
    if request.together:
        if len(labels) > MOST_SHOWN:
            raise InputError(
                f"{part.dataset.results}: at most {MOST_SHOWN} models are shown at once, and there are {len(labels)}: "
                f"choose of {there} with --models"
            )
        return [tuple(range(len(labels)))]
    if request.against is None:
        return list(itertools.combinations(range(len(labels)), 2))
    if request.against not in labels:
        raise InputError(
            f"{part.dataset.results}: no model '{request.against}' to compare others with; there are: {there}"
        )
    mine = labels.index(request.against)
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
    dataset: int, drawn: Sequence[Animation], compared: Sequence[tuple[int, ...]], media: MediaFolder
) -> Iterator[Trial]:
    for animation in drawn:
        for models in compared:
            yield Trial(
                id=random_id(),
                kind="comparison",
                dataset=dataset,
                clip=animation.clip,
                source_clip=animation.source_clip,
                source=media.place(animation.source_picture),
                driving=media.place(animation.driving_video),
                candidates=tuple(
                    Candidate(video=media.place(animation.videos[model]), model=model) for model in models
                ),
            )


def _attention_checks(
    drawn: Sequence[Sequence[Animation]], shown: Sequence[int], request: StudyRequest, media: MediaFolder
) -> Iterator[Trial]:
    """The true video among the same with its tiles shuffled, as many as the comparisons of the dataset show.

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
        seeds = (request.seed + number + turn * request.attention_checks for turn in range(shown[dataset] - 1))
        wrong = [media.place_scrambled(truth, seed) for seed in seeds]
        yield Trial(
            id=random_id(),
            kind="attention",
            dataset=dataset,
            clip=animation.clip,
            source_clip=animation.clip,
            source=media.place_first_frame(truth),
            driving=media.place(truth),
            candidates=tuple(Candidate(video=video, model=None) for video in (media.place_again(truth), *wrong)),
        )
