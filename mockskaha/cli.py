"""The ``mockskaha`` command. What a command needs is imported when it runs, so none waits for the others."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mockskaha.ctl import app as ctl
from mockskaha.verify.command import verify
from mockskaha.verify.recording_commands import record

if TYPE_CHECKING:
    from mockskaha.config import ImageEntry, Settings

app = typer.Typer(
    name="mockskaha",
    help="The CANFAR Science Platform's Skaha service, offline.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(ctl, name="ctl")


class Clock(StrEnum):
    WALL = "wall"
    MANUAL = "manual"


class Kind(StrEnum):
    CARTA = "carta"
    NOTEBOOK = "notebook"
    DESKTOP = "desktop"
    CONTRIBUTED = "contributed"
    HEADLESS = "headless"
    FIREFLY = "firefly"
    DESKTOP_APP = "desktop-app"


SETTING = {
    "host": "server.host",
    "port": "server.port",
    "profile": "profile",
    "speed": "speed",
    "clock": "clock",
    "seed": "seed",
    "state": "server.state",
    "tls": "server.tls",
    "sessions_url": "sessions.sessions_url",
    "access_log": "server.access_log",
    "faults": "faults",
    "control_token": "server.control_token",
    "skaha_version": "skaha_version",
}
"""Which setting an option overrides."""

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", envvar="MOCKSKAHA_CONFIG", metavar="FILE", help="Settings, as YAML."),
]
AuthOption = Annotated[
    Path | None,
    typer.Option(
        envvar="MOCKSKAHA_AUTH",
        metavar="FILE",
        help="Tokens and users, as YAML. Only these are let in (strict mode).",
    ),
]
HostOption = Annotated[
    str | None,
    typer.Option(envvar="MOCKSKAHA_HOST", metavar="ADDRESS", help="Address to listen on. \\[127.0.0.1]"),
]
PortOption = Annotated[
    int | None,
    typer.Option("--port", "-p", envvar="MOCKSKAHA_PORT", help="Port; 0 takes any free one. \\[8080]"),
]
ProfileOption = Annotated[
    str | None,
    typer.Option(
        envvar="MOCKSKAHA_PROFILE", metavar="NAME|FILE", help="How long the steps of a session take. \\[fast]"
    ),
]
SpeedOption = Annotated[
    float | None,
    typer.Option(
        envvar="MOCKSKAHA_SPEED",
        metavar="FACTOR",
        help="Model seconds in a real second: 3600 = an hour. \\[1]",
    ),
]
ClockOption = Annotated[
    Clock | None,
    typer.Option(
        envvar="MOCKSKAHA_CLOCK", help="Follow the wall clock, or stand still until told to move. \\[wall]"
    ),
]
SeedOption = Annotated[
    int | None, typer.Option(envvar="MOCKSKAHA_SEED", help="Same seed, same requests, same answers. \\[0]")
]
StateOption = Annotated[
    Path | None,
    typer.Option(envvar="MOCKSKAHA_STATE", metavar="FILE", help="Keep sessions here over restarts."),
]
TlsOption = Annotated[
    Path | None,
    typer.Option(
        envvar="MOCKSKAHA_TLS", metavar="DIR", help="Serve HTTPS; certificates are made here if missing."
    ),
]
SessionsUrlOption = Annotated[
    str | None,
    typer.Option(
        envvar="MOCKSKAHA_SESSIONS_URL", metavar="URL", help="Base of connect URLs. \\[the server's own URL]"
    ),
]
AccessLogOption = Annotated[
    bool | None,
    typer.Option(
        "--access-log/--no-access-log", envvar="MOCKSKAHA_ACCESS_LOG", help="Log every request. \\[off]"
    ),
]
FaultsOption = Annotated[
    list[str] | None,
    typer.Option(
        envvar="MOCKSKAHA_FAULTS",
        metavar="PRESET|FILE",
        help="Let things go wrong from the start. Can be given several times; `mockskaha faults` lists the presets.",
    ),
]
ControlTokenOption = Annotated[
    str | None,
    typer.Option(
        envvar="MOCKSKAHA_CONTROL_TOKEN",
        metavar="TOKEN",
        help="What callers of the control API must show. Beyond this machine it is closed without one.",
    ),
]
SkahaVersionOption = Annotated[
    str | None,
    typer.Option(
        envvar="MOCKSKAHA_SKAHA_VERSION",
        metavar="VERSION",
        help="Which Skaha to be: 0.29, 1.0, 1.1, 1.2, 2026.1 or 1.4 (docs/eras.md). \\[1.4]",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="As JSON.")]


@app.command()
def serve(
    ctx: typer.Context,
    host: HostOption = None,
    port: PortOption = None,
    profile: ProfileOption = None,
    speed: SpeedOption = None,
    clock: ClockOption = None,
    seed: SeedOption = None,
    config: ConfigOption = None,
    state: StateOption = None,
    auth: AuthOption = None,
    tls: TlsOption = None,
    sessions_url: SessionsUrlOption = None,
    access_log: AccessLogOption = None,
    faults: FaultsOption = None,
    control_token: ControlTokenOption = None,
    skaha_version: SkahaVersionOption = None,
) -> None:
    """Run the service until it is interrupted.

    A flag wins over its environment variable, that over the settings file, and that over the default.
    """
    settings = _settings(ctx)
    from mockskaha.journal import StateFileError
    from mockskaha.serve import AddressInUse
    from mockskaha.serve import serve as run
    from skahasim.policies import UnknownPolicy
    from skahasim.profile import UnknownProfile

    try:
        with _bad_configuration_ends_it():
            run(settings)
    except (UnknownPolicy, UnknownProfile, StateFileError, AddressInUse) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None


@app.command("config")
def show_config(
    ctx: typer.Context,
    json: JsonOption = False,
    host: HostOption = None,
    port: PortOption = None,
    profile: ProfileOption = None,
    speed: SpeedOption = None,
    clock: ClockOption = None,
    seed: SeedOption = None,
    config: ConfigOption = None,
    state: StateOption = None,
    auth: AuthOption = None,
    tls: TlsOption = None,
    sessions_url: SessionsUrlOption = None,
    access_log: AccessLogOption = None,
    faults: FaultsOption = None,
    control_token: ControlTokenOption = None,
    skaha_version: SkahaVersionOption = None,
) -> None:
    """Print the settings that `serve` with the same options would run with.

    The YAML can be used as a settings file; secrets are masked.
    """
    settings = _settings(ctx)
    from mockskaha.config.presentation import as_json, as_yaml

    typer.echo(as_json(settings) if json else as_yaml(settings).rstrip("\n"))


@app.command()
def images(
    ctx: typer.Context,
    kind: Annotated[
        Kind | None, typer.Option("--type", "-t", help="Only images of this session type.")
    ] = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """List the images of the registry."""
    chosen = [image for image in _settings(ctx).images if kind is None or kind.value in image.types]
    if json:
        from json import dumps

        typer.echo(dumps([image.model_dump(mode="json") for image in chosen], indent=2))
    else:
        _print_images(chosen)


@app.command("faults")
def show_faults(json: JsonOption = False) -> None:
    """List the presets of faults: what can go wrong, by name."""
    from mockskaha.faults.presets import presets

    found = presets()
    if json:
        from json import dumps

        typer.echo(dumps({name: preset.model_dump(mode="json") for name, preset in found.items()}, indent=2))
        return
    _print_rows(
        ("preset", "what goes wrong", "parameters"),
        (
            (
                name,
                preset.description,
                ", ".join(f"{key}={value}" for key, value in preset.parameters.items()),
            )
            for name, preset in found.items()
        ),
    )


@app.command("export-jobs")
def export_jobs(
    ctx: typer.Context,
    state: Annotated[
        Path, typer.Argument(metavar="STATE.db", help="State file of a server, running or stopped.")
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The table: CSV (gzip by its name), or Parquet.")],
    scenario: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write a scenario for `skahasim run` beside it: the same day anew."
        ),
    ] = None,
    profile: ProfileOption = None,
    config: ConfigOption = None,
    auth: AuthOption = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files.")] = False,
) -> None:
    """Write every job that a server was asked for as a table that `skahasim` takes for a workload.

    Give the settings that the server has: the state file holds what was asked of it, and is played anew.
    """
    settings = _settings(ctx)
    from mockskaha.export import chronicle, write_scenario
    from mockskaha.journal import StateFileError, recorded
    from mockskaha.platform import fingerprint
    from skahasim.workload.table import write_table

    for path in (out, scenario):
        if path is not None and path.exists() and not force:
            typer.echo(f"error: {path} exists; --force overwrites it", err=True)
            raise typer.Exit(2)
    try:
        with _bad_configuration_ends_it():
            found = recorded(state)
            if found.fingerprint not in (None, fingerprint(settings)):
                typer.echo(
                    f"warning: {state}: its server had another cluster, queue, profile, images or limits; give its "
                    "--config and --profile, or the jobs stand elsewhere than they did",
                    err=True,
                )
            day = chronicle(settings, found)
            write_table(out, day.arrivals)
            if scenario is not None:
                write_scenario(scenario, settings, day, out)
    except (StateFileError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    typer.echo(f"{len(day.arrivals)} jobs written to {out}; time 0 is {day.start.isoformat()}")


@app.command()
def health(
    url: Annotated[
        str, typer.Option(envvar="MOCKSKAHA_URL", metavar="URL", help="Of the server.")
    ] = "http://127.0.0.1:8080",
) -> None:
    """Whether a server takes requests: exit code 0 or 1. For the health check of a container."""
    from mockskaha.health import problem

    found = problem(url)
    if found:
        typer.echo(f"error: {found}", err=True)
        raise typer.Exit(1)
    typer.echo("ready")


@app.command()
def version(skaha_version: SkahaVersionOption = None) -> None:
    """Print the version, and that of the Skaha service it stands in for."""
    from mockskaha import __version__
    from mockskaha.era import DEFAULT, RELEASES, UnknownVersion, version_named

    try:
        release = RELEASES[version_named(skaha_version or DEFAULT)]
    except UnknownVersion as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    typer.echo(f"mockskaha {__version__} (Skaha {release})")


app.command("verify")(verify)
app.command("record")(record)


def main() -> None:
    """Run the command line."""
    app(prog_name="mockskaha")


def _settings(ctx: typer.Context) -> Settings:
    """The settings that the options of ``ctx`` give. Bad ones end the process with status 2."""
    from mockskaha.config import load_settings

    overrides: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for name, key in SETTING.items():
        value = ctx.params.get(name)
        if value is not None and value != []:
            source = ctx.get_parameter_source(name)
            from_environment = source is not None and source.name == "ENVIRONMENT"
            flag = name.replace("_", "-")
            origins[key] = f"MOCKSKAHA_{name.upper()}" if from_environment else f"--{flag}"
            overrides[key] = _faults_in(value, origins[key]) if name == "faults" else value
    with _bad_configuration_ends_it():
        return load_settings(ctx.params.get("config"), ctx.params.get("auth"), overrides, origins=origins)


def _faults_in(given: list[str], origin: str) -> list[dict[str, Any]]:
    """Those of presets and files of these names."""
    from mockskaha.faults.presets import read_faults

    with _bad_configuration_ends_it():
        return [rule.plain() for item in given for rule in read_faults(item, origin)]


@contextmanager
def _bad_configuration_ends_it() -> Iterator[None]:
    from mockskaha.config import ConfigurationError

    try:
        yield
    except ConfigurationError as error:
        for problem in error.problems:
            typer.echo(f"error: {problem}", err=True)
        raise typer.Exit(2) from None


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.0f} MB"


def _print_rows(header: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for name in header:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 200, highlight=False, markup=False).print(table)


def _print_images(chosen: list[ImageEntry]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("image", overflow="fold")
    table.add_column("types", min_width=11)
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("registry", no_wrap=True)
    for image in chosen:
        access = "public" if image.public else "private"
        state = access if image.pull == "ok" else f"{access}, {image.pull}"
        table.add_row(image.id, ", ".join(image.types), _size(image.size_bytes), state)
    # Piped output is for grep and cut: never folded to a width nobody sees.
    console = Console(width=None if sys.stdout.isatty() else 200, highlight=False)
    console.print(table)
