"""A Ray cluster of two nodes on this machine: the work is done, also when a node is lost in the middle."""

import logging
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lia_bench.core.errors import InputError
from lia_bench.preprocessing.clip_table import read_metadata
from lia_bench.preprocessing.preparing import Preparation, PreparationOptions, prepare_from_table
from lia_bench.preprocessing.workers.engine import Died, Engine
from lia_bench.preprocessing.workers.ray_cluster import RayEngine
from tests.core.videos import encode
from tests.preprocessing.serial_engine import SerialEngine
from tests.preprocessing.worker_toys import build_fragile, build_meeting

ray: Any = pytest.importorskip("ray")

pytestmark = pytest.mark.slow
MEMORY = 100 * 2**20


@pytest.fixture(scope="module")
def head() -> Iterator[Any]:
    """A cluster whose head has no CPUs, and that has no other node yet."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        # The toys of these tests have to be importable on the nodes.
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
        # What nodes leave for the end of this process holds their connections, which no forked process can take down:
        # Python 3.13 clears away there what was left for the end.
        patch.setattr("ray._private.node.atexit", SimpleNamespace(register=lambda handler: None))
        cluster: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "object_store_memory": MEMORY})
        cluster.nodes_to_lose = []
        yield cluster
        cluster.shutdown()


@pytest.fixture
def cluster(head: Any) -> Iterator[Any]:
    """The cluster with two nodes of one CPU each, those that another test has left among them; it is connected to."""
    while len(head.nodes_to_lose) < 2:
        head.nodes_to_lose.append(head.add_node(num_cpus=1, object_store_memory=MEMORY))
    ray.init(address=head.address, log_to_driver=False, logging_level=logging.ERROR)
    yield head
    ray.shutdown()


class _Losing(RayEngine):
    """An engine whose cluster loses a node after some results."""

    def __init__(self, cluster: Any, after: int) -> None:
        super().__init__("auto", gpus_per_worker=0)
        self._cluster = cluster
        self._after = after

    def run(self, build: Any, groups: Any) -> Iterator[tuple[Any, Any]]:
        for count, item in enumerate(super().run(build, groups)):
            if count == self._after:
                self._cluster.remove_node(self._cluster.nodes_to_lose.pop(), allow_graceful=False)
            yield item


def test_both_nodes_work_and_errors_keep_their_type(cluster: Any, tmp_path: Path) -> None:
    engine = RayEngine("auto", gpus_per_worker=0)
    done = list(engine.run(partial(build_meeting, tmp_path), [list(range(20)), list(range(20, 30))]))
    assert sorted(job for job, _ in done) == list(range(30))
    assert len({worker for _, worker in done}) == 2
    with pytest.raises(InputError, match=r"^footage\.mp4: a sentence for the user$"):
        list(engine.run(build_fragile, [["a", "error"]]))
    outcomes = dict(engine.run(build_fragile, [["a", "exit"], ["b"]]))
    assert isinstance(outcomes.pop("exit"), Died)
    assert outcomes == {"a": "A", "b": "B"}
    with pytest.raises(InputError, match="no free GPU"):
        list(RayEngine("auto", gpus_per_worker=1).run(build_fragile, [["a"]]))


def test_a_node_that_is_lost_changes_nothing(cluster: Any, tmp_path: Path) -> None:
    (tmp_path / "footage").mkdir()
    rows = ["video_id,start,end,bbox,fps,width,height,partition"]
    for video in "abcd":
        encode(tmp_path / "footage" / f"{video}.mp4", count=60, width=320, height=240)
        rows += [f"{video},{10 * k},{10 * k + 20},20-20-220-220,25,320,240,train" for k in range(4)]
    (tmp_path / "table.csv").write_text("\n".join(rows) + "\n")

    def prepare(name: str, engine: Engine) -> Preparation:
        options = PreparationOptions(tmp_path / name, 64, "mp4", engine, engine)
        return prepare_from_table(read_metadata(tmp_path / "table.csv"), tmp_path / "footage", options, "vox", {})

    by_cluster = prepare("cluster", _Losing(cluster, after=3))
    assert by_cluster.counts["ok"] == 16
    assert by_cluster.hash == prepare("here", SerialEngine()).hash


def test_no_cluster_at_the_address() -> None:
    with pytest.raises(InputError, match=r"--ray 127\.0\.0\.1:1: no Ray cluster answers there \(.*refused\)"):
        list(RayEngine("127.0.0.1:1", gpus_per_worker=0).run(build_fragile, [["a"]]))
