"""Lists of clips, by which people who hold different subsets of a dataset compare on what they have in common."""

from pathlib import Path

from lia_bench.core.clips_table import NEEDED, clip_key, read_clips_table
from lia_bench.core.errors import InputError, UnreadableTextError
from lia_bench.core.names import same_name
from lia_bench.core.prepared_dataset import open_dataset
from lia_bench.core.text_files import read_list, read_table


def good_clips(dataset: str) -> set[str]:
    """The clips of a prepared dataset (name or folder) or of a clips.csv alone, each as 'partition/clip' (`same_name`).

    Raises:
        InputError: no such dataset or table.
    """
    if Path(dataset).is_file():
        return {same_name(clip_key(row)) for row in read_clips_table(Path(dataset)).good}
    return {same_name(clip.key) for clip in open_dataset(dataset).clips}


def read_clip_list(path: Path, partition: str) -> set[str]:
    """The clips that a list names, each as 'partition/clip', as of `same_name`.

    Args:
        path: a text file with one 'partition/clip' or 'clip' a line, or a clips.csv, of which the clips with status
            ok count. No line is a comment, since names of clips begin with anything.
        partition: where a clip is whose line does not tell.

    Raises:
        InputError: no such file, or no clip in it.
    """
    try:
        is_table = set(NEEDED) <= set(read_table(path).columns)
        names = [] if is_table else read_list(path)
    except UnreadableTextError as error:
        raise InputError(f"{path}: no list of clips: {error.reason}; `lia-bench datasets common` writes one") from None
    if is_table:
        keys = {clip_key(row) for row in read_clips_table(path).good}
    else:
        keys = {name if "/" in name else f"{partition}/{name}" for name in names}
    keys = {same_name(key) for key in keys}
    if not keys:
        raise InputError(f"{path}: the list names no clip")
    return keys
