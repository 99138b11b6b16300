"""What a document says of a request beside it, for the proxy only."""

import asyncio

# Seconds by which it may come after the request.
PATIENCE = 1.0
_MOST = 64

Secret = tuple[str, str]


class Secrets:
    """A document's: user names and passwords of URLs, by numbers of the document's own."""

    def __init__(self) -> None:
        self._secrets: dict[int, asyncio.Future[Secret | None]] = {}

    def tell(self, number: int, secret: Secret) -> None:
        """It counts once."""
        future = self._future(number)
        if not future.done():
            future.set_result(secret)

    async def take(self, number: int) -> Secret | None:
        """None if the document does not say it."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await asyncio.shield(self._future(number))
        except TimeoutError:
            return None
        finally:
            self._secrets.pop(number, None)

    def _future(self, number: int) -> asyncio.Future[Secret | None]:
        if number not in self._secrets:
            self._secrets[number] = asyncio.get_running_loop().create_future()
            if len(self._secrets) > _MOST:
                oldest = self._secrets.pop(next(iter(self._secrets)))
                if not oldest.done():
                    oldest.set_result(None)
        return self._secrets[number]
