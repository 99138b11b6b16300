"""Message ports whose ends are in different realms (https://html.spec.whatwg.org/#message-ports): who has which end.

A realm that sends one of its ports away opens a *channel* first. A channel has a number, which the realm makes up,
and two ends, 0 and 1, which are that realm's until it sends one of them along with a message. Messages from one end
go to the realm that has the other one now. The realms of an origin have channels of their own, and none can do
anything with an end that it does not have.

What is sent to an end that moves stays in order. While its new realm cannot take anything yet, a ``Transit`` has the
end. If messages were on the way to the old realm, that one bounces them, and the new one gets nothing until the old
one has said that there will be no more.
"""

import re
from collections import OrderedDict, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from swproxy.ipc.messages import PortEnd, Record

_NUMBER = re.compile("[0-9a-f-]{32,36}")
# Channels of an origin; then the one that was used the longest time ago is closed.
CHANNEL_LIMIT = 1 << 14
# Bytes that wait for a realm; then the channel is closed.
WAITING_LIMIT = 1 << 28


class PortHolder(Protocol):
    """A realm that can have ports: the process of a worker, or a page."""

    @property
    def origin(self) -> str:
        """Its channels are those of this origin."""

    def deliver_port_message(self, end: PortEnd, record: Record) -> bool:
        """A message for an end that it has, or had. False: it cannot take more; the channel is closed then."""

    def deliver_port_close(self, end: PortEnd) -> None:
        """The other end of the channel is closed. The holder forgets the end and says nothing."""

    def deliver_port_left(self, end: PortEnd) -> None:
        """It has sent this end on; no more will come for it. When it has bounced what came, it is ``drained``."""


class Transit:
    """Has ends on their way to a holder that cannot take anything yet, and what is delivered to them meanwhile."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.deliveries: list[tuple[PortEnd, Record | None]] = []  # None: closed
        self._size = 0

    def deliver_port_message(self, end: PortEnd, record: Record) -> bool:
        self._size += record.size
        if self._size > WAITING_LIMIT:
            return False
        self.deliveries.append((end, record))
        return True

    def deliver_port_close(self, end: PortEnd) -> None:
        self.deliveries.append((end, None))

    def deliver_port_left(self, end: PortEnd) -> None:
        raise AssertionError("a Transit sends nothing on")


@dataclass(eq=False, slots=True)
class _Place:
    """Where one end is: its holder, or None once it is closed.

    Attributes:
        is_used: the holder has got messages for it.
        leaver: the holder before, which may still bounce some.
        bounced: what it has.
        waiting: what came since.
    """

    holder: PortHolder | None = None
    is_used: bool = False
    leaver: PortHolder | None = None
    bounced: Transit | None = None
    waiting: Transit | None = None


_Channel = tuple[_Place, _Place]


class Ports:
    """The ends of all channels.

    A holder that says what is not true, or has not heard yet that a channel was closed, is not told: what it says has
    no effect, and the ports that it sends along are closed.
    """

    def __init__(self) -> None:
        # Origin -> number -> channel, the one that was used last at the end.
        self._channels: dict[str, OrderedDict[str, _Channel]] = {}
        self._held: defaultdict[PortHolder, set[PortEnd]] = defaultdict(set)
        self._left: defaultdict[PortHolder, set[PortEnd]] = defaultdict(set)

    def open(self, holder: PortHolder, number: str) -> None:
        """Makes a channel, both ends of which are the holder's."""
        if not _NUMBER.fullmatch(number) or self._place(holder.origin, (number, 0)) is not None:
            return
        channels = self._channels.setdefault(holder.origin, OrderedDict())
        channel = channels[number] = (_Place(), _Place())
        for side in (0, 1):
            self._give(channel[side], (number, side), holder)
        if len(channels) > CHANNEL_LIMIT:
            self._cut(holder.origin, next(iter(channels)))

    def depart(self, holder: PortHolder, ends: Iterable[PortEnd]) -> Transit:
        """Takes ends from a holder: it sends them along with a message. They have to ``arrive``, or be ``gone``."""
        transit = Transit(holder.origin)
        for end in ends:
            place = self._place_of(holder, end)
            if place is None:
                transit.deliver_port_close(end)
                continue
            was_used = place.is_used
            self._give(place, end, transit)
            if was_used:
                place.leaver = holder
                place.bounced, place.waiting = Transit(holder.origin), Transit(holder.origin)
                self._left[holder].add(end)
                holder.deliver_port_left(end)
        return transit

    def arrive(self, transit: Transit, holder: PortHolder) -> None:
        """Gives the holder what was on its way there. The message that the ends came with was delivered before."""
        if holder is transit:  # an end was sent to itself: nobody can reach it any more
            self.gone(transit)
            return
        for end in list(self._held.get(transit, ())):
            place = self._place(transit.origin, end)
            assert place is not None
            self._give(place, end, holder)
        for end, record in transit.deliveries:
            if record is None:
                holder.deliver_port_close(end)
                continue
            if (place := self._place_of(holder, end)) is not None:
                place.is_used = True
            if not holder.deliver_port_message(end, record):
                self._cut(transit.origin, end[0])

    def transferred(self, sender: PortHolder, receiver: PortHolder, ends: Iterable[PortEnd]) -> None:
        """The receiver has just been given a message of the sender, with these ends."""
        self.arrive(self.depart(sender, ends), receiver)

    def message(self, holder: PortHolder, end: PortEnd, record: Record) -> None:
        """The holder sends a message from its end to the other one."""
        transit = self.depart(holder, record.ports)
        if self._place_of(holder, end) is None:
            self.gone(transit)
            return
        channels = self._channels[holder.origin]
        channels.move_to_end(end[0])
        place = channels[end[0]][1 - end[1]]
        if place.waiting is None:
            place.is_used = True
        self._post(place.waiting or place.holder, _other(end), record, transit)

    def bounce(self, holder: PortHolder, end: PortEnd, record: Record) -> None:
        """A message came for an end that the holder had, and has sent on."""
        transit = self.depart(holder, record.ports)
        place = self._place(holder.origin, end)
        self._post(place.bounced if place is not None and place.leaver is holder else None, end, record, transit)

    def drained(self, holder: PortHolder, end: PortEnd) -> None:
        """The holder has bounced all that there was (see ``PortHolder.deliver_port_left``)."""
        place = self._place(holder.origin, end)
        if place is not None and place.leaver is holder:
            self._settle(place, end)

    def close(self, holder: PortHolder, end: PortEnd) -> None:
        """The holder closes its end; the other one hears of it after what was sent before."""
        place = self._place_of(holder, end)
        if place is None:
            return
        self._take(place, end)
        other = self._channels[holder.origin][end[0]][1 - end[1]]
        target = other.waiting or other.holder
        if target is not None:
            target.deliver_port_close(_other(end))
        self._forget_if_over(holder.origin, end[0])

    def gone(self, holder: PortHolder) -> None:
        """The holder has ended: its ends are closed."""
        for end in list(self._left.get(holder, ())):
            self.drained(holder, end)
        for end in list(self._held.get(holder, ())):
            self.close(holder, end)

    def _post(self, target: PortHolder | None, end: PortEnd, record: Record, transit: Transit) -> None:
        if target is not None and target.deliver_port_message(end, record):
            self.arrive(transit, target)
            return
        self.gone(transit)
        if target is not None:
            self._cut(target.origin, end[0])

    # Places

    def _channel(self, origin: str, number: str) -> _Channel | None:
        channels = self._channels.get(origin)
        return None if channels is None else channels.get(number)

    def _place(self, origin: str, end: PortEnd) -> _Place | None:
        number, side = end
        channel = self._channel(origin, number)
        return channel[side] if channel is not None and side in (0, 1) else None

    def _place_of(self, holder: PortHolder, end: PortEnd) -> _Place | None:
        """The place of an end, if the holder has it."""
        place = self._place(holder.origin, end)
        return place if place is not None and place.holder is holder else None

    def _give(self, place: _Place, end: PortEnd, holder: PortHolder) -> None:
        self._take(place, end)
        place.holder = holder
        place.is_used = False
        self._held[holder].add(end)

    def _take(self, place: _Place, end: PortEnd) -> None:
        if place.holder is not None:
            _discard(self._held, place.holder, end)
            place.holder = None

    def _settle(self, place: _Place, end: PortEnd) -> None:
        """All that was bounced is here."""
        assert place.leaver is not None
        origin = place.leaver.origin
        _discard(self._left, place.leaver, end)
        place.leaver = None
        transits = (place.bounced, place.waiting)
        place.bounced = place.waiting = None
        for transit in transits:
            assert transit is not None
            if place.holder is None:
                self.gone(transit)
            else:
                self.arrive(transit, place.holder)
        self._forget_if_over(origin, end[0])

    def _forget_if_over(self, origin: str, number: str) -> None:
        """A channel that has lost an end: as soon as nothing waits for what may still be bounced."""
        channel = self._channel(origin, number)
        if channel is None or any(place.leaver is not None for place in channel):
            return
        if all(place.holder is not None for place in channel):
            return
        for side in (0, 1):
            self._take(channel[side], (number, side))
        del self._channels[origin][number]
        if not self._channels[origin]:
            del self._channels[origin]

    def _cut(self, origin: str, number: str) -> None:
        """Closes both ends at once."""
        places = {(number, side): self._place(origin, (number, side)) for side in (0, 1)}
        for end, place in places.items():
            if place is not None and place.holder is not None:
                place.holder.deliver_port_close(end)
                self._take(place, end)
        for end, place in places.items():
            if place is not None and place.leaver is not None:
                self._settle(place, end)
        self._forget_if_over(origin, number)


def _other(end: PortEnd) -> PortEnd:
    return end[0], 1 - end[1]


def _discard(ends_of: dict[PortHolder, set[PortEnd]], holder: PortHolder, end: PortEnd) -> None:
    ends = ends_of.get(holder, set())
    ends.discard(end)
    if not ends:
        ends_of.pop(holder, None)
