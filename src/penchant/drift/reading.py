"""A language model that reads two windows as text: what was, what is, and what the statistics say of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, PositiveInt

from penchant.artifacts import load_artifact, save_artifact
from penchant.data.community import Community
from penchant.drift.windows import NOTHING
from penchant.errors import NotFittedError
from penchant.language import Lang, Phrase, written_language
from penchant.training.options import Options
from penchant.vectors import Floats

if TYPE_CHECKING:
    from penchant.text.finetune import FinetuneConfig, TunedModel
    from penchant.text.transformer import TransformerEncoder

KIND: Final = "drift-reader"
WINDOWS: Final = Phrase(
    "recent: {recent}. shift {shift}, surprise {surprise}. past: {past}",
    "最近：{recent}。变化 {shift}，意外 {surprise}。以前：{past}",
)
_LEVELS: Final = 10
_STEADY, _CHANGED = "steady", "changed"


class ReadingConfig(BaseModel):
    """What is read, and how the reader is tuned.

    >>> ReadingConfig().past
    16
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    past: PositiveInt = 16
    """Events before the windows asked of that are read, the latest."""
    words: PositiveInt = 6
    """Words of a title (or twice as many Chinese characters) that are read."""
    examples: PositiveInt = 1_500
    """Windows that the reader learns from, as many changed as not."""
    epochs: PositiveInt = 2
    max_length: PositiveInt = 192
    """Tokens that are read."""

    def finetuning(self) -> "FinetuneConfig":
        """LoRA on all linear layers, one yes-or-no question."""
        from penchant.text.finetune import FinetuneConfig, TaskConfig

        return FinetuneConfig.model_validate(
            {
                "mode": "lora",
                "tasks": (TaskConfig(name="change", kind="binary", labels=(_STEADY, _CHANGED)),),
                "epochs": self.epochs,
                "max_length": self.max_length,
                "batch_size": 16,
                "adapter": {"targets": ("*",), "rank": 8},
            }
        )


class Reader:
    """Reads what a member did before and what they do now, and says whether they have changed.

    Categories stand beside titles where items have them, in the order of the events; the text is in the language that
    most of it is written in. How strong the statistics' shift and surprise are is told as a level from 0 to 9 of those
    learned from, so that the model need not read numbers it has never seen.
    """

    def __init__(self, community: Community, config: ReadingConfig | None = None) -> None:
        self.config = config or ReadingConfig()
        self.names = [_short(title, self.config.words) for title in community.titles]
        self.model: TunedModel | None = None
        self._edges: NDArray[np.float64] = np.zeros((2, _LEVELS - 1))

    def text(self, past: NDArray, recent: NDArray, levels: tuple[int, int], lang: Lang | None = None) -> str:
        """What the model reads of item rows before and now.

        Args:
            past: rows of all earlier events, in order.
            recent: rows of the events asked of.
            levels: of shift and surprise, from 0 to 9.
            lang: of the words between the titles; that of the titles if absent.
        """
        before = [self.names[row] for row in past[past != NOTHING][-self.config.past :].tolist()]
        now = [self.names[row] for row in recent[recent != NOTHING].tolist()]
        lang = lang or written_language(" ".join(now))
        joint = "，" if lang == "zh" else ", "
        return WINDOWS(lang, recent=joint.join(now), past=joint.join(before), shift=levels[0], surprise=levels[1])

    def texts(self, items: NDArray[np.int32], where: NDArray[np.bool_], inputs: Floats) -> list[str]:
        """The texts of some windows of streams.

        Args:
            items: (streams, windows, events).
            where: (streams, windows) which to read.
            inputs: (streams, windows, 2) shift and surprise.
        """
        found = []
        for stream, window in zip(*np.nonzero(where), strict=True):
            shift, surprise = np.nan_to_num(inputs[stream, window]).tolist()
            # Read with the window before: a change may have begun there.
            begin = max(window - 1, 1)
            past, recent = items[stream, :begin].ravel(), items[stream, begin : window + 1].ravel()
            found.append(self.text(past, recent, self.levels(shift, surprise)))
        return found

    def fit(
        self,
        encoder: "TransformerEncoder",
        items: NDArray[np.int32],
        changed: NDArray[np.bool_],
        asked: NDArray[np.bool_],
        inputs: Floats,
        options: Options,
        *,
        place: Path | None = None,
    ) -> "Reader":
        """Tune the model on windows whose answer is known.

        Args:
            encoder: the language model.
            items: (streams, windows, events).
            changed: (streams, windows) the answers.
            asked: (streams, windows) the windows that have one.
            inputs: (streams, windows, 2) shift and surprise of each, from trees that have not seen the member.
            options: seed, threads.
            place: where an interrupted run goes on.
        """
        from penchant.text.finetune import Example, finetune

        quantiles = np.linspace(0, 1, _LEVELS + 1)[1:-1]
        self._edges = np.stack([np.nanquantile(inputs[..., which][asked], quantiles) for which in range(2)])
        rng = options.rng()
        chosen = np.zeros_like(asked)
        for answer in (True, False):
            places = np.flatnonzero((asked & (changed == answer)).ravel())
            picked = rng.choice(places, min(len(places), self.config.examples // 2), replace=False)
            chosen.ravel()[picked] = True
        texts = self.texts(items, chosen, inputs)
        answers = changed[np.nonzero(chosen)]
        examples = [
            Example(text, _CHANGED if answer else _STEADY) for text, answer in zip(texts, answers.tolist(), strict=True)
        ]
        self.model = finetune(encoder, examples, self.config.finetuning(), options, place=place)
        return self

    def odds(self, texts: Sequence[str]) -> Floats:
        """(texts,) log odds of a change, between as many changed windows as steady ones."""
        if self.model is None:
            raise NotFittedError("the reader is not tuned yet; call fit first")
        share = np.clip(self.model.predict(texts)[:, self.model.labels.index(_CHANGED)], 1e-6, 1 - 1e-6)
        return np.log(share / (1 - share)).astype(np.float32)

    def levels(self, shift: float, surprise: float) -> tuple[int, int]:
        """How strong two numbers are beside those learned from, from 0 to 9."""
        found = [int(np.searchsorted(self._edges[which], value)) for which, value in enumerate((shift, surprise))]
        return found[0], found[1]

    def save(self, folder: Path) -> None:
        """Write the adapter and the levels.

        Raises:
            NotFittedError: nothing is tuned yet.
        """
        if self.model is None:
            raise NotFittedError("the reader is not tuned yet; call fit first")
        self.model.save(folder / "model")
        save_artifact(folder, KIND, arrays={"edges": self._edges}, meta={"config": self.config.model_dump(mode="json")})

    @classmethod
    def load(cls, folder: Path, community: Community, options: Options | None = None) -> Self:
        """Read back what `save` wrote, for the same items.

        Raises:
            ArtifactError: the folder is damaged or holds something else.
        """
        from penchant.text.finetune import TunedModel

        saved = load_artifact(folder, KIND)
        reader = cls(community, ReadingConfig.model_validate(saved.meta["config"]))
        reader._edges = saved.arrays["edges"]
        reader.model = TunedModel.load(folder / "model", options=options)
        return reader


def _short(title: str, words: int) -> str:
    """The first words of a title.

    >>> _short("White Hanging Heart T-light Holder", 3), _short("铸铁珐琅炖锅家用大容量", 3)
    ('White Hanging Heart', '铸铁珐琅炖锅')
    """
    if written_language(title) == "zh":
        return title[: 2 * words]
    return " ".join(title.split()[:words])
