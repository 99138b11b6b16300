"""What navigation preloads bring to the fetch events that they are of."""

from typing import TYPE_CHECKING, Any

from swproxy.errors import AbortError, NetworkError
from swproxy.ipc import messages
from swproxy.realm.engine import Pending

if TYPE_CHECKING:
    from swproxy.realm.realm import Realm


class NavigationPreloads:
    """Those that no script has the response of yet, by the numbers of their events."""

    def __init__(self, realm: "Realm") -> None:
        self._realm = realm
        self._urls: dict[int, str] = {}
        self._asked: dict[int, Pending] = {}
        self._answers: dict[int, messages.PreloadAnswer] = {}

    def expect(self, event: int, url: str) -> None:
        """The event has a preload, of that URL."""
        self._urls[event] = url

    def arrived(self, answer: messages.PreloadAnswer) -> None:
        """The proxy's answer: for a script that has asked, or will."""
        if answer.id not in self._urls:
            self._release(answer)
        elif (pending := self._asked.pop(answer.id, None)) is not None:
            del self._urls[answer.id]
            self._realm.settle(pending, self._result(answer))
        else:
            self._answers[answer.id] = answer

    def response(self, event: int) -> Any:
        """What a script gets for ``event.preloadResponse``, or a ``Pending``; a script asks once.

        Raises:
            NetworkError: the preload has failed.
            AbortError: the event is over.
        """
        if event not in self._urls:
            raise AbortError("The event was over before its navigation preload was asked for.")
        answer = self._answers.pop(event, None)
        if answer is None:
            pending = self._asked[event] = self._realm.defer()
            return pending
        del self._urls[event]
        result = self._result(answer)
        if isinstance(result, NetworkError):
            raise result
        return result

    def event_is_over(self, event: int) -> None:
        """Gives up what no script has by now; the proxy does the same with what has not arrived."""
        url = self._urls.pop(event, None)
        if url is None:
            return
        self._realm.log(
            "warn",
            f"The navigation preload of {url} was for nothing: the event was over before a script had its "
            "preloadResponse. respondWith() and waitUntil() keep an event going.",
        )
        if (answer := self._answers.pop(event, None)) is not None:
            self._release(answer)
        if (pending := self._asked.pop(event, None)) is not None:
            self._realm.settle(pending, AbortError("The event was over before its navigation preload."))

    def _result(self, answer: messages.PreloadAnswer) -> dict[str, Any] | NetworkError:
        if answer.response is None:
            return NetworkError(answer.error)
        return self._realm.adopt_response(answer.response)

    def _release(self, answer: messages.PreloadAnswer) -> None:
        handle = None if answer.response is None else self._realm.adopt(answer.response.body)
        if handle is not None:
            self._realm.bodies.release(handle)
