"""The runs behind every number in the docs: `penchant bench NAME`."""

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol

from penchant.errors import ConfigError
from penchant.language import Phrase

if TYPE_CHECKING:
    from penchant.benchmarks.result import BenchResult

BENCHMARKS: Final = {
    "encode": Phrase(
        "vectors and speed of the text encoder, against its own engine and a plain loop",
        "文本编码器的向量与速度，对比其自带引擎与朴素循环",
    ),
    "finetune": Phrase(
        "every mode of fine-tuning; the protocol is a number of texts, and perhaps a mode: 500:lora",
        "各种微调方式；协议写训练文本数，也可加一种方式，如 500:lora",
    ),
    "interests": Phrase(
        "texts, tiers, latent interests; protocols all, few, planted, latent, learning, transfer, explain, discovery",
        "文本标注、兴趣分层与潜在兴趣；协议为 all、few、planted、latent、learning、transfer、explain 或 discovery",
    ),
    "fewshot": Phrase(
        "labels from a handful of texts each, on FewCLUE's splits; protocols frozen, tuned",
        "FewCLUE 划分上的小样本文本标注；协议为 frozen 或 tuned",
    ),
    "robustness": Phrase(
        "tuned labels under typos, synonyms, dropped and wrong labels; the protocol is a number of texts",
        "错别字、同义词、缺词与错误标签下的文本标注；协议写训练文本数",
    ),
    "recommend": Phrase(
        "rankings against held-out events; protocols random, last, time, new-items, proposals, speed",
        "用留出的事件检验推荐排序；协议为 random、last、time、new-items、proposals 或 speed",
    ),
    "social": Phrase(
        "recommendation, friends and newcomers from ties; protocols random, friends, newcomers, joint, scale",
        "基于社交关系的推荐、好友与新会员；协议为 random、friends、newcomers、joint 或 scale",
    ),
    "drift": Phrase(
        "changes planted in members' streams, who finds them, what acting on them is worth; protocols clean, natural, "
        "reading, switching, switching-natural, served, continual, continual-labels, scale",
        "在会员行为流中植入变化，检验能否发现以及应对的收益；协议为 clean、natural、reading、switching、"
        "switching-natural、served、continual、continual-labels 或 scale",
    ),
    "preference": Phrase(
        "whether a member will like a title, from few judged prompts and from many; protocols frozen, tuned",
        "根据少量或大量已评提示判断会员是否会喜欢某物品；协议为 frozen 或 tuned",
    ),
    "search": Phrase(
        "answers to judged queries, or grades of pairs; protocols catalogue, pairs, pairs-tuned, nearest",
        "按数据检验已评查询的结果或查询与标题的等级；协议为 catalogue、pairs、pairs-tuned 或 nearest",
    ),
    "members": Phrase(
        "value, segments and more; protocols value, segments, planted, scale, attributes, anomalies, masking",
        "会员价值、分群等；协议为 value、segments、planted、scale、attributes、anomalies 或 masking",
    ),
    "serve": Phrase(
        "the service under load; protocols load, switch (of builds), death (kill -9), outage (of the store)",
        "服务承压；协议为 load、switch（切换构建）、death（写入中反复强制终止）或 outage（存储中断）",
    ),
    "build": Phrase(
        "seconds and memory of every stage; the protocol is the form of the files: csv, jsonl, parquet",
        "各阶段的耗时与内存；协议写文件格式：csv、jsonl 或 parquet",
    ),
}
"""Every benchmark by name, and what it measures; each is the module of that name here, loaded when it is asked for."""


class Run(Protocol):
    """What a benchmark's module offers as `run`."""

    def __call__(self, data: str, *, protocol: str | None = None, seeds: Sequence[int] | None = None) -> "BenchResult":
        """Measure on some data.

        Args:
            data: a path, or the name of a public set (see `penchant.data.public`).
            protocol: one of the benchmark's own; None for its first.
            seeds: a repetition for each; None for as many as the benchmark is reported with.
        """
        ...


def benchmark(name: str) -> Run:
    """The run of a benchmark by name.

    Raises:
        ConfigError: there is no such benchmark.

    >>> benchmark("speed")
    Traceback (most recent call last):
    penchant.errors.ConfigError: no benchmark is called 'speed'; there are encode, finetune, ...
    """
    if name not in BENCHMARKS:
        raise ConfigError(f"no benchmark is called {name!r}; there are {', '.join(BENCHMARKS)}")
    run: Run = import_module(f"penchant.benchmarks.{name}").run
    return run
