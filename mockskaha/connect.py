"""The pages behind a connectURL: where the real platform has an application, the mock says it has none."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, slots=True)
class _Look:
    title: str
    application: str
    accent: str
    icon: str
    """What goes inside an SVG of 24 by 24."""


_LOOKS = {
    "notebook": _Look(
        "Notebook",
        "JupyterLab",
        "#d9691e",
        '<path d="M6 3h12a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H6zM9 3v18M12 8h4M12 12h4M4 8h4M4 16h4"/>',
    ),
    "desktop": _Look(
        "Desktop",
        "a remote desktop",
        "#2f6fb5",
        '<rect x="3" y="4" width="18" height="12" rx="1.5"/><path d="M12 16v4M8 20h8"/>',
    ),
    "carta": _Look(
        "CARTA",
        "the CARTA viewer",
        "#17857a",
        '<ellipse cx="12" cy="12" rx="9" ry="4.5" transform="rotate(-25 12 12)"/>'
        '<circle cx="12" cy="12" r="2"/>',
    ),
    "contributed": _Look(
        "Contributed",
        "a contributed application",
        "#7a4fb0",
        '<rect x="4" y="4" width="7" height="7" rx="1"/><rect x="4" y="14" width="7" height="7" rx="1"/>'
        '<rect x="14" y="14" width="7" height="7" rx="1"/><path d="M17.5 3.5v7M14 7h7"/>',
    ),
    "firefly": _Look(
        "Firefly",
        "the Firefly viewer",
        "#a8790a",
        '<circle cx="12" cy="12" r="3.5"/><path d="M12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.6l2.1 2.1'
        'M16.3 16.3l2.1 2.1M5.6 18.4l2.1-2.1M16.3 7.7l2.1-2.1"/>',
    ),
}

_STYLE = """
:root{color-scheme:light dark;--ground:#f4f5f7;--card:#fff;--ink:#1c2430;--quiet:#5b6675;--line:#e1e5ea}
@media(prefers-color-scheme:dark){:root{--ground:#12161c;--card:#1b2129;--ink:#e6eaf0;--quiet:#98a3b3;--line:#2c343f}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:24px;background:var(--ground);
color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{width:100%;max-width:600px;background:var(--card);border:1px solid var(--line);
border-top:4px solid var(--accent);border-radius:10px;padding:28px 32px 24px;
box-shadow:0 8px 28px rgb(0 0 0/.07)}
header{display:flex;align-items:center;gap:16px}
svg{flex:none;width:48px;height:48px;padding:8px;border-radius:10px;background:var(--accent);fill:none;stroke:#fff;
stroke-width:1.6;stroke-linecap:round;stroke-linejoin:round}
h1{margin:0;font-size:23px;line-height:1.25;overflow-wrap:anywhere}
header p{margin:0;color:var(--quiet)}
.note{margin:22px 0;padding:12px 16px;border-left:4px solid var(--accent);background:var(--ground);
border-radius:0 6px 6px 0}
dl{display:grid;grid-template-columns:max-content 1fr;gap:8px 24px;margin:0}
dt{color:var(--quiet)}
dd{margin:0;overflow-wrap:anywhere}
code{font:14px/1.5 ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace}
""".replace("\n", "")

_REFUSAL = (
    "<html>\r\n<head><title>{reason}</title></head>\r\n<body>\r\n<center><h1>{reason}</h1></center>\r\n"
    "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n<!-- mockskaha: {why} -->\r\n"
)


def page(kind: str, session_id: str, name: str, username: str, image: str, status: str) -> bytes:
    """The stand-in for a session's application: one HTML page, UTF-8, that asks for nothing else.

    ``kind`` is the session's type: notebook, desktop, carta, contributed or firefly; the other types have no
    connectURL (skaha-contract §2.4).

    Raises:
        ValueError: sessions of this kind have no page.
    """
    look = _LOOKS.get(kind)
    if look is None:
        raise ValueError(f"sessions of kind {kind!r} have no page to connect to")
    facts = {"Session": session_id, "Type": kind, "Status": status, "Owner": username, "Image": image}
    rows = "".join(
        f"<dt>{label}</dt><dd><code>{escape(value)}</code></dd>\n" for label, value in facts.items()
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>{escape(name)} - {look.title} session (mock)</title>
<link rel="icon" href="data:,">
<style>{_STYLE}</style>
</head>
<body style="--accent:{look.accent}">
<main data-session="{escape(session_id)}" data-kind="{kind}" data-status="{escape(status)}">
<header>
<svg viewBox="0 0 24 24" aria-hidden="true">{look.icon}</svg>
<div><h1>{escape(name)}</h1><p>{look.title} session</p></div>
</header>
<p class="note"><strong>This is mockskaha's stand-in.</strong> On the real platform {look.application}
would open here. Nothing runs behind this page.</p>
<dl>
{rows}</dl>
</main>
</body>
</html>
""".encode("utf-8", "replace")


def not_ready_page(session_id: str, status: str) -> bytes:
    """The ingress's 502 while nothing listens behind it; a comment at the end names the session."""
    return _refusal("502 Bad Gateway", f"session {session_id} is {status}, and not ready")


def unknown_page(session_id: str) -> bytes:
    """The ingress's 404 for an address no session has; a comment at the end says why."""
    return _refusal("404 Not Found", f"there is no session {session_id} of this kind")


def _refusal(reason: str, why: str) -> bytes:
    return _REFUSAL.format(reason=reason, why=escape(why)).encode("utf-8", "replace")
