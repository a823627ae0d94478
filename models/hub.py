"""Animators on the Hugging Face Hub: a repository there is a checkpoint folder, config.json and model.safetensors."""

from pathlib import Path
from typing import Any, Self, cast

from huggingface_hub import ModelCard, ModelCardData, ModelHubMixin, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from lia_bench.core.errors import CheckpointError, InputError
from lia_bench.core.registry import load_attribute
from lia_bench.models.card import read_card
from lia_bench.models.checkpoint import DESCRIPTION, TRAINING, WEIGHTS, ZooEntry, read_description, write_weights
from lia_bench.models.loading import load_model
from lia_bench.models.specification import MODELS
from lia_bench.models.training.runs import resolve_checkpoint

CARD = """---
{metadata}
---

# {title}

{description}

```python
from lia_bench.models.animator import Animator

model = Animator.from_pretrained("{repository}")
frames = model.animate(source, driving, transfer="relative")  # (T, 3, H, W) in [0, 1]
```

The configuration is in `config.json`, in the form that LIA-Bench writes.
"""


class Shareable(ModelHubMixin, library_name="lia-bench", tags=["image-animation"]):
    """What every animator has of the Hub: `save_pretrained`, `from_pretrained` and `push_to_hub`.

    Attributes:
        zoo_entry: what `load_model` built it as; None for an animator made otherwise, which cannot be saved.
    """

    zoo_entry: ZooEntry | None = None

    def save_pretrained(self, save_directory: str | Path, **options: Any) -> str | None:
        """Write a checkpoint folder that `from_pretrained` and `load_model` read, and a README.md for the Hub.

        Args:
            save_directory: made where it is not there.
            options: of ModelHubMixin, such as `push_to_hub=True, repo_id="owner/name"`; `model_card_kwargs` are
                fields of the README's head, such as `license`.

        Returns:
            The address on the Hub, if it was pushed there.

        Raises:
            InputError: the animator was not made by `load_model`, or the folder is of a training run.
        """
        self._entry()
        if (Path(save_directory) / TRAINING).exists():
            raise InputError(f"{save_directory}: a checkpoint that a training may go on from: save to another folder")
        return super().save_pretrained(save_directory, **options)

    def push_to_hub(self, repo_id: str, **options: Any) -> str:
        """Upload the checkpoint folder as the repository `repo_id` ("owner/name"), made where it is not there.

        Args:
            options: of ModelHubMixin, such as `private`, `token`, `branch` or `commit_message`.

        Returns:
            The address of the commit.
        """
        card = {"repository": repo_id, **(options.pop("model_card_kwargs", None) or {})}
        return super().push_to_hub(repo_id, model_card_kwargs=card, **options)

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | Path,
        *,
        force_download: bool = False,
        token: str | bool | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        revision: str | None = None,
        **model_kwargs: Any,
    ) -> Self:
        """The animator of a checkpoint folder or of a repository on the Hub, in evaluation mode.

        Args:
            pretrained_model_name_or_path: a folder that `save_pretrained`, `models convert` or `train` wrote, else a
                repository "owner/name". A folder that is there is never looked for on the Hub.
            force_download: fetch files that the cache has once more.
            token: of the Hub; by default the one that `hf auth login` stored.
            cache_dir: of the Hub's files; by default the one all its libraries share.
            local_files_only: take the cache's files, without asking the Hub.
            revision: branch, tag or commit of the repository.
            model_kwargs: `device` and overrides, as `load_model` takes them.

        Raises:
            CheckpointError: no such folder or repository, the Hub cannot be reached, or the checkpoint is damaged
                or of a model that is no `cls`.
        """
        name = str(pretrained_model_name_or_path)
        if Path(name).is_dir():
            folder = resolve_checkpoint(Path(name))
        else:
            try:
                fetched = snapshot_download(
                    name,
                    revision=revision,
                    cache_dir=cache_dir,
                    force_download=force_download,
                    token=token,
                    local_files_only=local_files_only,
                    allow_patterns=[DESCRIPTION, WEIGHTS],
                )
            # The errors of the Hub's client, and of the HTTP library that it happens to use, have no base in common.
            except Exception as error:
                raise CheckpointError(f"{name}: {_reason(error, revision)}") from error
            folder = Path(fetched)
        if not (folder / DESCRIPTION).is_file():
            raise CheckpointError(f"{name}: has no {DESCRIPTION}: it is no checkpoint of lia-bench")
        model = read_description(folder).model
        kind = load_attribute(MODELS[model].animator)
        if not issubclass(kind, cls):
            raise CheckpointError(
                f"{name}: a checkpoint of {model}, which is a {kind.__name__} and no {cls.__name__}: "
                "load it by Animator.from_pretrained"
            )
        return cast(Self, load_model(model, checkpoint=folder, **model_kwargs))

    def generate_model_card(self, repository: str = "OWNER/NAME", **metadata: Any) -> ModelCard:
        """The README.md of the repository; `metadata` are fields of its head, such as `license` or `datasets`."""
        entry = self._entry()
        specification = MODELS[entry.model]
        paper = read_card(specification.card).paper
        cited = f" ({', '.join(paper.authors)}: *{paper.title}*, {paper.year})" if paper else ""
        data = ModelCardData(**{**self._hub_mixin_info.model_card_data.to_dict(), **metadata})
        content = CARD.format(
            metadata=data.to_yaml(),
            title=entry,
            description=f"{entry.model}: {specification.summary}{cited}.",
            repository=repository,
        )
        return ModelCard(content)

    def _save_pretrained(self, save_directory: Path) -> None:
        write_weights(save_directory, self._entry(), self.state_dict())  # type: ignore[attr-defined]

    def _entry(self) -> ZooEntry:
        if self.zoo_entry is None:
            raise InputError(
                f"this {type(self).__name__} does not know its model and variant: make it by lia_bench.load_model"
            )
        return self.zoo_entry


def _reason(error: Exception, revision: str | None) -> str:
    match error:
        case HFValidationError():
            return "neither a folder here nor a repository's name on the Hugging Face Hub (owner/name)"
        case GatedRepoError():
            return "its owner on the Hugging Face Hub grants access on request: ask there, then run hf auth login"
        case RepositoryNotFoundError():
            return (
                "neither a folder here nor a repository on the Hugging Face Hub that you may read: "
                "check the name, or run hf auth login for a private one"
            )
        case RevisionNotFoundError():
            return f"the repository has no revision '{revision}': name a branch, a tag or a commit of it"
        case LocalEntryNotFoundError():
            return (
                "no folder here, not in the Hugging Face Hub's cache, and the Hub cannot be reached: "
                "check the name, or go online once to fetch it"
            )
    first, *_ = str(error).splitlines() or [""]
    return f"cannot be fetched from the Hugging Face Hub ({type(error).__name__}: {first}): try again later"
