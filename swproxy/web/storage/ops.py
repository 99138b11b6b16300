"""The host half of the Storage Standard (https://storage.spec.whatwg.org/)."""

from typing import Any


def op_storage_estimate(realm: Any) -> dict[str, Any]:
    """A StorageEstimate, in bytes. ``usageDetails`` is Chromium's: it names what is not zero."""
    used = realm.caches.quota.usage()
    details = {name: size for name, size in used.items() if size}
    return {"quota": realm.caches.quota.limit, "usage": sum(used.values()), "usageDetails": details}
