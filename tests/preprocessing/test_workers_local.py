"""Processes of this machine: all jobs are done, and what dies takes one job with it."""

import multiprocessing
import subprocess
import sys
from collections.abc import Generator
from functools import partial
from pathlib import Path

import pytest

from lia_bench.core.errors import InputError, MissingWeightsError
from lia_bench.preprocessing.workers.engine import Died, LocalEngine, SharedJobs
from tests.preprocessing.ended import wait_until_ended
from tests.preprocessing.serial_engine import SerialEngine
from tests.preprocessing.worker_toys import build_fragile, build_meeting, build_square, build_without_weights


def test_jobs_stay_together_and_the_longest_group_is_shared() -> None:
    jobs = SharedJobs([[1, 2, 3, 4], [10], []])
    taken = [jobs.take(worker) for worker in ("a", "b", "b", "a", "b", "a")]
    assert taken == [1, 10, 4, 2, 3, None]


def test_a_job_that_comes_back_is_next() -> None:
    jobs = SharedJobs([[1, 2], [10]])
    first = jobs.take("a")
    assert first == 1
    jobs.give_back(first)
    assert [len(jobs), jobs.take("b"), jobs.take("b"), jobs.take("a")] == [3, 1, 10, 2]


def test_every_job_is_done_once() -> None:
    groups = [[1, 2, 3], [4], [], [5, 6]]
    done = dict(LocalEngine(2).run(build_square, groups))
    assert {job: result[0] for job, result in done.items() if not isinstance(result, Died)} == {
        job: job * job for job in range(1, 7)
    }
    assert dict(SerialEngine().run(build_square, groups)).keys() == done.keys()
    assert multiprocessing.active_children() == []


SCRIPT = """
print("begun")
from functools import partial
from lia_bench.preprocessing.workers.engine import LocalEngine
print(sorted(LocalEngine(2).run(partial(partial, abs), [[-1], [-2]])))
"""


def test_a_script_without_a_guard_is_not_run_again_in_workers(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=300)
    assert done.stdout == "begun\n[(-2, 2), (-1, 1)]\n", done.stderr


def test_one_long_group_keeps_two_workers_busy(tmp_path: Path) -> None:
    workers = [worker for _, worker in LocalEngine(2).run(partial(build_meeting, tmp_path), [list(range(40))])]
    assert min(workers.count(worker) for worker in set(workers)) > 5
    assert len(set(workers)) == 2


@pytest.mark.parametrize(("job", "cause"), [("kill", "SIGKILL"), ("exit", "exit code 3"), ("segfault", "SIGSEGV")])
def test_a_worker_that_dies_takes_one_job_with_it(job: str, cause: str) -> None:
    done = dict(LocalEngine(2).run(build_fragile, [["a", job, "b"], ["c"]]))
    lost = done.pop(job)
    assert isinstance(lost, Died)
    assert lost.reason.startswith("worker_died: ")
    assert cause in lost.reason
    assert done == {"a": "A", "b": "B", "c": "C"}


def test_an_error_in_a_job_ends_the_run() -> None:
    with pytest.raises(InputError, match=r"^footage\.mp4: a sentence for the user$"):
        list(LocalEngine(2).run(build_fragile, [["a", "error"], ["b"] * 50]))
    with pytest.raises(OSError, match="No space left on device"):
        list(LocalEngine(1).run(build_fragile, [["full disk", "a"]]))
    assert multiprocessing.active_children() == []


def test_an_error_in_building_ends_the_run() -> None:
    with pytest.raises(MissingWeightsError, match="the weights 'toy'"):
        list(LocalEngine(2).run(build_without_weights, [["a"], ["b"]]))


def test_a_run_that_is_left_leaves_no_process() -> None:
    run = LocalEngine(2).run(build_square, [list(range(50))])
    assert isinstance(run, Generator)
    next(run)
    assert len(multiprocessing.active_children()) == 2
    run.close()
    assert multiprocessing.active_children() == []


PARENT = """
from lia_bench.preprocessing.workers.engine import LocalEngine
from tests.preprocessing.worker_toys import build_square
if __name__ == "__main__":
    for job, result in LocalEngine(2).run(build_square, [list(range(5000))]):
        print(result[1], flush=True)
"""


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    program = tmp_path / "parent.py"
    program.write_text(PARENT)
    root = str(Path(__file__).parents[2])
    parent = subprocess.Popen(
        [sys.executable, str(program)], stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": root, "PATH": ""}
    )
    assert parent.stdout is not None
    workers = {int(parent.stdout.readline()) for _ in range(20)}
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until_ended(workers)
