"""``python start_server.py serve ...`` in a checkout: its ``wpt`` command, for a checkout of any age.

Checkouts before 2022 ask for OpenSSL 1 by number. Runs with the Python that suits the checkout.
"""

import runpy
import ssl
import sys

if ssl.OPENSSL_VERSION_INFO[0] > 1:
    ssl.OPENSSL_VERSION_INFO = (1, 1, 1, 0, 0)
sys.path.insert(0, ".")
sys.argv[0] = "wpt"
runpy.run_path("wpt", run_name="__main__")
