"""The yardstick: a bare Starlette application that reads forms and answers precomputed bodies, on the same uvicorn
settings.

``python -m benchmarks.baseline ONE LIST`` (files with the bodies) prints its port and serves until it is stopped.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def application(one: bytes, listing: bytes) -> Starlette:
    async def get_one(request: Request) -> Response:
        return Response(one, media_type="application/json")

    async def get_list(request: Request) -> Response:
        return Response(listing, media_type="application/json")

    async def post(request: Request) -> Response:
        await request.form()
        return Response(b"abcdefgh\n", media_type="text/plain")

    return Starlette(
        routes=[
            Route("/one", get_one),
            Route("/list", get_list),
            Route("/post", post, methods=["POST"]),
        ]
    )


if __name__ == "__main__":
    app = application(*(Path(name).read_bytes() for name in sys.argv[1:3]))
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        loop="uvloop",
        http="httptools",
    )
    uvicorn.Server(config).run(sockets=[listener])
