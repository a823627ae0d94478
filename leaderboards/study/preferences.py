"""From answers to preferences: which raters count, what they prefer, and how sure that is."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lia_bench.leaderboards.results.measurement import RESAMPLES
from lia_bench.leaderboards.study.answers import Answer
from lia_bench.leaderboards.study.document import Question, Study

EVEN = 0.5
Z95 = 1.959963984540054


@dataclass(frozen=True)
class Judgement:
    """One rater's choice between two models on one clip."""

    rater: str
    question: str
    first_preferred: bool


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


def share(judgements: Sequence[Judgement]) -> float:
    """Share of judgements that prefer the first model, in [0, 1]."""
    return sum(judgement.first_preferred for judgement in judgements) / len(judgements)


def preference_interval(judgements: Sequence[Judgement], seed: int) -> tuple[float, float] | None:
    """95 % interval of the share that prefers the first model, over raters and clips like these; in [0, 1].

    Answers of one rater are not independent, and neither are those about one clip. Raters and questions are therefore
    both drawn with replacement, and an answer counts as often as its rater times as often as its question (the
    pigeonhole bootstrap, Owen, Annals of Applied Statistics 2007). Where all agree, drawing again changes nothing, and
    few raters make few different draws; so the interval is never narrower than Wilson's (1927), which would hold were
    all answers independent.

    None with fewer than two raters or two questions: nothing can be said of others.
    """
    raters = sorted({judgement.rater for judgement in judgements})
    questions = sorted({judgement.question for judgement in judgements})
    if len(raters) < 2 or len(questions) < 2:
        return None
    asked, preferred = np.zeros((2, len(raters), len(questions)))
    for judgement in judgements:
        place = raters.index(judgement.rater), questions.index(judgement.question)
        asked[place] += 1
        preferred[place] += judgement.first_preferred
    drawn = _pigeonhole(asked, preferred, np.random.default_rng(seed))
    low, high = np.percentile(drawn, (2.5, 97.5))
    wilson_low, wilson_high = wilson(float(preferred.sum()), float(asked.sum()))
    return min(float(low), wilson_low), max(float(high), wilson_high)


def wilson(successes: float, trials: float) -> tuple[float, float]:
    """Wilson's 95 % score interval of a share of independent trials.

    >>> [round(bound, 3) for bound in wilson(successes=8, trials=10)]
    [0.49, 0.943]
    """
    p, z2 = successes / trials, Z95**2
    centre = (p + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z95 * np.sqrt(p * (1 - p) / trials + z2 / (4 * trials**2)) / (1 + z2 / trials)
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def _pigeonhole(
    asked: NDArray[np.float64], preferred: NDArray[np.float64], random: np.random.Generator
) -> NDArray[np.float64]:
    """Shares in RESAMPLES draws; a draw in which nobody was asked anything is left out."""
    raters, questions = asked.shape
    # How often each is drawn: what drawing as many as there are with replacement comes to.
    rater_counts = random.multinomial(raters, np.full(raters, 1 / raters), RESAMPLES)
    question_counts = random.multinomial(questions, np.full(questions, 1 / questions), RESAMPLES)
    total = ((rater_counts @ asked) * question_counts).sum(axis=1)
    wins = ((rater_counts @ preferred) * question_counts).sum(axis=1)
    return np.asarray(wins[total > 0] / total[total > 0], dtype=np.float64)
