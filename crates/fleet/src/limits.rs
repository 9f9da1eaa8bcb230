//! Every bound of the product, in one place, each with its reason.
//!
//! Over a bound the answer is a plain refusal: never silence, never memory growth.

use std::time::Duration;

/// Bytes of a project id. CPH's are 32; ISS's are up to 64.
pub const PROJECT_ID_BYTES_MAX: usize = 64;
/// Bytes of a device id: CPH's page of UpdateCloudPhoneProperty says 32 bytes for `phone_id`.
pub const DEVICE_ID_BYTES_MAX: usize = 32;
/// Bytes of a name that an operator gives to a project, a device, a server.
pub const NAME_BYTES_MAX: usize = 256;
/// Bytes of what is said of a project: ISS takes 256 characters, of up to four bytes.
pub const DESCRIPTION_BYTES_MAX: usize = 1_024;
/// Bytes of a device's address, `host:port`: a DNS name has at most 253.
pub const ADDRESS_BYTES_MAX: usize = 260;

/// Bytes of a GB device's digest user name and of its password: ISS takes up to 64 characters of
/// each, of up to four bytes.
pub const REGISTRANT_BYTES_MAX: usize = 256;
/// Channels of one GB device: the largest recorders have some hundred; a platform that registers
/// as a device may have thousands.
pub const CHANNELS_PER_DEVICE_MAX: usize = 10_000;
/// Registrants kept in memory, ids that are none among them.
pub const REGISTRANTS_CACHED_MAX: usize = 65_536;
/// Registrations that were refused and are remembered, to tell operators why.
pub const REFUSED_REGISTRATIONS_MAX: usize = 1_000;
/// Bindings in one change of the store.
pub const BINDINGS_PER_WRITE_MAX: usize = 512;

/// Digits of a prefix of GB devices' ids: whole ids have as many (GB/T 28181-2016, annex D).
pub const ENROLMENT_PREFIX_DIGITS_MAX: usize = 20;
/// Bytes of an enrolment password at least: it stands for many cameras, and cameras take as many.
pub const ENROLMENT_PASSWORD_BYTES_MIN: usize = 8;
/// Prefixes by which cameras may enrol in one project: one for each trade of a few places.
pub const ENROLMENT_PREFIXES_MAX: usize = 32;
/// The longest time for which a project may be open for enrolment: a shared password is for an
/// installation, not for good.
pub const ENROLMENT_MAX: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// Projects of one server that are open for enrolment at a time: all of them are kept in memory.
pub const ENROLMENTS_MAX: usize = 1_000;
/// Enrolment passwords that one REGISTER is checked against: each costs a digest.
pub const ENROLMENTS_TRIED_MAX: usize = 4;
/// Cameras of one project that wait to be accepted or are kept as rejected.
pub const ENROLMENTS_PENDING_MAX: usize = 10_000;
/// Pending cameras that one change of the store accepts, or rejects.
pub const PENDING_PER_CALL_MAX: usize = 1_000;
/// Pending cameras that are noted with one change of the store.
pub const PENDING_PER_WRITE_MAX: usize = 512;
/// How often pending cameras are noted at most, all that came meanwhile with one change.
pub const PENDING_NOTED_EVERY: Duration = Duration::from_secs(1);
/// How often one pending camera is noted at most, however often it comes.
pub const PENDING_NOTED_AGAIN: Duration = Duration::from_secs(60);
/// Pending cameras of which it is kept in memory when they were last noted.
pub const PENDING_CACHED_MAX: usize = 16_384;
/// How long a pending camera that does not come again stays on the list.
pub const PENDING_KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How long a camera that was rejected is kept off the list.
pub const REJECTED_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// Seconds after which a pending camera is told to come again (Retry-After): as often as one that
/// is registered sends a keepalive.
pub const PENDING_RETRY_SECONDS: u32 = 60;
/// Digits of a password that is made for an accepted camera: what ISS's form 460 takes, and what
/// somebody who stands before a camera can type.
pub const GENERATED_PASSWORD_DIGITS: usize = 12;
/// Characters of a camera's User-Agent that are kept.
pub const USER_AGENT_CHARS_MAX: usize = 128;

/// Bytes of an organization's id: ours have 32.
pub const ORGANIZATION_ID_BYTES_MAX: usize = 64;
/// Organizations of one project: as many as a city has streets. An update that would make one more
/// is refused for its device alone.
pub const ORGANIZATIONS_PER_PROJECT_MAX: usize = 100_000;
/// Bytes of one value that is a record of ours, of a GB device or a channel: 64 characters of up
/// to four bytes, or an organization's path of four of them.
pub const RECORD_VALUE_BYTES_MAX: usize = 1_027;
/// The longest time for which a registration password that was replaced may go on working.
pub const PASSWORD_OVERLAP_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// GB devices in one call of ISS (UpdateDevice and CreateDevice, `Devicelist`).
pub const CAMERAS_PER_CALL_MAX: usize = 100;

/// Bytes of a preset's name.
pub const PRESET_NAME_BYTES_MAX: usize = 64;
/// Presets of one project: more than anybody keeps apart, and a list of them stays a page or ten.
pub const PRESETS_PER_PROJECT_MAX: usize = 1_000;
/// Bytes of a preset's values as they are written, names and templates together: what may be
/// desired of one device.
pub const PRESET_BYTES_MAX: usize = DESIRED_BYTES_MAX;
/// Bytes of one template: CPH takes 7,800 bytes of properties in a call.
pub const TEMPLATE_BYTES_MAX: usize = 8_192;
/// Bytes of the name of a variable that a caller gives.
pub const VARIABLE_NAME_BYTES_MAX: usize = 64;
/// Bytes of the value of such a variable: what a template has, and it may stand there alone.
pub const VARIABLE_VALUE_BYTES_MAX: usize = TEMPLATE_BYTES_MAX;
/// Bytes of all values that one update makes, of a preset or of what is asked of all, for devices
/// that each have a copy of them: 670 bytes for each of 100,000 devices. They are held in memory
/// while the update is made, and those of one wave while it begins.
pub const EXPANDED_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Earlier jobs of a device that are looked through for the one that asked for what stands there:
/// each is looked up by the id that the one after it names.
pub const EXPLAINED_JOBS_MAX: u32 = 1_000;

/// Bytes of an idempotency key: a UUID has 36, and whoever makes one of several ids has room.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;
/// How long an idempotency key is kept with the answer to its call: longer than any client tries.
pub const IDEMPOTENCY_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// After how long without a word a call is made again by whoever has its key: the node that made it
/// has died, for one that lives renews the key.
pub const IDEMPOTENCY_TAKEN_OVER_AFTER: Duration = Duration::from_secs(60);
/// How often the key of a call that is being made is renewed: so that it may fail twice before
/// somebody takes the key over.
pub const IDEMPOTENCY_RENEWED_EVERY: Duration = Duration::from_secs(20);
/// Bytes of an answer that is kept: that of a call for 8,096 phones has a fifth of it.
pub const IDEMPOTENCY_ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Keys of one caller that are kept in each of the 256 parts that they fall in by their hash: some
/// 130,000 together, which is more than one a second. Counted by the part, so that it costs little.
pub const IDEMPOTENCY_KEYS_PER_PART_MAX: u64 = 512;
/// Calls with keys that one node makes at a time. They go on when their clients go away, so the
/// bound of connections does not bound them.
pub const IDEMPOTENT_CALLS_MAX: usize = 1_024;

/// Tags on one phone or server: CPH API, "Creating tags in batches".
pub const TAGS_PER_RESOURCE_MAX: usize = 10;
/// Bytes of a tag's key and of its value: CPH counts characters, at most 127 and 255, of up to four
/// bytes each.
pub const TAG_BYTES_MAX: usize = 1_020;
/// Makes of phone in one project's list of models and images.
pub const MAKES_MAX: u32 = 1_000;
/// Bytes of a user's name and of a password.
pub const USER_BYTES_MAX: usize = 128;
/// Addresses that one discovery looks at; the CLI sends longer lists in pieces of this size.
pub const DISCOVERED_PER_CALL_MAX: usize = 1_024;
/// Addresses that a discovery looks at at a time.
pub const DISCOVERY_AT_A_TIME: usize = 64;

/// Phones in one call: the bound of `phones` in CPH's API definition.
pub const PHONES_PER_UPDATE_MAX: usize = 8_096;
/// Devices of one update that goes out in waves.
pub const UPDATE_DEVICES_MAX: usize = 100_000;
/// Devices that one change of the store adds to such an update: none keeps others waiting for long.
pub const ROLLOUT_DEVICES_PER_WRITE_MAX: usize = 10_000;
/// Waves of one such update: all of them are told at once.
pub const ROLLOUT_WAVES_MAX: u32 = 10_000;
/// Reasons for which jobs of an update failed that are told one by one, those of most jobs: what
/// devices say of themselves may differ with each. The others are counted together.
pub const FAILURE_GROUPS_MAX: u32 = 100;
/// Devices that are named of each.
pub const FAILURE_DEVICES_MAX: u32 = 5;
/// Such updates of one project that are not over.
pub const ROLLOUTS_OPEN_MAX: usize = 64;
/// How long counts of a fleet are kept: long enough to see what a night has done beside the one
/// before.
pub const COUNTS_KEPT: Duration = Duration::from_secs(48 * 60 * 60);
/// How often a row of them is kept, at most.
pub const COUNTS_SAMPLED_EVERY: Duration = Duration::from_secs(600);
/// Devices that are counted at a time, so that no read takes long.
pub const COUNTED_PER_READ: u32 = 2_000;
/// The pause between two such reads, in which others have their turn.
pub const COUNT_PAUSE: Duration = Duration::from_millis(20);
/// The wait between two counts of a fleet: the least there is, and the most.
pub const COUNT_WAIT: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(600));
/// How many times as long as a count took it waits for the next one: counting takes at most 2 % of
/// one core.
pub const COUNT_SHARE: u32 = 50;
/// How long the newest counts are left as they are in the store while nothing changes: a server
/// that has nothing to do hardly writes.
pub const COUNTS_WRITTEN_EVERY: Duration = Duration::from_secs(60);
/// Projects whose counts are written with one change of the store, so that other changes don't wait
/// for those of thousands.
pub const COUNTS_PER_WRITE: usize = 1_000;
/// Rows of counts that are forgotten with one change of the store, besides as many as it adds.
pub const COUNTS_FORGOTTEN_PER_WRITE: u32 = 1_000;
/// How far back an overview looks for jobs that failed.
pub const FAILURES_SINCE: Duration = Duration::from_secs(24 * 60 * 60);
/// Failed jobs of a project that an overview looks at, the newest.
pub const FAILURES_COUNTED_MAX: u32 = 10_000;
/// Reasons that an overview names, those of most jobs.
pub const FAILURE_REASONS_MAX: usize = 100;
/// Devices that it names for each.
pub const FAILURE_REASON_DEVICES_MAX: u32 = 3;
/// Open updates that an overview names, the newest of those that go out in waves.
pub const OVERVIEW_ROLLOUTS_MAX: usize = 100;
/// Devices that one page of a selection walks past at most, whether they are meant or not.
pub const SELECT_WALK_MAX: usize = 10_000;
/// Devices that a count of a selection walks past at most: as many as an update may have.
pub const COUNT_WALK_MAX: usize = 100_000;
/// Requests that one page of the list of updates walks past at most.
pub const UPDATES_WALK_MAX: usize = 2_000;
/// Devices that one change of the store freezes or unfreezes at most: others wait for it.
pub const FROZEN_PER_WRITE_MAX: usize = 1_000;
/// Jobs that one change of the store cancels at most.
pub const CANCELLED_PER_WRITE_MAX: usize = 1_000;
/// Devices in one import call; the CLI sends larger files in pieces of this size.
pub const DEVICES_PER_IMPORT_MAX: usize = 10_000;
/// Faults of lines that the answer to one import lists; of more it says how many. Nobody mends a
/// thousand by hand.
pub const IMPORT_ERRORS_MAX: usize = 1_000;
/// Columns of a CSV file that is imported: an export writes at most 215, and people add a few.
pub const IMPORT_COLUMNS_MAX: usize = 300;
/// Changes of the store in which one import brings in the good devices among those of which the
/// store refuses some: to tell one apart takes a dozen.
pub const IMPORT_WRITES_MAX: usize = 256;
/// Devices that an export reads at a time: some 13 MB if each has all the values that one may have.
pub const EXPORT_PAGE: u32 = 200;
/// Columns of properties that one export as CSV has.
pub const EXPORT_PROPERTIES_MAX: usize = 100;
/// Characters of `property` in CPH's API definition.
pub const CPH_PROPERTY_CHARS_MAX: usize = 8_096;
/// Bytes of `property` and `custom_property` together in CPH's API definition.
pub const CPH_PROPERTIES_BYTES_MAX: usize = 7_800;
/// Request ids in one ListJobs call (CPS.0161 beyond it).
pub const REQUEST_IDS_PER_QUERY_MAX: usize = 20;
/// Jobs in one page of ListJobs.
pub const JOBS_PER_PAGE_MAX: u32 = 100;
/// Devices in one page of the native list.
pub const DEVICES_PER_PAGE_MAX: u32 = 1_000;
/// Bytes of a property's name: Android's own limit was 31 until Android 8 and is none since; the
/// longest name that CPH lists has 32.
pub const PROPERTY_NAME_BYTES_MAX: usize = 128;
/// Bytes of all desired values of one device as stored. Eight full CPH calls with no key in common.
pub const DESIRED_BYTES_MAX: usize = 65_536;
/// Bytes of a sentence that a device gave as its reason.
pub const DETAIL_BYTES_MAX: usize = 512;

/// Body of a request: the gateway in front of CPH takes 12 MB.
pub const BODY_BYTES_MAX: usize = 12 * 1024 * 1024;

/// Open jobs of one device. Beyond it that device's entry is refused as busy: they all end with the
/// same application, so more of them only cost memory and read time.
pub const OPEN_JOBS_PER_DEVICE_MAX: usize = 64;

/// How long a node's session lasts that is not renewed, and so how long nobody works on what a node
/// that has died owned: short enough to be waited for, longer than a store takes to fail over to a
/// standby that is ready.
pub const LEASE: Duration = Duration::from_secs(10);
/// How often a node renews its session: three times before it would run out.
pub const LEASE_RENEW_EVERY: Duration = Duration::from_secs(3);
/// How often a node reads what others have committed: what wakes its lanes for their updates.
pub const FEED_EVERY: Duration = Duration::from_millis(100);
/// How long what a node keeps in memory of the store's records holds while it can't hear of their
/// changes.
pub const FEED_SILENCE_MAX: Duration = Duration::from_secs(2);
/// How long the feed of what was committed is kept.
pub const FEED_KEPT: Duration = Duration::from_secs(24 * 3_600);
/// How long a job is kept after it has ended, unless told otherwise: long enough to see what a
/// month has done.
pub const HISTORY_KEPT: Duration = Duration::from_secs(30 * 24 * 3_600);
/// Jobs that are kept, unless told otherwise: 12 GB of small ones.
pub const HISTORY_JOBS_MAX: u64 = 50_000_000;
/// Hundredths of the disk that jobs which have ended leave free, unless told otherwise.
pub const HISTORY_DISK_FREE_PERCENT: u8 = 10;
/// How long a job is kept after it has ended, however many there are: who asked for it asks what
/// has become of it.
pub const HISTORY_KEPT_MIN: Duration = Duration::from_secs(3_600);
/// How long it is kept, however full the disk is: what fills the disk may be something else.
pub const HISTORY_KEPT_MIN_ON_FULL_DISK: Duration = Duration::from_secs(24 * 3_600);
/// Rows that are looked at and forgotten in one step: so few that nobody who waits for the commit
/// behind it notices.
pub const HISTORY_STEP_ROWS: u32 = 256;

/// Applications at a time on one server (the host that phones live on).
pub const ACTIONS_PER_SERVER_MAX: usize = 8;
/// Phones of one server that are being restarted at a time, from the last look before to the last
/// read-back after.
pub const RESTARTS_PER_SERVER_MAX: usize = 2;
/// Phones of one server that boot at a time because we told them to.
pub const BOOTS_PER_SERVER_MAX: usize = 1;
/// Phones of one project that are being restarted at a time.
pub const RESTARTS_PER_PROJECT_MAX: usize = 100;
/// How long a phone may take to come back from a restart, reset or start.
pub const BOOT_DEADLINE: Duration = Duration::from_secs(300);
/// How long a phone that was told to restart may go on in the same boot before it is told again.
pub const RESTART_TOLD_AGAIN: Duration = Duration::from_secs(60);
/// How often a phone is told to restart before it counts as refused.
pub const RESTART_TOLD_MAX: u8 = 2;
/// How long a command of the operator's may take.
pub const COMMAND_TIMEOUT: Duration = Duration::from_secs(120);
/// The wait before a device of a paused project is looked at again, if nothing wakes it.
pub const PAUSED_RETRY: Duration = Duration::from_secs(30);
/// How long a token works: IAM's work for 24 hours.
pub const TOKEN_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// Tokens with names that one user has at most.
pub const TOKENS_PER_USER_MAX: usize = 100;
/// Acts that the audit keeps: with one more, the oldest is forgotten.
pub const AUDIT_ENTRIES_MAX: i64 = 1_000_000;
/// Webhooks of one project, and of the server as a whole: each is told by itself, and one of them
/// can pass on to more.
pub const WEBHOOKS_PER_PROJECT_MAX: usize = 16;
/// Webhooks in all: one node may have to deliver all of them, and each reads the feed for itself
/// while its receiver is behind.
pub const WEBHOOKS_MAX: usize = 1_024;
/// Bytes of a webhook's URL: what servers and proxies take at least.
pub const WEBHOOK_URL_BYTES_MAX: usize = 2_048;
/// Bytes of the secret that deliveries are signed with, when it is given: fewer can be guessed, and
/// more than a block of the hash add nothing.
pub const WEBHOOK_SECRET_BYTES: std::ops::RangeInclusive<usize> = 16..=256;
/// Events in one delivery: some 20 kB of JSON.
pub const DELIVERY_EVENTS_MAX: usize = 100;
/// Deliveries that one node makes at a time.
pub const DELIVERIES_AT_A_TIME: usize = 8;
/// Deliveries that one node makes at a time for the webhooks of one project, and for those of the
/// whole server: receivers that hang leave room for the other projects'.
pub const DELIVERIES_PER_PROJECT: usize = 2;
/// Trials of webhooks that one node makes at a time, besides deliveries: each has a person wait.
pub const TRIALS_AT_A_TIME: usize = 2;
/// How long a receiver may take to take a delivery.
pub const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of a receiver's answer that are read.
pub const DELIVERY_ANSWER_BYTES_MAX: usize = 4 * 1024;
/// Bytes of a reason why a delivery failed, as it is kept.
pub const DELIVERY_FAILURE_BYTES_MAX: usize = 512;
/// How long a webhook waits after a delivery that failed: the first time, and at most.
pub const DELIVERY_RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(600));
/// How often it is written, at most, how deliveries stand: a process that is killed repeats what it
/// had delivered since.
pub const DELIVERIES_NOTED_EVERY: Duration = Duration::from_secs(1);

/// How often it is written which access keys and tokens were used.
pub const LAST_USE_EVERY: Duration = Duration::from_secs(60);
/// Tokens kept in memory.
pub const TOKENS_CACHED_MAX: usize = 10_000;
/// Passwords that are checked at a time: each takes 19 MiB and some 50 ms of one core.
pub const PASSWORD_CHECKS_AT_A_TIME: usize = 2;
/// Passwords that wait to be checked; over it signing in is refused as busy.
pub const PASSWORD_CHECKS_WAITING_MAX: usize = 64;
/// Actions in flight on one node, over all servers. Each holds a connection and some kilobytes.
pub const ACTIONS_PER_NODE_MAX: usize = 1_024;
/// How long one action on a phone may take.
pub const PHONE_ACTION_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a job may stay open on a device that should run and can't be reached.
pub const JOB_DEADLINE: Duration = Duration::from_secs(600);
/// Attempts at a value that the device refuses or shows otherwise, before its jobs fail.
pub const REFUSED_ATTEMPTS_MAX: u8 = 3;
/// Attempts at a value that a boot has wiped and the device refuses to take back: about a minute.
/// More than for a new value, since a phone's services come up one after the other; not without
/// end, since a phone that refuses for good would be asked for ever.
pub const BOOT_ATTEMPTS_MAX: u8 = 8;
/// The wait after a first failed attempt; it doubles with each further one.
pub const RETRY_FIRST: Duration = Duration::from_millis(500);
/// The longest wait between two attempts.
pub const RETRY_MAX: Duration = Duration::from_secs(30);
/// The wait before a phone that is still booting is asked again.
pub const BOOTING_RETRY: Duration = Duration::from_millis(500);
/// Read-backs a second and node that the sweep may cost.
pub const SWEEP_PER_SECOND: u32 = 50;
/// How often a device at rest is read back at most: a camera answers each time with messages of its
/// own.
pub const SWEEP_ROUND_MIN: Duration = Duration::from_secs(10);
/// How often all unsettled devices are read again, in case an event was lost.
pub const RESCAN_EVERY: Duration = Duration::from_secs(60);
/// Devices read at a time while starting and rescanning.
pub const SCAN_PAGE: u32 = 1_000;
/// Messages to the lanes that may wait. The sender waits beyond it, so accepting slows down.
pub const LANE_MESSAGES_MAX: usize = 16_384;

/// Operations that the writer takes into one group commit.
pub const GROUP_OPERATIONS_MAX: usize = 512;
/// Rows that the writer takes into one group commit; a larger operation goes alone.
pub const GROUP_ROWS_MAX: usize = 2_048;
/// Operations that may wait for the writer. Beyond it a write is refused as busy.
pub const WRITES_WAITING_MAX: usize = 8_192;
/// Reads that may wait for a reader. Beyond it a read is refused as busy.
pub const READS_WAITING_MAX: usize = 8_192;
/// How long one read may take before it is interrupted: a pinned reader lets the WAL grow.
pub const READ_DEADLINE: Duration = Duration::from_secs(5);
/// Size of the WAL past which the writer itself makes room.
pub const WAL_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Projects whose keys are kept in memory.
pub const PROJECTS_CACHED_MAX: usize = 10_000;
/// Devices whose key, profile and server are kept in memory for accepting: some 30 MB.
pub const DEVICES_CACHED_MAX: usize = 131_072;
/// Access keys whose opened secrets are kept in memory.
pub const ACCESS_KEYS_CACHED_MAX: usize = 10_000;
/// Bytes of an access key's id and of its secret. Huawei's have 20 and 40, Tencent's 36 and 32.
pub const ACCESS_KEY_BYTES_MAX: usize = 128;
