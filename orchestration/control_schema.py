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
    """
    -- Closing the books: a month is closed, perhaps reopened, perhaps closed anew. Only added to.
    create table period_events (
        id integer primary key,
        kind text not null check (kind in ('close', 'reopen')),
        close_id text not null,
        month text not null,
        at text not null,
        who text not null,
        -- A reopening needs one.
        reason text,
        -- The release in which a close is first shown; null for a reopening.
        release_n integer references releases (n),
        run_id text references runs (run_id),
        as_of text,
        reporting_currency text,
        code_version text,
        -- JSON: the policies that were closed.
        policies text,
        row_count integer,
        content_hash text,
        check (kind = 'reopen' or (release_n is not null and content_hash is not null)),
        check (kind = 'close' or (reason is not null and trim(reason) <> '')),
        unique (kind, close_id)
    ) strict;

    -- The figures as closed, in cents of the reporting currency.
    create table closed_rows (
        close_id text not null,
        policy_id text not null,
        customer_id text not null,
        opening_mrr integer not null,
        new_mrr integer not null,
        reactivation_mrr integer not null,
        expansion_mrr integer not null,
        contraction_mrr integer not null,
        churn_mrr integer not null,
        fx_mrr integer not null,
        closing_mrr integer not null,
        primary key (close_id, policy_id, customer_id)
    ) strict, without rowid;

    -- What later releases changed in closed months: differences in cents, one row per release,
    -- close, policy and customer.
    create table restatements (
        release_n integer not null references releases (n),
        close_id text not null,
        policy_id text not null,
        customer_id text not null,
        run_id text not null,
        restated_at text not null,
        opening_mrr integer not null,
        new_mrr integer not null,
        reactivation_mrr integer not null,
        expansion_mrr integer not null,
        contraction_mrr integer not null,
        churn_mrr integer not null,
        fx_mrr integer not null,
        closing_mrr integer not null,
        cause text not null check (cause in
            ('late_row', 'corrected_row', 'rate_change', 'definition_change', 'code_change')),
        -- JSON: the raw rows behind it, as source.table/key.
        source_ids text not null,
        primary key (release_n, close_id, policy_id, customer_id)
    ) strict, without rowid;

    -- What a release was computed by, to tell what changed since: JSON, settings and policies.
    create table release_definitions (
        release_n integer primary key references releases (n),
        settings text not null,
        policies text not null
    ) strict;

    create trigger period_events_are_not_updated before update on period_events
    begin select raise(abort, 'closings and reopenings are append-only'); end;

    create trigger period_events_are_not_deleted before delete on period_events
    begin select raise(abort, 'closings and reopenings are append-only'); end;

    create trigger closed_rows_are_not_updated before update on closed_rows
    begin select raise(abort, 'closed figures are append-only'); end;

    create trigger closed_rows_are_not_deleted before delete on closed_rows
    begin select raise(abort, 'closed figures are append-only'); end;

    create trigger restatements_are_not_updated before update on restatements
    begin select raise(abort, 'restatements are append-only'); end;

    create trigger restatements_are_not_deleted before delete on restatements
    begin select raise(abort, 'restatements are append-only'); end;
    """,
    """
    -- JSON: {column: [sum of the rows that can be read, rows that cannot]}.
    alter table files add column totals text not null default '{}';

    -- Who said of a row that it may stay away, and why; which row it is, so that its correction is
    -- seen: key and version as texts, null where they cannot be read.
    create table quarantine_2 (
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
        state text not null default 'open' check (state in ('open', 'corrected', 'acknowledged')),
        row_key text,
        row_version text,
        acknowledged_at text,
        acknowledged_by text,
        acknowledged_why text,
        primary key (source, table_name, sha256, file_row),
        foreign key (source, table_name, sha256)
            references files (source, table_name, sha256) on delete cascade,
        check ((state = 'acknowledged') = (acknowledged_by is not null))
    ) strict;
    insert into quarantine_2 (
        source, table_name, sha256, file_row, line, column_name, value, rule, reason, first_seen,
        run_id
    ) select source, table_name, sha256, file_row, line, column_name, value, rule, reason,
        first_seen, run_id from quarantine;
    drop table quarantine;
    alter table quarantine_2 rename to quarantine;

    -- What people accepted of a rejected run: findings of rules that compare, for one input.
    create table acceptances (
        run_id text not null references runs (run_id),
        input text not null,
        subject text not null,
        rule text not null,
        seen text not null,
        who text not null,
        why text not null,
        at text not null,
        primary key (input, subject, rule)
    ) strict;

    -- What a rejected run was held for, so that it can be accepted by the run's name.
    create table holds (
        run_id text not null references runs (run_id),
        input text not null,
        subject text not null,
        rule text not null,
        seen text not null,
        primary key (run_id, subject, rule)
    ) strict;
    """,
    """
    -- Who a message is for; what is said (`kind`) may be said to several, each under its own key.
    alter table outbox add column target text not null default '';
    alter table outbox add column next_attempt_at text;
    alter table outbox add column last_error text;

    create trigger outbox_messages_are_not_changed before update on outbox
    when new.key <> old.key or new.kind <> old.kind or new.target <> old.target
        or new.payload <> old.payload
    begin select raise(abort, 'a message of the outbox is not changed'); end;

    create trigger outbox_messages_are_not_deleted before delete on outbox
    begin select raise(abort, 'a message of the outbox is not deleted'); end;
    """,
    """
    -- Erasures of customers: who asked, when, why. The ids are pseudonymous keys, which stay in the
    -- rows of money; `salt` makes the pseudonyms of ids that are personal themselves.
    create table erasures (
        erasure_id text primary key,
        customer_id text not null,
        at text not null,
        who text not null,
        why text not null,
        state text not null check (state in ('running', 'done')),
        salt text not null,
        finished_at text
    ) strict;

    -- Tombstones: what lands of these comes in without personal data, for good.
    create table erased_ids (
        erasure_id text not null references erasures (erasure_id),
        kind text not null,
        id text not null,
        primary key (kind, id)
    ) strict;

    -- What an erasure under way looks for; gone when it is done. What is shared is another's too.
    create table erasure_values (
        erasure_id text not null references erasures (erasure_id),
        value text not null,
        is_distinctive integer not null check (is_distinctive in (0, 1)),
        is_shared integer not null check (is_shared in (0, 1)),
        primary key (erasure_id, value)
    ) strict;

    -- Contents that an erasure under way puts others in the place of.
    create table erasure_contents (
        erasure_id text not null references erasures (erasure_id),
        source text not null,
        table_name text not null,
        sha256 text not null,
        file text not null,
        primary key (erasure_id, source, table_name, sha256, file)
    ) strict;

    -- A release out of which a person was erased: same number, same figures, another file.
    create table resealed_releases (
        release_n integer not null references releases (n),
        erasure_id text not null references erasures (erasure_id),
        sha256 text not null,
        bytes integer not null,
        resealed_at text not null,
        primary key (release_n, erasure_id)
    ) strict;

    create trigger resealed_releases_are_not_updated before update on resealed_releases
    begin select raise(abort, 'what was resealed is append-only'); end;

    create trigger resealed_releases_are_not_deleted before delete on resealed_releases
    begin select raise(abort, 'what was resealed is append-only'); end;

    create trigger erased_ids_are_not_deleted before delete on erased_ids
    begin select raise(abort, 'tombstones stay'); end;

    alter table files add column rows_forgotten integer not null default 0;
    """,
    """
    -- What a target that shows releases was last seen to show; the target itself decides.
    create table targets (
        name text primary key,
        -- What it shows; null: nothing yet.
        release_n integer references releases (n),
        state text not null check (state in ('current', 'behind')),
        -- Why it is behind, without secrets.
        error text,
        attempted_at text not null,
        check ((state = 'behind') = (error is not null))
    ) strict;
    """,
    """
    -- A message may be of no release: that a run was held.
    alter table outbox rename to outbox_before;

    create table outbox (
        key text primary key,
        -- The release that it is of; null: none was made.
        release_n integer references releases (n),
        kind text not null,
        payload text not null,
        state text not null default 'pending' check (state in ('pending', 'delivered', 'dead')),
        attempts integer not null default 0,
        created_at text not null,
        updated_at text not null,
        target text not null default '',
        next_attempt_at text,
        last_error text,
        check (release_n is not null or kind = 'run_held')
    ) strict;

    insert into outbox
    select key, release_n, kind, payload, state, attempts, created_at, updated_at, target,
        next_attempt_at, last_error
    from outbox_before;

    drop table outbox_before;

    create trigger outbox_messages_are_not_changed before update on outbox
    when new.key <> old.key or new.kind <> old.kind or new.target <> old.target
        or new.payload <> old.payload
    begin select raise(abort, 'a message of the outbox is not changed'); end;

    create trigger outbox_messages_are_not_deleted before delete on outbox
    begin select raise(abort, 'a message of the outbox is not deleted'); end;
    """,
)
