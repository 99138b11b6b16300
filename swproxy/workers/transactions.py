"""When the transactions of a database may start (https://w3c.github.io/IndexedDB/#transaction-scheduling)."""

import itertools
from bisect import bisect_left, insort
from collections.abc import Iterable


class Transaction:
    """A transaction that is not finished. Those that are made later come later.

    Args:
        scope: the numbers of its object stores.
        is_writer: whether it is a read-write one.
    """

    __slots__ = ("batches", "is_writer", "order", "scope", "waits_for")

    _orders = itertools.count()

    def __init__(self, scope: Iterable[int], *, is_writer: bool) -> None:
        self.scope = frozenset(scope)
        self.is_writer = is_writer
        self.order = next(self._orders)
        self.batches: dict[int, _Batch] = {}  # store -> where it stands in the store's queue
        self.waits_for = 0  # so many stores

    def start(self) -> None:
        """Called when it may start."""


class _Batch:
    """A part of the queue of a store: read-only transactions, which need not wait for each other, or a writer."""

    __slots__ = ("after", "before", "is_writer", "members")

    def __init__(self, before: "_Batch | None", *, is_writer: bool) -> None:
        self.before = before
        self.after: _Batch | None = None
        self.is_writer = is_writer
        self.members: set[Transaction] = set()
        if before is not None:
            before.after = self


class TransactionSchedule:
    """The transactions of a database. What it costs to add or remove one does not depend on how many wait.

    Each store has a queue of batches, whose first may use it. Of the writers that need no store any more only one
    has started: SQLite has one writer.
    """

    def __init__(self) -> None:
        self._last: dict[int, _Batch] = {}  # store -> the end of its queue
        self._writer: Transaction | None = None  # has started
        self._ready: list[Transaction] = []  # writers that wait for that one alone, the first to go at the end

    def add(self, transaction: Transaction) -> None:
        """Starts it as soon as it may start, perhaps at once."""
        for store in transaction.scope:
            batch = self._last.get(store)
            if batch is None or batch.is_writer or transaction.is_writer:
                batch = self._last[store] = _Batch(batch, is_writer=transaction.is_writer)
            batch.members.add(transaction)
            transaction.batches[store] = batch
            transaction.waits_for += batch.before is not None
        if not transaction.waits_for:
            self._go_on([transaction])

    def remove(self, transaction: Transaction) -> None:
        """It is finished, or was given up: starts those that have waited for it."""
        freed: list[Transaction] = []
        for store, batch in transaction.batches.items():
            batch.members.remove(transaction)
            if not batch.members:
                freed += self._unlink(store, batch)
        if transaction is self._writer:
            self._writer = None
        elif transaction.is_writer and not transaction.waits_for:
            del self._ready[bisect_left(self._ready, -transaction.order, key=_latest_first)]
        self._go_on(freed)

    def _go_on(self, freed: list[Transaction]) -> None:
        for transaction in sorted(freed, key=lambda freed: freed.order):
            if transaction.is_writer:
                insort(self._ready, transaction, key=_latest_first)
            else:
                transaction.start()
        if self._writer is None and self._ready:
            self._writer = self._ready.pop()
            self._writer.start()

    def _unlink(self, store: int, batch: _Batch) -> list[Transaction]:
        """Takes an empty batch out of the queue: those that wait for nothing any more."""
        before, after = batch.before, batch.after
        if after is None:
            self._set_last(store, before)
        else:
            after.before = before
        if before is not None:
            before.after = after
        if after is None:
            return []
        if before is None:
            return _admit(after)
        if before.is_writer or after.is_writer:
            return []
        return self._merge(store, before, after)

    def _merge(self, store: int, before: _Batch, after: _Batch) -> list[Transaction]:
        """Makes one batch of two whose writer between them was given up."""
        freed = _admit(after) if before.before is None else []
        small, large = sorted((before, after), key=lambda batch: len(batch.members))
        for transaction in small.members:
            transaction.batches[store] = large
        large.members |= small.members
        large.before, large.after = before.before, after.after
        if large.before is not None:
            large.before.after = large
        if large.after is not None:
            large.after.before = large
        else:
            self._set_last(store, large)
        return freed

    def _set_last(self, store: int, batch: _Batch | None) -> None:
        if batch is None:
            del self._last[store]
        else:
            self._last[store] = batch


def _admit(batch: _Batch) -> list[Transaction]:
    """The store of the batch is free for it: those of its transactions that wait for nothing any more."""
    for transaction in batch.members:
        transaction.waits_for -= 1
    return [transaction for transaction in batch.members if not transaction.waits_for]


def _latest_first(transaction: Transaction) -> int:
    return -transaction.order
