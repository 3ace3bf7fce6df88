"""The routes of `/v1`, one file for each thing they are about."""

from typing import Annotated

from fastapi import Depends, Path, Query, Request

from penchant.language import Lang
from penchant.service.security.access import Caller, needs
from penchant.service.security.keys import Scope
from penchant.service.shapes import Id
from penchant.service.state import State


async def _state(request: Request) -> State:
    # On the loop: what does not wait is not worth a trip to another thread.
    return request.app.state.penchant


Service = Annotated[State, Depends(_state)]
Sender = Annotated[Caller, Depends(needs(Scope.SEND))]
Reader = Annotated[Caller, Depends(needs(Scope.READ))]
Manager = Annotated[Caller, Depends(needs(Scope.MANAGE))]

Member = Annotated[Id, Path(description="Id of the member.", examples=["m42"])]
Item = Annotated[Id, Path(description="Id of the item.", examples=["p7"])]
Count = Annotated[int, Query(ge=1, le=200, description="How many items.")]
Language = Annotated[Lang, Query(description="Language of reasons and strategy.")]
PageLength = Annotated[int, Query(ge=1, le=1_000, description="How many at most.")]
