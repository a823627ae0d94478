"""Locks: one holder at a time, and one clear line for everybody else."""

import errno
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest
from filelock import FileLock

from lia_bench.core import lock_holder
from lia_bench.core.errors import InputError, LiaBenchError
from lia_bench.core.processes import LOCK, alone_at, alone_in_folder, held, held_in_turn

SECONDS = 120
"""What is waited for on a busy machine."""

HOLDER = f"{LOCK}.holder"
HOLDING = """
import sys, time
from pathlib import Path
from lia_bench.core.processes import alone_in_folder
with alone_in_folder(Path(sys.argv[1]), "busy", "name another"):
    print("held", flush=True)
    time.sleep(300)
"""


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
            told.wait(SECONDS)
            order.append("first")

    other = Thread(target=first)
    other.start()
    free.wait(SECONDS)
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


@contextmanager
def another_process(folder: Path) -> "Iterator[subprocess.Popen[str]]":
    """One that holds `folder` until it is killed."""
    process = subprocess.Popen([sys.executable, "-c", HOLDING, str(folder)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.wait()


def write_record(folder: Path, host: str, process: int, seconds_ago: float = 0) -> Path:
    path = folder / HOLDER
    path.write_text(json.dumps({"host": host, "process": process, "key": "k"}))
    os.utime(path, (time.time() - seconds_ago,) * 2)
    return path


def test_the_second_is_told_who_holds_the_folder_and_takes_it_over_from_the_dead(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with another_process(tmp_path) as process:
        who = f"process {process.pid} on {socket.gethostname()}"
        with pytest.raises(InputError) as caught:
            enter(alone_in_folder(tmp_path, "busy", "name another"))
        assert str(caught.value) == f"{tmp_path}: {who} is at work here: busy"
        process.kill()
        process.wait()
        enter(alone_in_folder(tmp_path, "busy", "name another"))
    assert capsys.readouterr().err == f"{tmp_path}: {who}, which was at work here, has ended: taken over\n"
    assert [path.name for path in tmp_path.iterdir()] == [LOCK]


def test_another_host_is_believed_while_its_record_is_fresh(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_record(tmp_path, "far", 7, seconds_ago=60)
    before = path.read_text()
    with pytest.raises(InputError, match=r"process 7 on far is at work here \(if it was killed, .* 5 minutes\): busy"):
        enter(alone_in_folder(tmp_path, "busy", "name another"))
    assert path.read_text() == before
    write_record(tmp_path, "far", 7, seconds_ago=3600)
    enter(alone_in_folder(tmp_path, "busy", "name another"))
    assert (
        "process 7 on far, which was at work here, gave no sign for 60 minutes: taken over" in capsys.readouterr().err
    )
    assert not path.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"host": 1}'])
def test_a_record_that_cannot_be_read_counts_by_its_age(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / HOLDER
    path.write_text(text)
    with pytest.raises(InputError, match=r": busy$"):
        enter(alone_in_folder(tmp_path, "busy", "name another"))
    os.utime(path, (time.time() - 3600,) * 2)
    enter(alone_in_folder(tmp_path, "busy", "name another"))
    assert "taken over" in capsys.readouterr().err


def test_a_record_is_refreshed_while_its_process_is_at_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_holder, "REFRESH_SECONDS", 0.01)
    with alone_in_folder(tmp_path, "busy", "name another"):
        os.utime(tmp_path / HOLDER, (1, 1))
        deadline = time.monotonic() + SECONDS
        while (tmp_path / HOLDER).stat().st_mtime < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_where_the_file_system_has_no_locks_the_record_keeps_others_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(self: FileLock, **arguments: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    with another_process(tmp_path) as process:
        monkeypatch.setattr(FileLock, "acquire", no_locks)
        with pytest.raises(InputError, match=f"process {process.pid} on .* is at work here: busy"):
            enter(alone_in_folder(tmp_path, "busy", "name another"))
    enter(alone_in_folder(tmp_path, "busy", "name another"))


def test_a_record_that_another_took_over_is_left_alone(tmp_path: Path) -> None:
    with alone_in_folder(tmp_path, "busy", "name another"):
        path = write_record(tmp_path, "far", 7)
    assert path.exists()


def test_the_lock_of_a_file_lies_beside_it_and_goes_with_the_folders_made_for_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "model.pt"
    with alone_at(path, "busy", "name another"):
        assert not path.exists()
        with pytest.raises(InputError, match=rf"model\.pt: process {os.getpid()} on .* is at work here: busy"):
            enter(alone_at(path, "busy", "name another"))
        with alone_at(tmp_path / "new" / "other.pt", "busy", "name another"):
            pass
    assert not list(tmp_path.iterdir())
    with alone_at(path, "busy", "name another"):
        path.touch()
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(InputError, match=r"in: cannot be written \(.*\); name another$"):
        enter(alone_at(path / "in", "busy", "name another"))
