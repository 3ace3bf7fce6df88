"""Logins to the console: passwords kept as scrypt, sessions in a cookie, forms that only our own pages can send.

For pages: `Sessions.of(request)` is the session or None; `login_required` and `same_site_form` are FastAPI
dependencies; `csrf_field(session)` is the hidden field that every form carries.
"""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from typing import TYPE_CHECKING, Final

from fastapi import Request, Response
from sqlalchemy import delete, select

from penchant.data.database import Database
from penchant.errors import ConfigError, UnknownIdError
from penchant.service import tables
from penchant.service.errors import Refused
from penchant.service.security.limits import Buckets

if TYPE_CHECKING:
    from penchant.service.state import State

COOKIE: Final = "penchant_session"
CSRF_FIELD: Final = "csrf"
CSRF_HEADER: Final = "X-CSRF-Token"
LEAST_PASSWORD: Final = 10
_NAME: Final = re.compile(r"[\w.@-]{1,64}")
_SCRYPT: Final = {"n": 2**14, "r": 8, "p": 1, "maxmem": 64 * 2**20}


class LoginRefused(Refused):
    """A wrong name or password, or too many attempts."""


@dataclass(frozen=True)
class Session:
    """A login that lasts."""

    name: str
    """Of the user."""
    csrf: str
    """What a form of this session must carry."""
    expires_at: datetime


class Sessions:
    """Users of the console and their logins, of one tenant.

    Args:
        database: brought up to date.
        tenant: whose console.
        hours: how long a login lasts.
        attempts_per_minute: of an address, and of a name.
        secure: whether the cookie travels over TLS alone.
    """

    def __init__(
        self,
        database: Database,
        tenant: str,
        *,
        hours: float = 12.0,
        attempts_per_minute: float = 10.0,
        secure: bool = False,
    ) -> None:
        self.database = database
        self.tenant = tenant
        self.hours = hours
        self.secure = secure
        self._attempts = Buckets(attempts_per_minute / 60, attempts_per_minute)

    # -- users, for the command line --

    def add_user(self, name: str, password: str) -> None:
        """Let somebody log in, or give them a new password, which ends their logins.

        Raises:
            ConfigError: the name has odd characters, or the password is short.
        """
        if not _NAME.fullmatch(name):
            raise ConfigError(f"{name!r} is no name for a user; take letters, digits and . _ @ -, at most 64 of them")
        if len(password) < LEAST_PASSWORD:
            raise ConfigError(f"the password has {len(password)} characters; take {LEAST_PASSWORD} or more")
        with self.database.writing() as connection:
            connection.execute(delete(tables.users).where(*self._mine(tables.users, name)))
            connection.execute(delete(tables.sessions).where(*self._mine(tables.sessions, name)))
            row = {"tenant": self.tenant, "name": name, "digest": _scrypt(password), "created_at": tables.micros()}
            connection.execute(tables.users.insert().values(**row))

    def remove_user(self, name: str) -> None:
        """Let somebody in no more.

        Raises:
            UnknownIdError: there is no such user.
        """
        with self.database.writing() as connection:
            gone = connection.execute(delete(tables.users).where(*self._mine(tables.users, name))).rowcount
            connection.execute(delete(tables.sessions).where(*self._mine(tables.sessions, name)))
        if not gone:
            raise UnknownIdError(f"no user of the console is called {name!r}; there are {', '.join(self.users())}")

    def users(self) -> list[str]:
        """Names of all who may log in."""
        mine = select(tables.users.c.name).where(tables.users.c.tenant == self.tenant)
        with self.database.reading() as connection:
            return sorted(connection.scalars(mine))

    # -- logins, for pages --

    def login(self, request: Request, response: Response, name: str, password: str) -> Session:
        """Check a password and put a session into a cookie of the response.

        Raises:
            LoginRefused: 401 where name or password is wrong, 429 after too many attempts.
        """
        address = request.client.host if request.client else "-"
        wait = max(self._attempts.wait(f"address {address}"), self._attempts.wait(f"name {name[:64]}"))
        if wait:
            raise LoginRefused(429, "too many attempts to log in; wait a while", retry_after=wait)
        with self.database.reading() as connection:
            kept = connection.scalar(select(tables.users.c.digest).where(*self._mine(tables.users, name)))
        # An unknown name takes as long as a wrong password.
        if not _is_password(password, kept or _NOBODYS) or kept is None:
            raise LoginRefused(401, "the name or the password is wrong", code="login_refused")
        token = secrets.token_urlsafe(32)
        now = datetime.now(UTC)
        session = Session(name, secrets.token_urlsafe(24), now + timedelta(hours=self.hours))
        with self.database.writing() as connection:
            connection.execute(delete(tables.sessions).where(tables.sessions.c.expires_at < tables.micros(now)))
            connection.execute(
                tables.sessions.insert().values(
                    digest=_digest(token),
                    tenant=self.tenant,
                    name=name,
                    csrf=session.csrf,
                    created_at=tables.micros(now),
                    expires_at=tables.micros(session.expires_at),
                )
            )
        response.set_cookie(
            COOKIE, token, max_age=int(self.hours * 3600), httponly=True, samesite="strict", secure=self.secure,
            path="/",
        )  # fmt: skip
        return session

    def of(self, request: Request) -> Session | None:
        """The session that a request's cookie stands for."""
        token = request.cookies.get(COOKIE)
        if not token:
            return None
        sessions = tables.sessions.c
        query = select(sessions.name, sessions.csrf, sessions.expires_at).where(
            sessions.digest == _digest(token), sessions.tenant == self.tenant, sessions.expires_at > tables.micros()
        )
        with self.database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Session(row.name, row.csrf, tables.moment(row.expires_at))

    def logout(self, request: Request, response: Response) -> None:
        """End the session, here and in the browser."""
        if token := request.cookies.get(COOKIE):
            with self.database.writing() as connection:
                connection.execute(delete(tables.sessions).where(tables.sessions.c.digest == _digest(token)))
        response.delete_cookie(COOKIE, path="/")

    def _mine(self, table: object, name: str) -> tuple:
        columns = table.c  # type: ignore[attr-defined]
        return columns.tenant == self.tenant, columns.name == name


def login_required(request: Request) -> Session:
    """A FastAPI dependency: the session of whoever asks.

    Raises:
        Refused: 401 where nobody is logged in.
    """
    state: State = request.app.state.penchant
    session = state.sessions.of(request)
    if session is None:
        raise Refused(401, "log in to the console first", code="login_needed")
    return session


async def same_site_form(request: Request) -> Session:
    """A FastAPI dependency for whatever changes something: a session, and the token that only its own pages know.

    The token comes as the form field `csrf` or as the header `X-CSRF-Token`.

    Raises:
        Refused: 401 where nobody is logged in, 403 where the token is not the session's.
    """
    from starlette.concurrency import run_in_threadpool

    session = await run_in_threadpool(login_required, request)
    given = request.headers.get(CSRF_HEADER)
    if given is None:
        form = await request.form()
        given = str(form.get(CSRF_FIELD, ""))
    if not hmac.compare_digest(given.encode(), session.csrf.encode()):
        raise Refused(403, "this form does not come from a page of your session; load the page again", code="csrf")
    return session


def csrf_field(session: Session) -> str:
    """The hidden field of a form, as HTML.

    >>> csrf_field(Session("ann", "a<b", datetime(2026, 1, 1, tzinfo=UTC)))
    '<input type="hidden" name="csrf" value="a&lt;b">'
    """
    return f'<input type="hidden" name="{CSRF_FIELD}" value="{escape(session.csrf)}">'


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _scrypt(password: str, salt: bytes | None = None) -> str:
    salt = salt or secrets.token_bytes(16)
    found = hashlib.scrypt(password.encode(), salt=salt, **_SCRYPT)
    return f"{base64.b64encode(salt).decode()}${base64.b64encode(found).decode()}"


def _is_password(password: str, kept: str) -> bool:
    salt = base64.b64decode(kept.partition("$")[0])
    return hmac.compare_digest(_scrypt(password, salt), kept)


_NOBODYS: Final = f"{base64.b64encode(bytes(16)).decode()}${base64.b64encode(bytes(64)).decode()}"
