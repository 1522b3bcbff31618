"""What the browser is given: pages behind a token, and a terminal over a web socket.

Each visitor's terminal is an attach client of its own, run by textual-serve. The site
lets in who shows the token once; from then on a cookie stands for it that no page of
elsewhere is ever sent with, and whose value is worth nothing after the end.
"""

import hmac
import logging
import secrets
import shlex
from collections.abc import Awaitable, Callable, Sequence
from importlib.resources import files
from string import Template

from aiohttp import web
from textual_serve.server import Server

from bistro_tui.engine.api.gate import Gate

log = logging.getLogger("bistro_tui")

MOST_SCREENS = 8
"""Each is a process of its own."""

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline';"
        " style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
        " frame-ancestors 'none'; form-action 'self'; base-uri 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_FONT_SIZES = range(6, 49)
_DEFAULT_FONT_SIZE = 15
_LONGEST_LOGIN = 8_192

_Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site(Server):
    """The pages, and the terminals behind them."""

    def __init__(
        self, command: Sequence[str], *, tokens: Sequence[str], gate: Gate
    ) -> None:
        """``command`` runs the client of a visitor; each of ``tokens`` lets one in."""
        super().__init__(f"exec {shlex.join(command)}")
        self._tokens = [token.encode() for token in tokens]
        self._gate = gate
        self._session = secrets.token_urlsafe(32)
        self._screens = 0

    def application(self) -> web.Application:
        """Return what serves all of it."""
        app = web.Application(
            middlewares=[self._guarded], client_max_size=_LONGEST_LOGIN
        )
        app.add_routes(
            [
                web.get("/", self._page),
                web.post("/login", self._login),
                web.get("/ws", self._screen),
                web.get("/download/{key}", self.handle_download),
                web.static("/static", self.statics_path),
            ]
        )
        app.on_response_prepare.append(_harden)
        return app

    # Who comes in.

    @web.middleware
    async def _guarded(
        self, request: web.Request, handler: _Handle
    ) -> web.StreamResponse:
        socket = request.transport and request.transport.get_extra_info("sockname")
        refusal = self._gate.refusal(
            hosts=request.headers.getall("Host", []),
            origins=request.headers.getall("Origin", []),
            sites=request.headers.getall("Sec-Fetch-Site", []),
            came_in_by=socket[0] if socket else "",
        )
        if refusal:
            log.warning("web: refused: %s", refusal)
            raise web.HTTPForbidden(text=f"refused: {refusal}\n")
        if request.path == "/login" or self._is_known(request):
            return await handler(request)
        if request.path == "/" and "token" in request.query:
            return self._welcome(request, request.query["token"])
        if request.path == "/":
            return _login_page("The token of this scheduler:", status=401)
        raise web.HTTPUnauthorized(text="the token has to be shown at / first\n")

    def _is_known(self, request: web.Request) -> bool:
        shown = request.cookies.get(_cookie(request), "")
        return hmac.compare_digest(_bytes(shown), self._session.encode())

    async def _login(self, request: web.Request) -> web.StreamResponse:
        try:
            token = (await request.post()).get("token", "")
        except (ValueError, LookupError):
            # Of a charset that there is not, or bytes that it does not have.
            raise web.HTTPBadRequest(text="that is no form\n") from None
        return self._welcome(request, token if isinstance(token, str) else "")

    def _welcome(self, request: web.Request, token: str) -> web.StreamResponse:
        given = _bytes(token.strip())
        # All are compared, so that the time tells nothing of which one was close.
        if not sum(hmac.compare_digest(given, token) for token in self._tokens):
            log.warning("web: a wrong token was shown")
            return _login_page("That is not the token. Try again:", status=401)
        # The token leaves the address line, the history and what is shared of them.
        answer = web.Response(status=303, headers={"Location": "/"})
        answer.set_cookie(
            _cookie(request), self._session, httponly=True, samesite="Strict"
        )
        return answer

    # What they see.

    async def _page(self, request: web.Request) -> web.StreamResponse:
        # The gate has let this host's name through, so it may be told back.
        scheme = "wss" if self._gate.scheme == "https" else "ws"
        text = request.query.get("fontsize", "")
        size = int(text) if text.isdecimal() and len(text) < 3 else 0
        return _filled(
            "page.html",
            socket=f"{scheme}://{request.host}/ws",
            size=str(size if size in _FONT_SIZES else _DEFAULT_FONT_SIZE),
        )

    async def _screen(self, request: web.Request) -> web.StreamResponse:
        if self._screens >= MOST_SCREENS:
            raise web.HTTPServiceUnavailable(
                text=f"{MOST_SCREENS} screens are open already\n"
            )
        self._screens += 1
        try:
            return await self.handle_websocket(request)
        finally:
            self._screens -= 1


def _cookie(request: web.Request) -> str:
    """Return the name of the cookie: browsers tell ports of one host not apart."""
    return f"bistro_tui_{request.url.port}"


def _bytes(text: str) -> bytes:
    """Return the text as bytes, whatever a stranger sent."""
    return text.encode("utf-8", "surrogatepass")


async def _harden(_: web.Request, response: web.StreamResponse) -> None:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)


def _login_page(why: str, *, status: int) -> web.Response:
    return _filled("login.html", status=status, why=why)


def _filled(name: str, *, status: int = 200, **values: str) -> web.Response:
    text = files("bistro_tui.web").joinpath(name).read_text(encoding="utf-8")
    page = Template(text).substitute(values)
    return web.Response(text=page, status=status, content_type="text/html")
