"""https://fetch.spec.whatwg.org/#cross-origin-resource-policy-header"""

from collections.abc import Sequence

from swproxy.errors import NetworkError
from swproxy.ipc.messages import Header, Request
from swproxy.network.cors import get
from swproxy.network.sites import is_same_site
from swproxy.service_worker.registration import origin_of


def resource_policy_check(request: Request, origin: str, headers: Sequence[Header]) -> None:
    """https://fetch.spec.whatwg.org/#cross-origin-resource-policy-check of a response to another origin without CORS.

    The embedder's own policy (COEP) is not heeded.

    Args:
        origin: as for ``cors.cors_check``.

    Raises:
        NetworkError: the response is not for this origin.
    """
    policy = get(headers, "cross-origin-resource-policy")
    if policy == "same-origin" or (policy == "same-site" and not is_same_site(origin_of(request.url), origin)):
        raise NetworkError(f"Cross-Origin-Resource-Policy of {request.url} is '{policy}': it is not for {origin}")
