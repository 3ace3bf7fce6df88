"""How an answer leaves: as JSON, with a tag by which the same answer need not be sent twice."""

import hashlib

from fastapi import Request, Response
from pydantic import BaseModel

from penchant.data.verdicts import Ranking
from penchant.service.running.metrics import strategy_name
from penchant.service.shapes import RankingOut
from penchant.service.trial import Arm


def answer(request: Request, body: BaseModel, *, status: int = 200) -> Response:
    """A body as JSON; 304 without one where whoever asks has it already."""
    content = body.model_dump_json().encode()
    if request.method != "GET":
        return Response(content, status, media_type="application/json", headers={"Cache-Control": "no-store"})
    tag = f'W/"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    known = request.headers.get("if-none-match", "")
    if status == 200 and tag in [one.strip() for one in known.split(",")]:
        return Response(status_code=304, headers=headers)
    return Response(content, status, media_type="application/json", headers=headers)


def ranked(
    request: Request, ranking: Ranking, build: str, *, member_id: str | None = None, arm: Arm | None = None
) -> Response:
    """A ranking as JSON, its strategy noted for the metrics."""
    request.scope["penchant.strategy"] = strategy_name(ranking.strategy)
    told = RankingOut.model_validate(
        {"member_id": member_id, "build": build, "arm": arm, "strategy": ranking.strategy, "picks": ranking.picks}
    )
    return answer(request, told)
