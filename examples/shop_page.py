"""A tiny shop over the service: its page sends what a visitor does, and what it shows follows the next moment.

The page holds a key that may only send events; what to show, the shop's own server asks with a key of its own.

    penchant demo --into demo.ws
    python examples/shop_page.py demo.ws          # then open the address that it prints
"""

import secrets
import socket
import sys
import threading
import time
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from penchant.service import ServiceSettings, create_app
from penchant.service.client import Client
from penchant.service.security.keys import Scope
from penchant.workspace import Workspace

PAGE = Path(__file__).with_suffix(".html")


def shop(service_url: str, read_key: str, send_key: str) -> FastAPI:
    """The shop itself: one page, and the list that it shows."""
    app = FastAPI()
    client = Client(service_url, read_key)

    @app.get("/", response_class=HTMLResponse)
    def page() -> str:
        filled = {"{service}": service_url, "{key}": send_key, "{member}": f"visitor-{secrets.token_hex(4)}"}
        html = PAGE.read_text(encoding="utf-8")
        for mark, value in filled.items():
            html = html.replace(mark, value)
        return html

    @app.get("/for/{member}")
    def for_member(member: str) -> dict:
        return client.recommend(member, 8)

    return app


def listen(app: FastAPI, port: int) -> uvicorn.Server:
    """Serve an app from a thread, and wait until it answers."""
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.05)
    return server


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main(workspace: Path, *, language_model: bool = True) -> tuple[str, list[uvicorn.Server]]:
    """Serve a workspace and the shop over it; the shop's address, and what to stop."""
    ports = free_port(), free_port()
    service_url, shop_url = (f"http://127.0.0.1:{port}" for port in ports)
    service = create_app(
        Workspace.open(workspace), ServiceSettings(port=ports[0], origins=(shop_url,), language_model=language_model)
    )
    keys = service.state.penchant.keys
    read_key, send_key = keys.make("shop", [Scope.READ])[1], keys.make("page", [Scope.SEND])[1]
    return shop_url, [listen(service, ports[0]), listen(shop(service_url, read_key, send_key), ports[1])]


if __name__ == "__main__":
    print("The shop is open at", main(Path(sys.argv[1]))[0])
    threading.Event().wait()
