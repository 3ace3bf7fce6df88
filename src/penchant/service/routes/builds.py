"""`/v1/builds`: which build answers, going forwards and back, and trying a second one on some members."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from penchant.builds import Build
from penchant.data.columns import EventKind
from penchant.errors import NotBuiltError
from penchant.service import trying
from penchant.service.answering import answer
from penchant.service.routes import Manager, PageLength, Reader, Service
from penchant.service.shapes import BuildOut, BuildsOut, StageOut, TrialIn, TrialOut, TrialResultOut
from penchant.service.state import State
from penchant.service.trials import GOALS

router = APIRouter(prefix="/v1/builds", tags=["builds"])

Version = Annotated[str, Path(pattern=r"^[0-9]{1,9}$", examples=["0001"])]


@router.get("", response_model=BuildsOut, summary="List builds")
async def list_builds(
    request: Request,
    service: Service,
    caller: Reader,
    limit: PageLength = 100,
    before: Annotated[str | None, Query(pattern=r"^[0-9]{1,9}$", description="`next` of the page before.")] = None,
) -> Response:
    """The finished builds, the newest first; which one answers; the trial, if there is one."""
    return answer(request, await service.reading.run(_listed, service, limit, before))


def _listed(service: State, limit: int, before: str | None) -> BuildsOut:
    builds = service.builds
    found = [
        build for build in reversed(service.workspace.builds()) if before is None or int(build.version) < int(before)
    ]
    current = builds.current.version if builds.is_ready else None
    return BuildsOut(
        current=current,
        problem=builds.problem,
        builds=[described(build, current) for build in found[:limit]],
        next=found[limit - 1].version if len(found) > limit else None,
        trial=None if builds.trial is None else TrialOut.model_validate(builds.trial),
    )


def described(build: Build, current: str | None) -> BuildOut:
    """A build for whoever asks."""
    return BuildOut(
        version=build.version,
        current=build.version == current,
        finished_at=build.record.finished_at,
        penchant=build.record.penchant,
        stages=[StageOut.model_validate(stage) for stage in build.record.stages],
    )


@router.post("/{version}/promote", response_model=BuildOut, summary="Let a build answer")
async def promote(request: Request, service: Service, caller: Manager, version: Version) -> Response:
    """Load a build and let it answer from now on; requests under way are answered by the one before.

    A build that is damaged, or that another version of Penchant made in an older format, is refused with the reason.
    """
    return answer(request, await service.reading.run(_promote, service, version, caller.key_id))


def _promote(service: State, version: str, who: str) -> BuildOut:
    with service.changing:
        service.workspace.build(version)
        service.audit.add(who, "promote build", version)
        loaded = service.builds.promote(version, service.whole())
    return described(loaded.build, loaded.version)


@router.post("/rollback", response_model=BuildOut, summary="Go back to the build before")
async def roll_back(request: Request, service: Service, caller: Manager) -> Response:
    """Let the build that answered before answer again."""
    return answer(request, await service.reading.run(_roll_back, service, caller.key_id))


def _roll_back(service: State, who: str) -> BuildOut:
    with service.changing:
        before = service.builds.current.version
        loaded = service.builds.roll_back(service.whole())
        service.audit.add(who, "roll back build", loaded.version, details={"from": before})
    return described(loaded.build, loaded.version)


@router.put("/trial", response_model=TrialOut, summary="Try a build on some members")
async def begin_trial(request: Request, service: Service, caller: Manager, body: TrialIn) -> Response:
    """Let a second build answer a share of the members: a canary where it is small, an A/B test where it is large.

    Members are divided by a hash of the trial's name and their id, so each always gets the same build. A name that
    members were shown answers under before is refused, since their exposures would count for both trials.
    """
    begun = await service.reading.run(trying.begin, service, caller.key_id, body.name, body.version, body.share)
    return answer(request, TrialOut.model_validate(begun))


@router.delete("/trial", response_model=TrialOut, summary="End the trial")
async def end_trial(request: Request, service: Service, caller: Manager) -> Response:
    """Let the current build answer everybody again; what the trial showed stays."""
    ended = await service.reading.run(trying.end, service, caller.key_id)
    return answer(request, TrialOut.model_validate(ended))


@router.get("/trial/result", response_model=TrialResultOut, summary="What a trial shows")
async def trial_result(
    request: Request,
    service: Service,
    caller: Reader,
    name: Annotated[
        str | None, Query(pattern=r"^[\w.-]{1,64}$", description="Of the trial; the one that runs if absent.")
    ] = None,
    goal: Annotated[list[EventKind], Query(description="Kinds of event that count as success.")] = [],  # noqa: B006
) -> Response:
    """Members and successes on both sides, the difference with its interval, and whether it is beyond chance."""
    if name is None and service.builds.trial is None:
        raise NotBuiltError("no trial runs; name one that has ended")
    trial = name or service.builds.trial.name  # type: ignore[union-attr]
    result = await service.reading.run(service.exposures.result, trial, goal or GOALS)
    return answer(request, TrialResultOut.model_validate(result))
