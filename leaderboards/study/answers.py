"""The answers of a study: a SQLite database that only grows."""

import json
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, astuple, dataclass
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
    trial TEXT NOT NULL,
    question INTEGER NOT NULL,
    place INTEGER NOT NULL,
    video TEXT NOT NULL,
    milliseconds INTEGER NOT NULL,
    answered TEXT NOT NULL,
    UNIQUE (rater, trial, question)
);
"""
NOW = "strftime('%Y-%m-%dT%H:%M:%SZ', 'now')"

Outcome = Literal["stored", "repeated", "refused"]


@dataclass(frozen=True)
class Answer:
    """What a rater chose.

    Attributes:
        rater: random id.
        trial: its id.
        question: position in the study's questions.
        place: where the chosen video was, from 0.
        video: the chosen medium.
        milliseconds: how long the question was looked at, by the rater's own clock.
    """

    rater: str
    trial: str
    question: int
    place: int
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
            with ExitStack() as failing:
                # Autocommit: every INSERT is a transaction of its own, on disk when the call returns.
                self._database = sqlite3.connect(
                    self.path, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False
                )
                failing.callback(self._database.close)
                # Else a damaged page would come to light at the first rater who needs it.
                ((found,),) = self._database.execute("PRAGMA quick_check(1)").fetchall()
                if found != "ok":
                    raise sqlite3.DatabaseError(" ".join(found.split()))
                self._database.execute("PRAGMA journal_mode=WAL")
                self._database.execute("PRAGMA synchronous=FULL")
                _upgrade(self._database)
                self._database.executescript(TABLES)
                self._database.execute("INSERT INTO study SELECT ? WHERE NOT EXISTS (SELECT 1 FROM study)", (study.id,))
                owner = self._database.execute("SELECT id FROM study").fetchone()[0]
                if owner != study.id:
                    raise InputError(f"{self.path}: holds the answers of another study; move it away")
                failing.pop_all()
        except sqlite3.Error as error:
            raise InputError(f"{self.path}: cannot be opened for answers: {error}; put back a copy of it") from error

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._database.close()

    def add_rater(self, rater: str, sequence: Sequence[Shown]) -> bool:
        """Note a new rater, and what they will see; whether that was possible, of RATERS at most."""
        text = json.dumps([asdict(shown) for shown in sequence])
        free = "(SELECT count(*) FROM raters) < ?"
        with self._lock:
            added = self._database.execute(f"INSERT INTO raters SELECT ?, ?, {NOW} WHERE {free}", (rater, text, RATERS))
            return added.rowcount == 1

    def sequence(self, rater: str) -> tuple[Shown, ...] | None:
        """What a rater sees; None for a rater that was never noted."""
        with self._lock:
            row = self._database.execute("SELECT sequence FROM raters WHERE id = ?", (rater,)).fetchone()
        return (
            None if row is None else tuple(Shown(each["trial"], tuple(each["videos"])) for each in json.loads(row[0]))
        )

    def answered(self, rater: str) -> set[tuple[str, int]]:
        """What a rater has answered: trials, and which of the study's questions about them."""
        with self._lock:
            return set(self._database.execute("SELECT trial, question FROM answers WHERE rater = ?", (rater,)))

    def add(self, answer: Answer) -> Outcome:
        """Keep an answer, on disk when this returns.

        Returns:
            'stored'; 'repeated' where the same answer was there already; 'refused' where another one was, which stays.

        Raises:
            sqlite3.Error: the answer could not be kept.
        """
        row = astuple(answer)
        with self._lock:
            try:
                self._database.execute(f"INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, {NOW})", row)
            except sqlite3.IntegrityError:
                there = self._database.execute(
                    "SELECT place FROM answers WHERE rater = ? AND trial = ? AND question = ?", row[:3]
                )
                return "repeated" if there.fetchone() == (answer.place,) else "refused"
        return "stored"

    def answers(self) -> list[Answer]:
        """All answers, the oldest first."""
        with self._lock:
            rows = self._database.execute(
                "SELECT rater, trial, question, place, video, milliseconds FROM answers ORDER BY rowid"
            ).fetchall()
        return [Answer(*row) for row in rows]

    def count(self) -> tuple[int, int]:
        """How many answers there are, and of how many raters."""
        with self._lock:
            row = self._database.execute("SELECT count(*), count(DISTINCT rater) FROM answers").fetchone()
        answers, raters = row
        return int(answers), int(raters)


def _upgrade(database: sqlite3.Connection) -> None:
    """Bring answers to pairs, as they were kept with studies of schema 1, into the present tables, all or none.

    Raises:
        sqlite3.Error: another process writes for too long, or the tables are damaged.
    """
    columns = "SELECT name FROM pragma_table_info('answers')"
    if ("side",) not in database.execute(columns).fetchall():
        return
    database.execute("BEGIN IMMEDIATE")
    # Another process may have been quicker.
    if ("side",) in database.execute(columns).fetchall():
        database.execute("ALTER TABLE answers RENAME TO pairs")
        for table in TABLES.split(";"):
            database.execute(table)
        of_pairs = "SELECT rater, question, 0, side = 'right', video, milliseconds, answered FROM pairs ORDER BY rowid"
        database.execute(f"INSERT INTO answers {of_pairs}")
        database.execute("DROP TABLE pairs")
        for rater, sequence in database.execute("SELECT id, sequence FROM raters").fetchall():
            database.execute("UPDATE raters SET sequence = ? WHERE id = ?", (_of_pairs(sequence), rater))
    database.execute("COMMIT")


def _of_pairs(sequence: str) -> str:
    try:
        pairs = json.loads(sequence)
        return json.dumps([{"trial": one["question"], "videos": [one["left"], one["right"]]} for one in pairs])
    except (ValueError, TypeError, KeyError) as error:
        raise sqlite3.DatabaseError("a rater's order is damaged") from error


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
