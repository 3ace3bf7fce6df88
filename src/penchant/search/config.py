"""The settings of search."""

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveInt

from penchant.search.dense import DenseConfig
from penchant.search.fusion import FusionConfig
from penchant.search.lexical import LexicalConfig
from penchant.search.personal import PersonalConfig
from penchant.search.querymap import QueryMapConfig
from penchant.search.reranker import RerankerConfig
from penchant.search.suggestions import SuggestionsConfig
from penchant.search.typos import TyposConfig


class SearchConfig(BaseModel):
    """How items are searched, and what is learned from judged queries.

    >>> SearchConfig(fusion=FusionConfig(meaning=0.3)).depth
    100
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    lexical: LexicalConfig = LexicalConfig()
    """Search by words."""
    dense: DenseConfig = DenseConfig()
    """Search by meaning; takes part only where there is an encoder."""
    fusion: FusionConfig = FusionConfig()
    """How the two lists become one, unless judged queries say otherwise."""
    query_map: QueryMapConfig | None = QueryMapConfig()
    """The map of queries that judged queries teach; None leaves queries as the encoder reads them."""
    reranker: RerankerConfig | None = RerankerConfig()
    """The order that judged queries teach; None leaves the fused one."""
    typos: TyposConfig = TyposConfig()
    suggestions: SuggestionsConfig = SuggestionsConfig()
    personal: PersonalConfig = PersonalConfig()
    """How a member's taste counts; takes part only where there is an encoder."""
    wish_strength: NonNegativeFloat = 1.0
    """How much a wish that is a matter of degree counts, in spreads of the candidates."""
    depth: PositiveInt = 100
    """Best items of each list that are candidates."""
    longest_query: PositiveInt = 256
    """Characters of a query that are read."""
    least_queries: PositiveInt = 100
    """Judged queries, below which what is learned from them would be chance, and nothing is."""
