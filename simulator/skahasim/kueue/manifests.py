"""Kueue's objects out of production YAML, and back.

What ``kubectl get clusterqueues,cohorts,localqueues,resourceflavors,workloadpriorityclasses -o yaml`` prints, and the
files it is applied from, are read as they are: several documents a file, ``List`` objects, ``v1beta1`` and
``v1beta2``, with the defaults the API server sets. Other kinds are passed over, with a note.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

from skahasim.kueue import schema
from skahasim.kueue.affinity import Taint, Toleration
from skahasim.kueue.export import dump as dump
from skahasim.kueue.objects import (
    BorrowWithinCohort,
    ClusterQueue,
    Cohort,
    FlavorFungibility,
    FlavorQuotas,
    FungibilityPolicy,
    FungibilityPreference,
    LocalQueue,
    Preemption,
    PreemptionPolicy,
    QueueingStrategy,
    Quota,
    ResourceFlavor,
    ResourceGroup,
    StopPolicy,
    WorkloadPriorityClass,
)
from skahasim.kueue.quantity import amount
from skahasim.yamlfile import (
    ConfigurationError,
    Document,
    KeyPath,
    Problem,
    parse,
    read_text,
    validate,
)

_DOCUMENT = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_FIRST_WORDS = MappingProxyType({"Borrow": "MayStopSearch", "Preempt": "MayStopSearch"})


@dataclass(frozen=True, slots=True)
class Configuration:
    """All objects of a Kueue installation that decide who is admitted, in the order they were written."""

    cluster_queues: tuple[ClusterQueue, ...] = ()
    cohorts: tuple[Cohort, ...] = ()
    flavors: tuple[ResourceFlavor, ...] = ()
    local_queues: tuple[LocalQueue, ...] = ()
    priority_classes: tuple[WorkloadPriorityClass, ...] = ()
    notes: tuple[str, ...] = ()
    """What was passed over, as ``file:line: what``."""


Identity: TypeAlias = tuple[str, str, str]
"""Kind, namespace, name."""


@dataclass(frozen=True, slots=True)
class _Found:
    """One object, and where it was written."""

    identity: Identity
    manifest: Any
    document: Document

    def problem(self, key: KeyPath, message: str) -> Problem:
        return Problem(self.document.origin(key), key, message)


def load_manifests(paths: Iterable[Path]) -> Configuration:
    """The objects in the files at ``paths``.

    :raises ConfigurationError: with everything that is wrong in any of them, each with file, line and key. Wrong
        is what the API server or Kueue's webhooks refuse, and what leaves a queue inactive for ever: a quota for
        an unknown flavor, a LocalQueue of no ClusterQueue, a cohort that is its own ancestor.
    """
    documents: list[Document] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            documents += _documents(read_text(path), str(path))
        except ConfigurationError as error:
            problems += error.problems
    return _configuration(documents, problems)


def parse_manifests(text: str, name: str = "manifests") -> Configuration:
    """The objects written in ``text``; messages call it ``name``. Raises as :func:`load_manifests` does."""
    return _configuration(list(_documents(text, name)), [])


def _documents(text: str, name: str) -> Iterator[Document]:
    starts = [0, *(found.start() for found in _DOCUMENT.finditer(text)), len(text)]
    for start, end in pairwise(starts):
        # The lines before it keep their number.
        document = parse("\n" * text.count("\n", 0, start) + text[start:end], name)
        if isinstance(document.data, dict) and document.data.get("kind") == "List":
            items = document.data.get("items")
            for index, item in enumerate(items if isinstance(items, list) else []):
                yield _below(document, ("items", index), item)
        elif document.data != {}:
            yield document


def _below(document: Document, above: KeyPath, data: Any) -> Document:
    depth = len(above)
    origins = {key[depth:]: origin for key, origin in document.origins.items() if key[:depth] == above}
    return Document(document.name, data, origins)


def _configuration(documents: list[Document], problems: list[Problem]) -> Configuration:
    found: dict[Identity, _Found] = {}
    notes: list[str] = []
    for document in documents:
        try:
            one = _read(document, notes)
        except ConfigurationError as error:
            problems += error.problems
            continue
        if one is None:
            continue
        if one.identity in found:
            first = found[one.identity].document.origin(("metadata", "name"))
            kind, _, name = one.identity
            problems.append(
                one.problem(("metadata", "name"), f"a second {kind} {name!r}; the first is at {first}")
            )
            continue
        found[one.identity] = one
    objects = list(found.values())
    if not problems:
        problems += _conflicts(objects)
    if problems:
        raise ConfigurationError(sorted(problems, key=lambda p: (p.origin.name, p.origin.line or 0)))
    return Configuration(
        tuple(_cluster_queue(one.manifest) for one in objects if one.identity[0] == "ClusterQueue"),
        tuple(_cohort(one.manifest) for one in objects if one.identity[0] == "Cohort"),
        tuple(_flavor(one.manifest) for one in objects if one.identity[0] == "ResourceFlavor"),
        tuple(_local_queue(one.manifest) for one in objects if one.identity[0] == "LocalQueue"),
        tuple(_priority_class(one.manifest) for one in objects if one.identity[0] == "WorkloadPriorityClass"),
        tuple(notes),
    )


def _read(document: Document, notes: list[str]) -> _Found | None:
    """The object in ``document``; ``None`` and a note for a kind that decides nothing here."""
    kind, version = (_text(document, key) for key in ("kind", "apiVersion"))
    group, _, short = version.rpartition("/")
    if kind not in schema.MANIFESTS:
        notes.append(f"{document.origin(('kind',))}: {kind} is passed over")
        return None
    versions = schema.MANIFESTS[kind]
    if group != schema.GROUP or short not in versions:
        known = ", ".join(f"{schema.GROUP}/{known}" for known in versions)
        message = f"unknown apiVersion {version!r} of {kind}; known: {known}"
        raise ConfigurationError([Problem(document.origin(("apiVersion",)), ("apiVersion",), message)])
    manifest = validate(versions[short], document)
    namespace = (manifest.metadata.namespace or "default") if kind == "LocalQueue" else ""
    return _Found((kind, namespace, manifest.metadata.name), manifest, document)


def _text(document: Document, key: str) -> str:
    data = document.data
    if not isinstance(data, dict):
        raise ConfigurationError([Problem(document.origin(()), (), "should be a Kubernetes object")])
    if not isinstance(data.get(key), str):
        raise ConfigurationError([Problem(document.origin((key,)), (key,), "missing, or not text")])
    return str(data[key])


# -- what does not go together -------------------------------------------------------------------------


def _conflicts(objects: list[_Found]) -> list[Problem]:
    names: dict[str, set[str]] = {}
    for kind, _, name in (one.identity for one in objects):
        names.setdefault(kind, set()).add(name)
    problems: list[Problem] = []
    for one in objects:
        kind = one.identity[0]
        spec: Any = getattr(one.manifest, "spec", None)
        if kind == "ClusterQueue":
            problems += _quota_conflicts(one, names.get("ResourceFlavor", set()), bool(_cohort_of(spec)))
            preemption = spec.preemption
            if preemption.reclaim_within_cohort == "Never" != preemption.borrow_within_cohort.policy:
                key = ("spec", "preemption", "borrowWithinCohort", "policy")
                problems.append(one.problem(key, "needs a reclaimWithinCohort other than Never"))
        elif kind == "Cohort":
            problems += _quota_conflicts(one, names.get("ResourceFlavor", set()), bool(_parent_of(spec)))
        elif kind == "LocalQueue" and spec.cluster_queue not in names.get("ClusterQueue", set()):
            known = ", ".join(sorted(names.get("ClusterQueue", set()))) or "none"
            message = f"there is no ClusterQueue {spec.cluster_queue!r}; known: {known}"
            problems.append(one.problem(("spec", "clusterQueue"), message))
    return problems + list(_cycles([one for one in objects if one.identity[0] == "Cohort"]))


def _quota_conflicts(one: _Found, flavors: set[str], has_parent: bool) -> Iterator[Problem]:
    """What is wrong with the resource groups of a ClusterQueue or Cohort."""
    resources_seen: set[str] = set()
    flavors_seen: set[str] = set()
    for g, group in enumerate(one.manifest.spec.resource_groups):
        at: KeyPath = ("spec", "resourceGroups", g)
        for r, resource in enumerate(group.covered_resources):
            if resource in resources_seen:
                yield one.problem(
                    (*at, "coveredResources", r), f"{resource} is covered already; once is all it may be"
                )
            resources_seen.add(resource)
        for f, flavor in enumerate(group.flavors):
            here = (*at, "flavors", f)
            if flavor.name in flavors_seen:
                yield one.problem((*here, "name"), f"flavor {flavor.name!r} has its quotas already")
            flavors_seen.add(flavor.name)
            if flavor.name not in flavors:
                known = ", ".join(sorted(flavors)) or "none"
                yield one.problem(
                    (*here, "name"), f"there is no ResourceFlavor {flavor.name!r}; known: {known}"
                )
            listed = tuple(resource.name for resource in flavor.resources)
            if listed != group.covered_resources:
                covered = ", ".join(group.covered_resources)
                yield one.problem(
                    (*here, "resources"), f"must list the covered resources, in their order: {covered}"
                )
            for r, resource in enumerate(flavor.resources):
                yield from _limit_conflicts(one, (*here, "resources", r), resource, has_parent)


def _limit_conflicts(
    one: _Found, at: KeyPath, resource: schema.ResourceQuota, has_parent: bool
) -> Iterator[Problem]:
    if not has_parent:
        limits = (("borrowingLimit", resource.borrowing_limit), ("lendingLimit", resource.lending_limit))
        for key, limit in limits:
            if limit is not None:
                yield one.problem((*at, key), "there is no cohort to borrow from or to lend to")
    elif resource.lending_limit is not None and resource.lending_limit > resource.nominal_quota:
        yield one.problem((*at, "lendingLimit"), "is more than nominalQuota")


def _cycles(cohorts: list[_Found]) -> Iterator[Problem]:
    """Each cohort on a circle of parents, told once for the circle."""
    parents = {one.identity[2]: _parent_of(one.manifest.spec) for one in cohorts}
    by_name = {one.identity[2]: one for one in cohorts}
    told: set[str] = set()
    for start in parents:
        path = [start]
        while (above := parents.get(path[-1], "")) and above not in path:
            path.append(above)
        if not above or start != above or start in told:
            continue
        told.update(path)
        one = by_name[start]
        key = ("spec", "parent" if isinstance(one.manifest, schema.CohortV1Alpha1) else "parentName")
        yield one.problem(key, f"the cohort is its own ancestor: {' -> '.join([*path, start])}")


# -- to objects ----------------------------------------------------------------------------------------


def _cohort_of(spec: Any) -> str:
    return str(spec.cohort if isinstance(spec, schema.ClusterQueueSpecV1Beta1) else spec.cohort_name)


def _parent_of(spec: Any) -> str:
    return str(spec.parent if isinstance(spec, schema.CohortSpecV1Alpha1) else spec.parent_name)


def _units(resource: str, limit: Fraction | None) -> int | None:
    return None if limit is None else amount(resource, limit)


def _groups(groups: Iterable[schema.ResourceGroup]) -> tuple[ResourceGroup, ...]:
    return tuple(
        ResourceGroup(
            group.covered_resources,
            tuple(
                FlavorQuotas(
                    flavor.name,
                    {
                        r.name: Quota(
                            amount(r.name, r.nominal_quota),
                            _units(r.name, r.borrowing_limit),
                            _units(r.name, r.lending_limit),
                        )
                        for r in flavor.resources
                    },
                )
                for flavor in group.flavors
            ),
        )
        for group in groups
    )


def _cluster_queue(manifest: Any) -> ClusterQueue:
    spec = manifest.spec
    borrow = spec.preemption.borrow_within_cohort
    fungibility = spec.flavor_fungibility
    return ClusterQueue(
        name=manifest.metadata.name,
        resource_groups=_groups(spec.resource_groups),
        cohort=_cohort_of(spec),
        queueing_strategy=QueueingStrategy(spec.queueing_strategy),
        preemption=Preemption(
            PreemptionPolicy(spec.preemption.within_cluster_queue),
            PreemptionPolicy(spec.preemption.reclaim_within_cohort),
            None
            if borrow.policy == "Never"
            else BorrowWithinCohort(PreemptionPolicy(borrow.policy), borrow.max_priority_threshold),
        ),
        flavor_fungibility=FlavorFungibility(
            FungibilityPolicy(_FIRST_WORDS.get(fungibility.when_can_borrow, fungibility.when_can_borrow)),
            FungibilityPolicy(_FIRST_WORDS.get(fungibility.when_can_preempt, fungibility.when_can_preempt)),
            FungibilityPreference(fungibility.preference),
        ),
        fair_weight=float(spec.fair_sharing.weight),
        stop_policy=StopPolicy(spec.stop_policy),
        namespace_selector=spec.namespace_selector,
    )


def _cohort(manifest: Any) -> Cohort:
    spec = manifest.spec
    return Cohort(
        manifest.metadata.name,
        _parent_of(spec),
        _groups(spec.resource_groups),
        float(spec.fair_sharing.weight),
    )


def _flavor(manifest: Any) -> ResourceFlavor:
    spec = manifest.spec
    return ResourceFlavor(
        manifest.metadata.name,
        dict(spec.node_labels),
        tuple(Taint(taint.key, taint.value, taint.effect) for taint in spec.node_taints),
        tuple(Toleration(t.key, t.operator, t.value, t.effect) for t in spec.tolerations),
    )


def _local_queue(manifest: Any) -> LocalQueue:
    return LocalQueue(
        manifest.metadata.name,
        manifest.spec.cluster_queue,
        manifest.metadata.namespace or "default",
        StopPolicy(manifest.spec.stop_policy),
    )


def _priority_class(manifest: Any) -> WorkloadPriorityClass:
    return WorkloadPriorityClass(manifest.metadata.name, manifest.value, manifest.description)
