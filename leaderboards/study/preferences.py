"""From answers to preferences: which raters count, and what they prefer."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lia_bench.leaderboards.study.answers import Answer
from lia_bench.leaderboards.study.document import Question, Study
from lia_bench.leaderboards.study.preference_interval import Judgement, preference_interval, share

EVEN = 0.5


@dataclass(frozen=True)
class Raters:
    """Who counts.

    Attributes:
        counted: their ids.
        inattentive: how many were left out, since they missed more attention checks than allowed.
        unchecked: how many were left out, since they stopped before their first attention check.
    """

    counted: frozenset[str]
    inattentive: int
    unchecked: int


@dataclass(frozen=True)
class Preference:
    """Two models on a dataset.

    Attributes:
        dataset: position in the study's datasets.
        first, second: positions in the dataset's models.
        answers, raters, clips: how many are behind the numbers.
        share: of answers that prefer the first model, in [0, 1]; None without any answer.
        interval: 95 % interval of that share; None with fewer than two raters or clips.
    """

    dataset: int
    first: int
    second: int
    answers: int
    raters: int
    clips: int
    share: float | None
    interval: tuple[float, float] | None

    @property
    def shown(self) -> int | None:
        """The model that is preferred; None where the interval includes one half, or there is none."""
        if self.interval is None or self.interval[0] <= EVEN <= self.interval[1]:
            return None
        return self.first if self.interval[0] > EVEN else self.second


def attentive_raters(study: Study, answers: Sequence[Answer], allowed_misses: int) -> Raters:
    """Leave out raters who missed more than `allowed_misses` attention checks, and those who met none.

    In a study without attention checks everybody counts.
    """
    raters = frozenset(answer.rater for answer in answers)
    right = {question.id: question.first.video for question in study.of_kind("attention")}
    if not right:
        return Raters(raters, 0, 0)
    met = Counter(answer.rater for answer in answers if answer.question in right)
    missed = Counter(
        answer.rater for answer in answers if answer.question in right and answer.video != right[answer.question]
    )
    inattentive = {rater for rater in raters if missed[rater] > allowed_misses}
    unchecked = {rater for rater in raters if met[rater] == 0}
    return Raters(raters - inattentive - unchecked, len(inattentive), len(unchecked))


def preferences(study: Study, answers: Iterable[Answer]) -> list[Preference]:
    """Every two models that the study compares, in its order.

    Args:
        study: has the questions.
        answers: of the raters who count.
    """
    given: dict[str, list[Answer]] = {}
    for answer in answers:
        given.setdefault(answer.question, []).append(answer)
    pairs: dict[tuple[int, int, int], list[Question]] = {}
    for question in study.of_kind("comparison"):
        if question.first.model is not None and question.second.model is not None:
            key = (question.dataset, question.first.model, question.second.model)
            pairs.setdefault(key, []).append(question)
    return [
        _preference(key, [judgement for question in questions for judgement in _judged(question, given)], study.seed)
        for key, questions in pairs.items()
    ]


def _judged(question: Question, given: dict[str, list[Answer]]) -> Iterable[Judgement]:
    for answer in given.get(question.id, ()):
        yield Judgement(answer.rater, question.id, answer.video == question.first.video)


def _preference(key: tuple[int, int, int], judgements: Sequence[Judgement], seed: int) -> Preference:
    return Preference(
        *key,
        answers=len(judgements),
        raters=len({judgement.rater for judgement in judgements}),
        clips=len({judgement.question for judgement in judgements}),
        share=share(judgements) if judgements else None,
        interval=preference_interval(judgements, seed),
    )
