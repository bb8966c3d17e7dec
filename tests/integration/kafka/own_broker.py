"""A broker of a test's own, and a directory that goes with it."""

import contextlib
import subprocess
import tempfile


@contextlib.contextmanager
def own_broker(script, port, nodes=1):
    """Yields the bootstrap servers and a temporary directory."""
    where = ["--port", str(port)]
    subprocess.run([script, "wipe", *where], check=True, timeout=100)
    try:
        started = subprocess.run(
            [script, "start", *where, "--nodes", str(nodes)], check=True,
            timeout=300, stdout=subprocess.PIPE, text=True)
        with tempfile.TemporaryDirectory() as home:
            yield started.stdout.split()[-1], home
    finally:
        subprocess.run([script, "wipe", *where], check=True, timeout=100)
