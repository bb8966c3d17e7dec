"""What the tests on a real Kafka share: a broker of a test's own, and commands."""

import contextlib
import os
import pathlib
import signal
import subprocess
import tempfile
import time


def run(line, text=None, timeout=280):
    """A command to its end; its output."""
    done = subprocess.run(line, input=text, capture_output=True, text=True,
                          timeout=timeout, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{line}: {done.returncode}\n{done.stdout[-2000:]}"
                             f"\n{done.stderr[-4000:]}")
    return done.stdout


def results_of(summary):
    """What a run says of the market, without how fast it was."""
    begin = summary.index("Sales by neighborhood")
    return summary[begin:summary.index("The strongest anomalies")]


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


def brokers_home(script):
    return pathlib.Path(script).resolve().parent.parent / "build/broker"


def open_transactions(script, servers):
    """What Kafka's own tool says of transactions that hold readers up."""
    tool = ["java", "-cp", f"{brokers_home(script)}/lib/*",
            "org.apache.kafka.tools.TransactionsCommand",
            "--bootstrap-server", servers]
    said = ""
    for command in (["list"], ["find-hanging", "--broker-id", "1"]):
        done = subprocess.run([*tool, *command], capture_output=True, text=True,
                              timeout=60, check=False)
        said += done.stdout + done.stderr
    return said


def kill_one_broker(script, port, chance):
    """Any of a cluster's nodes, by SIGKILL; it is gone afterwards."""
    files = sorted((brokers_home(script) / str(port)).glob("node*/pid"))
    process = int(chance.choice(files).read_text())
    os.kill(process, signal.SIGKILL)
    status = pathlib.Path(f"/proc/{process}/status")
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        while "State:\tZ" not in status.read_text():
            time.sleep(0.05)
