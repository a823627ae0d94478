"""Locks: one holder at a time, and one clear line for everybody else."""

from contextlib import AbstractContextManager
from pathlib import Path
from threading import Event, Thread

import pytest

from lia_bench.core.errors import InputError, LiaBenchError
from lia_bench.core.processes import LOCK, alone_in_folder, held, held_in_turn


def enter(lock: AbstractContextManager[None]) -> None:
    with lock:
        pass


def test_the_second_is_sent_away_and_comes_back_later(tmp_path: Path) -> None:
    busy = LiaBenchError("somebody else")
    lock = tmp_path / "new" / "lock"
    with held(lock, busy), pytest.raises(LiaBenchError, match="somebody else"):
        enter(held(lock, busy))
    enter(held(lock, busy))


def test_a_lock_is_free_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), alone_in_folder(tmp_path, "busy", "name another"):
        raise KeyboardInterrupt
    with alone_in_folder(tmp_path, "busy", "name another"):
        assert (tmp_path / LOCK).is_file()


def test_turns_are_waited_for(tmp_path: Path) -> None:
    told, free, order = Event(), Event(), []

    def first() -> None:
        with held_in_turn(tmp_path / LOCK, lambda: order.append("waits in vain")):
            free.set()
            told.wait(30)
            order.append("first")

    other = Thread(target=first)
    other.start()
    free.wait(30)
    with held_in_turn(tmp_path / LOCK, told.set):
        order.append("second")
    other.join()
    assert order == ["first", "second"]


def test_folders_that_cannot_be_locked_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def alone(folder: Path) -> AbstractContextManager[None]:
        return alone_in_folder(folder, "busy", "name another")

    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file: not a folder; name another$"):
        enter(alone(tmp_path / "file"))
    with pytest.raises(InputError, match=r"in: the folder cannot be written \(Not a directory\); name another$"):
        enter(alone(tmp_path / "file" / "in"))
    with alone(tmp_path), pytest.raises(InputError, match=r": busy$"):
        enter(alone(tmp_path))

    def denied(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "touch", denied)
    with pytest.raises(InputError, match=r"cannot be written \(Permission denied\); name another$"):
        enter(alone(tmp_path / "other"))
