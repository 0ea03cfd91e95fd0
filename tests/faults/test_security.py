"""What must not come in by settings, what the engine may not touch, what must not go out."""

from __future__ import annotations

import re
import stat
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from orchestration.control import Control
from orchestration.errors import ConfigurationError
from orchestration.settings import PROJECT_DIR, load_settings
from orchestration.targets.outbox import DeliveryError
from orchestration.targets.webhook import Webhook, is_public, signed, webhook_from
from orchestration.variables import KNOWN
from orchestration.verify import lines, verify
from orchestration.warehouse import open_for_writing
from tests.release.conftest import Home, home, settings

__all__ = ["home", "settings"]  # fixtures: pytest finds them by their names here

INJECTIONS = (
    "'; drop table revenue.fct_mrr_movements; --",
    "2026-10-31' or 1=1 --",
    "{{ env_var('HOME') }}",
    "{% raw %}x{% endraw %}",
    "../../etc/passwd",
    "a\x00b",
    "$(touch x)",
)
TYPED = (
    "AS_OF",
    "KNOWN_AT",
    "REPORTING_TIMEZONE",
    "REPORTING_CURRENCY",
    "ENABLED_POLICIES",
    "OFFICIAL_POLICY",
    "MEMORY_LIMIT",
    "THREADS",
)


@pytest.mark.fault("S02")
@pytest.mark.parametrize("name", TYPED)
@pytest.mark.parametrize("value", INJECTIONS)
def test_f88_a_setting_takes_values_of_its_type_only(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"HOLDFAST_{name}"):
        load_settings({f"HOLDFAST_{name}": value})


def test_f88_a_setting_that_nothing_reads_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean HOLDFAST_AS_OF"):
        load_settings({"HOLDFAST_ASOF": "2026-10-31"})


def test_every_variable_of_the_code_is_known() -> None:
    named: set[str] = set()
    for folder in ("orchestration", "expectations", "dbt_project", "tests"):
        for path in (PROJECT_DIR / folder).rglob("*"):
            if path.suffix in (".py", ".sql", ".yml"):
                named |= set(re.findall(r"HOLDFAST_[A-Z_]*[A-Z]", path.read_text("utf-8")))
    assert named - KNOWN - {"HOLDFAST_ASOF"} == set()


@pytest.mark.fault("S03", "S05", "F21")
def test_f88_the_engine_reaches_nothing_but_the_folders_of_the_run(tmp_path: Path) -> None:
    settings = load_settings({"HOLDFAST_HOME": str(tmp_path / "home")})
    settings.build_dir.mkdir(parents=True)
    settings.landing.mkdir()
    (settings.landing / "good.csv").write_text("a\n1\n", encoding="utf-8")
    outside = tmp_path / "outside.csv"
    outside.write_text("a\n1\n", encoding="utf-8")
    duckdb.connect(str(tmp_path / "other.duckdb")).close()
    with open_for_writing(settings, settings.build_dir / "warehouse.duckdb") as connection:
        assert connection.execute(f"select * from '{settings.landing}/good.csv'").fetchall()
        for statement in (
            "select * from read_csv('/etc/passwd')",
            f"select * from read_csv('{outside}')",
            f"select * from read_csv('{settings.landing}/../../outside.csv')",
            f"copy (select 1) to '{tmp_path}/out.csv'",
            f"attach '{tmp_path}/other.duckdb' as other",
            f"export database '{tmp_path}/export'",
            "install httpfs",
            "load httpfs",
            "select * from read_csv('https://example.com/x.csv')",
            "set enable_external_access = true",
            "set lock_configuration = false",
            "set allowed_directories = ['/']",
            "set TimeZone = 'Asia/Kolkata'",
        ):
            with pytest.raises(duckdb.Error):
                connection.execute(statement)
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.fault("S03")
def test_dbt_is_locked_down_by_its_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dbt.adapters.duckdb.credentials import DuckDBCredentials

    from orchestration.dbt_plugin import Plugin

    (tmp_path / "seeds").mkdir()
    monkeypatch.setenv("HOLDFAST_ENGINE_FOLDERS", str(tmp_path / "seeds"))
    database = tmp_path / "build" / "warehouse.duckdb"
    database.parent.mkdir()
    credentials = DuckDBCredentials(path=str(database), schema="main", database="warehouse")
    with duckdb.connect(str(database)) as connection:
        Plugin(name="lock", plugin_config={}, credentials=credentials).configure_connection(
            connection
        )
        cursor = connection.cursor()
        assert cursor.execute("select current_setting('TimeZone')").fetchone() == ("UTC",)
        with pytest.raises(duckdb.PermissionException):
            cursor.execute("select * from read_csv('/etc/passwd')")
    profile = (PROJECT_DIR / "profiles.yml").read_text(encoding="utf-8")
    assert "module: orchestration.dbt_plugin" in profile


REFUSED_URLS = (
    "http://example.com/hook",
    "file:///etc/passwd",
    "ftp://example.com/",
    "gopher://example.com/",
    "https://user:password@example.com/",  # pragma: allowlist secret
    "https://example.com\\@evil.example/",
    "https://exam ple.com/",
    "https://example.com/\r\nHost: evil",
    "https://ex\u00e4mple.com/",
    "https:///path",
    "https://example.com:notaport/",
    "//example.com/",
    "example.com",
    "javascript:alert(1)",
)


@pytest.mark.fault("S06")
@pytest.mark.parametrize("url", REFUSED_URLS)
def test_f86_a_url_that_may_not_be_posted_to_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be posted to") as caught:
        webhook_from({"HOLDFAST_WEBHOOK_URL": url, "HOLDFAST_SECRET_WEBHOOK": "x"})
    assert "evil" not in str(caught.value)


PRIVATE_ADDRESSES = (
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "192.0.2.1",
    "198.18.0.1",
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "2002:7f00:1::",
    "64:ff9b::7f00:1",
)


@pytest.mark.fault("S06")
@pytest.mark.parametrize("address", PRIVATE_ADDRESSES)
def test_f86_a_host_with_a_private_address_is_not_connected_to(address: str) -> None:
    # One good address beside it does not help: the next connection might take the other.
    hook = webhook_from(
        {"HOLDFAST_WEBHOOK_URL": "https://example.com/", "HOLDFAST_SECRET_WEBHOOK": "x"},
        resolver=lambda host, port: ["93.184.215.14", address],
    )
    assert hook is not None
    with pytest.raises(DeliveryError, match="which is not public"):
        hook.address()


@pytest.mark.fault("S06")
def test_f86_what_a_name_resolves_to_later_does_not_matter() -> None:
    answers = iter([["93.184.215.14"], ["127.0.0.1"]])
    hook = webhook_from(
        {"HOLDFAST_WEBHOOK_URL": "https://example.com/", "HOLDFAST_SECRET_WEBHOOK": "x"},
        resolver=lambda host, port: next(answers),
    )
    assert hook is not None
    assert hook.address() == "93.184.215.14"
    assert is_public("93.184.215.14")


@pytest.mark.fault("S07")
def test_signatures_are_those_of_the_standard() -> None:
    # The example of the Standard Webhooks specification.
    key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # pragma: allowlist secret
    moment = datetime.fromtimestamp(1614265330, UTC).replace(tzinfo=None)
    headers = signed("msg_p5jXN8AQM9LWM0D4loKWxJek", moment, b'{"test": 2432232314}', (key, key))
    one = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-signature"] == f"{one} {one}"
    assert headers["webhook-timestamp"] == "1614265330"


@pytest.mark.fault("S01")
def test_a_webhook_shows_neither_its_url_nor_its_secrets() -> None:
    hook = webhook_from(
        {
            "HOLDFAST_WEBHOOK_URL": "https://example.com/canary-path",
            "HOLDFAST_SECRET_WEBHOOK": "canary-secret",  # pragma: allowlist secret
        }
    )
    assert isinstance(hook, Webhook)
    assert "canary" not in repr(hook)
    with pytest.raises(ConfigurationError) as caught:
        webhook_from({"HOLDFAST_WEBHOOK_URL": "http://canary.example/canary"})
    assert "canary" not in str(caught.value)


@pytest.mark.fault("S14")
def test_a_trail_that_was_tampered_with_and_a_release_that_changed_are_found(home: Home) -> None:
    home.release("one", 1)
    home.release("two", 2)
    home.settings.home.chmod(0o700)
    verified = verify(home.settings)
    assert verified.wrong == ()
    assert verified.head in "\n".join(lines(verified))
    release = home.settings.releases_dir / "1.duckdb"
    release.chmod(0o600)
    content = bytearray(release.read_bytes())
    content[-1] ^= 1
    release.write_bytes(content)
    found = "\n".join(verify(home.settings).wrong)
    assert "its sha256 differs" in found
    assert "can be written to" in found
    home.control.connection.execute("drop trigger audit_is_not_deleted")
    home.control.connection.execute("delete from audit where id = (select max(id) from audit)")
    assert "Release 2 is not in the audit trail" in "\n".join(verify(home.settings).wrong)
    home.control.connection.execute("drop trigger audit_is_not_updated")
    home.control.connection.execute("update audit set who = 'somebody else'")
    assert "tampered with" in "\n".join(verify(home.settings).wrong)


@pytest.mark.fault("S14")
def test_the_trail_is_append_only(home: Home) -> None:
    home.release("one", 1)
    for statement in ("update audit set who = 'x'", "delete from audit"):
        with pytest.raises(Exception, match="append-only"):
            home.control.connection.execute(statement)


@pytest.mark.fault("S13")
def test_releases_cannot_be_written_to(home: Home) -> None:
    home.release("one", 1)
    mode = (home.settings.releases_dir / "1.duckdb").stat().st_mode
    assert not mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IRWXO)


def test_control_of_the_release_before_this_one_opens(home: Home) -> None:
    home.release("one", 1)
    path = home.settings.control_database
    with Control(path) as again:
        assert again.latest_release() is not None
