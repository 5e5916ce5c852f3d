"""What a comparison comes to: a few sentences for people who decide, the numbers that they rest on, and what more
replications would settle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite, sqrt
from typing import TYPE_CHECKING

from skahasim.metrics.statistics import CONFIDENCE, minimum_detectable_effect, student_quantile
from skahasim.study.difference import BESIDE, CHIEF, Difference
from skahasim.study.observation import USE
from skahasim.study.words import amount, change, probability, shift, who

if TYPE_CHECKING:
    from skahasim.study.comparison import Comparison

MOST_USERS = 5
MOST_REPLICATIONS = 1000
"""More than that nobody asks for."""
_ALWAYS = (("wait_time", "p95"), ("bounded_slowdown", "mean"), ("utilization", "value"))


def chief(found: Comparison, name: str) -> list[Difference]:
    """The mean wait: of all jobs, by size, and of batch and interactive sessions; a single class is all jobs."""
    metric, statistic, kinds = CHIEF
    told = []
    for by in kinds:
        classes = [d for d in found.of(name, by, metric, statistic) if not _is_unknown(d)]
        told += classes if by == "all" or len(classes) > 1 else []
    return told


def rows(found: Comparison, name: str) -> list[Difference]:
    """What one table shows of a pair: the mean wait, and of all else what is of use to most or happened at all."""
    told = chief(found, name)
    for metric, statistic in _ALWAYS:
        told += found.of(name, "all", metric, statistic)
    plain = {d.key.metric: d for d in found.differences if d.scenario == name and d.key.statistic == "value"}
    used, effective = plain.get("utilization"), plain.get("effective_utilization")
    if used is not None and effective is not None and not _equal(used, effective):
        told.append(effective)
    for metric in BESIDE:
        difference = plain.get(metric)
        if difference is None or difference.is_idle or _is_unknown(difference):
            continue
        is_told = _happened(plain.get("evicted")) if metric in _OF_EVICTIONS else difference.finding != "same"
        if is_told:
            told.append(difference)
    return told


_OF_EVICTIONS = ("evicted", "preempted", "badput")


def conclusion(found: Comparison, name: str) -> tuple[str, ...]:
    """Better or worse, for whom, by how much, how surely: the first sentence is the answer, the others its reasons."""
    baseline, told = found.names[0], chief(found, name)
    sure = [d for d in told if d.finding in ("better", "worse")]
    sentences = [_answer(name, baseline, told)]
    sentences += map(_reason, sure)
    unsure = [d for d in told if d.finding == "undetected"]
    if unsure:
        parts = [f"{who(d.key)} ({change(d)})" for d in unsure]
        sentences.append(f"Not sure: {', '.join(parts)}.")
    sentences += _beside(found, name)
    return tuple(sentences)


def _answer(name: str, baseline: str, told: Sequence[Difference]) -> str:
    overall = next((d.finding for d in told if d.key.by == "all"), "")
    # Classes that go the way of the whole need no name where the other kind of class has more to say.
    uses = {d.finding for d in told if d.key.by == USE}
    kept = [d for d in told if d.key.by != "all" and not (d.key.by == USE and uses == {overall})]
    better = [who(d.key) for d in kept if d.finding == "better"]
    worse = [who(d.key) for d in kept if d.finding == "worse"]
    parts = [
        f"{which} for {listed(names)}" for which, names in (("worse", worse), ("better", better)) if names
    ]
    if overall in ("better", "worse"):
        if len(parts) == 2 and overall == "better":
            parts.reverse()
        joined = ", ".join(parts)
        return f"{name} is {overall} than {baseline} over all jobs{f': {joined}' if joined else ''}."
    if parts:
        return f"{name} is {', '.join(parts)} than {baseline}; over all jobs no difference is sure."
    if told and all(d.finding == "same" for d in told):
        return f"{name} and {baseline} make no difference to waits: the means are equal."
    return f"Whether {name} or {baseline} is better is open: no difference of mean waits is sure."


def _reason(found: Difference) -> str:
    unit = "s"
    value, baseline = amount(found.value.mean, unit), amount(found.baseline.mean, unit)
    group = who(found.key)
    text = f"{group[0].upper()}{group[1:]} wait {value}, not {baseline}: {change(found)}"
    if found.basis == "exact":
        return f"{text}, on this trace."
    return f"{text} ({probability(found.p_adjusted)})."


def _beside(found: Comparison, name: str) -> Iterator[str]:
    plain = {d.key.metric: d for d in found.differences if d.scenario == name and d.key.statistic == "value"}
    used = plain.get("utilization")
    if used is not None and isfinite(used.paired.difference.mean):
        gap = used.paired.difference
        both = f"{amount(used.value.mean, '%')} instead of {amount(used.baseline.mean, '%')}"
        if used.finding == "same":
            yield f"Utilization is the same, {amount(used.value.mean, '%')}."
        elif used.finding in ("better", "worse"):
            yield f"Utilization {both}: {shift(used)}."
        elif isfinite(gap.low):
            most = max(abs(gap.low), abs(gap.high)) * 100
            yield f"Utilization {both}; no difference is sure, and none above {most:.2g} points is likely."
    evicted, lost = plain.get("evicted"), plain.get("badput")
    if _happened(evicted) and evicted is not None:
        text = f"Evictions in a run: {evicted.value.mean:.3g} instead of {evicted.baseline.mean:.3g}"
        if lost is not None and not lost.is_idle:
            unit = "core-s"
            text += (
                f"; work lost {amount(lost.value.mean, unit)} instead of {amount(lost.baseline.mean, unit)}"
            )
        yield text + "."


def listed(names: Sequence[str]) -> str:
    """``large, medium and batch jobs``."""
    kind = " jobs"
    last = max((i for i, text in enumerate(names) if text.endswith(kind)), default=-1)
    short = [t.removesuffix(kind) if t.endswith(kind) and i != last else t for i, t in enumerate(names)]
    return short[0] if len(short) == 1 else f"{', '.join(short[:-1])} and {short[-1]}"


def users(found: Comparison, name: str) -> tuple[list[Difference], list[Difference]]:
    """Those users, at most five each, whose mean wait surely is shorter, and longer; the largest change first."""
    ranked = found.winners_and_losers(name)
    gainers = [d for d in ranked if d.finding == "better"]
    losers = [d for d in reversed(ranked) if d.finding == "worse"]
    return gainers[:MOST_USERS], losers[:MOST_USERS]


# -- what is open ---------------------------------------------------------------------------------------------


def open_questions(found: Comparison) -> str:
    """How many replications would probably settle what is not sure; empty when nothing of the mean waits is open."""
    needed: list[tuple[int, str]] = []
    basis = set()
    for name in found.names[1:]:
        unsure = [d for d in chief(found, name) if d.finding in ("undetected", "unknown")]
        for difference in unsure:
            basis.add(difference.basis)
            label = who(difference.key) if len(found.names) == 2 else f"{who(difference.key)} under {name}"
            needed.append((to_settle(difference, (1 - CONFIDENCE) / len(unsure)), label))
    if not needed:
        return ""
    if basis != {"replications"}:
        return (
            "Open: one run of each was compared, by batches of its jobs; more replications, or of a fixed trace a "
            "longer one, would say more."
        )
    reachable = sorted(item for item in needed if item[0] <= MOST_REPLICATIONS)
    beyond = [label for count, label in needed if count > MOST_REPLICATIONS]
    text = "Open: "
    if reachable:
        most, count = reachable[-1][0], len(reachable)
        which = "all" if count > 2 and not beyond else listed([label for _, label in reachable])
        text += f"--replications {most} would probably settle {which}"
        if reachable[0][0] < most and count > 1:
            text += f" ({reachable[0][1]}: {reachable[0][0]})"
        text += ", if the differences are what they look like now" + ("; " if beyond else ".")
    if beyond:
        text += f"{listed(beyond)}: practically no difference, or none that {MOST_REPLICATIONS} replications show."
    return text


def to_settle(found: Difference, alpha: float = 1 - CONFIDENCE) -> int:
    """The fewest replications that find a difference as large as the one seen, with power 0.8 at ``alpha``;
    ``MOST_REPLICATIONS + 1`` when those are not enough."""
    gap = found.paired.difference
    if gap.n < 2 or not isfinite(gap.half_width) or not gap.mean:
        return MOST_REPLICATIONS + 1
    spread = gap.half_width * sqrt(gap.n) / student_quantile(gap.confidence, gap.n - 1)
    low, high = gap.n, MOST_REPLICATIONS + 1
    while low < high:
        middle = (low + high) // 2
        if minimum_detectable_effect(spread, middle, alpha) <= abs(gap.mean):
            high = middle
        else:
            low = middle + 1
    return low


def _happened(found: Difference | None) -> bool:
    return found is not None and not found.is_idle and not _is_unknown(found)


def _is_unknown(found: Difference) -> bool:
    return not isfinite(found.paired.difference.mean)


def _equal(one: Difference, other: Difference) -> bool:
    return all(
        abs(a - b) <= 1e-6 * max(abs(a), abs(b), 1e-9)
        for a, b in ((one.baseline.mean, other.baseline.mean), (one.value.mean, other.value.mean))
    )
