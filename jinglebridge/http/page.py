"""The built page: index, assets and `/config.json`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from jinglebridge.errors import OperatorError

_IMMUTABLE = "public, max-age=31536000, immutable"
_REVALIDATE = "no-cache"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedService:
    """A JID that the page offers to call."""

    jid: str
    name: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoAccount:
    """An account that the page may sign in with; only a private server has one."""

    jid: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PageConfig:
    """What the page reads from `/config.json`."""

    domain: str | None = None
    """Virtual host of the accounts."""
    anonymous_domain: str | None = None
    """Virtual host where everybody signs in without an account."""
    services: tuple[OfferedService, ...] = ()
    demo: DemoAccount | None = None

    def to_json(self, *, bosh: bool, websocket: bool) -> dict[str, Any]:
        """Build the document; URLs are relative to the page."""
        return {
            "domain": self.domain,
            "anonymousDomain": self.anonymous_domain,
            "bosh": "/http-bind" if bosh else None,
            "websocket": "/xmpp-websocket" if websocket else None,
            "services": [asdict(service) for service in self.services],
            "demo": asdict(self.demo) if self.demo else None,
            "iceServers": [],
        }


def add_page(app: web.Application, directory: Path, document: dict[str, Any]) -> None:
    """Serve the built page of `directory`; only files that exist now are ever served.

    Raises:
        OperatorError: There is no built page.
    """
    index = directory / "index.html"
    if not index.is_file():
        raise OperatorError(f"the page is not built: {index} is missing (run `make web`)")

    async def config(request: web.Request) -> web.Response:
        return web.json_response(document, headers={"Cache-Control": _REVALIDATE})

    app.router.add_get("/", _file(index, _REVALIDATE))
    app.router.add_get("/config.json", config)
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        if path.is_file() and path != index and not name.startswith("."):
            # The build names what is in assets/ by its content's hash; nothing else is.
            cache = _IMMUTABLE if name.startswith("assets/") else _REVALIDATE
            app.router.add_get(f"/{name}", _file(path, cache))


def _file(path: Path, cache: str) -> Any:
    async def serve(request: web.Request) -> web.FileResponse:
        return web.FileResponse(path, headers={"Cache-Control": cache})

    return serve
