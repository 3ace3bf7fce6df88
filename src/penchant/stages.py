"""What a build consists of; a system that joins adds its stage here."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from penchant.artifacts import save_artifact
from penchant.data.columns import TABLES
from penchant.data.snapshot import save_community
from penchant.language import Phrase
from penchant.pipeline import Context, Stage


def _tables(context: Context, *names: str) -> dict[str, str]:
    return {name: context.community.fingerprint(name) for name in names}


def _community_inputs(context: Context) -> Mapping[str, Any]:
    return _tables(context, *TABLES)


def _community(context: Context, folder: Path) -> None:
    save_community(context.community, folder)


def _text_inputs(context: Context) -> Mapping[str, Any]:
    from penchant.text.weights import resolve

    weights = resolve(context.workspace.config.build.encoder)
    return {
        "weights": f"{weights.name}@{weights.fingerprint}",
        "precision": context.options.precision,
        **_tables(context, "items"),
    }


def _text(context: Context, folder: Path) -> None:
    vectors = context.encoder.encode(context.community.item_texts)
    save_artifact(folder, "text", arrays={"items": vectors}, meta={"encoder": context.encoder.name})


STAGES: Final[tuple[Stage, ...]] = (
    Stage("community", Phrase("Community", "社区数据"), _community_inputs, _community),
    Stage("text", Phrase("Texts of the items", "物品文本编码"), _text_inputs, _text),
)
"""In the order in which they run."""
