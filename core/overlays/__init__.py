"""Every overlay, a number or a word on each node of a graph: a new one is one new file here.

base                what a file declares, and the task that computes one     combine    many rows as one    ranking    the top
numbers             numbers that something else measured, by node name       latency    the first that does: a task
sizes weights       what overlays share: bytes of tensors, weights of nodes
"""

from core.overlays.base import Overlay
from core.registry import Registry

OVERLAYS: Registry[Overlay] = Registry(Overlay, "core.overlays")
