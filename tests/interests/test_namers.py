"""Names from language models: over HTTP from a real server, and from a tiny model on this machine."""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from planted_topics import TOPICS, TopicEncoder, planted_topics

from penchant.errors import ConfigError, MissingExtraError, WeightsError
from penchant.interests.clusters import ClustersConfig
from penchant.interests.discovery import DiscoveryConfig, discover
from penchant.interests.found import WORDS
from penchant.interests.namers import EndpointConfig, EndpointNamer, GeneratorNamer
from penchant.interests.naming import Group, NamingConfig, main_language, read_name, telling_words, word_names
from penchant.text.generator import Generator
from penchant.training.options import Options
from penchant.training.precision import torch_threads

TEXTS, _ = planted_topics(30)
GROUP = Group(("苹果", "香蕉"), ("苹果 很甜", "香蕉 软糯"), "zh", "食品")


class Server(ThreadingHTTPServer):
    """Speaks the chat-completions protocol; `answer` makes an answer, or a status, of what was asked."""

    answer: Callable[[str], str | int]

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[dict] = []
        self.keys: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def namer(self, **fields: object) -> EndpointNamer:
        return EndpointNamer(EndpointConfig(base_url=self.url, model="tiny", **{"retries": 0, **fields}))

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that did not wait for its answer is what one test is about."""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(asked)
        self.server.keys.append(self.headers.get("Authorization"))
        assert self.path == "/v1/chat/completions"
        said = self.server.answer(asked["messages"][0]["content"])
        status = said if isinstance(said, int) else 200
        message = {"role": "assistant", "content": said if status == 200 else None}
        body = {
            "id": "1", "object": "chat.completion", "created": 1, "model": "tiny",
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        }  # fmt: skip
        content = json.dumps(body if status == 200 else {"error": {"message": "out of order"}}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """A test's output stays its own."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


GIVEN = dict(
    zip(
        [words for topic, parts in TOPICS.items() for words in (topic, *parts)],
        [
            "生鲜",
            "苹果类",
            "香蕉类",
            "住宿",
            "酒店早餐",
            "前台服务",
            "Camping",
            "Weather",
            "Animals",
            "Novels",
            "Crime",
            "Fantasy",
        ],
        strict=True,
    )
)
"""A name for each planted topic and part."""


def named_by_words(asked: str) -> str:
    """The planted name of the first word that was sent."""
    words = next(line for line in asked.splitlines() if line.startswith(("Words", "关键词")))
    first = words.replace("：", ": ").split(": ")[1].replace("、", ", ").split(", ")[0]
    return next(name for planted, name in GIVEN.items() if first in planted.split())


def test_an_endpoint_names_every_label(server: Server) -> None:
    server.answer = named_by_words
    tree = discover(TEXTS, TopicEncoder(), namer=server.namer(api_key="secret"))
    assert "Camping > Weather" in tree.taxonomy.labels
    assert {label.split(" > ")[-1] for label in tree.taxonomy.labels} == set(GIVEN.values())
    assert tree.fell_back == {}
    assert {found.namer for found in tree.found} == {tree.namer} == {f"tiny at {server.url}"}
    assert len(server.asked) == len(tree.taxonomy)
    assert set(server.keys) == {"Bearer secret"}
    assert all((asked["model"], asked["temperature"]) == ("tiny", 0) for asked in server.asked)
    below = [asked["messages"][0]["content"] for asked in server.asked if "a part of: Camping" in str(asked)]
    assert len(below) == 2
    assert "Texts:\n- " in below[0]


def test_answers_that_are_no_names_fall_back_label_by_label_and_are_counted(server: Server) -> None:
    said = iter(["", "12 34", "A very long answer that goes on and on and says nothing at all", "中文名"] * 9)
    server.answer = lambda asked: next(said) if "Words" in asked else named_by_words(asked)
    tree = discover(TEXTS, TopicEncoder(), namer=server.namer(failures=99))
    plain = discover(TEXTS, TopicEncoder())
    english = [label for label in tree.taxonomy.labels if tree[label].language == "en"]
    assert set(tree.fell_back) == set(english)
    assert {tree[label].namer for label in english} == {WORDS}
    assert set(english) <= set(plain.taxonomy.labels)
    assert len(set(tree.fell_back.values())) == 4
    assert {tree[label].namer for label in tree.taxonomy.labels if label not in english} == {tree.namer}


def test_an_endpoint_out_of_order_is_asked_a_few_times_and_no_more(server: Server) -> None:
    server.answer = lambda asked: 500
    tree = discover(TEXTS, TopicEncoder(), namer=server.namer(failures=2))
    assert tree.taxonomy.labels == discover(TEXTS, TopicEncoder()).taxonomy.labels
    assert len(tree.fell_back) == len(tree.taxonomy)
    reasons = list(tree.fell_back.values())
    assert any("InternalServerError" in reason and "out of order" in reason for reason in reasons)
    assert "not asked for after 2 failures in a row" in reasons


def test_a_busy_endpoint_is_tried_again_within_bounds(server: Server) -> None:
    said = iter([503, "水果", 503, 503, 503])
    server.answer = lambda asked: next(said)
    namer = server.namer(retries=1)
    assert namer.names([GROUP])[0].text == "水果"
    assert len(server.asked) == 2
    assert "InternalServerError" in str(namer.names([GROUP])[0].problem)
    assert len(server.asked) == 4


def test_an_endpoint_that_is_not_there_or_is_slow_is_told(server: Server) -> None:
    nobody = EndpointNamer(EndpointConfig(base_url="http://127.0.0.1:9/v1", model="tiny", retries=0))
    assert "APIConnectionError" in str(nobody.names([GROUP])[0].problem)
    release = threading.Event()
    server.answer = lambda asked: "水果" * release.wait(5)
    assert "APITimeoutError" in str(server.namer(timeout=0.2).names([GROUP])[0].problem)
    release.set()


def test_no_key_is_taken_from_somebody_elses_variable(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "theirs")
    server.answer = lambda asked: "水果"
    server.namer().names([GROUP])
    assert server.keys == ["Bearer none"]


def test_the_environment_configures_an_endpoint(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="needs its base_url and model; set PENCHANT_ENDPOINT_BASE_URL and PENCHANT_"):
        EndpointNamer()
    for name, value in {"BASE_URL": server.url, "MODEL": "small", "API_KEY": "k", "TIMEOUT": "5"}.items():
        monkeypatch.setenv(f"PENCHANT_ENDPOINT_{name}", value)
    server.answer = lambda asked: "水果"
    assert EndpointNamer().names([GROUP])[0].text == "水果"
    assert (server.keys, server.asked[0]["model"]) == (["Bearer k"], "small")
    assert "k'" not in repr(EndpointConfig())
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'penchant\[openai\]'"):
        EndpointNamer()


def taught(folder: Path, pairs: dict[str, str]) -> None:
    """Write a Llama of one layer that reads bytes and has learned what to say after each prompt."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM

    alphabet = ["<end>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = Tokenizer(models.BPE({piece: number for number, piece in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    with torch.random.fork_rng(), torch_threads(1):
        torch.manual_seed(0)
        config = LlamaConfig(
            vocab_size=len(alphabet), max_position_embeddings=512, hidden_size=64, intermediate_size=128,
            num_hidden_layers=2, num_attention_heads=2, initializer_range=0.1, bos_token_id=None, eos_token_id=0,
        )  # fmt: skip
        model = LlamaForCausalLM(config)
        steps = torch.optim.AdamW(model.parameters(), lr=3e-3)
        asked = [tokenizer.encode(prompt).ids for prompt in pairs]
        said = [[*tokenizer.encode(answer).ids, 0] for answer in pairs.values()]
        longest = max(len(one) + len(other) for one, other in zip(asked, said, strict=True))
        ids, labels = torch.zeros(len(pairs), longest, dtype=torch.long), torch.full((len(pairs), longest), -100)
        for row, (one, other) in enumerate(zip(asked, said, strict=True)):
            ids[row, : len(one) + len(other)] = torch.tensor(one + other)
            labels[row, len(one) : len(one) + len(other)] = torch.tensor(other)
        loss = torch.tensor(9.0)
        while loss > 0.05:
            # What is learned is told at one place of each text alone, so padding behind it does no harm.
            loss = model(input_ids=ids, labels=labels).loss
            loss.backward()
            steps.step()
            steps.zero_grad()
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))


def test_a_generator_names_what_it_has_learned_to_and_the_rest_falls_back(tmp_path: Path) -> None:
    config = DiscoveryConfig(depths=1)
    plain = discover(TEXTS, TopicEncoder(), config)
    options = Options(device="cpu", precision="float32", progress=False, threads=1)
    answers = dict(
        zip([found.label for found in plain.found], ["Woods\nWords: more", "Recipes", "旅店", ""], strict=True)
    )
    groups = {found.label: Group(found.words, found.typical, found.language) for found in plain.found}
    prompts = {label: GeneratorNamer(None).prompt(group) for label, group in groups.items()}
    taught(tmp_path / "taught", {prompts[label]: answer for label, answer in answers.items()})
    namer = GeneratorNamer(Generator.load(tmp_path / "taught", options=options))
    tree = discover(TEXTS, TopicEncoder(), config, namer=namer)
    repeated, silent = plain.found[1].label, plain.found[3].label
    assert set(tree.taxonomy.labels) == {"Woods", repeated, "旅店", silent}
    assert tree.fell_back == {repeated: "a name of the examples", silent: "an empty answer"}
    assert tree.namer.startswith("taught@")
    assert [tree[label].namer for label in ("Woods", silent)] == [tree.namer, WORDS]


def test_two_siblings_of_one_name_are_told_apart_and_more_fall_back(server: Server) -> None:
    server.answer = lambda asked: "Things" if "Words" in asked else "东西"
    tree = discover(TEXTS, TopicEncoder(), namer=server.namer())
    names = [label for label in tree.taxonomy.labels if label.startswith("Things")]
    assert len(names) == 6
    assert len([label for label in names if " > " not in label]) == 2
    assert tree.fell_back == {}
    english, _ = planted_topics(30, topics=[topic for topic in TOPICS if topic.isascii()])
    config = DiscoveryConfig(depths=1, clusters=ClustersConfig(at_top=(4, 4)))
    wide = discover(english, TopicEncoder(), config, namer=server.namer())
    assert set(wide.fell_back.values()) == {"the same name for 4 siblings"}
    assert [found.namer for found in wide.found] == [WORDS] * 4


@pytest.mark.parametrize(
    ("answer", "language", "name"),
    [
        ("Fresh fruit", "en", "Fresh fruit"),
        ("  **Fruit / snacks**\n\nBecause …", "en", "Fruit, snacks"),
        ("Name: Home > Kitchen.", "en", "Home, Kitchen"),
        ("1. 《水果》", "zh", "水果"),
        ("名字：酒店/旅馆", "zh", "酒店、旅馆"),
        ("iPad 平板电脑", "zh", "iPad 平板电脑"),
    ],
)
def test_answers_are_read_as_names(answer: str, language, name: str) -> None:
    assert read_name(answer, language) == (name, None)


@pytest.mark.parametrize(("answer", "language"), [("12 34", "en"), ("the", "en"), ("Fruit", "zh"), ("水" * 30, "zh")])
def test_what_is_no_name_is_refused_with_the_reason(answer: str, language) -> None:
    assert read_name(answer, language)[1]


def test_words_common_to_all_and_words_of_praise_name_nothing() -> None:
    fruit, cars = (
        [f"the apple pie is good today {n}" for n in range(9)],
        [f"a red car is good today {n}" for n in range(9)],
    )
    said = telling_words([fruit, cars], NamingConfig())
    assert [set(words) for words in said] == [{"apple", "pie"}, {"red", "car"}]
    assert telling_words([["很好 很好", "不错"]], NamingConfig()) != [()], "where there is nothing else, they serve"


def test_a_long_word_stands_for_its_parts_and_the_label_above_is_not_repeated() -> None:
    texts = [["洗发水 好用", "洗发水 去屑", "洗发水 去屑"], ["沐浴露 清香", "沐浴露 保湿"]]
    words = telling_words(texts, NamingConfig())
    assert words[0][0] == "洗发水"
    assert "洗发" not in words[0]
    below = telling_words(texts, NamingConfig(), without={"洗发水"})
    assert not any(word in "洗发水" for word in below[0])


def test_names_never_repeat_and_languages_keep_apart() -> None:
    group = Group(("tea",), (), "en")
    assert word_names([group, group, Group((), (), "zh")], NamingConfig()) == ["tea", "tea 2", "未命名"]
    mixed = [["red apple", "green apple", "fresh apple", "苹果 新鲜"]]
    assert main_language(mixed[0]) == "en"
    assert "苹果" not in telling_words(mixed, NamingConfig())[0]


def test_settings_say_who_names(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def found(by: str):
        config = DiscoveryConfig(depths=1, naming=NamingConfig(by=by))
        return discover(TEXTS, TopicEncoder(), config, Options(device="cpu", progress=False, threads=1))

    for field in ("BASE_URL", "MODEL"):
        monkeypatch.delenv(f"PENCHANT_ENDPOINT_{field}", raising=False)
    with pytest.raises(ConfigError, match="PENCHANT_ENDPOINT_BASE_URL"):
        found("endpoint")
    monkeypatch.setenv("PENCHANT_ENDPOINT_BASE_URL", server.url)
    monkeypatch.setenv("PENCHANT_ENDPOINT_MODEL", "tiny")
    server.answer = named_by_words
    assert found("endpoint").namer == f"tiny at {server.url}"
    assert "Camping" in found("endpoint").taxonomy.labels
    plain = found("words")
    assert (plain.namer, "Camping" in plain.taxonomy.labels) == (WORDS, False)
    with pytest.raises(WeightsError):
        found(str(tmp_path / "no-such-model"))
