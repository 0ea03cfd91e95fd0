"""The tables of control.db, as the migrations that make them."""

from __future__ import annotations

# A migration is never changed once it was in a release of the project; a new one is added.
MIGRATIONS: tuple[str, ...] = (
    """
    -- Files that are or were in the landing folder, by name; the stamp saves hashing them again.
    create table landed (
        landing text not null,
        name text not null,
        source text not null,
        table_name text not null,
        sha256 text not null,
        size integer not null,
        mtime_ns integer not null,
        inode integer not null,
        is_present integer not null check (is_present in (0, 1)),
        primary key (landing, name)
    ) strict;

    -- What the gate made of a content, by table; `contract` is the digest of the rules it used.
    create table files (
        source text not null,
        table_name text not null,
        sha256 text not null,
        contract text not null,
        format text not null,
        state text not null check (state in ('accepted', 'refused')),
        column_name text,
        reason text,
        remedy text,
        rows_received integer not null,
        rows_accepted integer not null,
        rows_quarantined integer not null,
        -- Name in accepted/; null: Parquet that is read where it lies.
        accepted_name text,
        -- JSON: [[column, type], …] of the file that the views read, in file order.
        physical text not null,
        extra_columns text not null,
        first_seen text not null,
        loaded_at text,
        run_id text not null,
        primary key (source, table_name, sha256),
        check (rows_received = rows_accepted + rows_quarantined)
    ) strict;

    create table quarantine (
        source text not null,
        table_name text not null,
        sha256 text not null,
        file_row integer not null,
        line integer,
        column_name text,
        value text,
        rule text not null,
        reason text not null,
        first_seen text not null,
        run_id text not null,
        state text not null default 'open' check (state in ('open', 'acknowledged')),
        primary key (source, table_name, sha256, file_row),
        foreign key (source, table_name, sha256)
            references files (source, table_name, sha256) on delete cascade
    ) strict;

    create table runs (
        run_id text primary key,
        started_at text not null,
        finished_at text,
        state text not null
            check (state in ('running', 'released', 'unchanged', 'failed', 'interrupted')),
        as_of text not null,
        code_version text not null,
        fingerprint text,
        checks_passed integer,
        checks_failed integer,
        message text
    ) strict;

    create table releases (
        n integer primary key check (n >= 1),
        run_id text not null references runs (run_id),
        fingerprint text not null,
        sha256 text not null,
        bytes integer not null,
        published_at text not null,
        as_of text not null
    ) strict;

    create table outbox (
        key text primary key,
        release_n integer not null references releases (n),
        kind text not null,
        payload text not null,
        state text not null default 'pending' check (state in ('pending', 'delivered', 'dead')),
        attempts integer not null default 0,
        created_at text not null,
        updated_at text not null
    ) strict;

    create table audit (
        id integer primary key,
        at text not null,
        who text not null,
        what text not null,
        details text not null,
        previous_hash text not null,
        hash text not null unique
    ) strict;

    create trigger audit_is_not_updated before update on audit
    begin select raise(abort, 'the audit trail is append-only'); end;

    create trigger audit_is_not_deleted before delete on audit
    begin select raise(abort, 'the audit trail is append-only'); end;

    create trigger releases_are_not_updated before update on releases
    begin select raise(abort, 'a release is immutable'); end;

    create trigger releases_are_not_deleted before delete on releases
    begin select raise(abort, 'a release is immutable'); end;

    create trigger releases_are_consecutive before insert on releases
    when new.n <> (select coalesce(max(n), 0) + 1 from releases)
    begin select raise(abort, 'release numbers are consecutive'); end;
    """,
)
