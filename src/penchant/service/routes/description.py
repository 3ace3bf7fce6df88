"""`/docs`: the routes for people, made from the OpenAPI description, with no script from anywhere else."""

from html import escape
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)

_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Penchant API</title><style>
:root{{color-scheme:light dark;--line:#8884;--soft:#8881}}
body{{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem}}
h2{{margin-top:2.5rem;text-transform:capitalize}}
section{{border:1px solid var(--line);border-radius:8px;margin:1rem 0;padding:.2rem 1rem .8rem}}
code,pre{{font:13px/1.5 ui-monospace,monospace}}
pre{{background:var(--soft);padding:.6rem;overflow:auto;border-radius:6px}}
h3{{font-size:1rem;margin:.6rem 0}} b.m{{display:inline-block;min-width:4.2rem}}
table{{border-collapse:collapse;width:100%}}
td{{border-top:1px solid var(--line);padding:.25rem .5rem;vertical-align:top}}
td:first-child{{white-space:nowrap}}
</style></head><body><h1>Penchant API</h1>{about}<p>Programs read <a href="/openapi.json">openapi.json</a>.</p>
{body}</body></html>"""


@router.get("/docs", response_class=HTMLResponse)
async def docs(request: Request) -> HTMLResponse:
    """The description of the API as a page."""
    described = request.app.openapi()
    groups: dict[str, list[str]] = {}
    for path, methods in described["paths"].items():
        for method, route in methods.items():
            groups.setdefault((route.get("tags") or ["other"])[0], []).append(_route(path, method, route, described))
    body = "".join(f"<h2>{escape(tag)}</h2>{''.join(routes)}" for tag, routes in groups.items())
    about = "".join(f"<p>{escape(part)}</p>" for part in described["info"]["description"].split("\n\n"))
    return HTMLResponse(_PAGE.format(about=about, body=body))


def _route(path: str, method: str, route: dict[str, Any], described: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(one['name'])}</code></td><td>{escape(one['in'])}"
        f"{', required' if one.get('required') else ''}</td><td>{escape(one.get('description', ''))}</td></tr>"
        for one in route.get("parameters", [])
    )
    body = route.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    example = _example(body, described)
    parts = [f"<section><h3><b class=m>{method.upper()}</b> <code>{escape(path)}</code></h3>"]
    parts.append("".join(f"<p>{escape(part)}</p>" for part in route.get("description", "").split("\n\n")))
    if rows:
        parts.append(f"<table>{rows}</table>")
    if example is not None:
        import json

        parts.append(f"<pre>{escape(json.dumps(example, ensure_ascii=False, indent=1))}</pre>")
    return "".join([*parts, "</section>"])


def _example(schema: dict[str, Any], described: dict[str, Any]) -> Any:
    """The example of a body: its own, or made of those of what it holds."""
    if "$ref" in schema:
        schema = described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "example" in schema:
        return schema["example"]
    if schema.get("type") == "array":
        inner = _example(schema.get("items", {}), described)
        return None if inner is None else [inner]
    found = {name: _example(inner, described) for name, inner in schema.get("properties", {}).items()}
    found = {name: value for name, value in found.items() if value is not None}
    return found or None
