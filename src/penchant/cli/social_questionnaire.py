"""`penchant social questionnaire`: ask a newcomer what tells most, and recommend after every answer."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from penchant.cli.build import WORKSPACE
from penchant.cli.face import Face, face
from penchant.cli.recommend import HOW_MANY, IN_JSON, show_ranking
from penchant.cli.speech import both
from penchant.errors import ConfigError, InputError
from penchant.language import Phrase
from penchant.workspace import Workspace

if TYPE_CHECKING:
    from penchant.social.questionnaire import Questionnaire
    from penchant.social.questions import Question

HELP: Final = both(
    """Ask somebody new what tells most about them, at most eight questions, and recommend after every answer.

    Answers come from the keyboard, or one a line from standard input: like, dislike or don't know (in Chinese 喜欢,
    不喜欢, 不了解). An empty line is `don't know`; the end of the input ends the questions.""",
    """向新人提出最有信息量的问题（至多八个），每次回答后更新推荐。

    回答来自键盘，或从标准输入逐行读取：喜欢、不喜欢、不了解（英文为 like、dislike、don't know）。
    空行视为“不了解”，输入结束即停止提问。""",
)
EXAMPLES: Final = """penchant social questionnaire club.ws
penchant social questionnaire club.ws --friend m7 --friend m9 -k 5
penchant social questionnaire club.ws --about "jazz and old films" --answers 210=like,14=dislike --json"""

BEFORE: Final = Phrase("To begin with:", "起始推荐：")
ASKED: Final = Phrase(
    "{number}. {question} (like / dislike / don't know) ", "{number}. {question}（喜欢／不喜欢／不了解）"
)
ALL_ASKED: Final = Phrase("No further question would tell much.", "再问也不会有更多信息了。")


def questionnaire(
    ctx: typer.Context,
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)],
    friend: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MEMBER", help=both("A member they follow; may be given again.", "其关注的会员；可重复。")
        ),
    ] = None,
    about: Annotated[
        str,
        typer.Option(metavar="TEXT", help=both("What they say of themselves, in a line.", "一句自我介绍。")),
    ] = "",
    answers: Annotated[
        str | None,
        typer.Option(
            metavar="N=ANSWER,…",
            help=both(
                "Answers given so far, by the numbers of the questions; the next question is shown and nothing asked.",
                "已有的回答，按问题编号填写；只显示下一个问题，不再提问。",
            ),
        ),
    ] = None,
    k: Annotated[int, typer.Option("-k", metavar="K", min=1, help=HOW_MANY)] = 5,
    as_json: Annotated[bool, typer.Option("--json", help=IN_JSON)] = False,
) -> None:
    speaker = face(ctx)
    sheet = _sheet(Workspace.open(workspace), friend or [], about)
    for number, answer in _given(answers or ""):
        sheet = sheet.answered(number, answer)
    if answers is not None or as_json:
        _show_once(speaker, sheet, k, as_json)
        return
    speaker.heading(BEFORE)
    show_ranking(speaker, sheet.recommend(k, lang=speaker.lang), as_json=False)
    while (question := sheet.next()) is not None:
        said = _ask(speaker, question, len(sheet.known.answers) + 1)
        if said is None:
            return
        sheet = sheet.answered(question, said)
        show_ranking(speaker, sheet.recommend(k, lang=speaker.lang), as_json=False)
    speaker.note(ALL_ASKED)


def _sheet(workspace: Workspace, friends: list[str], about: str) -> "Questionnaire":
    from penchant.social.questionnaire import Questionnaire

    build = workspace.require_current()
    if not about.strip():
        social = build.social()
        return Questionnaire.start(social.newcomers, build.community, friends=friends)
    from penchant.text import load_encoder
    from penchant.training.options import Options

    build.folder("social")
    encoder = load_encoder(workspace.config.build.encoder, options=Options(progress=False))
    social = build.social(encoder=encoder)
    return Questionnaire.start(
        social.newcomers, build.community, friends=friends, words=about, texts=social.model.texts, encoder=encoder
    )


def _given(answers: str) -> list[tuple[int, Any]]:
    """Numbers and answers of a list with commas.

    Raises:
        ConfigError: a part is not of the form N=ANSWER.
    """
    from penchant.social.answers import read_answer

    found = []
    for part in filter(None, (part.strip() for part in answers.split(","))):
        number, equals, said = part.partition("=")
        if not equals or not number.strip().isdigit():
            raise ConfigError(f"--answers has {part!r}; write the number of a question and its answer, such as 12=like")
        found.append((int(number), read_answer(said)))
    return found


def _ask(speaker: Face, question: "Question", place: int) -> Any:
    """The next answer from standard input; None at its end. What is no answer is asked again."""
    from penchant.social.answers import read_answer

    while True:
        asked = ASKED(speaker.lang, number=place, question=question.text(speaker.lang))
        if sys.stdin.isatty():
            sys.stdout.write(f"\n{asked}")
            sys.stdout.flush()
        else:
            speaker.line(f"\n{asked}".rstrip())
        said = sys.stdin.readline()
        if not said:
            return None
        try:
            return read_answer(said)
        except InputError as error:
            if not sys.stdin.isatty():
                raise
            speaker.line(str(error))


def _show_once(speaker: Face, sheet: "Questionnaire", k: int, as_json: bool) -> None:
    question = sheet.next()
    ranking = sheet.recommend(k, lang=speaker.lang)
    if as_json:
        answered = [
            {"number": number, "question": sheet.question(number).text(speaker.lang), "answer": answer}
            for number, answer in sheet.known.answers.items()
        ]
        following = None
        if question is not None:
            following = {
                "number": question.number,
                "question": question.text(speaker.lang),
                "subject": question.subject,
            }
        speaker.json({"answers": answered, "next": following, "ranking": ranking})
        return
    show_ranking(speaker, ranking, as_json=False)
    if question is None:
        speaker.note(ALL_ASKED)
    else:
        speaker.line(ASKED(speaker.lang, number=question.number, question=question.text(speaker.lang)).rstrip())
