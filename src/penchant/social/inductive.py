"""Vectors for members and items that training has not seen, from ties, texts and first events, with no training."""

from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from penchant.social.blocks import RELATIONS, own_normalised
from penchant.social.graph import Graph, averaged
from penchant.social.propagated import Propagated
from penchant.social.texts import TextVectors
from penchant.vectors import Floats, Rows


def extended(network: Propagated, graph: Graph, texts: TextVectors) -> Propagated:
    """A learned network over a graph that has moved on.

    Members and items known before keep their layers; each new one's are made layer by layer from its neighbours', as
    the network would have made them had it learned nothing of the new one's id. Tags are told apart by their names, and
    one that training has not seen says nothing.

    Args:
        network: as it was learned.
        graph: with all members and items known then as its first, and new ones after.
        texts: of all of them.
    """
    members, items = network.members.shape[1], network.items.shape[1]
    place = {name: row for row, name in enumerate(network.tag_names)}
    known_tags = np.array([place.get(name, -1) for name in graph.tag_names], dtype=np.int64)
    tags, tag_sums = _matched(network, known_tags)
    item_sums = _grown(network.item_sums, np.asarray(graph.events.sum(axis=0)).ravel())
    member_sums = _grown(network.member_sums, np.asarray(graph.events.sum(axis=1)).ravel())
    likes = own_normalised(graph.events[members:].tocsr(), item_sums)
    liked = own_normalised(graph.events.T.tocsr()[items:].tocsr(), member_sums)
    ties = averaged(graph.shown_ties[members:].tocsr())
    about = own_normalised(graph.tags[items:].tocsr(), tag_sums)
    stranger = np.full(graph.member_count - members, -1)
    strange = np.full(graph.item_count - items, -1)
    member_layers = [_widened(network.members[0], network.member_fusion.mixed(stranger, texts.said[members:]))]
    item_layers = [_widened(network.items[0], network.item_fusion.mixed(strange, texts.items[items:]))]
    depth_of = list(RELATIONS)
    for depth in range(network.layer_count):
        strength = {name: np.float32(network.strengths[depth, row]) for row, name in enumerate(depth_of)}
        own = strength["likes"] * (likes @ item_layers[depth]) + strength["ties"] * (ties @ member_layers[depth])
        new = strength["liked"] * (liked @ member_layers[depth]) + strength["about"] * (about @ tags[depth])
        last = depth + 1 == network.layer_count
        before = (own[:0], network.item_vectors[:0]) if last else (network.members[depth + 1], network.items[depth + 1])
        member_layers.append(_widened(before[0], own))
        item_layers.append(_widened(before[1], new))
    fresh = [layer[items:] if depth < network.layer_count else layer for depth, layer in enumerate(item_layers)]
    return replace(
        network,
        members=np.stack(member_layers[:-1]),
        items=np.stack(item_layers[:-1]),
        tags=tags,
        item_vectors=_widened(network.item_vectors, np.mean(fresh, axis=0)),
        item_sums=item_sums,
        member_sums=member_sums,
        tag_sums=tag_sums,
        tag_names=graph.tag_names,
    )


def _matched(network: Propagated, known: Rows) -> tuple[Floats, Floats]:
    """The tags' layers and sums in another order of tags; zeros for those of row -1."""
    if not len(network.tag_sums):
        return np.zeros((len(network.tags), len(known), network.tags.shape[2]), np.float32), np.zeros(
            len(known), np.float32
        )
    row, there = np.maximum(known, 0), known >= 0
    tags = np.where(there[None, :, None], network.tags[:, row], 0).astype(np.float32)
    return tags, np.where(there, network.tag_sums[row], 0).astype(np.float32)


def _widened(before: Floats, new: Floats | sp.csr_matrix) -> Floats:
    return np.concatenate([before, np.asarray(new, dtype=np.float32)]).astype(np.float32)


def _grown(before: Floats, now: Floats) -> Floats:
    """Sums as they were learned from, and those of what has come since."""
    return np.concatenate([before, now[len(before) :]]).astype(np.float32)
