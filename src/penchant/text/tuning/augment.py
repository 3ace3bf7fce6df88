"""Changed copies of training texts, Chinese or English: words dropped, swapped, replaced, or translated and back."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from penchant.errors import ConfigError
from penchant.language import Phrase, written_language
from penchant.text.encoder import Encoder
from penchant.text.tuning.config import AugmentationConfig
from penchant.text.tuning.examples import Example
from penchant.vectors import chunks

Translator = Callable[[Sequence[str]], Sequence[str]]
"""Translates each text into another language and back: the same meaning in other words."""

_WORDS_WITH_SYNONYMS: Final = 3000
_TRANSLATE: Final = Phrase(
    "Translate into English. Answer with the translation alone.\n\n{text}",
    "把下面的文字翻译成中文，只回答译文。\n\n{text}",
)


def split(text: str) -> list[str]:
    """The text in pieces that joined give it back: words of either language, spaces, punctuation.

    >>> split("物流很快, very good")
    ['物流', '很快', ',', ' ', 'very', ' ', 'good']
    """
    import rjieba

    return rjieba.cut(text)


class Augmenter:
    """Makes changed copies of texts; the same seed makes the same copies.

    Word dropout and swaps are those of Wei and Zou (2019); a synonym is the word of the training texts whose vector is
    nearest, so that no dictionary is needed for any language.

    >>> Augmenter(AugmentationConfig(word_dropout=0, swap=0.9, synonyms=0), {}, seed=1)("big red shoe")
    'red big shoe'
    """

    def __init__(self, config: AugmentationConfig, synonyms: dict[str, str], seed: int) -> None:
        self.config, self.synonyms = config, synonyms
        self.rng = np.random.default_rng(seed)

    def __call__(self, text: str) -> str:
        """One changed copy; at least one word stays."""
        pieces = split(text)
        words = [at for at, piece in enumerate(pieces) if _is_word(piece)]
        for at in words:
            if pieces[at] in self.synonyms and self.rng.random() < self.config.synonyms:
                pieces[at] = self.synonyms[pieces[at]]
        for first, second in zip(words[::2], words[1::2], strict=False):
            # Pairs do not overlap, so that no word travels through the whole text.
            if self.rng.random() < 2 * self.config.swap:
                pieces[first], pieces[second] = pieces[second], pieces[first]
        dropped = [at for at in words if self.rng.random() < self.config.word_dropout]
        if len(dropped) < len(words):
            for at in dropped:
                pieces[at] = ""
        return " ".join("".join(pieces).split()) if " " in text else "".join(pieces)


def _is_word(piece: str) -> bool:
    return any(character.isalnum() for character in piece)


def nearest_words(texts: Sequence[str], encoder: Encoder, similarity: float) -> dict[str, str]:
    """For each frequent word the one of the other words whose vector is nearest, where it is near enough.

    Words are looked for among those of the texts, in the same script: a Chinese word replaces a Chinese one.
    """
    counts = Counter(piece for text in texts for piece in split(text) if _is_word(piece) and not piece.isdigit())
    words = [word for word, _ in counts.most_common(_WORDS_WITH_SYNONYMS)]
    if len(words) < 2:
        return {}
    vectors = encoder.encode(words)
    script = np.array([written_language(word) == "zh" for word in words])
    found = {}
    for part in chunks(len(words), 512):
        cosines = vectors[part] @ vectors.T
        cosines[script[part][:, None] != script[None]] = -1
        cosines[np.arange(len(cosines)), np.arange(part.start, part.start + len(cosines))] = -1
        for row, best in enumerate(cosines.argmax(1)):
            if cosines[row, best] >= similarity:
                found[words[part.start + row]] = words[best]
    return found


def augmented(
    examples: Sequence[Example],
    config: AugmentationConfig | None,
    encoder: object,
    seed: int,
    translator: Translator | None = None,
) -> list[Example]:
    """The examples and their changed copies; of a pair, both texts are changed.

    Raises:
        ConfigError: back-translation is asked for and there is no translator.
    """
    if config is None:
        return list(examples)
    if config.back_translation and translator is None:
        raise ConfigError(
            "back_translation needs a translator: pass one, such as back_translator(generate) over a text generator"
        )
    texts = [text for example in examples for text in (example.text, example.second) if text]
    synonyms: dict[str, str] = {}
    if config.synonyms:
        if not isinstance(encoder, Encoder):
            raise ConfigError("synonyms are found by vectors, which a causal model does not give; set synonyms to 0")
        synonyms = nearest_words(texts, encoder, config.synonym_similarity)
    change = Augmenter(config, synonyms, seed)
    copies = [
        replace(example, text=change(example.text), second=change(example.second) if example.second else example.second)
        for _ in range(config.copies)
        for example in examples
    ]
    if config.back_translation and translator is not None:
        copies += _translated(examples, translator)
    return [*examples, *copies]


def _translated(examples: Sequence[Example], translator: Translator) -> Iterator[Example]:
    texts = translator([example.text for example in examples])
    for example, text in zip(examples, texts, strict=True):
        if text.strip() and text != example.text:
            yield replace(example, text=text)


def back_translator(generate: Callable[[str], str]) -> Translator:
    """A translator over any text generator: Chinese goes through English, everything else through Chinese.

    Args:
        generate: answers a prompt with a text.
    """

    def there_and_back(texts: Sequence[str]) -> list[str]:
        translated = []
        for text in texts:
            own = written_language(text)
            foreign = generate(_TRANSLATE("en" if own == "zh" else "zh", text=text)).strip()
            translated.append(generate(_TRANSLATE(own, text=foreign)).strip())
        return translated

    return there_and_back
