"""Numbers that something else found out about a variant's nodes, ready to be laid over its graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.overlays.base import Combine, Good, Values

if TYPE_CHECKING:
    from core.model.index import GraphIndex


@dataclass(frozen=True)
class Numbers:
    """Latency, error, sensitivity, build status: `by_name` has a number for each node that something is known of.

    Nodes are called as `core.model.index` names them. `source` says where the numbers come from, for people. With
    `names` it is a category, and the numbers are places in `names` (`build status`: built, fell back, refused).
    `Session.add_numbers` keeps them with a variant; a newer one with the same `id` takes the older one's place.
    """

    id: str
    title: str
    unit: str
    by_name: Mapping[str, float]
    source: str
    good: Good = "low"
    combine: Combine = "sum"
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def on(self, index: GraphIndex) -> Values:
        """The same by row of `index`; numbers of nodes that it does not have are told in a note."""
        import numpy as np

        missing = np.nan
        found = np.fromiter((self.by_name.get(name, missing) for name in index.names), np.float64, len(index))
        lost = len(self.by_name) - int(np.count_nonzero(~np.isnan(found)))
        notes = self.notes
        if lost > 0:
            notes = (*notes, f"{lost} of {len(self.by_name)} numbers are of nodes that this graph does not have.")
        return Values(values=found, names=self.names, notes=notes)
