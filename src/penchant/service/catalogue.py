"""Changes of items: on disk first, then in every build that answers."""

from collections.abc import Sequence

import polars as pl

from penchant.data.store import Store
from penchant.errors import UnknownIdError
from penchant.service.builds import Builds
from penchant.service.live import Live


def put(store: Store, builds: Builds, items: pl.DataFrame) -> None:
    """Add items, or change those that are there; the next answer knows them.

    Raises:
        InputError: an item has no title, or a value that no database can keep.
        StorageError: the store is out of reach; nothing has changed then.
    """
    store.upsert_items(items)
    whole = store.items(items["item_id"].to_list())
    for loaded in builds.loaded():
        loaded.put_items(whole)


def delete(store: Store, builds: Builds, live: Live, item_ids: Sequence[str]) -> int:
    """Take items away, with what was done with them.

    Raises:
        UnknownIdError: none of them was there.
    """
    gone = store.delete_items(item_ids)
    if not gone:
        raise UnknownIdError(f"no item has the id {item_ids[0]!r}; nothing was deleted")
    for loaded in builds.loaded():
        loaded.remove_items(item_ids)
    for item in item_ids:
        live.drop_item(item)
    return gone
