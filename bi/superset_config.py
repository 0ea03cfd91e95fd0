"""Configuration of the Apache Superset that `bi/client.py` starts: for one machine, and tests.

Superset reads it by SUPERSET_CONFIG_PATH. Its own records are an SQLite file in SUPERSET_HOME. A
Superset that many people use wants a database, a cache and a proxy: see Superset's manual.
"""

from __future__ import annotations

import os
from pathlib import Path

# It signs sessions and encrypts the password of the database: never a fixed one.
SECRET_KEY = os.environ["SUPERSET_SECRET_KEY"]
SQLALCHEMY_DATABASE_URI = f"sqlite:///{Path(os.environ['SUPERSET_HOME']) / 'superset.db'}"

# A chart shows the release that is live, not the one that was when somebody looked last.
DATA_CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}

# Nothing leaves the machine. The pixel that counts installations is built into Superset's pages,
# and maps have foreign tiles, so browsers are told to ask nobody but this server.
_SELF = ["'self'"]
TALISMAN_ENABLED = True
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": _SELF,
        "default-src": _SELF,
        "connect-src": _SELF,
        "font-src": [*_SELF, "data:"],
        "img-src": [*_SELF, "blob:", "data:"],
        "object-src": "'none'",
        "script-src": [*_SELF, "'strict-dynamic'"],
        "style-src": [*_SELF, "'unsafe-inline'"],
        "worker-src": [*_SELF, "blob:"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": False,
}
RATELIMIT_ENABLED = False
WTF_CSRF_ENABLED = True

# A whole mart is asked for at once by those who check it.
ROW_LIMIT = 50_000
SUPERSET_WEBSERVER_ADDRESS = "127.0.0.1"
