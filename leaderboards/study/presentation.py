"""What one rater sees: the order of the questions, and the side of each candidate."""

import random
from dataclasses import dataclass

from lia_bench.leaderboards.study.document import Question, Study


@dataclass(frozen=True)
class Shown:
    """A question as one rater sees it.

    Attributes:
        question: its id.
        left, right: media of the candidates.
    """

    question: str
    left: str
    right: str


def arrange(study: Study, rater: str) -> tuple[Shown, ...]:
    """The rater's own order, the same for the same study and rater.

    Questions come in random order. Attention checks are spread over it, one at a random place of each stretch, so that
    who stops early has met some. In half of the questions, drawn for every rater anew, the candidates change sides.
    """
    own = random.Random(f"{study.seed} {study.id} {rater}")
    order = _spread(
        _shuffled(list(study.of_kind("comparison")), own), _shuffled(list(study.of_kind("attention")), own), own
    )
    exchanged = [place % 2 == 1 for place in range(len(order))]
    own.shuffle(exchanged)
    return tuple(_sided(question, swap) for question, swap in zip(order, exchanged, strict=True))


def _spread(questions: list[Question], checks: list[Question], own: random.Random) -> list[Question]:
    order: list[Question] = []
    for number, check in enumerate(checks):
        stretch = questions[number * len(questions) // len(checks) : (number + 1) * len(questions) // len(checks)]
        stretch.insert(own.randint(0, len(stretch)), check)
        order += stretch
    return order or questions


def _shuffled(questions: list[Question], own: random.Random) -> list[Question]:
    own.shuffle(questions)
    return questions


def _sided(question: Question, swap: bool) -> Shown:
    left, right = reversed(question.videos()) if swap else question.videos()
    return Shown(question.id, left, right)
