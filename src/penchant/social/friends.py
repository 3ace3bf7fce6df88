"""Whom to follow or befriend: candidates from ties and taste, one order, and a reason for each."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from penchant.artifacts import load_artifact, save_artifact
from penchant.data.community import Community
from penchant.errors import ArtifactError
from penchant.language import Lang
from penchant.social.friend_features import CandidateConfig, FriendFeatures, Pairs
from penchant.social.friend_ranker import FILE, PLAIN, FriendRanker, FriendRankerConfig, FriendVerdict
from penchant.social.friend_reasons import narrowest, reason
from penchant.social.graph import Graph
from penchant.social.hidden_ties import each_tie
from penchant.social.taste import Taste
from penchant.training.options import Options
from penchant.vectors import Floats, Rows, chunks

KIND: Final = "social-friends"
NAMED: Final = 3
"""Friends in common, interests and items that a suggestion names at most."""


TAGS_READ: Final = 4 * NAMED
"""Tags in common that are looked at for the narrowest."""


class FriendsConfig(BaseModel):
    """Whom to suggest and how."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ties: Literal["auto", "mutual", "directed"] = "auto"
    """Whether friends are suggested (both look to each other) or members to follow; `auto` goes by most ties."""
    candidates: CandidateConfig = CandidateConfig()
    """Who is put in order."""
    ranker: FriendRankerConfig = FriendRankerConfig()
    """How the order is learned."""
    mutual_share: float = Field(default=0.9, gt=0, le=1)
    """Of all ties; where at least so many go both ways, `auto` suggests friends."""

    def is_directed(self, graph: Graph) -> bool:
        """Whether whom to follow is asked, for a graph."""
        if self.ties != "auto":
            return self.ties == "directed"
        both = graph.ties.multiply(graph.ties.T).nnz
        return graph.ties.nnz > 0 and both < self.mutual_share * graph.ties.nnz


@dataclass(frozen=True)
class Suggestion:
    """A member to follow or befriend, and why; members whose activity is private are neither suggested nor named."""

    member_id: str
    score: float
    reason: str
    common: tuple[str, ...] = ()
    """Ids of friends in common, at most three, those who know fewest first."""
    common_count: int = 0
    """Friends in common who may be named."""
    interests: tuple[str, ...] = ()
    """Tags that both are into."""
    titles: tuple[str, ...] = ()
    """Titles of items that both like; where no tag says it."""
    follows_back: bool = False
    """Whether they look to the member already."""


@dataclass(frozen=True)
class Suggestions:
    """Members for a member, best first, and what put them in order."""

    picks: tuple[Suggestion, ...]
    strategy: str
    member_id: str

    def __len__(self) -> int:
        return len(self.picks)

    def __getitem__(self, place: int) -> Suggestion:
        return self.picks[place]


class Friends:
    """Suggests members to members.

    Args:
        community: whose ids and titles are shown.
        graph: of that community.
        config: whom to suggest.
        vectors: (members, width) of a graph network, as one more feature.

    >>> from penchant.data.simulated import SimulatedConfig, simulate
    >>> bazaar = simulate(SimulatedConfig(events=400, members=40, seed=3)).community
    >>> friends = Friends(bazaar, Graph.of(bazaar)).fit(Options(progress=False))
    >>> len(friends.suggest(bazaar.member_ids.id(0), k=3))
    3
    """

    def __init__(
        self,
        community: Community,
        graph: Graph,
        config: FriendsConfig | None = None,
        *,
        vectors: Floats | None = None,
    ) -> None:
        self.community = community
        self.config = config or FriendsConfig()
        self.features = FriendFeatures(
            graph, self.config.candidates, directed=self.config.is_directed(graph), vectors=vectors
        )
        self.ranker = FriendRanker(self.features.names, self.config.ranker)
        self.verdict = FriendVerdict(
            ties=len(each_tie(self.features)), fewest=self.config.ranker.fewest, cutoff=self.config.ranker.cutoff
        )

    @property
    def graph(self) -> Graph:
        """Who is tied to whom, and who likes what."""
        return self.features.graph

    @property
    def taste(self) -> Taste:
        """What members like."""
        return self.features.taste

    def fit(self, options: Options | None = None) -> Self:
        """Learn the order from ties hidden for it; friends in common decide where that is not surely better."""
        self.verdict = self.ranker.fit(self.features, options or Options())
        return self

    def on(self, community: Community, graph: Graph, *, vectors: Floats | None = None) -> "Friends":
        """The same order over a graph in which something has changed; nothing is learned anew."""
        other = Friends(community, graph, self.config, vectors=vectors)
        if other.features.names == self.features.names:
            other.ranker, other.verdict = self.ranker, self.verdict
        return other

    def suggest(self, member_id: str, k: int = 10, *, lang: Lang = "en") -> Suggestions:
        """Members for one member, best first, each with a reason.

        Args:
            member_id: whom to suggest to.
            k: how many; fewer where there are fewer for whom anything speaks.
            lang: of reasons and strategy.

        Raises:
            UnknownIdError: the community has no such member.
        """
        row = self.community.member_ids.row(member_id)
        pairs = self.features.pairs(np.array([row]))
        scores = self._scores(pairs)
        rank = self.community.member_ids.id_rank[pairs.others]
        best = np.lexsort((rank, -scores))[:k]
        picks = tuple(self._suggestion(row, int(pairs.others[place]), float(scores[place]), lang) for place in best)
        return Suggestions(picks, self.verdict.told(lang), member_id)

    def rank(self, members: Rows, k: int) -> Rows:
        """(members, k) rows of whom to suggest to each, best first; -1 where there is nobody more."""
        ranked = np.full((len(members), k), -1, dtype=np.int64)
        id_rank = self.community.member_ids.id_rank
        for part in chunks(len(members), self.config.candidates.members_at_once(self.graph.member_count)):
            asked = members[part]
            pairs = self.features.pairs(asked)
            order = np.lexsort((id_rank[pairs.others], -self._scores(pairs), pairs.members))
            owners, others = pairs.members[order], pairs.others[order]
            starts = np.searchsorted(owners, asked)
            ends = np.searchsorted(owners, asked, side="right")
            for place, (start, end) in enumerate(zip(starts, ends, strict=True)):
                chosen = others[start : min(end, start + k)]
                ranked[part.start + place, : len(chosen)] = chosen
        return ranked

    def save(self, folder: Path | str) -> None:
        """Write what was learned; the graph is saved by itself."""
        folder = Path(folder)
        self.ranker.save(folder)
        save_artifact(
            folder,
            KIND,
            meta={
                "config": self.config.model_dump(mode="json"),
                "verdict": self.verdict.model_dump(mode="json"),
                "features": list(self.ranker.features),
            },
            files=[FILE] if self.ranker.has_learned else [],
        )

    @classmethod
    def load(
        cls, folder: Path | str, community: Community, graph: Graph, *, vectors: Floats | None = None
    ) -> "Friends":
        """Read back what `save` wrote, over a community and its graph.

        Raises:
            ArtifactError: the folder is damaged, holds something else, or was saved by another version.
        """
        folder = Path(folder)
        meta = load_artifact(folder, KIND).meta
        try:
            config = FriendsConfig.model_validate(meta["config"])
            verdict = FriendVerdict.model_validate(meta["verdict"])
        except ValidationError as error:
            raise ArtifactError(f"{folder} was saved by another version of Penchant ({error}); build again") from error
        friends = cls(community, graph, config, vectors=vectors)
        # Trees that know of other features (a network that is gone, ties that have become mutual) cannot be asked.
        if verdict.used and tuple(meta["features"]) == friends.features.names:
            friends.ranker = FriendRanker.load(folder, friends.features.names, friends.config.ranker)
            friends.verdict = verdict
        elif not verdict.used:
            friends.verdict = verdict
        return friends

    def _scores(self, pairs: Pairs) -> Floats:
        if self.ranker.has_learned:
            return self.ranker.score(pairs.features)
        names = self.features.names
        # Friends in common first, then likeness of taste, which says something where nobody is in common.
        return pairs.column(names, PLAIN) + np.float32(0.01) * pairs.column(names, "likes in common")

    def _suggestion(self, member: int, other: int, score: float, lang: Lang) -> Suggestion:
        common = self._nameable_common(member, other)
        tags = narrowest([self.graph.tag_names[tag] for tag in self.taste.shared_tags(member, other)[:TAGS_READ]])[
            :NAMED
        ]
        items = self.taste.shared_items(member, other)[:NAMED] if not tags else np.zeros(0, dtype=np.int64)
        titles = [self.community.titles[item] for item in items]
        follows_back = bool(self.features.directed and self.features.near.directed[other, member])
        ids = self.community.member_ids
        return Suggestion(
            ids.id(other),
            score,
            reason(len(common), tags, titles, lang, directed=self.features.directed, follows_back=follows_back),
            common=tuple(ids.id(int(row)) for row in common[:NAMED]),
            common_count=len(common),
            interests=tuple(tags),
            titles=tuple(titles),
            follows_back=follows_back,
        )

    def _nameable_common(self, member: int, other: int) -> Rows:
        """Friends in common whose activity is not private, those who are tied to fewest first."""
        near = self.features.near
        ties = near.directed if self.features.directed else near.ties
        theirs = near.followers if self.features.directed else near.ties
        both = np.intersect1d(ties[member].indices, theirs[other].indices)
        shown = both[~self.graph.private[both]]
        return shown[np.argsort(near.degrees[shown], kind="stable")].astype(np.int64)
