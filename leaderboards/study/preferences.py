"""From answers to preferences: which raters count, what they prefer, and how sure that is."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lia_bench.leaderboards.results.measurement import RESAMPLES
from lia_bench.leaderboards.study.answers import Answer
from lia_bench.leaderboards.study.document import Study, Trial

Z95 = 1.959963984540054


@dataclass(frozen=True)
class Judgement:
    """Whether a rater chose a model's video of one clip."""

    rater: str
    trial: str
    chosen: bool


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
    """How often a model is chosen among those shown with it, in answers to one question.

    Attributes:
        dataset: position in the study's datasets.
        question: position in the study's questions.
        model: position in the dataset's models.
        others: likewise, of those shown with it.
        answers, raters, clips: how many are behind the numbers.
        share: of answers that choose the model, in [0, 1]; None without any answer.
        interval: 95 % interval of that share; None with fewer than two raters or clips.
    """

    dataset: int
    question: int
    model: int
    others: tuple[int, ...]
    answers: int
    raters: int
    clips: int
    share: float | None
    interval: tuple[float, float] | None

    @property
    def even(self) -> float:
        """The share of choices made blindly: one half of two."""
        return 1 / (1 + len(self.others))

    @property
    def above(self) -> bool | None:
        """Whether the model is chosen more often than blindly, or less; None where the interval does not tell."""
        if self.interval is None or self.interval[0] <= self.even <= self.interval[1]:
            return None
        return self.interval[0] > self.even


def attentive_raters(study: Study, answers: Sequence[Answer], allowed_misses: int) -> Raters:
    """Leave out raters who missed more than `allowed_misses` attention checks, and those who met none.

    A check is missed by one wrong answer to any of the study's questions. In a study without attention checks everybody
    counts.
    """
    raters = frozenset(answer.rater for answer in answers)
    right = {trial.id: trial.candidates[0].video for trial in study.of_kind("attention")}
    if not right:
        return Raters(raters, 0, 0)
    checks = [answer for answer in answers if answer.trial in right]
    met = {answer.rater for answer in checks}
    missed = Counter(rater for rater, _ in {(one.rater, one.trial) for one in checks if one.video != right[one.trial]})
    inattentive = {rater for rater in raters if missed[rater] > allowed_misses}
    unchecked = raters - met
    return Raters(raters - inattentive - unchecked, len(inattentive), len(unchecked))


def preferences(study: Study, answers: Iterable[Answer]) -> list[Preference]:
    """Every model among those that it is shown with, question by question, in the study's order.

    Args:
        study: has the trials.
        answers: of the raters who count.
    """
    given: dict[tuple[str, int], list[Answer]] = {}
    for answer in answers:
        given.setdefault((answer.trial, answer.question), []).append(answer)
    compared: dict[tuple[int, tuple[int, ...]], list[Trial]] = {}
    for trial in study.of_kind("comparison"):
        compared.setdefault((trial.dataset, trial.models), []).append(trial)
    found = []
    for question in range(len(study.questions)):
        for (dataset, models), trials in compared.items():
            asked = [(trial, given.get((trial.id, question), ())) for trial in trials]
            for place, model in enumerate(models):
                judgements = [
                    Judgement(answer.rater, trial.id, answer.video == trial.candidates[place].video)
                    for trial, its in asked
                    for answer in its
                ]
                others = (*models[:place], *models[place + 1 :])
                found.append(_preference((dataset, question, model, others), judgements, study.seed))
    return found


def _preference(of: tuple[int, int, int, tuple[int, ...]], judgements: Sequence[Judgement], seed: int) -> Preference:
    return Preference(
        *of,
        answers=len(judgements),
        raters=len({judgement.rater for judgement in judgements}),
        clips=len({judgement.trial for judgement in judgements}),
        share=sum(judgement.chosen for judgement in judgements) / len(judgements) if judgements else None,
        interval=preference_interval(judgements, seed),
    )


def preference_interval(judgements: Sequence[Judgement], seed: int) -> tuple[float, float] | None:
    """95 % interval of the share that chooses the model, over raters and clips like these; in [0, 1].

    Answers of one rater are not independent, and neither are those about one clip. Raters and trials are therefore
    both drawn with replacement, and an answer counts as often as its rater times as often as its trial (the
    pigeonhole bootstrap, Owen, Annals of Applied Statistics 2007). Where all agree, drawing again changes nothing, and
    few raters make few different draws; so the interval is never narrower than Wilson's (1927), which would hold were
    all answers independent.

    None with fewer than two raters or two trials: nothing can be said of others.
    """
    raters = {rater: place for place, rater in enumerate(sorted({judgement.rater for judgement in judgements}))}
    trials = {trial: place for place, trial in enumerate(sorted({judgement.trial for judgement in judgements}))}
    if len(raters) < 2 or len(trials) < 2:
        return None
    asked, chosen = np.zeros((2, len(raters), len(trials)))
    for judgement in judgements:
        place = raters[judgement.rater], trials[judgement.trial]
        asked[place] += 1
        chosen[place] += judgement.chosen
    drawn = _pigeonhole(asked, chosen, np.random.default_rng(seed))
    low, high = np.percentile(drawn, (2.5, 97.5))
    wilson_low, wilson_high = wilson(float(chosen.sum()), float(asked.sum()))
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
    asked: NDArray[np.float64], chosen: NDArray[np.float64], random: np.random.Generator
) -> NDArray[np.float64]:
    """Shares in RESAMPLES draws; a draw in which nobody was asked anything is left out."""
    raters, trials = asked.shape
    # How often each is drawn: what drawing as many as there are with replacement comes to.
    rater_counts = random.multinomial(raters, np.full(raters, 1 / raters), RESAMPLES)
    trial_counts = random.multinomial(trials, np.full(trials, 1 / trials), RESAMPLES)
    total = ((rater_counts @ asked) * trial_counts).sum(axis=1)
    wins = ((rater_counts @ chosen) * trial_counts).sum(axis=1)
    return np.asarray(wins[total > 0] / total[total > 0], dtype=np.float64)
