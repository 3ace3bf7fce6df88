"""How a language model is fine-tuned: the mode and every option, each bounded."""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from penchant.text.tuning.modes import PASSES, PROBED, PROBED_HEAD, RATES, Mode
from penchant.text.tuning.task import TaskConfig


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AdapterConfig(_Frozen):
    """Size and place of the few parameters that the adapter modes add.

    >>> AdapterConfig(rank=4).alpha
    32.0
    """

    rank: PositiveInt = 16
    """Rank of LoRA's update, and the rank AdaLoRA keeps on average (it starts from half as much again)."""
    alpha: PositiveFloat = 32.0
    """LoRA's update is scaled by alpha / rank."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Dropout on the input of LoRA's update."""
    targets: tuple[str, ...] | None = None
    """Names of the linear layers to adapt, in every transformer layer; None adapts queries and values where they are
    layers of their own (as LoRA's paper does), else all; `("*",)` adapts all. IA³ and bottlenecks have places of
    their own, which None and `("*",)` leave to them."""
    virtual_tokens: PositiveInt = 16
    """Learned tokens of prefix tuning, prompt tuning and P-tuning."""
    hidden: PositiveInt = 128
    """Width of P-tuning's prompt encoder."""
    bottleneck: PositiveInt = 48
    """Width of a bottleneck adapter."""


class ContrastiveConfig(_Frozen):
    """Few-shot tuning on pairs of texts, after SetFit (Tunstall et al., 2022).

    Texts of one label are pulled to cosine 1, texts of different labels to cosine 0. Every two texts of a batch are a
    pair, so that a text is encoded once for all of its pairs.

    >>> ContrastiveConfig().train
    'full'
    """

    train: Literal["full", "lora"] = "full"
    """Which parameters of the encoder move while pairs are learned."""
    texts_per_label: PositiveInt = 4
    """Texts of each drawn label in a batch."""
    regularisation: PositiveFloat = 1.0
    """Inverse strength of the penalty on the logistic regression that comes after (its C)."""


class AdversarialConfig(_Frozen):
    """Training on the worst small change of the token embeddings.

    >>> AdversarialConfig(method="pgd").steps
    3
    """

    method: Literal["fgm", "pgd"] = "fgm"
    """`fgm`: one step along the gradient (Miyato et al., 2017); `pgd`: several, projected back (Madry et al., 2018)."""
    epsilon: PositiveFloat = 0.05
    """Length of the largest change of one text's embeddings, as a share of their own length. All of it may fall on a
    few words: .1 is enough to take the deciding word away, and nothing is learned any more."""
    steps: PositiveInt = 3
    """Steps of PGD."""
    step_size: PositiveFloat = 0.3
    """Length of one step of PGD, as a share of epsilon's ball."""


class AugmentationConfig(_Frozen):
    """Changed copies of the training texts, Chinese or English.

    >>> AugmentationConfig(copies=2).word_dropout
    0.1
    """

    copies: PositiveInt = 1
    """Changed copies of each text, added to the original."""
    word_dropout: float = Field(default=0.1, ge=0, lt=1)
    """Chance that a word is left out."""
    swap: float = Field(default=0.05, ge=0, lt=1)
    """Chance that a word changes places with the next."""
    synonyms: float = Field(default=0.1, ge=0, lt=1)
    """Chance that a word is replaced by one of the training texts' words with the nearest vector."""
    synonym_similarity: float = Field(default=0.9, ge=-1, le=1)
    """Words less alike than this (cosine of their vectors) do not replace each other."""
    back_translation: bool = False
    """Add a copy translated there and back; needs a translator."""


class PseudoLabelConfig(_Frozen):
    """Labels the model gives to unlabelled texts where it is sure, then learns from (Lee, 2013).

    >>> PseudoLabelConfig().rounds
    1
    """

    rounds: PositiveInt = 1
    """How often unlabelled texts are labelled and the model is tuned anew."""
    threshold: float = Field(default=0.8, gt=0, le=1)
    """Least probability of a label to be believed."""
    limit_per_label: PositiveInt | None = None
    """At most this many texts of each label, the surest first, so that no label floods the others."""
    weight: PositiveFloat = 0.5
    """Weight of a pseudo-labelled text against a labelled one."""


class PrivacyConfig(_Frozen):
    """Differential privacy of single examples, by clipped and noised gradients (Abadi et al., 2016) with Opacus.

    >>> PrivacyConfig(epsilon=8).delta
    1e-05
    """

    epsilon: PositiveFloat | None = None
    """Budget to spend in all; sets the noise. Give either this or `noise`."""
    noise: PositiveFloat | None = None
    """Standard deviation of the noise as a multiple of `clip`."""
    delta: float = Field(default=1e-5, gt=0, lt=1)
    """Chance that the guarantee fails; below one over the number of examples."""
    clip: PositiveFloat = 1.0
    """Longest gradient that one example may contribute."""

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.epsilon is None) == (self.noise is None):
            raise ValueError("differential privacy needs either epsilon or noise, not both and not neither")
        return self


class PretrainingConfig(_Frozen):
    """Masked language modelling on the domain's own texts before the tasks (Gururangan et al., 2020).

    >>> PretrainingConfig().mask_share
    0.15
    """

    epochs: PositiveInt = 1
    """Passes over the texts."""
    mask_share: float = Field(default=0.15, gt=0, lt=1)
    """Share of the tokens to guess."""
    learning_rate: PositiveFloat = 5e-5
    """Peak learning rate."""
    train_vocabulary: bool = False
    """Whether the word embeddings move too."""


class EarlyStoppingConfig(_Frozen):
    """Stop when a metric on the validation examples no longer rises, and keep the best state.

    >>> EarlyStoppingConfig(patience=3).metric
    'auto'
    """

    metric: Literal["auto", "loss", "accuracy", "macro_f1", "micro_f1", "rmse"] = "auto"
    """`auto`: accuracy for one label of many, micro-F1 for several labels, RMSE for numbers; the loss for several
    tasks."""
    patience: PositiveInt = 2
    """Evaluations without a new best before training stops."""


class FinetuneConfig(_Frozen):
    """Everything that decides what a fine-tuned model learns.

    >>> FinetuneConfig(mode="lora").rate
    0.001
    """

    mode: Mode = "lora"
    """`full`: all layers, the vocabulary's embeddings frozen unless `train_vocabulary`; `lora`, `adalora`, `ia3`: small
    changes of linear layers; `prefix`, `prompt`, `p-tuning`: learned tokens; `bottleneck`: small layers between;
    `frozen`: the head alone; `contrastive`: pairs of few texts, then a logistic regression; `upper`: the upper layers
    over cached states of the lower ones."""
    tasks: tuple[TaskConfig, ...] = (TaskConfig(),)
    """The questions asked of each text."""
    pooling: Literal["mean", "first", "attention"] = "mean"
    """How token states become one vector: their mean, the first token's, or a learned weighting."""
    epochs: PositiveInt | None = None
    """Passes over the examples; None takes the mode's own: 4; 40 for `frozen`, where they cost
    next to nothing; 10 for `contrastive`."""
    batch_size: PositiveInt = 32
    """Texts a step; texts of like length share a batch."""
    learning_rate: PositiveFloat | None = None
    """Peak learning rate of the encoder's parameters; None takes the mode's own."""
    head_learning_rate: PositiveFloat | None = None
    """Peak learning rate of heads and pooling; None takes the mode's own."""
    probe_first: bool | None = None
    """Fit the heads on the pretrained model's vectors before the model moves (Kumar et al., 2022); None does so in all
    modes but `frozen` and `contrastive`, whose heads are fitted last, and not under differential privacy."""
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    """How the learning rate falls after the warm-up."""
    warmup: float = Field(default=0.1, ge=0, lt=1)
    """Share of the steps in which the learning rate rises."""
    weight_decay: NonNegativeFloat = 0.01
    """Decoupled weight decay of AdamW; biases and norms are left out."""
    gradient_accumulation: PositiveInt = 1
    """Batches whose gradients are summed before a step."""
    tokens_at_once: PositiveInt = 1536
    """Tokens that go through the encoder together: longer batches are split, to the same gradient, for less memory."""
    gradient_checkpointing: bool = False
    """Recompute activations in the backward pass: less memory, a third slower."""
    gradient_clip: NonNegativeFloat = 1.0
    """Longest gradient; 0 switches clipping off."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Dropout inside the encoder while training; 0 is faster on a CPU and as accurate on short texts."""
    head_dropout: float = Field(default=0.1, ge=0, lt=1)
    """Dropout on the vector that a head sees."""
    max_length: PositiveInt = 128
    """Tokens of a text that are read."""
    train_vocabulary: bool = False
    """Let `full` move the word embeddings too: most parameters of a multilingual model, seldom of use."""
    upper_layers: PositiveInt = 6
    """Layers that `upper` tunes."""
    upper_train: Literal["full", "lora"] = "full"
    """What of those layers moves."""
    adapter: AdapterConfig = AdapterConfig()
    contrastive: ContrastiveConfig = ContrastiveConfig()
    adversarial: AdversarialConfig | None = None
    r_drop: NonNegativeFloat = 0.0
    """Weight of the divergence between two passes with different dropout (Liang et al., 2021); needs some dropout."""
    augmentation: AugmentationConfig | None = None
    pseudo_labels: PseudoLabelConfig | None = None
    pretraining: PretrainingConfig | None = None
    privacy: PrivacyConfig | None = None
    early_stopping: EarlyStoppingConfig | None = None
    """None keeps the best epoch where there are validation examples, and never stops early."""
    ensemble: PositiveInt = 1
    """Models tuned from different seeds whose probabilities are averaged."""

    @property
    def passes(self) -> int:
        """Passes over the examples: as given, or the mode's own."""
        return self.epochs or PASSES.get(self.mode, 4)

    @property
    def probes_first(self) -> bool:
        """Whether the heads are fitted before the model moves: as given, or the mode's own."""
        if self.probe_first is not None:
            return self.probe_first
        return self.mode not in ("frozen", "contrastive") and self.privacy is None

    @property
    def rate(self) -> float:
        """The encoder's peak learning rate: the one given, or the mode's own."""
        if self.learning_rate is not None:
            return self.learning_rate
        return (PROBED if self.probes_first else RATES).get(self.mode, RATES[self.mode])[0]

    @property
    def head_rate(self) -> float:
        """The heads' peak learning rate: the one given, or the mode's own."""
        if self.head_learning_rate is not None:
            return self.head_learning_rate
        return PROBED_HEAD if self.probes_first else RATES[self.mode][1]

    @model_validator(mode="after")
    def _options_agree(self) -> Self:
        names = [task.name for task in self.tasks]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"tasks must have distinct names, and there must be one at least; found {names}")
        for task in self.tasks:
            if task.loss == "asymmetric" and task.kind != "multi-label":
                raise ValueError(f"the asymmetric loss is for multi-label tasks; {task.name} is {task.kind}")
        if self.r_drop and not (self.dropout or self.head_dropout):
            raise ValueError("R-Drop compares two passes with different dropout: set dropout or head_dropout above 0")
        if self.mode == "contrastive" and (len(self.tasks) > 1 or self.tasks[0].kind not in ("multi-class", "binary")):
            raise ValueError("contrastive tuning takes one multi-class or binary task")
        if self.mode == "contrastive" and (self.early_stopping or self.adversarial or self.r_drop):
            raise ValueError("contrastive tuning has no answers before its end: no early stopping, adversary or R-Drop")
        if self.mode == "prefix" and self.gradient_checkpointing:
            raise ValueError("prefix tuning keeps keys and values and cannot recompute them: no gradient checkpointing")
        if self.privacy and (self.adversarial or self.r_drop or self.mode in ("contrastive", "adalora")):
            raise ValueError(
                "differential privacy bounds what one example adds to the gradient; adversarial training, R-Drop, "
                "AdaLoRA and contrastive pairs break that bound: switch them off"
            )
        return self

    def changed(self, **fields: Any) -> Self:
        """A checked copy with some fields replaced.

        >>> FinetuneConfig().changed(epochs=1).epochs
        1
        """
        return type(self).model_validate({**dict(self), **fields})
