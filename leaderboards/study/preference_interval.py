"""How sure a share of preferences is, when the same people judge the same clips."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lia_bench.leaderboards.results.statistics import RESAMPLES

Z95 = 1.959963984540054


@dataclass(frozen=True)
class Judgement:
    """One rater's choice between two models on one clip."""

    rater: str
    question: str
    first_preferred: bool


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
    """Wilson's 95 % score interval of a share of independent trials."""
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
