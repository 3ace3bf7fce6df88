"""A running service as tests speak to it."""

from fastapi.testclient import TestClient

from penchant.service.security.keys import Scope
from penchant.service.state import State
from penchant.workspace import Workspace


class Served:
    """A running service, its state, and clients with different keys."""

    def __init__(self, client: TestClient, workspace: Workspace) -> None:
        self.client = client
        self.workspace = workspace
        self.state: State = client.app.state.penchant  # type: ignore[attr-defined]
        self.key = self.key_of(*Scope)
        client.headers["Authorization"] = f"Bearer {self.key}"

    def key_of(self, *scopes: Scope, days: float | None = 1) -> str:
        """The text of a new key."""
        _, text = self.state.keys.make("test", scopes, days=days)
        self.state.keys.refresh()
        return text

    def send(self, *events: dict, once: str | None = None) -> dict:
        """Send events; what the service says of them."""
        headers = {"Idempotency-Key": once} if once else {}
        answer = self.client.post("/v1/events", json={"events": list(events)}, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def picks(self, member: str, **asked: object) -> list[str]:
        """Ids recommended to a member."""
        answer = self.client.get(f"/v1/members/{member}/recommendations", params=asked)
        assert answer.status_code == 200, answer.text
        return [pick["item_id"] for pick in answer.json()["picks"]]
