"""`penchant serve`: the HTTP service over a workspace."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from penchant.cli.build import WORKSPACE
from penchant.cli.face import face
from penchant.cli.speech import both
from penchant.language import Phrase
from penchant.workspace import Workspace

HELP: Final = both(
    """Serve a workspace over HTTP: events in; recommendations, interests and search results out.

    It listens on this machine alone unless told otherwise, and needs a key: `penchant keys make`. An event that was
    acknowledged is on disk, and the next answer knows it. When `penchant build` has finished a new build, the service
    switches to it by itself. More settings stand in the section [service] of penchant.toml.""",
    """通过 HTTP 提供工作区的服务：接收行为事件，返回推荐、兴趣与搜索结果。

    默认只监听本机，并要求密钥（penchant keys make）。已确认的事件均已落盘，下一次回答即可用到。
    penchant build 完成新的构建后，服务会自动切换。更多设置写在 penchant.toml 的 [service] 中。""",
)
EXAMPLES: Final = """penchant serve shop.ws
penchant serve shop.ws --host 0.0.0.0 --certificate shop.pem --private-key shop.key --workers 4"""

AT: Final = Phrase(
    "Serving {workspace} at {url} — description of the API: {url}/docs; Ctrl-C stops.",
    "正在 {url} 提供 {workspace} 的服务；接口说明：{url}/docs；按 Ctrl-C 停止。",
)
NO_KEYS: Final = Phrase(
    "There is no key yet, so nothing will be answered: penchant keys make {workspace} NAME --scope read",
    "还没有密钥，因此不会回答任何请求：penchant keys make {workspace} NAME --scope read",
)


def serve(
    ctx: typer.Context,
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)],
    host: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help=both("Where to listen; 127.0.0.1.", "监听地址；默认 127.0.0.1。")),
    ] = None,
    port: Annotated[
        int | None, typer.Option(metavar="PORT", min=0, max=65535, help=both("The port; 8765.", "端口；默认 8765。"))
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help=both(
                "Processes that answer; more than one needs PostgreSQL.", "工作进程数；多于一个时需要 PostgreSQL。"
            ),
        ),
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(metavar="FILE", help=both("TLS certificate, in PEM.", "TLS 证书（PEM）。"))
    ] = None,
    private_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help=both("Private key of the certificate.", "证书的私钥。"))
    ] = None,
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help=both("A proxy in front speaks TLS.", "由前置代理负责 TLS。"))
    ] = False,
    public_without_tls: Annotated[
        bool,
        typer.Option(
            "--public-without-tls",
            help=both("Listen on a public address in the clear.", "允许在公开地址上不加密监听。"),
        ),
    ] = False,
    open_: Annotated[
        bool, typer.Option("--open", help=both("Ask for no key; on this machine alone.", "不要求密钥；仅限本机。"))
    ] = False,
    origin: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL",
            help=both(
                "A web page that may call from a browser; may be given again.", "允许从浏览器调用的网页来源；可重复。"
            ),
        ),
    ] = None,
) -> None:
    from penchant.service.process import serve as run
    from penchant.service.settings import ServiceSettings

    speaker = face(ctx)
    opened = Workspace.open(workspace)
    given: dict[str, Any] = {
        "host": host, "port": port, "workers": workers, "certificate": certificate, "private_key": private_key,
        "behind_proxy": behind_proxy or None, "public_without_tls": public_without_tls or None, "open": open_ or None,
        "origins": tuple(origin) if origin else None,
    }  # fmt: skip
    settings = ServiceSettings.read(opened, **{name: value for name, value in given.items() if value is not None})
    scheme = "https" if settings.certificate is not None else "http"
    host_shown = f"[{settings.host}]" if ":" in settings.host else settings.host
    speaker.note(AT, workspace=opened.path, url=f"{scheme}://{host_shown}:{settings.port}")
    if not settings.open and not _has_keys(opened):
        speaker.note(NO_KEYS, workspace=opened.path)
    run(opened, settings)


def _has_keys(workspace: Workspace) -> bool:
    from penchant.cli.keys import keyring

    with keyring(workspace) as keys:
        return any(key.is_valid() for key in keys.all())
