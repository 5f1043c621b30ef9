"""The persistent cache. From the ground up:

    trust                       may a path hold a shelf, and may what lies there be believed?
    leaves, maps                one large buffer, hashed and written, and mapped back
    rows                        what is in the index: schema, queries, changes
    index, buffers, pickling    the SQLite file, the files beside it, objects taken apart
    opening, staging, packing   how a shelf is opened, and how one store is prepared
    store                       index and files changed together
    verifying                   what isn't what was written, found and removed
    views                       items and values that can be read
    object_shelf                what users see

Loaded on first use: it needs sqlite3, shelve and pickle.
"""

from linepipe_core.shelf.object_shelf import ObjectInfo, ObjectShelf, Stored, Unpicklable

__all__ = ["ObjectInfo", "ObjectShelf", "Stored", "Unpicklable"]
