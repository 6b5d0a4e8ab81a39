"""Runs a command while moto's server is there, at SECRETS_MANAGER_URL.

    with_moto.py <command> <argument>...
"""

import logging
import os
import subprocess
import sys

from moto.server import ThreadedMotoServer

# What moto fails with is a line of the table, and its traceback no news.
logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
server.start()
try:
    host, port = server.get_host_and_port()
    environment = dict(os.environ, SECRETS_MANAGER_URL=f"http://{host}:{port}")
    sys.exit(subprocess.run(sys.argv[1:], env=environment, check=False).returncode)
finally:
    server.stop()
