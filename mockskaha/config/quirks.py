"""Behaviour of the real service that is deduced, not observed, or that a test may want out of its way."""

from __future__ import annotations

from skahasim.configuration import Section


class QuirkSettings(Section):
    """``true`` is the real service's way, ``false`` what one would expect; the last two are off by default.

    The answer to anonymous callers is ``auth.anonymous_status``.
    """

    drop_zero_seconds: bool = True
    """``startTime`` loses its seconds when they are ``:00`` (skaha-contract §4.3)."""
    hash_order: bool = True
    """Image types and context keys come in the order of Java's hash tables, not as written (§2.12, §2.13)."""
    empty_session_id: bool = True
    """``/v1/session/`` is a session with an empty id, not the list (§1.1)."""
    case_conflict_error: bool = True
    """A parameter sent twice in different letter case gives 400 ``null`` (§1.2)."""
    cpu_usage_overflow: bool = True
    """Above 2.147 cores, usage that is not whole in millicores is reported raw: ``3123456789n`` (§2.2)."""
    many_pods_hide_events: bool = True
    """Events of a session with more than one pod are ``<none>`` (§2.10)."""
    unchecked_values_fail: bool = True
    """Names that make no hostname, and values that break the job's YAML, give 500 (§2.4, §3.3)."""
    dollar_breaks: bool = False
    """``$`` in a command, argument or variable gives 400 ``Illegal group reference``, as Java's text replacement may
    (§3.3). Off: nobody has seen it, and ``$`` is common."""
    servlet_charset: bool = True
    """The text of a 405 is declared as ISO-8859-1 (§1.4)."""
    xml_crlf: bool = True
    """XML documents end their lines with CR LF (§8.1)."""
    rewrite_access_urls: bool = False
    """Capabilities name https URLs without the port (§8.2). Off: those would not lead back to this server."""
    stats_gpu: bool = False
    """Statistics have a ``gpu`` section, as a Skaha later than 1.4.0 may (§11)."""
