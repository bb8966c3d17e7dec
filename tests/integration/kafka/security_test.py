#!/usr/bin/env python3
"""The market on a real Kafka that demands certificates and passwords: librdkafka's
settings reach every connection that a node makes.

    security_test.py FREEHOLD SALES_CSV BROKER_SCRIPT PORT
"""

import os
import pathlib
import subprocess
import sys

from kafka_kit import own_broker

SALES = 400


def node(binary, servers, home, settings):
    """A command of the application on the cluster, with these settings of
    librdkafka."""
    line = [
        "--set", "log.kind=kafka",
        "--set", f"kafka.bootstrap-servers={servers}",
        "--set", "node.id=secured",
        "--set", f"log.directory={home}/node",
    ]
    for name, value in settings.items():
        line += ["--set", f"kafka.client.{name}={value}"]

    def start(command, *more, environment=None):
        return subprocess.Popen(
            [binary, command, *line, *more], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, **(environment or {})})
    return start


def finish(process, status=0):
    out, err = process.communicate(timeout=200)
    if process.returncode != status:
        raise AssertionError(
            f"{process.args} ends with {process.returncode}:\n{out}\n{err}")
    return out, err


def expect(text, parts):
    for part in parts:
        if part not in text:
            raise AssertionError(f"{part!r} is missing in:\n{text}")


def try_all(binary, sales, tls, port, home):
    few = os.path.join(home, "sales.csv")
    lines = pathlib.Path(sales).read_text().splitlines(keepends=True)
    pathlib.Path(few).write_text("".join(lines[:SALES + 1]))

    with_certificate = {
        "security.protocol": "ssl",
        "ssl.ca.location": f"{tls}/ca.pem",
        "ssl.certificate.location": f"{tls}/client.pem",
        "ssl.key.location": f"{tls}/client.key",
    }
    by_password = {
        "security.protocol": "sasl_ssl",
        "ssl.ca.location": f"{tls}/ca.pem",
        "sasl.username": "freehold",
    }
    password = {"FREEHOLD_KAFKA_CLIENT_SASL_PASSWORD": "of-trials"}
    secure = f"127.0.0.1:{port + 2000}"
    login = f"127.0.0.1:{port + 3000}"

    # Members, readers, producers and makers of topics, all with a certificate.
    out, _ = finish(node(binary, secure, home, with_certificate)(
        "run", "--import", few, "--close-windows"))
    expect(out, [f"{SALES} sales", "Sales by neighborhood"])

    # The others beside each other: a refusal takes as long as a start waits.
    plain = node(binary, login, home, {**by_password, "sasl.mechanism": "PLAIN"})
    scram = node(binary, login, home,
                 {**by_password, "sasl.mechanism": "SCRAM-SHA-256"})
    stranger = {name: value for name, value in with_certificate.items()
                if name in ("security.protocol", "ssl.ca.location")}
    refused = node(binary, secure, home, stranger)("verify")
    scrammed = scram("lag", environment=password)
    out, _ = finish(plain("verify", environment=password))
    expect(out, ["All of it agrees."])
    _, err = finish(refused, 2)
    expect(err, [secure])
    out, err = scrammed.communicate(timeout=200)
    if scrammed.returncode == 0:
        expect(out, ["property-commands"])
        by_scram = "SCRAM works"
    else:
        # Brokers from 4.0 on refuse what librdkafka sends before 2.6.1.
        expect(err, ["librdkafka #4895"])
        by_scram = "SCRAM is refused with advice"
    print(f"{SALES} sales over TLS with a client's certificate; PLAIN over TLS; "
          f"no certificate is refused; {by_scram}")


def main():
    binary, sales, broker, port = sys.argv[1:5]
    tls = pathlib.Path(broker).resolve().parent.parent \
        / "build" / "broker" / port / "tls"
    with own_broker(broker, int(port)) as (_, home):
        try_all(binary, sales, tls, int(port), home)


if __name__ == "__main__":
    main()
