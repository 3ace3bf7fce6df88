"""What a build consists of; a system that joins adds its stage here."""

import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import BaseModel

from penchant.artifacts import MANIFEST, load_artifact, save_artifact
from penchant.data.columns import TABLES
from penchant.data.snapshot import save_community
from penchant.errors import ArtifactError
from penchant.language import Phrase
from penchant.pipeline import Context, Stage
from penchant.settings_file import understood

if TYPE_CHECKING:
    from penchant.data.community import Community
    from penchant.data.corrections import Corrections
    from penchant.data.segments import Segments
    from penchant.drift.outcomes import Outcome
    from penchant.drift.whole import DriftConfig
    from penchant.interests import InterestsConfig
    from penchant.members.anomalies import AnomalyConfig
    from penchant.members.recipe import MembersConfig
    from penchant.recommend import RecommendConfig
    from penchant.search import SearchConfig
    from penchant.social import SocialConfig
    from penchant.workspace import Workspace

_LOG = logging.getLogger(__name__)

_Config = TypeVar("_Config", bound=BaseModel)


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


def _section(workspace: "Workspace", system: str, kind: type[_Config]) -> _Config:
    """The section of a workspace's settings for a system.

    Raises:
        ConfigError: something in it has no meaning.
    """
    given = workspace.config.systems.get(system, {})
    return understood(kind, given, f"{workspace.config_path} has settings of [{system}]")


def interests_config(workspace: "Workspace") -> "InterestsConfig":
    """What `[interests]` says.

    Raises:
        ConfigError: something in it has no meaning.
    """
    from penchant.interests import InterestsConfig

    return _section(workspace, "interests", InterestsConfig)


def _interests_inputs(context: Context) -> Mapping[str, Any]:
    return {
        "config": interests_config(context.workspace).model_dump(mode="json"),
        "seed": context.options.seed,
        **_tables(context, "members", "items", "events", "labels"),
    }


def _interests(context: Context, folder: Path) -> None:
    from penchant.interests import learn

    config = interests_config(context.workspace)
    learn(context.community, config, context.options, encoder=context.encoder).save(folder)


def social_config(workspace: "Workspace") -> "SocialConfig":
    """What `[social]` says.

    Raises:
        ConfigError: something in it has no meaning.
    """
    from penchant.social import SocialConfig

    return _section(workspace, "social", SocialConfig)


def _social_inputs(context: Context) -> Mapping[str, Any]:
    return {
        "config": social_config(context.workspace).model_dump(mode="json"),
        "seed": context.options.seed,
        **_tables(context, "members", "items", "events", "ties"),
    }


def _social(context: Context, folder: Path) -> None:
    from penchant.social.whole import learn_into, needs_encoder

    config = social_config(context.workspace)
    encoder = context.encoder if needs_encoder(context.community, config) else None
    learn_into(folder, context.community, config, context.options, encoder=encoder)


def _anomalies_config(context: Context) -> "AnomalyConfig":
    from penchant.members.anomalies import AnomalyConfig
    from penchant.members.sections import members_section

    return members_section(context.workspace.config, "anomalies", AnomalyConfig)


def _anomalies_inputs(context: Context) -> Mapping[str, Any]:
    config = _anomalies_config(context).model_dump(mode="json")
    return {"config": config, **_tables(context, "members", "items", "events")}


def _anomalies(context: Context, folder: Path) -> None:
    from penchant.members.anomalies import find_anomalies

    find_anomalies(context.community, _anomalies_config(context)).save(folder)


def _members_config(context: Context) -> "MembersConfig":
    from penchant.members.recipe import MembersConfig

    given = context.workspace.config.systems.get("members", {})
    own = {name: given[name] for name in MembersConfig.model_fields if name in given}
    return understood(MembersConfig, own, f"{context.workspace.config_path} has settings of [members]")


def _members_inputs(context: Context) -> Mapping[str, Any]:
    from penchant.feelings import sentiment_model

    names = _corrections(context).segment_names
    config = _members_config(context)
    model = sentiment_model(config.sentiment, context.workspace.path)
    return {
        "config": config.model_dump(mode="json", by_alias=True),
        **({"sentiment": (model / MANIFEST).read_text(encoding="utf-8")} if model is not None else {}),
        "seed": context.options.seed,
        **_tables(context, "members", "items", "events"),
        **({"names": {number: list(name) for number, name in names.items()}} if names else {}),
    }


def _corrections(context: Context) -> "Corrections":
    from penchant.data.corrections import Corrections

    with context.workspace.store() as store:
        return Corrections.read(store)


def segments_before(workspace: "Workspace") -> "Segments | None":
    """The segments of the build that answers; None where it has none, or none that can be read.

    A stage of an older format or a damaged one is no reason to build nothing: to build again is what helps there.
    """
    from penchant.data.segments import Segments
    from penchant.members.recipe import segments_folder

    current = workspace.current
    if current is None or "members" not in current.stages:
        return None
    try:
        # The segments alone have a format of their own, whatever else of the stage has changed.
        return Segments.load(segments_folder(current.path / "members"))
    except ArtifactError as error:
        _LOG.warning("segments begin anew: %s", error)
        return None


def first_number(workspace: "Workspace", named: Iterable[int]) -> int:
    """The smallest number for a new segment: what people said of one that is gone is not said of a new one.

    All builds are asked, since the one that answers may have been gone back to, and others have had segments since.
    """
    from penchant.data.segments import Segments
    from penchant.members.recipe import segments_folder

    free = [number + 1 for number in named]
    for build in workspace.builds():
        # What cannot be read any more has said nothing that could still be seen.
        with suppress(ArtifactError):
            if "members" in build.stages:
                free.append(Segments.load(segments_folder(build.path / "members")).next_number)
    return max(free, default=0)


def _members(context: Context, folder: Path) -> None:
    from penchant.feelings import felt
    from penchant.interests import Interests
    from penchant.members.leanings import Writings
    from penchant.members.recipe import train
    from penchant.segment_names import segment_namer

    vectors = load_artifact(context.output("text"), "text").arrays["items"]
    interests = Interests.load(context.output("interests"))
    # Names go on from the build that answers; where nothing has changed since, this stage is not run at all.
    before = segments_before(context.workspace)
    names = _corrections(context).segment_names
    if before is not None:
        from penchant.data.corrections import renamed

        before = renamed(before, names)
    config = _members_config(context)
    community = felt(context.community, interests.sentiment, config.sentiment, context.workspace.path)
    wanted = config.texts and community.events["text"].count()
    train(
        community,
        config,
        context.options,
        item_vectors=vectors,
        writings=Writings.of(community, context.encoder, config.texts) if wanted else None,
        strata=interests.strata,
        before=before,
        namer=segment_namer(config.segments.names_by, context.options),
        first=first_number(context.workspace, names),
    ).save(folder)


def drift_config(workspace: "Workspace") -> "DriftConfig":
    """What `[drift]` says.

    Raises:
        ConfigError: something in it has no meaning.
    """
    from penchant.drift.whole import DriftConfig

    return _section(workspace, "drift", DriftConfig)


def drift_outcomes(context: Context) -> "tuple[Outcome, ...]":
    """How alarms of the build that answers, and of those before it, came out; none where it cannot be read."""
    # Each alarm is judged once more, so the stage's inputs and its run share what is found.
    return context.once("drift outcomes", lambda: _outcomes(context))


def _outcomes(context: Context) -> "tuple[Outcome, ...]":
    from penchant.drift.outcomes import MOST, outcomes

    current = context.workspace.current
    if current is None or "drift" not in current.stages:
        return ()
    try:
        held = current.drift()
    except ArtifactError as error:
        _LOG.warning("what became of earlier verdicts on drift is not known: %s", error)
        return ()
    return (*held.outcomes, *outcomes(held, context.community))[-MOST:]


def _drift_inputs(context: Context) -> Mapping[str, Any]:
    feedback, later = _corrections(context).drift, drift_outcomes(context)
    return {
        "config": drift_config(context.workspace).model_dump(mode="json", by_alias=True),
        "seed": context.options.seed,
        **_tables(context, "members", "items", "events"),
        **({"feedback": [list(one) for one in feedback]} if feedback else {}),
        **({"outcomes": [list(one) for one in later]} if later else {}),
    }


def _drift(context: Context, folder: Path) -> None:
    from penchant.drift.whole import learn

    config = drift_config(context.workspace)
    feedback, later = _corrections(context).drift, drift_outcomes(context)
    learn(
        context.community, config, context.options, encoder=context.encoder, feedback=feedback, outcomes=later,
    ).save(folder)  # fmt: skip


def recommend_config(workspace: "Workspace") -> "RecommendConfig":
    """What `[recommend]` says.

    Raises:
        ConfigError: something in it, or in its rule file, has no meaning.
    """
    from penchant.recommend import RecommendConfig

    config = _section(workspace, "recommend", RecommendConfig).at_home(workspace.path)
    # A mistake in the rule file is told before hours of work, not after.
    config.policy.rules()
    return config


def _recommend_inputs(context: Context) -> Mapping[str, Any]:
    return {
        "config": recommend_config(context.workspace).model_dump(mode="json"),
        "seed": context.options.seed,
        **_tables(context, "items", "events"),
    }


def _recommend(context: Context, folder: Path) -> None:
    from penchant.quality import Quality
    from penchant.recommend import train

    config = recommend_config(context.workspace)
    # The evaluation has searched by each member's last events. What is served takes its settings and weights over, so
    # that the search runs once and what was judged is what is served; another way of holding out has its own search.
    setup = Quality.read(context.output("evaluate")).setup if config.validation == "last" else None
    community = _felt(context, config)
    train(community, config, context.options, encoder=context.encoder, setup=setup).save(folder)


def _evaluate(context: Context, folder: Path) -> None:
    from penchant.quality import measure

    config = recommend_config(context.workspace)
    measure(_felt(context, config), config, context.options, encoder=context.encoder).write(folder)


def _felt(context: Context, config: "RecommendConfig") -> "Community":
    """The community, with how members felt about what they wrote of, where that can be told."""
    from penchant.data.interactions import with_felt
    from penchant.interests import Interests

    if not config.sentiment:
        return context.community
    sentiment = Interests.load(context.output("interests")).sentiment
    # Stars weigh by the community's own rule for ratings; here only words count.
    felt = replace(sentiment, stars=None).of(context.community) if sentiment is not None else None
    return with_felt(context.community, felt)


def search_config(workspace: "Workspace") -> "SearchConfig":
    """What `[search]` says.

    Raises:
        ConfigError: something in it has no meaning.
    """
    from penchant.search import SearchConfig

    return _section(workspace, "search", SearchConfig)


def _search_inputs(context: Context) -> Mapping[str, Any]:
    return {
        "config": search_config(context.workspace).model_dump(mode="json"),
        "seed": context.options.seed,
        **_tables(context, "items", "events"),
    }


def _search(context: Context, folder: Path) -> None:
    from penchant.search import train

    train(context.community, search_config(context.workspace), context.options, encoder=context.encoder).save(folder)


STAGES: Final[tuple[Stage, ...]] = (
    Stage("community", Phrase("Community", "社区数据"), _community_inputs, _community),
    Stage("text", Phrase("Texts of the items", "物品文本编码"), _text_inputs, _text),
    Stage(
        "interests",
        Phrase("Interests of the members", "用户兴趣分层"),
        _interests_inputs,
        _interests,
        ("text",),
    ),
    Stage(
        "members",
        Phrase("Segments and value", "会员分群与价值"),
        _members_inputs,
        _members,
        ("text", "interests"),
    ),
    Stage(
        "anomalies",
        Phrase("Members who behave oddly", "会员行为异常"),
        _anomalies_inputs,
        _anomalies,
    ),
    Stage("social", Phrase("Members among one another", "社交网络推荐"), _social_inputs, _social, ("text",)),
    Stage(
        "drift",
        Phrase("Interest drift", "兴趣漂移检测"),
        _drift_inputs,
        _drift,
        ("text",),
    ),
    Stage(
        "evaluate",
        Phrase("Quality on held-out events", "留出检验"),
        _recommend_inputs,
        _evaluate,
        ("text", "interests"),
    ),
    Stage(
        "recommend",
        Phrase("Recommendation", "个性化推荐"),
        _recommend_inputs,
        _recommend,
        ("text", "interests", "evaluate"),
    ),
    Stage("search", Phrase("Search", "搜索"), _search_inputs, _search, after=("text",)),
)
"""In the order in which they run."""
