"""Preemption without Kueue: who must make room for whom, and the queue that carries it out."""

from skahasim.policies.preemption.priority import PriorityPreemption

__all__ = ["PriorityPreemption"]
