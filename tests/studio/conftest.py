"""One studio for all its tests."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lia_bench.studio.workshop import StudioSettings
from tests.animation.toys import write_film
from tests.leaderboards.toy_results import ToyResults, write_results
from tests.studio.running_studio import LONG, SHORT, RunningStudio, running, write_untrained


@pytest.fixture(scope="package")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint, results, and what a user uploads."""
    place = tmp_path_factory.mktemp("studio")
    toy = ToyResults(clips=1, models=("lia", "identity"), tasks=("reconstruction",), frames=4)
    write_results(place / "results" / "toy", toy)
    ramp = np.linspace(0, 255, 64, dtype=np.uint8)
    picture = np.stack(np.broadcast_arrays(ramp[:, None], ramp[None, :], np.uint8(90)), axis=-1)
    Image.fromarray(picture).save(place / "face.png")
    levels = np.linspace(40, 200, SHORT, dtype=np.uint8)
    sound = np.sin(np.arange(16000) * 0.2, dtype=np.float32)[None] / 2
    short = [np.full((64, 64, 3), level, np.uint8) for level in levels]
    write_film(place / "talk.mp4", short, sound=sound)
    write_film(place / "long.mp4", [short[0]] * LONG)
    (place / "broken.mp4").write_bytes(b"no film at all" * 100)
    (place / "broken.png").write_bytes(b"no picture at all" * 100)
    return place


@pytest.fixture(scope="package")
def studio(place: Path) -> Iterator[RunningStudio]:
    """With LIA and identity, both untrained."""
    lia = write_untrained(place / "lia-demo", "lia", "demo-64")
    with running(StudioSettings((lia, "identity"), place / "runs", place / "results", "cpu")) as studio:
        yield studio
