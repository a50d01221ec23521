-- Pileus, schema version 1. Types are INTEGER (keys), BIGINT, TEXT and BLOB only; times are unix seconds UTC;
-- flags are 0 or 1; a `deleted` of 0 means live, anything else is the trash entry the row went away with.
-- docs/data-model.md explains the tables and how they hang together.

CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE sequence (
    name TEXT PRIMARY KEY,
    next BIGINT NOT NULL
);

-- People ---------------------------------------------------------------------------------------------------------

CREATE TABLE account (
    id INTEGER PRIMARY KEY,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,
    email_verified BIGINT NOT NULL,
    password_hash TEXT NOT NULL,
    password_sealed BLOB,
    language TEXT NOT NULL,
    quota BIGINT NOT NULL,
    used BIGINT NOT NULL,
    root BIGINT NOT NULL,
    share_root BIGINT,
    diffid BIGINT NOT NULL,
    publinkid BIGINT NOT NULL,
    uploadlinkid BIGINT NOT NULL,
    publinks BIGINT NOT NULL,
    uploadlinks BIGINT NOT NULL,
    notificationid BIGINT NOT NULL,
    login_epoch BIGINT NOT NULL,
    state BIGINT NOT NULL,
    invite_code TEXT,
    invited_by BIGINT,
    tfa_sealed BLOB,
    created BIGINT NOT NULL,
    deactivated BIGINT
);
CREATE UNIQUE INDEX account_email ON account (email_key);
CREATE UNIQUE INDEX account_invite ON account (invite_code) WHERE invite_code IS NOT NULL;
CREATE INDEX account_invited ON account (invited_by, id) WHERE invited_by IS NOT NULL;
CREATE INDEX account_unsealed ON account (state, id) WHERE password_sealed IS NULL;
CREATE INDEX account_deactivated ON account (deactivated, id) WHERE deactivated IS NOT NULL;

CREATE TABLE token (
    id INTEGER PRIMARY KEY,
    account BIGINT NOT NULL,
    secret_hash BLOB NOT NULL,
    app BIGINT,
    permissions BIGINT NOT NULL,
    device TEXT NOT NULL,
    device_hash BLOB,
    os BIGINT,
    osversion TEXT NOT NULL,
    appversion TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    idle_seconds BIGINT NOT NULL,
    last_used BIGINT NOT NULL
);
CREATE UNIQUE INDEX token_secret ON token (secret_hash);
CREATE INDEX token_account ON token (account, id);

CREATE TABLE recovery_code (
    account BIGINT NOT NULL,
    secret_hash BLOB NOT NULL,
    PRIMARY KEY (account, secret_hash)
) WITHOUT ROWID;

CREATE TABLE trusted_device (
    account BIGINT NOT NULL,
    device_hash BLOB NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (account, device_hash)
) WITHOUT ROWID;
CREATE INDEX trusted_device_created ON trusted_device (created);

CREATE TABLE mail_code (
    secret_hash BLOB PRIMARY KEY,
    account BIGINT NOT NULL,
    purpose BIGINT NOT NULL,
    detail TEXT NOT NULL,
    tries BIGINT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX mail_code_account ON mail_code (account, purpose);
CREATE INDEX mail_code_expiry ON mail_code (expires);

CREATE TABLE notification (
    account BIGINT NOT NULL,
    id BIGINT NOT NULL,
    kind BIGINT NOT NULL,
    detail TEXT NOT NULL,
    created BIGINT NOT NULL,
    was_read BIGINT NOT NULL,
    PRIMARY KEY (account, id)
) WITHOUT ROWID;

CREATE TABLE newsletter (
    email_key TEXT PRIMARY KEY,
    email TEXT NOT NULL,
    verified BIGINT NOT NULL,
    verify_hash BLOB,
    unsubscribe_hash BLOB,
    created BIGINT NOT NULL
);
CREATE UNIQUE INDEX newsletter_verify ON newsletter (verify_hash) WHERE verify_hash IS NOT NULL;
CREATE UNIQUE INDEX newsletter_unsubscribe ON newsletter (unsubscribe_hash) WHERE unsubscribe_hash IS NOT NULL;
CREATE INDEX newsletter_age ON newsletter (created) WHERE verified = 0;

-- The tree -------------------------------------------------------------------------------------------------------

CREATE TABLE folder (
    id INTEGER PRIMARY KEY,
    owner BIGINT NOT NULL,
    parent BIGINT NOT NULL,
    name TEXT NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    deleted BIGINT NOT NULL,
    shares BIGINT NOT NULL,
    shared BIGINT NOT NULL,
    mount BIGINT NOT NULL
);
CREATE UNIQUE INDEX folder_live ON folder (parent, name) WHERE deleted = 0;
CREATE INDEX folder_trashed ON folder (parent) WHERE deleted <> 0;

CREATE TABLE file (
    id INTEGER PRIMARY KEY,
    owner BIGINT NOT NULL,
    folder BIGINT NOT NULL,
    name TEXT NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    deleted BIGINT NOT NULL,
    revisionid BIGINT NOT NULL,
    stored BIGINT NOT NULL,
    blob BIGINT NOT NULL,
    size BIGINT NOT NULL,
    hash BIGINT NOT NULL,
    media TEXT
);
CREATE UNIQUE INDEX file_live ON file (folder, name) WHERE deleted = 0;
CREATE INDEX file_trashed ON file (folder, name) WHERE deleted <> 0;
CREATE INDEX file_blob ON file (blob);

CREATE TABLE revision (
    id INTEGER PRIMARY KEY,
    file BIGINT NOT NULL,
    blob BIGINT NOT NULL,
    size BIGINT NOT NULL,
    hash BIGINT NOT NULL,
    stored BIGINT NOT NULL,
    replaced BIGINT NOT NULL
);
CREATE INDEX revision_file ON revision (file, id);
CREATE INDEX revision_age ON revision (replaced, id);

CREATE TABLE trash (
    id INTEGER PRIMARY KEY,
    owner BIGINT NOT NULL,
    folder BIGINT,
    file BIGINT,
    parent BIGINT NOT NULL,
    deleted BIGINT NOT NULL
);
CREATE INDEX trash_owner ON trash (owner, id);
CREATE INDEX trash_age ON trash (deleted, id);

-- Search ---------------------------------------------------------------------------------------------------------

CREATE TABLE name_new (
    owner BIGINT NOT NULL,
    object BIGINT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (owner, object)
) WITHOUT ROWID;

CREATE TABLE name_segment (
    owner BIGINT NOT NULL,
    segment BIGINT NOT NULL,
    objects BLOB NOT NULL,
    checked BIGINT NOT NULL,
    PRIMARY KEY (owner, segment)
) WITHOUT ROWID;
CREATE INDEX name_segment_checked ON name_segment (checked, owner, segment);

CREATE TABLE name_gram (
    owner BIGINT NOT NULL,
    segment BIGINT NOT NULL,
    gram BIGINT NOT NULL,
    objects BLOB NOT NULL,
    PRIMARY KEY (owner, segment, gram)
) WITHOUT ROWID;

-- Content --------------------------------------------------------------------------------------------------------

CREATE TABLE blob (
    id INTEGER PRIMARY KEY,
    storage_key BLOB,
    size BIGINT NOT NULL,
    hash BIGINT NOT NULL,
    hash_drawn BIGINT NOT NULL,
    sha1 BLOB NOT NULL,
    sha256 BLOB NOT NULL,
    md5 BLOB NOT NULL,
    crc32 BIGINT NOT NULL,
    refs BIGINT NOT NULL,
    unreferenced BIGINT NOT NULL,
    pending BIGINT NOT NULL,
    base BIGINT
);
CREATE INDEX blob_hash ON blob (hash);
CREATE INDEX blob_sha1 ON blob (sha1);
CREATE UNIQUE INDEX blob_storage ON blob (storage_key) WHERE storage_key IS NOT NULL;
CREATE INDEX blob_garbage ON blob (unreferenced) WHERE refs = 0;
CREATE INDEX blob_pending ON blob (pending, id) WHERE pending = 1;

CREATE TABLE inline_blob (
    blob INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
);

CREATE TABLE block_checksum (
    blob BIGINT NOT NULL,
    part BIGINT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (blob, part)
);

CREATE TABLE hash_state (
    holder BIGINT NOT NULL,
    at BIGINT NOT NULL,
    state BLOB NOT NULL,
    PRIMARY KEY (holder, at)
);

CREATE TABLE working_copy (
    id INTEGER PRIMARY KEY,
    account BIGINT NOT NULL,
    file BIGINT,
    upload BIGINT,
    node TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    base_blob BIGINT,
    size BIGINT NOT NULL,
    hasher BLOB,
    changed BIGINT NOT NULL
);
CREATE UNIQUE INDEX working_copy_file ON working_copy (file) WHERE file IS NOT NULL;
CREATE UNIQUE INDEX working_copy_upload ON working_copy (upload) WHERE upload IS NOT NULL;
CREATE INDEX working_copy_node ON working_copy (node, id);
CREATE INDEX working_copy_account ON working_copy (account);

CREATE TABLE upload (
    id INTEGER PRIMARY KEY,
    account BIGINT NOT NULL,
    declared_size BIGINT,
    app_folder BIGINT,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL
);
CREATE INDEX upload_account ON upload (account, id);
CREATE INDEX upload_age ON upload (modified, id);

-- The change feed ------------------------------------------------------------------------------------------------

CREATE TABLE event (
    account BIGINT NOT NULL,
    diffid BIGINT NOT NULL,
    time BIGINT NOT NULL,
    kind BIGINT NOT NULL,
    folder BIGINT,
    file BIGINT,
    parent BIGINT,
    name TEXT,
    owner BIGINT,
    flags BIGINT NOT NULL,
    created BIGINT,
    modified BIGINT,
    revisionid BIGINT,
    blob BIGINT,
    size BIGINT,
    hash BIGINT,
    replaced_file BIGINT,
    detail TEXT,
    PRIMARY KEY (account, diffid)
) WITHOUT ROWID;
CREATE INDEX event_file ON event (account, file, diffid) WHERE file IS NOT NULL;
CREATE INDEX event_folder ON event (account, folder, diffid) WHERE folder IS NOT NULL;

-- People and links -----------------------------------------------------------------------------------------------

CREATE TABLE share (
    id INTEGER PRIMARY KEY,
    folder BIGINT NOT NULL,
    owner BIGINT NOT NULL,
    recipient BIGINT NOT NULL,
    permissions BIGINT NOT NULL,
    name TEXT NOT NULL,
    created BIGINT NOT NULL,
    mount BIGINT NOT NULL,
    request BIGINT NOT NULL,
    since BIGINT NOT NULL,
    joined BIGINT NOT NULL
);
CREATE UNIQUE INDEX share_folder ON share (folder, recipient);
CREATE INDEX share_recipient ON share (recipient, id);
CREATE INDEX share_owner ON share (owner, id);

CREATE TABLE shared_event (
    owner BIGINT NOT NULL,
    folder BIGINT NOT NULL,
    diffid BIGINT NOT NULL,
    PRIMARY KEY (owner, folder, diffid)
) WITHOUT ROWID;

CREATE TABLE follow (
    account BIGINT NOT NULL,
    folder BIGINT NOT NULL,
    owner BIGINT NOT NULL,
    placed BIGINT NOT NULL,
    PRIMARY KEY (account, folder)
) WITHOUT ROWID;

CREATE TABLE stretch (
    account BIGINT NOT NULL,
    diffid BIGINT NOT NULL,
    folder BIGINT NOT NULL,
    owner BIGINT NOT NULL,
    start BIGINT NOT NULL,
    stop BIGINT NOT NULL,
    flags BIGINT NOT NULL,
    PRIMARY KEY (account, diffid)
) WITHOUT ROWID;
CREATE INDEX stretch_folder ON stretch (account, folder, start);

CREATE TABLE share_request (
    id INTEGER PRIMARY KEY,
    folder BIGINT NOT NULL,
    owner BIGINT NOT NULL,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,
    permissions BIGINT NOT NULL,
    name TEXT NOT NULL,
    message TEXT,
    code_hash BLOB NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE UNIQUE INDEX share_request_folder ON share_request (folder, email_key);
CREATE UNIQUE INDEX share_request_code ON share_request (code_hash);
CREATE INDEX share_request_email ON share_request (email_key, id);
CREATE INDEX share_request_owner ON share_request (owner, id);
CREATE INDEX share_request_expiry ON share_request (expires);

CREATE TABLE share_policy (
    account BIGINT NOT NULL,
    owner BIGINT NOT NULL,
    policy BIGINT NOT NULL,
    PRIMARY KEY (account, owner)
) WITHOUT ROWID;

CREATE TABLE public_link (
    id INTEGER PRIMARY KEY,
    owner BIGINT NOT NULL,
    kind BIGINT NOT NULL,
    folder BIGINT,
    file BIGINT,
    collection BIGINT,
    name TEXT NOT NULL,
    code TEXT NOT NULL,
    shortcode TEXT,
    password_hash TEXT,
    state BIGINT NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    expires BIGINT,
    maxdownloads BIGINT NOT NULL,
    maxtraffic BIGINT NOT NULL,
    downloads BIGINT NOT NULL,
    traffic BIGINT NOT NULL,
    views BIGINT NOT NULL
);
CREATE UNIQUE INDEX public_link_code ON public_link (code);
CREATE UNIQUE INDEX public_link_shortcode ON public_link (shortcode) WHERE shortcode IS NOT NULL;
CREATE INDEX public_link_owner ON public_link (owner, id);
CREATE INDEX public_link_file ON public_link (file) WHERE file IS NOT NULL;
CREATE INDEX public_link_folder ON public_link (folder) WHERE folder IS NOT NULL;
CREATE INDEX public_link_collection ON public_link (collection) WHERE collection IS NOT NULL;

CREATE TABLE public_link_item (
    link BIGINT NOT NULL,
    item BIGINT NOT NULL,
    parent BIGINT NOT NULL,
    folder BIGINT,
    file BIGINT,
    blob BIGINT,
    name TEXT NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    PRIMARY KEY (link, item)
) WITHOUT ROWID;
CREATE INDEX public_link_item_parent ON public_link_item (link, parent, item);
CREATE INDEX public_link_item_file ON public_link_item (file, link) WHERE file IS NOT NULL;
CREATE INDEX public_link_item_folder ON public_link_item (folder, link) WHERE folder IS NOT NULL;

CREATE TABLE public_link_path (
    link BIGINT NOT NULL,
    path BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    PRIMARY KEY (link, path)
) WITHOUT ROWID;
CREATE INDEX public_link_path_expires ON public_link_path (expires);

CREATE TABLE retired_shortcode (
    shortcode TEXT NOT NULL,
    PRIMARY KEY (shortcode)
) WITHOUT ROWID;

CREATE TABLE upload_link (
    id INTEGER PRIMARY KEY,
    owner BIGINT NOT NULL,
    folder BIGINT NOT NULL,
    code TEXT NOT NULL,
    comment TEXT NOT NULL,
    state BIGINT NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    expires BIGINT,
    maxspace BIGINT NOT NULL,
    maxfiles BIGINT NOT NULL,
    space BIGINT NOT NULL,
    files BIGINT NOT NULL,
    mailed BIGINT NOT NULL
);
CREATE UNIQUE INDEX upload_link_code ON upload_link (code);
CREATE INDEX upload_link_owner ON upload_link (owner, id);
CREATE INDEX upload_link_folder ON upload_link (folder);

CREATE TABLE mail_transfer (
    folder INTEGER PRIMARY KEY,
    sender TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX mail_transfer_sender ON mail_transfer (sender, created);
CREATE INDEX mail_transfer_expiry ON mail_transfer (expires);

CREATE TABLE collection (
    id INTEGER PRIMARY KEY,
    account BIGINT NOT NULL,
    name TEXT NOT NULL,
    kind BIGINT NOT NULL,
    is_system BIGINT NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL
);
CREATE UNIQUE INDEX collection_name ON collection (account, name);

CREATE TABLE collection_item (
    collection BIGINT NOT NULL,
    position BIGINT NOT NULL,
    file BIGINT NOT NULL,
    added BIGINT NOT NULL,
    PRIMARY KEY (collection, position)
) WITHOUT ROWID;
CREATE INDEX collection_item_file ON collection_item (file);

-- Apps -----------------------------------------------------------------------------------------------------------

CREATE TABLE app (
    id INTEGER PRIMARY KEY,
    client_id TEXT NOT NULL,
    client_key TEXT NOT NULL,
    secret_hash BLOB NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    home_page TEXT NOT NULL,
    redirects TEXT NOT NULL,
    access BIGINT NOT NULL,
    implicit BIGINT NOT NULL,
    permissions BIGINT NOT NULL,
    state BIGINT NOT NULL,
    created BIGINT NOT NULL
);
CREATE UNIQUE INDEX app_client ON app (client_key);

CREATE TABLE app_grant (
    account BIGINT NOT NULL,
    app BIGINT NOT NULL,
    permissions BIGINT NOT NULL,
    created BIGINT NOT NULL,
    last_used BIGINT NOT NULL,
    PRIMARY KEY (account, app)
) WITHOUT ROWID;
CREATE INDEX app_grant_app ON app_grant (app);

CREATE TABLE app_folder (
    account BIGINT NOT NULL,
    app BIGINT NOT NULL,
    folder BIGINT NOT NULL,
    PRIMARY KEY (account, app)
) WITHOUT ROWID;
CREATE INDEX app_folder_app ON app_folder (app);

CREATE TABLE app_code (
    secret_hash BLOB PRIMARY KEY,
    app BIGINT NOT NULL,
    account BIGINT,
    redirect TEXT NOT NULL,
    permissions BIGINT NOT NULL,
    challenge TEXT NOT NULL,
    opened_by BLOB,
    token BIGINT,
    expires BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX app_code_expiry ON app_code (expires);
CREATE INDEX app_code_account ON app_code (account);

-- Long work ------------------------------------------------------------------------------------------------------

CREATE TABLE job (
    id INTEGER PRIMARY KEY,
    kind BIGINT NOT NULL,
    account BIGINT,
    progress_key TEXT,
    payload TEXT NOT NULL,
    progress TEXT NOT NULL,
    state BIGINT NOT NULL,
    node TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    run_at BIGINT NOT NULL,
    created BIGINT NOT NULL
);
CREATE INDEX job_due ON job (kind, state, run_at, id);
CREATE INDEX job_progress ON job (account, progress_key);

CREATE TABLE mail (
    id INTEGER PRIMARY KEY,
    recipient TEXT NOT NULL,
    sealed BLOB,
    attempts BIGINT NOT NULL,
    run_at BIGINT,
    created BIGINT NOT NULL
);
CREATE INDEX mail_due ON mail (run_at, id) WHERE run_at IS NOT NULL;
CREATE INDEX mail_done ON mail (created) WHERE run_at IS NULL;
CREATE INDEX mail_recipient ON mail (recipient, created);
