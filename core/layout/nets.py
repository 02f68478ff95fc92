"""The graph that is really arranged: boxes, tags of far-reaching tensors, and one shared chain for each tensor.

A tensor read by several nodes is one hyperedge. It gets one stand-in in every row between its producer and its last
consumer; consumers branch off from there. Tensors with many far consumers leave the graph through tags; so do the longest
links of a graph that is nested so deep that stand-ins would be many times more than boxes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

#: A tensor with more consumers than this, one of them farther than `FAR` rows and a quarter of all rows, gets tags.
MANY, FAR = 16, 24
#: A consumer of such a tensor that is this near keeps its line.
NEAR = 6
#: So many consumers of a tensor in one row get a chain each, where that row is no farther than `SOON` from the producer: spread
#: out at the top the lines run down beside what they feed, instead of across all that stands between.
FANNED, SOON = 3, 8
#: At most so many stand-ins, and so many more for each box: nested skips need a number that grows with the square of theirs.
SOME, EACH = 40_000, 10


@dataclass(frozen=True)
class Nets:
    """Vertices (v of them): boxes 0..n, then tags, then stand-ins, chain after chain.

    `rank` int64 (v); `key` float64 (v), the program order to start from. Links join the (net, consumer) pairs:
    `net_src` int64 vertex of each net, `net_tensor` the tensor; `first` int64, the net's first stand-in, `count` how
    many it has. Branches (the last hop of each distinct (net, consumer)): `branch_net`, `branch_dst`, `branch_span`.
    `edge_branch` int64 (m): the branch that an edge of the index ends with. `hop_src`, `hop_dst`: all links between
    neighbouring rows. Tags: `tag_node`, `tag_tensor`, `tag_out`, `tag_count`.
    """

    n: int
    tags: int
    rank: np.ndarray
    key: np.ndarray
    net_src: np.ndarray
    net_tensor: np.ndarray
    first: np.ndarray
    count: np.ndarray
    owner: np.ndarray
    branch_net: np.ndarray
    branch_dst: np.ndarray
    branch_span: np.ndarray
    edge_branch: np.ndarray
    ported: np.ndarray
    hop_src: np.ndarray
    hop_dst: np.ndarray
    tag_node: np.ndarray
    tag_tensor: np.ndarray
    tag_out: np.ndarray
    tag_count: np.ndarray

    @property
    def real(self) -> int:
        """Boxes and tags; vertices from here on are stand-ins."""
        return self.n + self.tags


def weave(rank: np.ndarray, src: np.ndarray, dst: np.ndarray, tensor: np.ndarray, tagged: np.ndarray | None = None) -> Nets:
    """Make tags and chains for a ranked graph; `rank` int64 (n), edges int (m) each, ids of tensors from 0.

    Edges that are `tagged` (bool (m)) go through tags in any case, unless they are too short for two.
    """
    import numpy as np

    n, m = len(rank), len(src)
    src, dst, tensor = src.astype(np.int64), dst.astype(np.int64), tensor.astype(np.int64)
    ported = _far(rank, src, dst, tensor)
    if tagged is not None:
        ported |= tagged & (rank[dst] - rank[src] > NEAR)

    # Tags: one for each (tensor, consumer) and one for each producer that has any.
    pairs, pair_of = np.unique(tensor[ported] * max(1, n) + dst[ported], return_inverse=True)
    in_tensor, in_node = pairs // max(1, n), pairs % max(1, n)
    out_tensor, out_at = np.unique(in_tensor, return_index=True)
    out_count = np.diff(np.append(out_at, len(in_tensor)))
    producer = np.zeros(int(tensor.max()) + 1 if m else 0, np.int64)
    producer[tensor] = src
    out_node = producer[out_tensor]
    ins, outs = len(in_node), len(out_node)
    tags = ins + outs
    tag_node = np.concatenate((in_node, out_node))
    tag_out = np.arange(tags) >= ins
    tag_rank = rank[tag_node] + np.where(tag_out, 1, -1)

    # Nets: a tensor's near part starts at its producer; each tag above a consumer, and each below a producer, is one too.
    near = ~ported
    groups, near_net = np.unique(tensor[near] * (n + 1) + _own(rank, src, dst, tensor)[near], return_inverse=True)
    near_tensor = groups // (n + 1)
    net_src = np.concatenate((producer[near_tensor], n + np.arange(ins), out_node))
    net_tensor = np.concatenate((near_tensor, in_tensor, out_tensor))
    near_nets = len(near_tensor)
    end_net, end_dst = np.empty(m, np.int64), dst
    end_net[near] = near_net
    end_net[ported] = near_nets + pair_of
    link_net = np.concatenate((end_net, near_nets + ins + np.arange(outs)))
    link_dst = np.concatenate((end_dst, n + ins + np.arange(outs)))
    real = n + tags
    level = np.concatenate((rank, tag_rank))
    branches, branch_of = np.unique(link_net * max(1, real) + link_dst, return_inverse=True)
    branch_net, branch_dst = branches // max(1, real), branches % max(1, real)
    branch_span = level[branch_dst] - level[net_src[branch_net]]

    # Chains.
    longest = np.ones(len(net_src), np.int64)
    np.maximum.at(longest, branch_net, branch_span)
    count = longest - 1
    first = real + np.cumsum(count) - count
    owner = np.repeat(np.arange(len(net_src)), count)
    step = np.arange(len(owner)) - (first - real)[owner]
    full_rank = np.concatenate((level, level[net_src[owner]] + 1 + step))
    own_key = np.arange(n, dtype=np.float64)
    # What reads nothing stands in the program where it is read first: graph inputs are listed before everything else.
    reader = np.full(n, n)
    np.minimum.at(reader, src, dst)
    fed = np.bincount(dst, minlength=n) > 0
    own_key = np.where(fed | (reader == n), own_key, reader - 0.5)
    tag_key = own_key[tag_node] + np.where(tag_out, 0.25, -0.25)
    real_key = np.concatenate((own_key, tag_key))
    key = np.concatenate((real_key, real_key[net_src[owner]] - 0.5))

    last = np.where(branch_span == 1, net_src[branch_net], first[branch_net] + branch_span - 2)
    chained = np.flatnonzero(count > 0)
    inner = np.flatnonzero(step + 1 < count[owner])
    return Nets(
        n=n,
        tags=tags,
        rank=full_rank,
        key=key,
        net_src=net_src,
        net_tensor=net_tensor,
        first=first,
        count=count,
        owner=owner,
        branch_net=branch_net,
        branch_dst=branch_dst,
        branch_span=branch_span,
        edge_branch=branch_of[:m],
        ported=ported,
        hop_src=np.concatenate((last, net_src[chained], real + inner)),
        hop_dst=np.concatenate((branch_dst, first[chained], real + inner + 1)),
        tag_node=tag_node,
        tag_tensor=np.concatenate((in_tensor, out_tensor)),
        tag_out=tag_out,
        tag_count=np.concatenate((np.ones(ins, np.int64), out_count)),
    )


def _own(rank: np.ndarray, src: np.ndarray, dst: np.ndarray, tensor: np.ndarray) -> np.ndarray:
    """The consumer + 1 of edges that get a chain of their own, 0 for those that share the tensor's: int64 (m)."""
    import numpy as np

    if not len(src):
        return np.zeros(0, np.int64)
    span = rank[dst] - rank[src]
    edge = np.flatnonzero((span > 1) & (span <= SOON))
    _, group, count = np.unique(tensor[edge] * (int(rank.max()) + 1) + rank[dst[edge]], return_inverse=True, return_counts=True)
    fanned = edge[count[group] >= FANNED]
    result = np.zeros(len(src), np.int64)
    result[fanned] = dst[fanned] + 1
    return result


def _far(rank: np.ndarray, src: np.ndarray, dst: np.ndarray, tensor: np.ndarray) -> np.ndarray:
    """Which edges go through tags: bool (m)."""
    import numpy as np

    if not len(src):
        return np.zeros(0, bool)
    span = rank[dst] - rank[src]
    consumers = np.bincount(tensor)
    longest = np.zeros(len(consumers), np.int64)
    np.maximum.at(longest, tensor, span)
    wide = (consumers > MANY) & (longest > max(FAR, int(rank.max()) // 4))
    far = wide[tensor] & (span > NEAR)
    return np.asarray(far | (span > _limit(tensor[~far], span[~far], SOME + EACH * len(rank))))


def _limit(tensor: np.ndarray, span: np.ndarray, most: int) -> int:
    """The longest span that links may have so that they need at most `most` stand-ins (`NEAR` at the least)."""
    import numpy as np

    def needed(limit: int) -> int:
        longest = np.ones(int(tensor.max()) + 1, np.int64)
        short = span <= limit
        np.maximum.at(longest, tensor[short], span[short])
        return int((longest - 1).sum())

    low, high = NEAR, int(span.max(initial=NEAR))
    if not len(span) or needed(high) <= most:
        return high
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if needed(middle) <= most else (low, middle - 1)
    return low
