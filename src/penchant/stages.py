"""What a build consists of; a system that joins adds its stage here."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from penchant.artifacts import save_artifact
from penchant.data.columns import TABLES
from penchant.data.snapshot import save_community
from penchant.errors import ConfigError
from penchant.language import Phrase
from penchant.pipeline import Context, Stage

if TYPE_CHECKING:
    from penchant.recommend import RecommendConfig


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


def _recommend_config(context: Context) -> "RecommendConfig":
    from penchant.recommend import RecommendConfig

    try:
        return RecommendConfig(**context.settings("recommend"))
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise ConfigError(
            f"{context.workspace.config_path} has settings of [recommend] without meaning: {'; '.join(problems)}"
        ) from None


def _recommend_inputs(context: Context) -> Mapping[str, Any]:
    return {
        "config": _recommend_config(context).model_dump(mode="json"),
        "seed": context.options.seed,
        **_tables(context, "items", "events"),
    }


def _recommend(context: Context, folder: Path) -> None:
    from penchant.recommend import train

    train(context.community, _recommend_config(context), context.options, encoder=context.encoder).save(folder)


def _evaluate(context: Context, folder: Path) -> None:
    from penchant.quality import measure

    measure(context.community, _recommend_config(context), context.options, encoder=context.encoder).write(folder)


STAGES: Final[tuple[Stage, ...]] = (
    Stage("community", Phrase("Community", "社区数据"), _community_inputs, _community),
    Stage("text", Phrase("Texts of the items", "物品文本编码"), _text_inputs, _text),
    Stage("recommend", Phrase("Recommendation", "个性化推荐"), _recommend_inputs, _recommend, after=("text",)),
    Stage("evaluate", Phrase("Quality on held-out events", "留出检验"), _recommend_inputs, _evaluate, after=("text",)),
)
"""In the order in which they run."""
