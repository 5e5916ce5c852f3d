"""How a command of ``mockskaha ctl`` is made: a function of a server, with the options that say which."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from mockskaha.ctl.remote import URL, Remote

Function = Callable[..., None]
_COMMON: tuple[tuple[str, Any, Any], ...] = (
    (
        "url",
        Annotated[str, typer.Option(envvar="MOCKSKAHA_URL", metavar="URL", help="Of the server.")],
        URL,
    ),
    (
        "token",
        Annotated[
            str | None,
            typer.Option(
                envvar="MOCKSKAHA_CONTROL_TOKEN", metavar="TOKEN", help="The server's control token."
            ),
        ],
        None,
    ),
    (
        "namespace",
        Annotated[
            str,
            typer.Option(
                "--namespace",
                "-n",
                envvar="MOCKSKAHA_NAMESPACE",
                metavar="NAME",
                help="The one at the root if empty.",
            ),
        ],
        "",
    ),
    ("json", Annotated[bool, typer.Option("--json", help="What the server answers, as it is.")], False),
)
_NAMES = tuple(name for name, _, _ in _COMMON)
_OPTIONS: dict[str, Any] = {
    "no_args_is_help": False,
    "context_settings": {"help_option_names": ["-h", "--help"]},
}

app = typer.Typer(help="Drive a running server: time, state, requests, nodes. docs/control.md", **_OPTIONS)


def group(name: str, help_text: str) -> typer.Typer:
    """Commands below ``ctl NAME``."""
    made = typer.Typer(help=help_text, **_OPTIONS)
    app.add_typer(made, name=name)
    return made


def command(parent: typer.Typer, name: str | None = None) -> Callable[[Function], Function]:
    """Make a function, whose first parameter is a :class:`Remote`, a command of ``parent``; without a ``name``, what
    ``parent`` does by itself."""

    def decorate(function: Function) -> Function:
        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]

        def run(ctx: typer.Context, **values: Any) -> None:
            given = _given(ctx, {key: values.pop(key) for key in _NAMES})
            if name is None and ctx.invoked_subcommand is not None:
                ctx.obj = given
                return
            with Remote(**given) as remote:
                function(remote, **values)

        kind = inspect.Parameter.KEYWORD_ONLY
        parameters = [
            inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context),
            *(parameter.replace(kind=kind) for parameter in own),
            *(
                inspect.Parameter(key, kind, annotation=annotation, default=default)
                for key, annotation, default in _COMMON
            ),
        ]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        run.__doc__, run.__name__ = function.__doc__, function.__name__
        if name is None:
            parent.callback(invoke_without_command=True)(run)
        else:
            parent.command(name)(run)
        return function

    return decorate


def _given(ctx: typer.Context, own: dict[str, Any]) -> dict[str, Any]:
    """The common options; those written before a subcommand hold unless they are written again after it."""
    above = ctx.obj if isinstance(ctx.obj, dict) else {}
    return {
        key: above[key] if key in above and not _is_written(ctx, key) else value for key, value in own.items()
    }


def _is_written(ctx: typer.Context, key: str) -> bool:
    source = ctx.get_parameter_source(key)
    return source is not None and source.name == "COMMANDLINE"


@command(app)
def _nothing(remote: Remote) -> None:
    """Drive a running server: time, state, requests, nodes. docs/control.md has it all."""
    raise SystemExit(remote.usage("give a command; `mockskaha ctl --help` lists them"))
