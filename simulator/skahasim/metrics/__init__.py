"""Metrics and statistics of runs. ``docs/metrics.md`` has every formula."""

from skahasim.metrics.classes import CLASS_COLUMNS, DEFAULT_CLASSES, by_class
from skahasim.metrics.fairness import USER_COLUMNS, jain
from skahasim.metrics.jobs import CLASSES, TAU, measures
from skahasim.metrics.laws import Law, check_littles_law
from skahasim.metrics.names import JOB_METRICS, METRICS, Metric
from skahasim.metrics.statistics import Interval, Paired, paired, student
from skahasim.metrics.summary import NothingLeft, Summary, WarmUp, summarise, warm_up_of

__all__ = [
    "CLASSES",
    "CLASS_COLUMNS",
    "DEFAULT_CLASSES",
    "JOB_METRICS",
    "METRICS",
    "TAU",
    "USER_COLUMNS",
    "Interval",
    "Law",
    "Metric",
    "NothingLeft",
    "Paired",
    "Summary",
    "WarmUp",
    "by_class",
    "check_littles_law",
    "jain",
    "measures",
    "paired",
    "student",
    "summarise",
    "warm_up_of",
]
