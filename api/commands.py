"""`reelgraph serve`: the HTTP service."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from graph.terminal import StoreOption, opened, out

if TYPE_CHECKING:
    from api.serve import Listen
    from api.settings import Settings


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("serve")(serve)


def serve(
    host: Annotated[str, typer.Option(help="Where to listen; beyond this machine only with a key.")] = ("127.0.0.1"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes behind the port.")] = 1,
    certfile: Annotated[
        Path | None, typer.Option(metavar="FILE", exists=True, dir_okay=False, help="Certificate (PEM), for HTTPS.")
    ] = None,
    keyfile: Annotated[
        Path | None, typer.Option(metavar="FILE", exists=True, dir_okay=False, help="Its key (PEM).")
    ] = None,
    store: StoreOption = None,
) -> None:
    """Answer over HTTP: JSON, described at /docs. Ctrl-C or SIGTERM: what was begun is finished first.

    A new load or publish is taken over without a restart. Logs are JSON lines on standard error.
    """
    from api.security import is_loopback
    from api.serve import Listen

    settings = _settings(store)
    if not is_loopback(host):
        _check_keys(host, settings)
        settings = settings.model_copy(update={"require_keys": True})  # so that it closes when the last is revoked
    if keyfile and not certfile:
        raise typer.BadParameter("a key needs its certificate: --certfile", param_hint="--keyfile")
    _run(settings, Listen(host, port, workers, certfile, keyfile))


def _check_keys(host: str, settings: Settings) -> None:
    from api.keys import keys
    from api.security import refusal

    if settings.api_key is None:
        with opened(settings.store) as graph:
            if why := refusal(host, has_keys=bool(keys(graph))):
                raise typer.BadParameter(why, param_hint="--host")


def serve_anywhere(store: str) -> None:
    """Serve on this machine, without a line for each request: at the usual port, or at any where that one is taken."""
    from api.serve import Listen, PortTaken

    settings = _settings(store).model_copy(update={"access_log": False})
    try:
        _run(settings, Listen())
    except PortTaken:
        _run(settings, Listen(port=0))


def _settings(store: str | None) -> Settings:
    from api.settings import BadSettings, read_settings

    try:
        return read_settings(store)
    except BadSettings as error:
        raise typer.BadParameter(str(error), param_hint="the environment") from None


def _run(settings: Settings, listen: Listen) -> None:
    from api.serve import serve as answer

    def announce(address: str) -> None:
        out.print(Text(f"Reelgraph answers at {address} (stop it with Ctrl-C)"), soft_wrap=True)

    answer(settings, listen, announce)
