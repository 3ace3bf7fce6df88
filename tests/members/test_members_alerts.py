"""Alarms reach a file and a webhook that can tell they are ours, and never twice."""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from penchant.data.verdicts import Evidence
from penchant.errors import ConfigError
from penchant.language import Phrase
from penchant.members.alarms import Alarm, Oddity
from penchant.members.alerts import DELIVERY, SIGNATURE, AlertConfig, deliver, forget_told, signature

SECRET = "shared"


def alarm(member: str = "m1", day: int = 1) -> Alarm:
    at = datetime(2026, 3, day, tzinfo=UTC)
    piece = Evidence(share=1.0, item_id="p", title="Pan", kind="review", at=at, text="打我手机13912345678")
    return Alarm(member, Oddity.COPIES, at, 1e-6, 0.9, Phrase("copied", "雷同"), (piece,), (3,))


class Receiver:
    """A real HTTP server that answers as it is told, and remembers what came."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.calls: list[tuple[dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.calls.append((dict(self.headers), body))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def config(self) -> AlertConfig:
        url = f"http://127.0.0.1:{self.server.server_port}/hook"
        return AlertConfig(webhook=url, pause_seconds=0, tries=3, timeout_seconds=5)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_a_post_is_signed_and_masks_personal_data(receiver: Receiver, tmp_path: Path) -> None:
    assert deliver([alarm()], tmp_path, receiver.config, secret=SECRET).posted == 1
    ((headers, body),) = receiver.calls
    told = dict(part.split("=") for part in headers[SIGNATURE].split(","))
    digest = hmac.new(SECRET.encode(), told["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert told["v1"] == digest
    assert signature("another", body, int(told["t"])) != headers[SIGNATURE]
    document = json.loads(body)
    assert document["member_id"] == "m1"
    assert document["said"] == {"en": "copied", "zh": "雷同"}
    assert document["evidence"][0]["text"] == "打我手机[手机号]"


def test_it_is_tried_again_under_one_name_until_it_is_taken(receiver: Receiver, tmp_path: Path) -> None:
    receiver.answers = [503, 500, 200]
    told = deliver([alarm()], tmp_path, receiver.config, secret=SECRET)
    assert (told.posted, told.waiting, len(receiver.calls)) == (1, 0, 3)
    assert len({headers[DELIVERY] for headers, _ in receiver.calls}) == 1


def test_what_was_told_is_never_told_again(receiver: Receiver, tmp_path: Path) -> None:
    deliver([alarm()], tmp_path, receiver.config, secret=SECRET)
    again = deliver([alarm(), alarm(day=9)], tmp_path, receiver.config, secret=SECRET)
    assert (again.new, again.posted, len(receiver.calls)) == (1, 1, 2)
    lines = (tmp_path / "alerts.jsonl").read_text().splitlines()
    assert [json.loads(line)["at"][:10] for line in lines] == ["2026-03-01", "2026-03-09"]


def test_what_was_not_taken_waits_for_the_next_run(receiver: Receiver, tmp_path: Path) -> None:
    receiver.answers = [500] * 3
    first = deliver([alarm(), alarm("m2")], tmp_path, receiver.config, secret=SECRET)
    assert (first.new, first.posted, first.waiting) == (2, 0, 2)
    assert first.problem == "it answered 500"
    assert len(receiver.calls) == 3, "a receiver that is down is not asked for every alarm"
    second = deliver([alarm(), alarm("m2")], tmp_path, receiver.config, secret=SECRET)
    assert (second.new, second.posted) == (0, 2)
    assert len((tmp_path / "alerts.jsonl").read_text().splitlines()) == 2


def test_a_receiver_that_refuses_is_not_asked_again_at_once(receiver: Receiver, tmp_path: Path) -> None:
    receiver.answers = [401]
    assert deliver([alarm()], tmp_path, receiver.config, secret=SECRET).problem == "it answered 401"
    assert len(receiver.calls) == 1


def test_nobody_there_is_told_and_kept(tmp_path: Path) -> None:
    config = AlertConfig(webhook="http://127.0.0.1:9/", tries=1)
    told = deliver([alarm()], tmp_path, config, secret=SECRET)
    assert told.waiting == 1
    assert "ConnectError" in (told.problem or "")


def test_a_webhook_needs_a_secret(receiver: Receiver, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="PENCHANT_WEBHOOK_SECRET"):
        deliver([alarm()], tmp_path, receiver.config)
    assert not receiver.calls


def test_what_is_remembered_names_nobody_and_is_forgotten_with_the_member(tmp_path: Path) -> None:
    deliver([alarm("anna-of-elm-street"), alarm("ben")], tmp_path)
    told = tmp_path / "alerts-told.txt"
    assert "anna" not in told.read_text()
    forget_told(tmp_path, "anna-of-elm-street")
    assert len(told.read_text().splitlines()) == 2
    assert deliver([alarm("ben")], tmp_path).new == 0
    assert deliver([alarm("anna-of-elm-street")], tmp_path).new == 1
