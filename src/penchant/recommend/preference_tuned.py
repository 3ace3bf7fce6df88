"""Language models that read a prompt and say whether its candidate is liked: a tuned pair encoder, a causal model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveInt

from penchant.recommend.preference_examples import Judged, Prompt
from penchant.text.finetune import CausalModel, Example, FinetuneConfig, TaskConfig, TunedModel, finetune
from penchant.text.transformer import TransformerEncoder
from penchant.training.options import Options

YES: Final = "yes"
NO: Final = "no"

TEMPLATE: Final = "{text}\nWill this member like it? Answer yes or no / 这位会员会喜欢吗？回答 yes 或 no\n"


class ReaderConfig(BaseModel):
    """A language model as a judge of prompts, and its part in the blend.

    >>> ReaderConfig(tuning=FinetuneConfig(mode="ia3"), weight=0.3).titles
    10
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tuning: FinetuneConfig = FinetuneConfig(mode="lora", epochs=3, batch_size=16, max_length=192)
    """How it is tuned: every mode that `finetune` has; a `frozen` causal model answers from what it knows already."""
    head: Literal["pair", "joint"] = "pair"
    """How an encoder reads: `pair` compares the vectors of history and candidate, `joint` reads both as one text. A
    causal model always reads one text."""
    titles: PositiveInt = 10
    """Last titles of the history that are read."""
    rows: PositiveInt = 2_000
    """Rows that are learned from, at most: a random sample where there are more."""
    weight: NonNegativeFloat | None = None
    """Weight of its log-odds in the blend, beside one for the mixed model; None tunes it twice more, each time on half
    of the members, and takes the weight that the other half's answers speak for: none where that might be chance."""


class Reader:
    """A tuned language model over prompts."""

    def __init__(self, config: ReaderConfig, model: TunedModel) -> None:
        self.config, self.model = config, model

    @classmethod
    def tuned(
        cls,
        base: TransformerEncoder | CausalModel,
        rows: Sequence[Judged],
        config: ReaderConfig,
        options: Options,
        *,
        place: Path | None = None,
    ) -> "Reader":
        """Tune a language model on judged prompts.

        Raises:
            TooLittleDataError: there is no row, or only one answer.
            ConfigError: the mode does not fit the model.
        """
        compared = config.head == "pair" and not isinstance(base, CausalModel)
        task = (
            TaskConfig(name="liked", kind="pair")
            if compared
            else TaskConfig(name="liked", kind="binary", labels=(NO, YES), template=TEMPLATE)
        )
        if len(rows) > config.rows:
            chosen = np.sort(options.rng().choice(len(rows), config.rows, replace=False))
            rows = [rows[row] for row in chosen]
        examples = []
        for row in rows:
            history, candidate = _texts(row.prompt, config.titles)
            answer: str | float = float(row.liked) if compared else YES if row.liked else NO
            examples.append(Example(history, answer, candidate))
        tuning = config.tuning.changed(tasks=(task,))
        return cls(config, finetune(base, examples, tuning, options, place=place))

    def probability(self, prompts: Sequence[Prompt]) -> NDArray[np.float64]:
        """(prompts,) how likely each candidate is liked: for a causal model, that of saying yes against no."""
        said = self.model.predict([_texts(prompt, self.config.titles) for prompt in prompts])
        return np.clip(said[:, -1].astype(np.float64), 1e-3, 1 - 1e-3)

    def save(self, folder: Path) -> None:
        """Write what was learned; the pretrained model is found by name when loading."""
        self.model.save(folder)

    @classmethod
    def load(
        cls,
        folder: Path,
        config: ReaderConfig,
        base: TransformerEncoder | CausalModel | None = None,
        *,
        options: Options | None = None,
    ) -> "Reader":
        """Read back what `save` wrote."""
        return cls(config, TunedModel.load(folder, base, options=options))


def _texts(prompt: Prompt, titles: int) -> tuple[str, str]:
    """The history in words, and the candidate."""
    history = prompt.history[-titles:]
    liked = "; ".join(title for title, likes in history if likes) or "-"
    disliked = "; ".join(title for title, likes in history if not likes) or "-"
    return f"liked / 喜欢: {liked} | disliked / 不喜欢: {disliked}", prompt.candidate
