"""Text to interests: a calibrated probability for every label of a tree, and "unsure" where the risk is too high."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveFloat, PositiveInt

from penchant.errors import ConfigError, NotFittedError, TooLittleDataError
from penchant.interests.answers import Labelled, LabellerReport
from penchant.interests.beliefs import BeliefsConfig
from penchant.interests.calibration import Kind
from penchant.interests.classes import Classes
from penchant.interests.course import Course
from penchant.interests.examples import LabelledTexts
from penchant.interests.judge import Judge
from penchant.interests.reading import FEWEST_IN_CROWD, names_read, text_reader
from penchant.interests.rows import TextReader
from penchant.interests.sources import Source, SourcesConfig, opinions
from penchant.interests.taxonomy import Taxonomy
from penchant.interests.words import WordsConfig
from penchant.text.encoder import Encoder
from penchant.text.tuning.config import FinetuneConfig
from penchant.text.tuning.place import Place
from penchant.training.options import Options
from penchant.vectors import Floats, chunks

_AT_ONCE: Final = 8192
_MOST_FOR_SHARES: Final = 2_000
"""Unlabelled texts that say how common labels are; more would hardly move the shares."""


class LabellerConfig(BaseModel):
    """What a labeller learns from, and how careful it is.

    >>> LabellerConfig(tuned=FinetuneConfig(mode="lora")).risk
    0.1
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    exclusive: bool | None = None
    """Whether a text has one label (with those it implies); None finds out: it is so if every text was given one."""
    names: bool = True
    """Compare texts with what labels are called, and with their descriptions, in meaning and in spelling."""
    meaning: bool = True
    """Learn from the encoder's vectors."""
    spelling: bool = True
    """Learn from character n-grams."""
    tuned: FinetuneConfig | None = None
    """Fine-tune the language model too; its tasks are set by the labels."""
    templates: tuple[str, ...] = ()
    """What is encoded for a label, `{name}` standing for its levels; empty takes the language's own."""
    encoded_texts: PositiveInt = 20_000
    """At most so many labelled texts, drawn at random, are encoded, and half as many tuned on: the rest teach
    spelling, which costs next to nothing."""
    sources: SourcesConfig = SourcesConfig()
    words: WordsConfig = WordsConfig()
    beliefs: BeliefsConfig = BeliefsConfig()
    neighbours: NonNegativeInt = 20
    """Unlabelled texts near a text that its vector is drawn to; 0 leaves vectors as they are."""
    neighbours_share: PositiveFloat = 1.0
    """Weight of the neighbours' mean against one of the text's own vector."""
    prior: dict[Literal["names", "meaning", "nearest", "centres", "spelling", "tuned"], float] = Field(
        default={"names": 0.4, "meaning": 0.7, "nearest": 0.5, "centres": 0.5, "spelling": 1.0, "tuned": 1.0}
    )
    """How much each source counts before any held-out text has spoken."""
    label_shift: bool = True
    """Learn from unlabelled texts how common each label is, where labels shut each other out and there is no
    validation data to show it: examples are often picked label by label, as no stream of texts comes."""
    folds: int = Field(default=5, ge=2)
    """Parts of which each is held out in turn, where there is no validation data."""
    one_fold_from: PositiveInt = 5_000
    """With more labelled texts than this, or a tuned model, one part alone is held out."""
    calibration: Kind | Literal["auto"] = "auto"
    """How probabilities are made to mean what they say."""
    risk: float = Field(default=0.1, gt=0, lt=1)
    """Share of wrong labels allowed among those given as sure."""
    certainty: float = Field(default=0.9, gt=0, lt=1)
    """Chance with which that risk is to be kept."""


class Labeller:
    """Gives texts their interests; works from label names alone, from a few texts a label, and from many.

    Sources of evidence (label names, vectors, the nearest of many labelled texts, character n-grams and, where asked
    for, a fine-tuned model) give logits, which are blended by stacked generalisation, calibrated and summed up the
    tree, all learned on texts that the sources had not seen. Where labelled texts are few, unlabelled ones are learned
    from: as neighbours, for how common each label is and, where asked for, by self-training.

    >>> given = LabelledTexts.of(["red apple", "green apple", "blue car", "fast car"], ["fruit"] * 2 + ["cars"] * 2)
    >>> spelling_alone = LabellerConfig(names=False, meaning=False)
    >>> Labeller(spelling_alone).fit(given).label(["an apple"]).labels(0)
    ('fruit',)
    """

    name: Final = "labeller"

    classes: Classes
    reader: TextReader
    sources: dict[str, Source]
    judge: Judge
    blank: Floats
    """(labels,) what is said of a blank text: how common each label was."""
    report: LabellerReport

    def __init__(self, config: LabellerConfig | None = None) -> None:
        self.config = config or LabellerConfig()

    @property
    def taxonomy(self) -> Taxonomy:
        """The tree of labels, in the order of the columns of `probabilities`."""
        return self.classes.taxonomy

    def fit(
        self,
        labelled: LabelledTexts | None,
        options: Options | None = None,
        *,
        encoder: Encoder | None = None,
        taxonomy: Taxonomy | None = None,
        unlabelled: Sequence[str] = (),
        validation: LabelledTexts | None = None,
        place: Place | None = None,
    ) -> "Labeller":
        """Learn from labelled texts, or from a tree's names alone.

        Args:
            labelled: texts and their labels; None labels by names.
            options: seed, threads and device.
            encoder: for names, meaning and tuning; spelling alone does without.
            taxonomy: the tree, where it holds more than the labels given; by default the tree of these.
            unlabelled: texts of the same kind without labels.
            validation: labelled texts apart, on which the blend, calibration and thresholds are learned; without them,
                parts of the labelled texts are held out in turn.
            place: where a model that is tuned keeps its checkpoints and logs: a fit that was interrupted there goes on
                where its tuning stood. None keeps nothing.

        Raises:
            ConfigError: what the configuration asks for needs an encoder, or nothing at all is asked for.
            UnknownIdError: a text has a label that is not in the tree.
            TooLittleDataError: there are neither labelled texts nor names to go by.
        """
        options, labelled = options or Options(), labelled or LabelledTexts((), ())
        self._check(labelled, encoder)
        classes = Classes.settled(labelled, taxonomy, self.config.exclusive)
        targets = classes.targets(labelled)
        answers = classes.targets(validation) if validation else None
        spare = [text for text in dict.fromkeys(unlabelled) if text.strip()][: self.config.beliefs.most_texts]
        if len(labelled) > self.config.beliefs.most_labelled:
            spare = []
        known = list(validation.texts) if validation else []
        encoded = options.rng().permutation(len(labelled))[: self.config.encoded_texts]
        texts = [list(labelled.texts), known, spare]
        self.reader = text_reader(self.config, classes, texts, encoded, encoder)
        # Settled here, since the parts without what is held out are smaller and must have the same sources.
        asked = {} if len(encoded) >= self.config.sources.nearest_from else {"nearest": 0}
        sources_config = self.config.sources.model_copy(update=asked)
        called = names_read(self.config, classes, self.reader)
        course = Course(self.config, sources_config, classes, self.reader, *called, options, place or Place())
        rows = self.reader.rows(labelled.texts, encoded=encoded)
        spare_rows = self.reader.rows(spare if self.config.beliefs.rounds else [])
        shifting = answers is None and self._shifting(classes, spare)
        if answers is None:
            held, answers = course.held_out(rows, targets, spare_rows)
            sources, count = course.fitted(rows, targets, spare_rows)
        else:
            sources, count = course.fitted(rows, targets, spare_rows)
            held = opinions(sources, self.reader.rows(known))
        self.classes, self.sources = classes, sources
        self.judge = self._judge(course, held, answers, sources, shifting=shifting)
        shares = targets.mean(0) if len(targets) else np.full(len(classes), 1 / len(classes))
        taught = len(answers) if held.keys() == sources.keys() else 0
        if shifting and taught:
            said = opinions(sources, self.reader.rows(spare[:_MOST_FOR_SHARES]))
            self.judge, shares = self.judge.shifted(said, answers)
        self.blank = classes.up(shares[None].astype(np.float32))[0]
        self.report = LabellerReport(
            texts=len(labelled),
            encoded=len(rows.encoded),
            contradictory=labelled.contradictory,
            unlabelled=len(spare),
            believed=count,
            held_out=taught,
            shifted=bool(shifting and taught),
            without_texts=tuple(
                label for label, most in zip(classes.labels, targets.max(0, initial=0), strict=True) if not most
            ),
        )
        return self

    def label(self, texts: Sequence[str]) -> Labelled:
        """Labels, probabilities and what can be stood by, for any texts; a blank one is unsure.

        Raises:
            NotFittedError: before `fit`.
        """
        said = np.empty((len(texts), len(self._fitted_classes().taxonomy)), dtype=np.float32)
        given, sure = np.zeros(said.shape, dtype=bool), np.zeros(said.shape, dtype=bool)
        for part in chunks(len(texts), _AT_ONCE):
            said[part], given[part], sure[part] = self._labelled([text.strip() for text in texts[part]])
        return Labelled(self.taxonomy, said, given, sure)

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """(texts, labels) float32, calibrated, a child's never above its parent's.

        Raises:
            NotFittedError: before `fit`.
        """
        return self.label(texts).probabilities

    def save(self, folder: Path | str) -> None:
        """Write the labeller as a folder; the encoder is not copied.

        Raises:
            NotFittedError: before `fit`.
            StorageError: the folder cannot be written.
        """
        from penchant.interests.saving import save_labeller

        self._fitted_classes()
        save_labeller(self, Path(folder))

    @classmethod
    def load(cls, folder: Path | str, encoder: Encoder | None = None, *, options: Options | None = None) -> "Labeller":
        """Read back a labeller that predicts what the saved one did.

        Args:
            folder: what `save` wrote.
            encoder: the one it was fitted with; found by name where absent.
            options: device, precision, progress.

        Raises:
            ArtifactError: the folder is damaged, or the encoder is another.
        """
        from penchant.interests.saving import load_labeller

        return load_labeller(Path(folder), encoder, options or Options())

    def _labelled(self, texts: list[str]) -> tuple[Floats, NDArray[np.bool_], NDArray[np.bool_]]:
        said, given = self.judge.decided(opinions(self.sources, self.reader.rows(texts)))
        sure = self.judge.sure(said, given)
        blank = [not text for text in texts]
        said[blank], sure[blank] = self.blank, False
        return said, given, sure

    def _fitted_classes(self) -> Classes:
        if not hasattr(self, "judge"):
            raise NotFittedError("this labeller has learned nothing yet; call fit, or load a saved one")
        return self.classes

    def _check(self, labelled: LabelledTexts, encoder: Encoder | None) -> None:
        config = self.config
        if not (config.names or config.meaning or config.spelling or config.tuned):
            raise ConfigError("a labeller needs a source: names, meaning, spelling or tuned; all are switched off")
        if encoder is None and (config.names or config.meaning or config.tuned):
            raise ConfigError(
                "names, meaning and tuned need an encoder: pass encoder=load_encoder(), or switch them off to learn "
                "from spelling alone"
            )
        if not len(labelled) and not config.names:
            raise TooLittleDataError("there are no labelled texts, and names are switched off: nothing to learn from")

    def _shifting(self, classes: Classes, spare: Sequence[str]) -> bool:
        config = self.config
        # Curves drawn label by label for one set of shares say nothing of another.
        uncurved = config.calibration not in ("platt", "isotonic")
        return config.label_shift and uncurved and classes.exclusive and len(spare) >= FEWEST_IN_CROWD

    def _judge(
        self,
        course: Course,
        held: dict[str, Floats],
        answers: Floats,
        sources: Mapping[str, Source],
        *,
        shifting: bool,
    ) -> Judge:
        config, prior = self.config, course.prior(sources)
        if not len(answers) or held.keys() != sources.keys():
            return Judge.untaught(course.classes, prior, config.risk)
        return Judge.taught(
            course.classes,
            held,
            answers,
            prior,
            kind="temperature" if shifting and config.calibration == "auto" else config.calibration,
            risk=config.risk,
            certainty=config.certainty,
            seed=course.options.seed,
        )
