"""The embedded servers: what they keep, whom they let in, what their logs hold."""

import os
import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis

from trialmgr.core import databases
from trialmgr.demo.errors import LaunchError
from trialmgr.demo.servers import LONGEST_SOCKET_DIR, SUPERUSER, Broker, Cluster, provision


@pytest.fixture(scope="module")
def home():
    home = Path(tempfile.mkdtemp(prefix="trialmgr-servers-"))
    home.chmod(0o711)
    yield home
    shutil.rmtree(home)


@pytest.fixture(scope="module")
def research(home):
    cluster = Cluster("research", home)
    cluster.create()
    cluster.start()
    provision(cluster)
    yield cluster
    cluster.stop()


def test_a_committed_row_survives_kill_9(research):
    with psycopg.connect(research.superuser_dsn) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS a")
    research.process.kill()
    research.process.wait()
    research.process = None
    research.start()
    with psycopg.connect(research.superuser_dsn) as connection:
        assert connection.execute("SELECT a FROM kept").fetchone() == (7,)


def test_provisioning_may_be_repeated(research):
    provision(research)
    with psycopg.connect(research.dsn("research_web")) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("research_web",)


def test_there_is_no_port_and_only_our_own_account_is_let_in(research):
    with psycopg.connect(research.superuser_dsn) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        rules = connection.execute("SELECT type, auth_method, options FROM pg_hba_file_rules").fetchall()
        known = connection.execute("SELECT sys_name FROM pg_ident_file_mappings").fetchall()
    assert rules == [("local", "peer", ["map=trialmgr"])]
    assert known == [(research.account.name,)]


def test_a_failing_statement_leaves_no_value_in_the_log(research):
    secret = "het antwoord van iemand"
    with psycopg.connect(research.superuser_dsn, autocommit=True, cursor_factory=psycopg.Cursor) as connection:
        connection.execute("CREATE TABLE answer (text text UNIQUE)")
        connection.execute("INSERT INTO answer VALUES (%s)", [secret])
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO answer VALUES (%s)", [secret])
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute(f"INSERT INTO answer VALUES ('{secret}')")
    log = research.log.read_text("utf-8")
    assert "duplicate key value" in log
    assert secret not in log


def test_the_release_login_opens_and_closes(research):
    with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
        psycopg.connect(research.dsn("research_release"))
    with psycopg.connect(research.dsn(SUPERUSER), autocommit=True) as keeper:
        keeper.execute("SELECT ops.open_release()")
        inside = psycopg.connect(research.dsn("research_release"))
        keeper.execute("SELECT ops.close_release()")
    with inside, pytest.raises(psycopg.OperationalError):  # a session that is still open is ended as well
        inside.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
        psycopg.connect(research.dsn("research_release"))


def test_data_of_another_major_version_is_refused_in_one_line(tmp_path):
    cluster = Cluster("office", tmp_path)
    cluster.data.mkdir()
    (cluster.data / "PG_VERSION").write_text("15\n")
    with pytest.raises(LaunchError, match="was made by PostgreSQL 15, this is 18: run `make demo-reset`"):
        cluster.create()


def test_a_socket_has_a_short_path_however_deep_the_repository_lies(tmp_path):
    deep = tmp_path / ("d" * 90)
    broker = Broker("office", deep)
    deep.mkdir()
    broker.create()
    broker.start()
    place = broker.sockets
    try:
        assert len(os.fsencode(place)) <= LONGEST_SOCKET_DIR
        assert place.stat().st_mode & 0o777 == 0o700
        assert place != Broker("office", tmp_path / ("e" * 90)).sockets
    finally:
        broker.stop()
    assert not place.parent.exists()


def test_a_folder_may_be_called_anything(tmp_path):
    home = tmp_path / "50% of #1 & more, 'été'"
    home.mkdir()
    sockets = Cluster("office", home).sockets
    address = Cluster("office", home).dsn("office_web")
    assert databases.described(urlsplit(address))["HOST"] == str(sockets)
    broker = Broker("office", home)
    broker.create()
    broker.start()
    try:
        with redis.Redis.from_url(broker.url.replace("redis+socket", "unix")) as client:
            assert client.ping()
    finally:
        broker.stop()


def test_what_the_broker_took_survives_kill_9(home):
    broker = Broker("office", home)
    broker.create()
    broker.start()
    try:
        with redis.Redis(unix_socket_path=str(broker.socket)) as client:
            for number in range(200):
                client.lpush("queue", number)
        broker.process.kill()
        broker.process.wait()
        broker.process = None
        broker.start()
        with redis.Redis(unix_socket_path=str(broker.socket)) as client:
            assert client.llen("queue") == 200
    finally:
        broker.stop()


def test_a_server_that_cannot_start_says_why(home, monkeypatch):
    monkeypatch.setattr("trialmgr.demo.servers.START_SECONDS", 4.0)
    cluster = Cluster("broken", home)
    cluster.create()
    (cluster.data / "pg_hba.conf").unlink()
    with pytest.raises(LaunchError, match=r"broken does not start: .*could not load .*pg_hba\.conf"):
        cluster.start()
