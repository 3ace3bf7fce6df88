"""The settings of social recommendation."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt

from penchant.social.friends import FriendsConfig
from penchant.social.graph import GraphConfig
from penchant.social.known import NewcomersConfig


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NetworkConfig(_Frozen):
    """What the graph network learns, and how.

    `NetworkConfig.lightgcn()` is the simplest setting, and the baseline that is reported.
    """

    width: PositiveInt = 64
    """Dimensions of a vector."""
    layers: PositiveInt = 2
    """Steps that a message goes."""
    ties: bool = True
    """Whether messages go along ties."""
    text: bool = True
    """Whether texts are read and tags are nodes."""
    learned_strengths: bool = True
    """Whether the strengths of events, ties and tags are learned."""
    start_spread: PositiveFloat = 0.1
    """Standard deviation of the vectors before anything is learned."""
    hidden_ids: float = Field(default=0.1, ge=0, lt=1)
    """Share of ids hidden in training, so that nodes without one are answered too."""
    hidden_events: float = Field(default=0.5, ge=0, lt=1)
    """Share of a member's events that the graph does not show while they are to be foreseen; 0 shows them all, as
    LightGCN does."""
    learning_rate: PositiveFloat = 0.01
    """Of Adam."""
    decay: NonNegativeFloat = 1e-4
    """Pull of the ids' vectors towards zero (weight decay, decoupled)."""
    epochs: PositiveInt = 36
    """Passes over all members at most."""
    patience: PositiveInt = 2
    """Judgements on validation data without a gain, after which training stops."""
    judge_every: PositiveInt = 3
    """Epochs between two judgements."""
    members_at_once: PositiveInt = 256
    """Members of a step."""
    candidates: PositiveInt = 20_000
    """Items that a step tells a member's own from, at most: all where there are fewer, else drawn by popularity."""
    popularity_exponent: float = Field(default=0.75, ge=0, le=1)
    """How much likelier popular items are drawn; what this distorts is corrected for."""
    contrast: NonNegativeFloat = 0.0
    """Weight of the self-supervised loss; 0 leaves it out."""
    contrast_temperature: PositiveFloat = 0.2
    """Of the self-supervised loss."""
    contrast_noise: PositiveFloat = 0.1
    """Length of the noise that makes two views of one node."""
    sampling: bool | None = None
    """Whether neighbours are sampled; None samples where the graph has more edges than `whole_up_to`."""
    whole_up_to: PositiveInt = 3_000_000
    """Edges up to which every step passes over the whole graph."""
    fanouts: tuple[PositiveInt, ...] = (8, 4)
    """Neighbours drawn for a node by each relation where they are sampled, a number for each layer."""

    @classmethod
    def lightgcn(cls) -> "NetworkConfig":
        """LightGCN (He et al., SIGIR 2020): ids and events alone, strengths of one, all events shown."""
        return cls(ties=False, text=False, learned_strengths=False, hidden_ids=0, hidden_events=0, layers=3)


class LinearConfig(_Frozen):
    """EASE and ALS with tags as further rows beside the members."""

    regularization: tuple[PositiveFloat, ...] = (50.0, 100.0, 200.0)
    """EASE: values tried on validation data."""
    tag_weight: tuple[NonNegativeFloat, ...] = (0.0, 0.5, 1.0)
    """How much a tag's row weighs beside a member's: values tried on validation data."""
    max_items: PositiveInt = 6_000
    """EASE: only so many of the items most liked and tagged, as its matrix is dense."""
    factors: tuple[PositiveInt, ...] = (32, 64)
    """ALS: values tried."""
    als_regularization: tuple[PositiveFloat, ...] = (5.0, 10.0, 20.0)
    """ALS: values tried."""
    confidence: tuple[PositiveFloat, ...] = (1.0, 3.0)
    """ALS: values tried."""


class BlendConfig(_Frozen):
    """How the sources' weights are found."""

    start: dict[str, NonNegativeFloat] = Field(
        default={"ease": 0.3, "als": 0.3, "network": 0.3, "friends": 0.07, "popularity": 0.03}
    )
    """Weights where too few members can be judged."""
    cutoff: PositiveInt = 10
    """Length of the lists whose NDCG decides."""
    depth: PositiveInt = 60
    """Best items of each source that are candidates."""
    pull: NonNegativeFloat = 0.1
    """How strongly the weights are drawn together."""
    tried: PositiveInt = 60
    """Weights near the likeliest that are tried too."""
    averaged: PositiveInt = 10
    """How many of the best are averaged."""


class RankerConfig(_Frozen):
    """An order of the best candidates learned over the sources."""

    enabled: bool = True
    """Whether one is learned; it is used where it beats the blend beyond chance."""
    fewest: PositiveInt = 200
    """Members with something held out, below whom nothing is learned."""
    trees: PositiveInt = 80
    """How many."""
    leaves: PositiveInt = 8
    """Of a tree."""
    learning_rate: PositiveFloat = 0.05
    """Of boosting."""
    confidence: float = Field(default=0.9, gt=0, lt=1)
    """The ranker is used where this interval of its lead over the blend lies above zero."""


class SocialConfig(_Frozen):
    """How social recommendations are learned.

    >>> SocialConfig(network=NetworkConfig(width=32)).network.width
    32
    """

    enabled: Literal["auto", "always", "never"] = "auto"
    """Whether a build learns it: `auto` where there are ties."""
    graph: GraphConfig = GraphConfig()
    """What edges weigh."""
    network: NetworkConfig = NetworkConfig()
    """The graph network."""
    use_network: bool = True
    """Whether the network takes part beside EASE and ALS."""
    linear: LinearConfig = LinearConfig()
    """EASE and ALS."""
    blend: BlendConfig = BlendConfig()
    """How they are weighed."""
    ranker: RankerConfig = RankerConfig()
    """What is learned over them."""
    friends: FriendsConfig = FriendsConfig()
    """Whom to suggest to whom."""
    newcomers: NewcomersConfig = NewcomersConfig()
    """What newcomers are asked, and what ties and words count."""
    validation: Literal["random", "last"] = "random"
    """Which events are held out to tune on: a tenth of each member's, or each member's last."""
    most_judged: PositiveInt = 2_000
    """Members whom settings and weights are judged on; a random sample where there are more."""
    fewest_judged: PositiveInt = 50
    """Members with something held out, below whom nothing is tuned: settings and weights keep their starting values."""
    fewest_searched: PositiveInt = 200
    """Members with something held out, below whom only weights are found, and settings keep their starting values."""
