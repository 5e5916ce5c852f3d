"""``launch``: new sessions, from any form of command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from skahaclient.cli.failure import Exit, UsageError, code_of, complain, told
from skahaclient.cli.order import KINDS, Contradiction, Order, name_of, order
from skahaclient.cli.screen import Format, emit, note, say, warn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skahaclient.errors import SessionError

WORDS = "[KIND] IMAGE [-- CMD...]"
BEHIND = "skahaclient.behind"
"""Where the words behind ``--`` are kept."""

ADVICE = {
    "unknown or private image": "is its name right (skahaclient images)? a private one needs --registry USER",
    "Invalid value for '": "skahaclient context shows the choices",
    "maximum of ": "skahaclient ps shows them, skahaclient delete makes room",
}
"""By words of Skaha's refusals (skaha-contract §3.3)."""


class LaunchCommand(TyperCommand):
    """Keeps what stands behind ``--`` apart: only that is surely the session's command."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return ["[OPTIONS]", WORDS]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if "--" in args:
            at = args.index("--")
            args, ctx.meta[BEHIND] = args[:at], tuple(args[at + 1 :])
        return super().parse_args(ctx, args)


def _kinds() -> list[str]:
    return list(KINDS)


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise UsageError(f"--env {text}: a variable is NAME=VALUE")
    return name, value


def launch(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar=WORDS,
            help="Kind (headless if not said), image (of images.canfar.net if no host is said), and command.",
            show_default=False,
            autocompletion=_kinds,
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", "-n", help="Letters, digits and -. \\[that of the image]")
    ] = None,
    image: Annotated[str | None, typer.Option("--image", "-i", help="The image, as an option.")] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind", "-k", metavar="|".join(KINDS), help="The kind, as an option.", autocompletion=_kinds
        ),
    ] = None,
    cmd: Annotated[
        str | None, typer.Option("--cmd", help="The command as one string, split as a shell does.")
    ] = None,
    cores: Annotated[
        list[float] | None,
        typer.Option("--cores", "--cpu", "-c", metavar="N", help="Cores, guaranteed. \\[flexible]"),
    ] = None,
    ram: Annotated[
        list[float] | None,
        typer.Option("--ram", "--memory", "-m", metavar="GIB", help="Memory, guaranteed. \\[flexible]"),
    ] = None,
    gpu: Annotated[list[int] | None, typer.Option("--gpu", "--gpus", "-g", metavar="N", help="GPUs.")] = None,
    env: Annotated[
        list[str] | None, typer.Option("--env", "-e", metavar="NAME=VALUE", help="A variable; repeatable.")
    ] = None,
    replicas: Annotated[
        int,
        typer.Option(
            "--replicas",
            "-r",
            min=1,
            metavar="N",
            help="As many, named NAME-1 to NAME-N. \\[1]",
            show_default=False,
        ),
    ] = 1,
    registry: Annotated[
        str | None,
        typer.Option(
            metavar="USER[:SECRET]",
            help="For a private image; without the secret it is asked for. \\[SKAHA_REGISTRY_USERNAME, …_SECRET]",
        ),
    ] = None,
    output: Annotated[
        Format, typer.Option("--output", "-o", help="How to print what was launched.")
    ] = Format.TABLE,
) -> None:
    """Launch a session, or many. Prints their ids, one a line.

    skahaclient launch -n reduce headless skaha/astroml:latest -- python reduce.py

    skahaclient launch --name reduce --image skaha/astroml:latest --cores 4 --ram 16 --cmd "python reduce.py"

    Both forms say the same and mix. Also called create and run.
    """  # fmt: skip
    from skahaclient.errors import LaunchError, LaunchInterrupted

    with told():
        wanted = _order(words, ctx.meta.get(BEHIND), kind, image, cmd)
        request = {
            "name": name or name_of(wanted.image),
            "image": wanted.image,
            "kind": wanted.kind,
            "cores": _once("cores", "--cores and --cpu", cores),
            "ram": _once("memory", "--ram and --memory", ram),
            "gpu": _once("GPUs", "--gpu and --gpus", gpu),
            "env": dict(map(_variable, env)) if env else None,
            "replicas": replicas,
        }
        if wanted.command:
            request |= {"cmd": wanted.command[0], "args": list(wanted.command[1:])}
        if wanted.kind != "headless" and (wanted.command or env):
            warn(f"a {wanted.kind} session ignores commands and variables; only a headless one has them")
        created: Sequence[str]
        failures: Mapping[int, SessionError] = {}
        code: int = Exit.OK
        with ctx.obj.session(registry=_credentials(registry)) as session:
            from skahaclient.cli.progress import bar

            try:
                with bar("launching", replicas) as report:
                    created = session.create(**request, progress=report)
            except LaunchError as error:
                created, failures, code = error.created, error.failures, code_of(error)
                complain(f"{error}{_advice(str(error))}")
            except LaunchInterrupted as interruption:
                created, failures, code = interruption.created, interruption.failures, Exit.INTERRUPTED
                complain(f"interrupted after {len(created)} of {replicas} sessions")
    _show(created, str(request["name"]), failures, replicas, output)
    raise typer.Exit(code)


def _order(
    words: Sequence[str] | None, behind: Sequence[str] | None, kind: str | None, image: str | None, cmd: str | None
) -> Order:  # fmt: skip
    try:
        return order(words or (), behind, kind=kind and kind.lower(), image=image, cmd=cmd)
    except Contradiction as error:
        raise UsageError(str(error)) from None


def _once(what: str, options: str, values: list[Any] | None) -> Any:
    """The one value of an option that has several names. Given twice, it must be the same."""
    if values and len(set(values)) > 1:
        told = " and ".join(f"{value:g}" for value in values)
        raise UsageError(f"{what} said twice, {told}; {options} are the same option")
    return values[0] if values else None


def _credentials(registry: str | None) -> str | None:
    """``USER:SECRET``; a secret that is missing is asked for."""
    if registry is None or ":" in registry:
        return registry
    secret = typer.prompt(f"Secret of {registry} at the registry", hide_input=True, err=True)
    return f"{registry}:{secret}"


def _advice(refusal: str) -> str:
    """What helps against what Skaha refuses."""
    return next((f"; {advice}" for words, advice in ADVICE.items() if words in refusal), "")


def _show(
    created: Sequence[str], name: str, failures: Mapping[int, SessionError], replicas: int, output: Format
) -> None:
    numbers = [number for number in range(1, replicas + 1) if number not in failures]
    names = [name if replicas == 1 else f"{name}-{number}" for number in numbers]
    if output is not Format.TABLE:
        emit([{"id": id_, "name": each} for id_, each in zip(created, names, strict=False)], output)
        return
    if created:
        say("\n".join(created))
        note(
            f"launched {names[0]}"
            if len(created) == 1
            else f"launched {len(created)} sessions, {names[0]} to {names[-1]}"
        )
