"""The modes of fine-tuning: which parameters learn, for how long and how fast unless something else is asked for."""

from typing import Final, Literal

Mode = Literal[
    "full",
    "lora",
    "adalora",
    "ia3",
    "prefix",
    "prompt",
    "p-tuning",
    "bottleneck",
    "frozen",
    "contrastive",
    "upper",
]
"""Which parameters learn; `FinetuneConfig.mode` says what each does."""

ADAPTER_MODES: Final = ("lora", "adalora", "ia3", "prefix", "prompt", "p-tuning")
"""Modes that PEFT implements, saved in its format."""

PASSES: Final[dict[Mode, int]] = {"frozen": 40, "contrastive": 10}
"""Passes over the examples of modes that take others than 4."""

RATES: Final[dict[Mode, tuple[float, float]]] = {
    "full": (1e-4, 1e-3),
    "lora": (1e-3, 1e-3),
    "adalora": (2e-3, 1e-3),
    "ia3": (1e-2, 1e-3),
    "prefix": (1e-2, 1e-3),
    "prompt": (2e-2, 2e-3),
    "p-tuning": (5e-3, 2e-3),
    "bottleneck": (1e-3, 1e-3),
    "frozen": (1e-2, 1e-2),
    "contrastive": (5e-5, 1e-3),
    "upper": (1e-4, 1e-3),
}
"""Peak learning rates of each mode, of the encoder's parameters and of the heads."""

PROBED: Final[dict[Mode, tuple[float]]] = {"full": (3e-5,), "upper": (5e-5,)}
"""Peak learning rates of the encoder's parameters where the heads are fitted first, as far as they differ."""
PROBED_HEAD: Final = 1e-4
"""Peak learning rate of heads that were fitted first: they are near where they should be."""
