"""The answers of a study: a SQLite database that only grows."""

import json
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from lia_bench.core.errors import InputError
from lia_bench.core.inner_files import inner_file
from lia_bench.leaderboards.study.document import Shown, Study

DATABASE = "answers.sqlite"
RATERS = 10_000
"""Of a study; more come of a program alone."""
WAIT_SECONDS = 30.0
"""How long a writer waits for one of another process."""

TABLES = """
CREATE TABLE IF NOT EXISTS study (id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS raters (id TEXT PRIMARY KEY, sequence TEXT NOT NULL, created TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS answers (
    rater TEXT NOT NULL REFERENCES raters (id),
    question TEXT NOT NULL,
    side TEXT NOT NULL CHECK (side IN ('left', 'right')),
    video TEXT NOT NULL,
    milliseconds INTEGER NOT NULL,
    answered TEXT NOT NULL,
    UNIQUE (rater, question)
);
"""
NOW = "strftime('%Y-%m-%dT%H:%M:%SZ', 'now')"

Side = Literal["left", "right"]
Outcome = Literal["stored", "repeated", "refused"]


@dataclass(frozen=True)
class Answer:
    """What a rater chose.

    Attributes:
        rater: random id.
        question: its id.
        side: where the chosen video was.
        video: the chosen medium.
        milliseconds: how long the question was looked at, by the rater's own clock.
    """

    rater: str
    question: str
    side: Side
    video: str
    milliseconds: int


class AnswerBook:
    """Raters and answers of one study, written by several threads.

    With a write-ahead log and synchronous=FULL, what `add` has returned for outlives a killed process and a power cut.
    """

    def __init__(self, folder: Path, study: Study) -> None:
        """Open the database of a study's folder, and make it where there is none.

        Raises:
            InputError: it is no database, belongs to another study, or cannot be written.
        """
        self.path = inner_file(folder, DATABASE)
        self._lock = threading.Lock()
        try:
            # Autocommit: every INSERT is a transaction of its own, on disk when the call returns.
            self._database = sqlite3.connect(
                self.path, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False
            )
            # Else a damaged page would come to light at the first rater who needs it.
            ((found,),) = self._database.execute("PRAGMA quick_check(1)").fetchall()
            if found != "ok":
                raise sqlite3.DatabaseError(" ".join(found.split()))
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=FULL")
            self._database.executescript(TABLES)
            self._database.execute("INSERT INTO study SELECT ? WHERE NOT EXISTS (SELECT 1 FROM study)", (study.id,))
            owner = self._database.execute("SELECT id FROM study").fetchone()[0]
        except sqlite3.Error as error:
            raise InputError(f"{self.path}: cannot be opened for answers: {error}; put back a copy of it") from error
        if owner != study.id:
            raise InputError(f"{self.path}: holds the answers of another study; move it away")

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._database.close()

    def add_rater(self, rater: str, sequence: Sequence[Shown], most: int = RATERS) -> bool:
        """Note a new rater, and what they will see; whether that was possible, of so many raters at most."""
        text = json.dumps([asdict(shown) for shown in sequence])
        free = "(SELECT count(*) FROM raters) < ?"
        with self._lock:
            added = self._database.execute(f"INSERT INTO raters SELECT ?, ?, {NOW} WHERE {free}", (rater, text, most))
            return added.rowcount == 1

    def sequence(self, rater: str) -> tuple[Shown, ...] | None:
        """What a rater sees; None for a rater that was never noted."""
        with self._lock:
            row = self._database.execute("SELECT sequence FROM raters WHERE id = ?", (rater,)).fetchone()
        return None if row is None else tuple(Shown(**shown) for shown in json.loads(row[0]))

    def answered(self, rater: str) -> set[str]:
        """The questions that a rater has answered."""
        with self._lock:
            rows = self._database.execute("SELECT question FROM answers WHERE rater = ?", (rater,)).fetchall()
        return {question for (question,) in rows}

    def add(self, answer: Answer) -> Outcome:
        """Keep an answer, on disk when this returns.

        Returns:
            'stored'; 'repeated' where the same answer was there already; 'refused' where another one was, which stays.

        Raises:
            sqlite3.Error: the answer could not be kept.
        """
        row = (answer.rater, answer.question, answer.side, answer.video, answer.milliseconds)
        with self._lock:
            try:
                self._database.execute(f"INSERT INTO answers VALUES (?, ?, ?, ?, ?, {NOW})", row)
            except sqlite3.IntegrityError:
                there = self._database.execute("SELECT side FROM answers WHERE rater = ? AND question = ?", row[:2])
                return "repeated" if there.fetchone() == (answer.side,) else "refused"
        return "stored"

    def answers(self) -> list[Answer]:
        """All answers, the oldest first."""
        with self._lock:
            rows = self._database.execute(
                "SELECT rater, question, side, video, milliseconds FROM answers ORDER BY rowid"
            ).fetchall()
        return [Answer(*row) for row in rows]

    def count(self) -> tuple[int, int]:
        """How many answers there are, and of how many raters."""
        with self._lock:
            row = self._database.execute("SELECT count(*), count(DISTINCT rater) FROM answers").fetchone()
        answers, raters = row
        return int(answers), int(raters)


def read_answers(folder: Path, study: Study) -> list[Answer]:
    """All answers of a study's folder, the oldest first; a server may be writing more.

    Raises:
        InputError: there is no database, it is damaged, or it belongs to another study.
    """
    path = folder / DATABASE
    if not path.is_file():
        raise InputError(f"{path}: no answers yet; `lia-bench study serve {folder}` collects them")
    with closing(AnswerBook(folder, study)) as book:
        try:
            return book.answers()
        except sqlite3.Error as error:
            raise InputError(f"{path}: cannot be read: {error}; put back a copy of it") from error
