"""Service workers in stock mitmproxy: ``mitmdump -s addons/service_workers.py``.

The profile is that of ``swproxy`` (SWPROXY_PROFILE, or the default): registrations and caches are the same,
and so are the commands ``swproxy register``, ``status``, ``offline``, ... Further settings come from the option
``swproxy_config``, a swproxy.toml. The certificates are mitmproxy's own.
"""

from swproxy.proxy.stock import StockAddon

addons = [StockAddon()]
