"""`penchant bench recommend --protocol proposals`: titles that a causal model proposes, beside all other candidates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.sparse as sp

from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL, BenchResult, Cell, data_name, figures
from penchant.data.community import Community
from penchant.data.public import load
from penchant.data.splits import last_split
from penchant.evaluation.bootstrap import paired_difference
from penchant.evaluation.cost import measured
from penchant.evaluation.ranking import RankingMetrics, evaluate_rankings
from penchant.recommend import RecommendConfig, Recommender, fit
from penchant.recommend.evaluating import judged_by
from penchant.recommend.opinions import POPULARITY, TEXT
from penchant.recommend.preference_examples import opinions_in
from penchant.recommend.proposals import TitleTrie, joined
from penchant.recommend.recipe import reweighed
from penchant.recommend.tuning import Validation
from penchant.text.generator import Generator
from penchant.training.options import Options
from penchant.vectors import Rows

GENERATOR: Final = "gemma-270m"
SEEDS: Final = (0,)
MEMBERS: Final = 100
"""Members drawn by the seed whose last event is asked for; a list takes the causal model seconds."""
TITLES: Final = 10
"""Last titles of a history that the model reads."""
K: Final = 50
BEAMS: Final = 50
"""Beginnings of titles that are followed."""
SHORT: Final = 10
KEYS: Final[tuple[str, ...]] = (f"recall@{K}", f"hit@{SHORT}", "mrr")
WEIGHT: Final = 0.5
"""What a place among the proposals counts beside one in the blend; set beforehand, as all else here."""
PROPOSALS: Final = "proposals alone"
BLEND: Final = "blended candidates"


@dataclass(frozen=True, eq=False)
class _Asked:
    """Some members, and what each is to find."""

    judged: Validation
    known: Community

    @classmethod
    def drawn(cls, model: Recommender, known: Community, held_out: Community, rng: np.random.Generator) -> "_Asked":
        """Some of those who have something to find."""
        everyone = judged_by(known, held_out, model.config)
        chosen = np.sort(rng.permutation(len(everyone.members))[:MEMBERS])
        judged = Validation(
            everyone.batch.rows(chosen), everyone.shut[chosen], everyone.relevant[chosen],
            everyone.closed, everyone.id_rank, everyone.members[chosen],
        )  # fmt: skip
        return cls(judged, known)

    def ranked(self, model: Recommender, k: int = K) -> Rows:
        """(members, k) what a recommender shows them."""
        return model.on(self.known).rank(self.judged.batch, self.judged.shut, k, members=self.judged.members)

    def proposed(self, trie: TitleTrie, rows_of: dict[str, list[int]]) -> Rows:
        """(members, k) what the causal model proposes to them, of what they may be shown."""
        told = opinions_in(self.known, members=self.judged.members.tolist(), both=False)
        found = np.full((len(self.judged.members), K), -1, dtype=np.int64)
        titles = self.known.titles
        for place, member in enumerate(self.judged.members.tolist()):
            barred = (self.judged.shut[[place]].toarray()[0] > 0) | self.judged.closed
            hidden = {titles[row] for row in np.flatnonzero(barred)}
            history = list(told.get(member, {}).items())[-TITLES:]
            said = trie.propose(history, K, beams=BEAMS, but=hidden)
            rows = [row for title, _ in said for row in rows_of[title] if not barred[row]][:K]
            found[place, : len(rows)] = rows
        return found

    def metrics(self, ranked: Rows) -> RankingMetrics:
        """How good lists are."""
        return evaluate_rankings(ranked, self.judged.relevant, (SHORT, K))

    def found(self, ranked: Rows) -> np.ndarray:
        """(members,) whether what they were to find is in the list."""
        return np.asarray(self.metrics(ranked).per_member[f"hit@{K}"] > 0)


def run_proposals(data: str, seeds: Sequence[int] | None, *, generator: Generator | None = None) -> BenchResult:
    """Last event out, of members drawn by the seed: the proposals alone, the blend alone, and both lists joined.

    The sources are tuned and weighed on the events before the last, no ranker orders them, and the lists are joined by
    reciprocal rank. `only_proposed` is the share of members whose item is among the fifty proposed and in no source's
    best fifty, `pool` that of those whose item is in one of the two fifties, beside the blend's first hundred.

    Raises:
        WeightsError: the causal model is not there.
    """
    seeds = tuple(seeds or SEEDS)
    with measured() as cost:
        from penchant.benchmarks.recommend import _encoder

        community, encoder = load(data), _encoder()
        rows_of: dict[str, list[int]] = {}
        for row, title in enumerate(community.titles):
            rows_of.setdefault(title, []).append(row)
        trie = TitleTrie(rows_of, generator or Generator.load(GENERATOR, options=Options(progress=False)))
        config = RecommendConfig.model_validate(
            {"tuning": "full", "liked_ratings": "all", "validation": "last", "ranker": {"enabled": False}}
        )
        results: dict[str, list[dict[str, float]]] = {}
        hits: dict[str, list[np.ndarray]] = {}
        table: list[dict[str, Cell]] = []
        for seed in seeds:
            options = Options(seed=seed)
            split = last_split(community, seed, unseen=True)
            fitted = fit(split.train, split.validation, config, options, encoder=encoder)
            model = fitted.recommender
            asked = _Asked.drawn(model, split.fit, split.test, options.rng())
            proposed = asked.proposed(trie, rows_of)
            blend = asked.ranked(model)
            alone = {name: model.with_weights({POPULARITY: 0.0, name: 1.0}) for name in model.sources}
            sources = {name: asked.ranked(each) for name, each in alone.items()}
            lists = {
                "both": joined(blend, proposed, WEIGHT),
                BLEND: blend,
                PROPOSALS: proposed,
                POPULARITY: sources[POPULARITY],
                WITHOUT_LANGUAGE_MODEL: asked.ranked(reweighed(fitted, TEXT, options)),
            }
            for name, ranked in lists.items():
                judged = asked.metrics(ranked)
                results.setdefault(name, []).append({key: judged.means[key] for key in KEYS})
                hits.setdefault(name, []).append(judged.per_member[f"recall@{K}"])
            known = np.any([asked.found(ranked) for ranked in sources.values()], axis=0)
            told = asked.found(proposed)
            results["both"][-1] |= {
                "only_proposed": float((told & ~known).mean()),
                "pool": float((told | asked.found(blend)).mean()),
                "blend_of_as_many": float(_hit(asked.ranked(model, 2 * K), asked.judged.relevant).mean()),
            }
            table.append(
                {
                    "seed": seed, "members": len(asked.judged.members), "proposed and right": int(told.sum()),
                    "of these in no source's best": int((told & ~known).sum()),
                }
            )  # fmt: skip
    ours = results.pop("both")
    mine = np.concatenate(hits.pop("both"))
    return BenchResult(
        name="recommend",
        data=data_name(data),
        protocol="proposals",
        metrics=figures(ours),
        baselines={name: figures(found) for name, found in results.items()},
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=list(seeds),
        differences={
            name: {f"recall@{K}": paired_difference(mine, np.concatenate(found))} for name, found in hits.items()
        },
        tables={"what was proposed": table},
    )


def _hit(ranked: Rows, relevant: sp.csr_matrix) -> np.ndarray:
    """(members,) whether anything relevant is in the list."""
    return evaluate_rankings(ranked, relevant, ranked.shape[1]).per_member[f"hit@{ranked.shape[1]}"]
