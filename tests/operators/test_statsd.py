"""What leaves for StatsD, by its own lines."""

from __future__ import annotations

import socket

import pytest

from updraft.statsd import Client, name


def test_a_name_stays_and_a_tags_value_breaks_no_line() -> None:
    assert name("scheduler_heartbeat") == "scheduler_heartbeat"
    assert name("ti.start,dag_id=a.b,task_id=c-d") == "ti.start,dag_id=a.b,task_id=c-d"
    sent = name('c,kwargs={"at": "1|c@2#x\n"},dag_id=größe')
    print(sent)
    assert sent == 'c,kwargs={"at"__"1_c_2_x_"},dag_id=größe'
    assert len(name(f"c,a={'x' * 300},b={'y' * 250}")) == len("c,a=,b=") + 500


def test_an_id_that_is_not_ascii_is_sent_and_no_error_reaches_the_sender() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(10)
        client = Client("127.0.0.1", listener.getsockname()[1], "airflow")
        client.incr("ti.start,dag_id=größe")
        assert listener.recv(4096).decode() == "airflow.ti.start,dag_id=größe:1|c"
    client.incr(f"ti.start,dag_id={'x' * 70000}")  # no datagram is that long
    client.close()


def test_a_server_whose_name_comes_later_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(10)
        port = listener.getsockname()[1]
        # No address of IPv4, and no name that somebody else would be asked for.
        client = Client("::1", port, "airflow")
        client.incr("lost")
        # The name leads somewhere now, and is not looked at before its time.
        client._server = ("localhost", port)
        client.incr("lost.too")
        monkeypatch.setattr(client, "_due", 0)
        client.incr("found")
        assert listener.recv(4096).decode() == "airflow.found:1|c"
        client.close()


def test_a_server_of_ipv6_is_reached() -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as listener:
        try:
            listener.bind(("::1", 0))
        except OSError as error:
            pytest.skip(f"no IPv6 on this machine's loopback, so nothing was sent by it: {error}")
        listener.settimeout(10)
        client = Client("::1", listener.getsockname()[1], "airflow", True)
        client.incr("by.six")
        assert listener.recv(4096).decode() == "airflow.by.six:1|c"
        client.close()
