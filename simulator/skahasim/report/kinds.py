"""The figures there are, and what is said below each."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from skahasim.report.figures import differences, evictions, gantt, hours, load, slowdown, users, waits
from skahasim.report.material import Material


class Kind(NamedTuple):
    """One figure of a report, its data in ``data/<name>.csv``."""

    name: str
    title: str
    table: Callable[[Material], pd.DataFrame]
    """What is drawn, tidy."""
    draw: Callable[[Material, pd.DataFrame], Figure]
    caption: str
    """How to read it."""
    nothing: str
    """Instead of the figure, when its table is empty."""


KINDS = (
    Kind(
        "differences",
        "Each policy against the first",
        differences.table,
        differences.draw,
        "Dots: how much more (right) or less (left) than the baseline, in per cent of the baseline's mean. Bars: 95 % "
        "confidence interval of the paired difference; an arrow says that it goes on beyond the edge. A filled dot "
        "is a difference that is sure (p below 5 % after Holm's correction for everything judged here; without a "
        "bar: of this one workload), a hollow one may be chance. What is zero in the baseline has no percentage and "
        "stands only in the table.",
        "There is nothing to compare: one scenario, or scenarios with different jobs.",
    ),
    Kind(
        "users",
        "Who gains, who loses",
        users.table,
        users.draw,
        "Change of each user's mean wait: the users who gain most above, those who lose most below, with the number of "
        "their jobs (in one replication) in brackets. Bars: 95 % confidence interval. Filled: sure after correction "
        "for the number of users; hollow: may be chance, as it mostly is for users with few jobs.",
        "No two policies to compare users between.",
    ),
    Kind(
        "waits",
        "How long jobs wait",
        waits.table,
        waits.draw,
        "Read upwards from a wait: that share of the jobs submitted had started by then. A curve further up and to the "
        "left is better. It begins, at the dot, with the share that started at once (within a second). "
        "Jobs that never started keep a curve below 100 %.",
        "No jobs, so no waits.",
    ),
    Kind(
        "load",
        "The cluster over time",
        load.table,
        load.draw,
        "Averages over equal intervals in the first replication. Jobs wait although cores are free when these are "
        "scattered over nodes, their nodes short of memory, or held back by a quota. The shaded warm-up is in no "
        "number of this report. The end is left out, when everything has started and only long sessions run on.",
        "No time passed.",
    ),
    Kind(
        "slowdown",
        "How much longer than their work jobs took",
        slowdown.table,
        slowdown.draw,
        "Bounded slowdown: time from submission to end over run time (at least 10 s); 1 is no wait at all, 2 as long a "
        "wait as work. Boxes: the middle half of the jobs, with the median as a bar; whiskers: from 5 to 95 % of the "
        "jobs; diamonds: the mean, which a few very long waits pull up.",
        "No job ended, so there is no slowdown.",
    ),
    Kind(
        "hours",
        "When it is best to submit",
        hours.table,
        hours.draw,
        "Mean wait of the jobs submitted in each hour of the day. Dark is long; the shades are logarithmic. An empty "
        "cell had no job.",
        "No jobs, so no waits.",
    ),
    Kind(
        "gantt",
        "Which job ran where",
        gantt.table,
        gantt.draw,
        "Some nodes around the time of the longest queue, first replication. Each rectangle is a job: as long as it "
        "ran, as high as the cores it asked for. Which cores of a node a job has is not modelled; it is drawn on the "
        "lowest that are free. Of evicted jobs the last run is shown.",
        "No job ran on a node.",
    ),
    Kind(
        "evictions",
        "Evictions and preemptions",
        evictions.table,
        evictions.draw,
        "How often jobs were put off their nodes, in the first replication: preempted, to make room for "
        "others, or evicted because a node ran out of memory, failed or was drained.",
        "Nothing was evicted or preempted.",
    ),
)
