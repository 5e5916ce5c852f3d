"""Last come, first served, but for jobs above a size: an ordering of one's own."""

from pydantic import Field

from skahasim.job import Job
from skahasim.policies import Offer, Ordering, Parameters


class YoungestParameters(Parameters):
    most_cores: float = Field(default=16, gt=0)
    """Larger jobs come last, in the order of submission."""


class YoungestFirst(Ordering):
    def __init__(self, most_cores: float) -> None:
        self.most_cores = most_cores

    def key(self, job: Job) -> float:
        return -job.submit_time if job.request.cores <= self.most_cores else 0.0


OFFER = Offer("ordering", lambda settings: YoungestFirst(settings.parameters.most_cores), YoungestParameters)
