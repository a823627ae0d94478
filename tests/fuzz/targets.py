"""Which commands read files of which kind, and of which files harm can be known."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.fuzz.mutations import ANY, OF_JSON, OF_TEXTS, Mutation
from tests.fuzz.world import CHECKPOINT, EVALUATE, LAYOUTS, RUN, TRAIN

ANIMATE = "animate lia@{run} --source {source} --driving {driving} --no-crop --device cpu --output out.mp4"
SIZES = "--output out --size 64 --workers 1"
NUMBERS = ("results/again/leaderboard.csv",)


@dataclass(frozen=True)
class Command:
    """A command that reads a file.

    Attributes:
        words: what is typed; `{file}` is the file.
        held: whether harm to the file can be known, so that a success has the numbers of the whole file.
        written: files with numbers that it writes; of the others what it prints counts.
    """

    words: str
    held: bool = False
    written: tuple[str, ...] = ()


@dataclass(frozen=True)
class Target:
    """A kind of file.

    Attributes:
        kind: what reports call it.
        files: where some lie.
        needs: what commands need beside, by the first part of its path.
        commands: that read one.
        mutations: how it comes to harm.
        paired: a command reads those files alone whose path, or a part of it, it names.
    """

    kind: str
    files: tuple[str, ...]
    needs: tuple[str, ...]
    commands: tuple[Command, ...]
    mutations: tuple[Mutation, ...] = ANY
    paired: bool = False

    def commands_for(self, file: str) -> tuple[Command, ...]:
        """Those that read a file."""
        parts = file.split("/") if self.paired else []
        for length in range(len(parts), 0, -1):
            if found := tuple(one for one in self.commands if "/".join(parts[:length]) in one.words):
                return found
        return self.commands


def _commands(*words: str, held: bool = False, written: tuple[str, ...] = ()) -> tuple[Command, ...]:
    return tuple(Command(line, held, written) for line in words)


def _animate(run: str = RUN, source: str = "face.png", driving: str = "clip.mp4") -> str:
    return ANIMATE.format(run=run, source=source, driving=driving)


_EVALUATE = f"evaluate --models identity {EVALUATE} --no-videos"
_EVALUATE_RUN = f"evaluate --models lia@{RUN} {EVALUATE} --no-videos"
_GO_ON = _EVALUATE_RUN.replace("--name again", "--name own")
_SCORE = "--metrics l1,psnr --device cpu --batch-size 4 --name again --no-videos"
_BOARD = (
    *_commands(
        "leaderboard results/toy",
        "leaderboard results/toy --rank --intervals --with-published",
        "leaderboard results/toy --format json",
        held=True,
    ),
)
_PAGE = "leaderboard html results/toy --output out"
_REPORT = (
    *_BOARD,
    Command(_PAGE, held=True, written=("out/index.html",)),
    Command("leaderboard compare lia fomm --name toy", held=True),
    *_commands("study create --results results/toy --output out", "leaderboard --by model.size --name own"),
)
_LOADED = (
    Command(_EVALUATE_RUN, held=True, written=NUMBERS),
    Command(f"models convert lia@{RUN} out", held=True, written=("out/model.safetensors",)),
    Command(_animate(), held=True, written=("out.mp4",)),
)
_RESUMED = _commands(
    f"train lia:demo-64 --dataset data/own --name small --resume {TRAIN} --set schedule.iterations=3",
    f"train lia --resume {TRAIN} --set schedule.iterations=3",
)
_TEXT = ANY + OF_TEXTS + OF_TEXTS
_JSON = ANY + OF_JSON + OF_JSON
_WITH_MODEL = ("runs", "face.png", "clip.mp4")

TARGETS: Sequence[Target] = (
    Target(
        "video",
        ("clip.mp4", "clip.mkv", "clip.avi", "clip.gif", "clip.webp"),
        _WITH_MODEL,
        _commands(
            _animate(driving="{file}"),
            _animate(driving="{file}") + " --side-by-side --transfer absolute",
            f"interpret lia@{RUN} --image face.png --driving {{file}} --no-crop --device cpu --steps 2 --output out",
        ),
    ),
    Target(
        "video of a folder",
        ("squares/mine.mp4", "footage/a.mp4", "moving-gif/train/cat.gif", "dfdc/dfdc_train_part_0/aa.mp4"),
        ("squares", "footage", "moving-gif", "vox.csv", "fashion", "dfdc", "home"),
        _commands(
            f"preprocess folder --footage squares --whole-frames --test-share 0 {SIZES}",
            f"preprocess folder --footage squares --test-share 0 --min-size 8 --min-frames 2 {SIZES}",
            f"preprocess dfdc --footage dfdc --detector mediapipe --min-size 8 --min-frames 2 --test-share 0 {SIZES}",
            f"preprocess vox --footage footage --metadata vox.csv {SIZES}",
            f"preprocess mgif --footage moving-gif {SIZES} --format png",
            f"preprocess fashion --footage fashion {SIZES}",
        ),
        paired=True,
    ),
    Target(
        "video to be scored",
        ("generated/clip.mp4", "lying/test/clip.mp4", "lying/test/strip.png", "lying/test/moving.gif"),
        ("generated", "lying"),
        _commands(
            f"score --generated generated --reference lying {_SCORE}",
            f"score --generated generated --reference lying {_SCORE} --source lying/test/strip.png",
            f"evaluate --models identity --dataset lying --task reconstruction {_SCORE}",
            f"score --generated lying/test --reference lying/test {_SCORE.replace('--no-videos', '--videos')}",
        ),
        paired=True,
    ),
    Target(
        "picture",
        ("face.png", "face.jpg", "face.bmp", "face.tif", "face.webp"),
        _WITH_MODEL,
        _commands(
            _animate(source="{file}"),
            _animate(source="{file}", driving="clip.mp4") + " --side-by-side",
            f"interpret lia@{RUN} --image {{file}} --no-crop --device cpu --steps 2 --output out",
            f"edit lia@{RUN} --image {{file}} --set direction-01=0.5 --no-crop --device cpu --output out.png",
        ),
    ),
    Target(
        "picture of a folder",
        ("pictures/face.jpg", "frames/0000001.png", "frames/moving/0000001.png"),
        (*_WITH_MODEL, "pictures", "frames"),
        _commands(
            f"preprocess portraits --footage pictures --aligned {SIZES}",
            _animate(source="pictures", driving="clip.mp4").replace("out.mp4", "out"),
            _animate(driving="frames/moving"),
            f"score --generated frames --reference frames {_SCORE}",
        ),
        paired=True,
    ),
    Target(
        "clip of a dataset",
        ("data/own/test/q#b#0.mp4", "data/own/train/p#a#0.mp4", "data/pictured/test/s#a#0/0000001.png"),
        ("data",),
        (
            Command(_EVALUATE, held=True, written=NUMBERS),
            Command(_EVALUATE.replace("data/own", "data/pictured"), held=True, written=NUMBERS),
            Command(f"score --generated data/same --reference data/own {_SCORE}", held=True, written=NUMBERS),
            Command("datasets verify data/own --workers 1", held=True),
            Command("datasets verify data/pictured --workers 1", held=True),
            Command(f"train lia:demo-64 --dataset data/own --name other {TRAIN} --set schedule.iterations=1"),
            Command(_EVALUATE.replace("reconstruction", "cross"), held=True, written=NUMBERS),
        ),
        paired=True,
    ),
    Target(
        "packed clips",
        ("data/packed/train-00000.tar", "data/packed/train-00000.idx", "data/packed/test-00000.idx"),
        ("data",),
        (
            Command("datasets verify data/packed --workers 1", held=True),
            Command(f"train lia:demo-64 --dataset data/packed --name other {TRAIN} --set schedule.iterations=1"),
            Command("datasets pack data/own --output data/packed --workers 1"),
        ),
    ),
    Target(
        "dataset.json",
        ("data/own/dataset.json", "shards/shard-1/dataset.json"),
        ("data", "shards"),
        (
            Command("datasets show data/own"),
            Command("datasets verify data/own --workers 1", held=True),
            Command("datasets merge shards/shard-1 shards/shard-2 --output out", written=("out/clips.csv",)),
            Command("datasets list"),
            Command(_EVALUATE, held=True, written=NUMBERS),
        ),
        _JSON,
        paired=True,
    ),
    Target(
        "clips.csv",
        ("data/own/clips.csv", "shards/shard-2/clips.csv"),
        ("data", "shards"),
        (
            Command("datasets show data/own", held=True),
            Command("datasets verify data/own --workers 1", held=True),
            Command("datasets merge shards/shard-1 shards/shard-2 --output out", held=True, written=("out/clips.csv",)),
            Command(_EVALUATE, held=True, written=NUMBERS),
            Command("datasets common data/own data/own/clips.csv"),
        ),
        _TEXT,
        paired=True,
    ),
    Target(
        "list of clips",
        ("common.txt", "test-list.txt"),
        ("data", "squares"),
        _commands(
            f"{_EVALUATE} --clips common.txt",
            f"preprocess folder --footage squares --whole-frames --test-list test-list.txt {SIZES}",
        ),
        _TEXT,
        paired=True,
    ),
    Target(
        "list of pairs",
        ("pairs.csv", "listed.csv"),
        ("data", "generated", "face.png"),
        _commands(
            f"{_EVALUATE} --pairs-file pairs.csv".replace("reconstruction", "cross"),
            f"score --generated generated --reference generated --source face.png --pairs-file listed.csv {_SCORE}",
        ),
        _TEXT,
        paired=True,
    ),
    Target(
        "experiment",
        ("experiment.yaml",),
        ("data", "pairs.csv"),
        _commands(
            "experiment show experiment.yaml",
            "experiment run experiment.yaml --models identity --device cpu --no-videos --results out",
        ),
        _TEXT,
    ),
    Target(
        "config.json of a checkpoint",
        (f"{CHECKPOINT}/config.json", "shared/config.json"),
        (*_WITH_MODEL, "data", "shared"),
        (
            *_LOADED,
            *_commands(f"models convert lia@{RUN} out.pt --to authors", _animate("shared")),
            *_RESUMED,
        ),
        _JSON,
    ),
    Target(
        "model.safetensors",
        (f"{CHECKPOINT}/model.safetensors", "shared/model.safetensors"),
        (*_WITH_MODEL, "data", "shared"),
        (
            *_LOADED,
            Command(_animate("shared"), held=True, written=("out.mp4",)),
            Command(f"models convert lia@{RUN} out.pt --to authors", held=True),
            *_RESUMED,
        ),
    ),
    Target("training.pt", (f"{CHECKPOINT}/training.pt",), ("runs", "data"), _RESUMED),
    Target(
        "checkpoints.json",
        (f"{RUN}/checkpoints.json",),
        (*_WITH_MODEL, "data"),
        (*_LOADED, *_RESUMED, Command(_EVALUATE_RUN.replace(f"lia@{RUN}", "lia"), held=True, written=NUMBERS)),
        _JSON,
    ),
    Target(
        "run.json",
        (f"{RUN}/run.json",),
        (*_WITH_MODEL, "data"),
        (*_LOADED, *_RESUMED, Command(_EVALUATE_RUN.replace(f"lia@{RUN}", "lia"), held=True, written=NUMBERS)),
        _JSON,
    ),
    Target("metrics.csv", (f"{RUN}/metrics.csv",), ("runs", "data"), _RESUMED, _TEXT),
    Target(
        "YAML of settings",
        ("settings.yaml", f"{RUN}/config.yaml"),
        ("runs", "data", "settings.yaml"),
        (
            Command(f"train lia:demo-64 --dataset data/own --name other --config settings.yaml {TRAIN}"),
            Command("train lia:demo-64 --dataset data/own --name other --config settings.yaml --accelerator cpu "
                "--set data.workers=0"),
            *_RESUMED,
        ),
        _TEXT,
    ),
    Target(
        "authors' checkpoint",
        (*(f"authors/{name}.pth.tar" for name in LAYOUTS), "authors/old.pt", "authors/fomm.safetensors"),
        ("face.png", "clip.mp4"),
        _commands(
            "models convert {model}:demo-64@{file} out",
            _animate().replace(f"lia@{RUN}", "{model}:demo-64@{file}"),
        ),
    ),
    Target(
        "weights of others",
        ("home/weights/openface.pth", "vgg19-dcbb9e9d.pth"),
        ("data", "home"),
        _commands(
            "weights add {file}",
            "weights add {file} --as openpose",
            "weights verify",
            "weights list openface",
            "score --generated data/own/test --reference data/own/test --metrics aed_openface --device cpu --no-videos",
        ),
    ),
    # In the page rows are known by their numbers, so that another order is another text.
    Target("leaderboard.csv", ("results/toy/leaderboard.csv",), ("results",), (*_BOARD, Command(_PAGE)), _TEXT),
    Target("per_clip.csv", ("results/toy/per_clip.csv",), ("results",), _REPORT, _TEXT),
    Target("report.json", ("results/toy/report.json",), ("results",), _REPORT, _JSON),
    Target(
        "report.json to go on with",
        ("results/own/report.json",),
        ("results", "data", "runs"),
        _commands(_GO_ON, f"{_GO_ON} --seed 0", "leaderboard --by model.size --name own"),
        _JSON,
    ),
    Target(
        "journal",
        ("results/own/unfinished-0.jsonl",),
        ("results", "data", "runs"),
        _commands(_GO_ON),
        _JSON + OF_TEXTS,
    ),
    Target(
        "videos of results",
        ("results/toy/videos",),
        ("results",),
        _commands(
            "leaderboard html results/toy --output out",
            "study create --results results/toy --output out --attention-checks 2",
        ),
    ),
    Target(
        "study.json",
        ("study/study.json",),
        ("study",),
        (*_commands("study report study"), *_commands("study serve study --port 0")),
        _JSON,
    ),
    Target(
        "answers",
        ("study/answers.sqlite", "study/media"),
        ("study",),
        _commands("study report study", "study serve study --port 0"),
        paired=True,
    ),
    Target(
        "metadata",
        ("vox.csv", "taichi.csv", "ted.csv"),
        ("footage",),
        tuple(
            Command(f"preprocess {name} --footage footage --metadata {name}.csv {SIZES}")
            for name in ("vox", "taichi", "ted")
        ),
        _TEXT,
        paired=True,
    ),
    Target(
        "annotations and lists of datasets",
        ("annotations/id10271/a/00001.txt", "fashion/fashion_test.txt", "dfdc/dfdc_train_part_0/metadata.json"),
        ("annotations", "fashion", "dfdc", "footage", "home"),
        _commands(
            f"preprocess vox --footage footage --annotations annotations --detector mediapipe --min-size 8 {SIZES}",
            f"preprocess fashion --footage fashion {SIZES}",
            f"preprocess dfdc --footage dfdc --detector mediapipe --min-size 8 --min-frames 2 {SIZES}",
        ),
        _TEXT,
        paired=True,
    ),
)  # fmt: skip
