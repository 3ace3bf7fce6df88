"""Language models that name groups of texts: behind an OpenAI-compatible endpoint, or on this machine."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from penchant.errors import ConfigError, MissingExtraError
from penchant.interests.naming import NAME_SEPARATOR, Group
from penchant.language import Phrase

if TYPE_CHECKING:
    from openai import OpenAI

    from penchant.text.generator import Generator
    from penchant.training.options import Options

BY_WORDS: Final = "words"
BY_ENDPOINT: Final = "endpoint"
_SHOWN_WORDS: Final = 10
_SHOWN_TEXTS: Final = 5
_SHOWN_CHARACTERS: Final = 120
"""Of each typical text."""
_ANSWER_TOKENS: Final = 24

_ASKED: Final = Phrase(
    "The texts below are of one group. Give the group a short name of at most four words, in English, that says what "
    "its texts are about. Answer with the name alone.\n{above}Words: {words}\nTexts:\n{texts}\nName:",
    "下面是同一组文本。请给这一组起一个不超过八个字的中文名字，说明这些文本讲的是什么。只回答名字。\n"
    "{above}关键词：{words}\n文本：\n{texts}\n名字：",
)
_ABOVE: Final = Phrase("It is a part of: {label}\n", "它属于：{label}\n")
_EXAMPLES: Final = frozenset({"Football", "Recipes", "足球", "菜谱"})
_SHOWN_HOW: Final = Phrase(
    "Words: goalkeeper, match, league\nName: Football\n\nWords: simmer, oven, tablespoon\nName: Recipes\n\n"
    "Words: {words}\nName:",
    "关键词：守门员、比赛、联赛\n名字：足球\n\n关键词：小火、烤箱、一勺\n名字：菜谱\n\n关键词：{words}\n名字：",
)


class Answer(NamedTuple):
    """What a namer said of one group."""

    text: str
    problem: str | None = None
    """Why there is no answer, where there is none."""


class Namer(Protocol):
    """Gives groups of texts names; its answers are checked, and words stand in for those that are no names."""

    @property
    def name(self) -> str:
        """What a report calls it."""
        ...

    def names(self, groups: Sequence[Group]) -> list[Answer]:
        """One answer for each group, in their order; what fails is an answer with a problem, not an exception."""
        ...


class EndpointConfig(BaseSettings):
    """An OpenAI-compatible endpoint; what is not given is read from `PENCHANT_ENDPOINT_<FIELD>`.

    >>> EndpointConfig(base_url="http://127.0.0.1:8000/v1", model="qwen").retries
    2
    """

    model_config = SettingsConfigDict(env_prefix="PENCHANT_ENDPOINT_", frozen=True, extra="forbid")

    base_url: str | None = None
    """Such as `http://127.0.0.1:8000/v1`. There is no default: texts go nowhere unless somebody says where."""
    model: str | None = None
    api_key: SecretStr | None = None
    """Servers of one's own often want none."""
    timeout: PositiveFloat = 30.0
    """Seconds an answer may take."""
    retries: NonNegativeInt = Field(default=2, le=10)
    """Further tries where the endpoint is busy or out of reach."""
    failures: PositiveInt = 3
    """After so many groups in a row without an answer the others are not asked for."""


class EndpointNamer:
    """Asks an endpoint for each name; keywords and a few typical texts, cut short, are sent there.

    Raises:
        MissingExtraError: the package openai is not installed.
        ConfigError: the configuration names no endpoint or no model.
    """

    def __init__(self, config: EndpointConfig | None = None) -> None:
        self.config = config or EndpointConfig()
        missing = [field for field in ("base_url", "model") if not getattr(self.config, field)]
        if missing:
            variables = " and ".join(f"PENCHANT_ENDPOINT_{field.upper()}" for field in missing)
            raise ConfigError(f"naming by an endpoint needs its {' and '.join(missing)}; set {variables}")
        if find_spec("openai") is None:
            raise MissingExtraError("openai", "openai")

    @property
    def name(self) -> str:
        return f"{self.config.model} at {self.config.base_url}"

    def names(self, groups: Sequence[Group]) -> list[Answer]:
        """One answer for each group; after some failures in a row no more are asked for."""
        answers: list[Answer] = []
        failed = 0
        with _client(self.config) as client:
            for group in groups:
                if failed >= self.config.failures:
                    answers.append(Answer("", f"not asked for after {failed} failures in a row"))
                    continue
                answers.append(self._answer(group, client))
                failed = failed + 1 if answers[-1].problem else 0
        return answers

    def _answer(self, group: Group, client: "OpenAI") -> Answer:
        import openai

        language = group.language
        asked = _ASKED(
            language,
            above=_ABOVE(language, label=group.above) if group.above else "",
            words=NAME_SEPARATOR(language).join(group.words[:_SHOWN_WORDS]),
            texts="\n".join(f"- {shown(text)}" for text in group.texts[:_SHOWN_TEXTS]),
        )
        try:
            said = client.chat.completions.create(
                model=self.config.model or "",
                messages=[{"role": "user", "content": asked}],
                max_tokens=_ANSWER_TOKENS,
                temperature=0,
            )
            text = said.choices[0].message.content
        except openai.OpenAIError as error:
            return Answer("", f"{type(error).__name__}: {shown(str(error))}")
        except (AttributeError, IndexError, TypeError, ValueError):
            # The client hands on whatever JSON came back.
            return Answer("", "an answer that is no chat completion")
        return Answer(text) if isinstance(text, str) and text.strip() else Answer("", "an empty answer")


class GeneratorNamer:
    """Has a causal language model on this machine go on after examples of words and their names.

    Args:
        generator: such as `Generator.load("gemma-270m")`.
    """

    def __init__(self, generator: "Generator") -> None:
        self.generator = generator

    @property
    def name(self) -> str:
        return self.generator.name

    def prompt(self, group: Group) -> str:
        """What the model goes on after: two examples, then the words of the group."""
        return _SHOWN_HOW(group.language, words=NAME_SEPARATOR(group.language).join(group.words[:_SHOWN_WORDS]))

    def names(self, groups: Sequence[Group]) -> list[Answer]:
        """One answer for each group: the first line that the model writes."""
        said = self.generator.generate([self.prompt(group) for group in groups], _ANSWER_TOKENS)
        lines = [text.strip().partition("\n")[0].strip() for text in said]
        # A small model that knows no name repeats one it was shown.
        return [Answer("", "a name of the examples") if line in _EXAMPLES else Answer(line) for line in lines]


def namer_by(name: str, options: "Options | None" = None) -> Namer | None:
    """Who names, as `NamingConfig.by` says; None where words do.

    Raises:
        ConfigError: an endpoint is to name, and none is configured.
        MissingExtraError: it is, and the package openai is not installed.
        WeightsError: there is no model of that name.

    >>> namer_by("words") is None
    True
    """
    if name == BY_WORDS:
        return None
    if name == BY_ENDPOINT:
        return EndpointNamer()
    from penchant.text.generator import Generator

    return GeneratorNamer(Generator.load(name, options=options))


def shown(text: str) -> str:
    """A text on one line, cut short.

    >>> shown("two\\nlines")
    'two lines'
    """
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN_CHARACTERS else line[: _SHOWN_CHARACTERS - 1] + "…"


def _client(config: EndpointConfig) -> "OpenAI":
    from openai import OpenAI

    # The client would send the key of its own environment variable if it were given none: to somebody else's server.
    key = config.api_key.get_secret_value() if config.api_key else "none"
    return OpenAI(base_url=config.base_url, api_key=key, timeout=config.timeout, max_retries=config.retries)
