"""The host half of the Storage Standard (https://storage.spec.whatwg.org/)."""

from typing import Any


def op_storage_estimate(realm: Any) -> dict[str, Any]:
    """A StorageEstimate, in bytes. ``usageDetails`` is Chromium's: it names what is not zero."""
    usage = realm.caches.usage()
    return {"quota": realm.caches.quota, "usage": usage, "usageDetails": {"caches": usage} if usage else {}}
