//! The real SQL behind a store that is slow, fails, loses its answer, can't be reached, and is
//! where the process may die: before a change, after it, and after its commit but before anybody
//! was told.
//!
//! It sees what each node is granted and what each writes, and notes what must not be.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use fleet::{
    Channel, Device, DeviceId, DeviceKey, Epoch, JobId, Organization, OrganizationId,
    PendingDevice, Preset, PresetName, Principal, Project, ProjectId, PushOutcome, RequestId,
    Rollout, RolloutDevice, Selector, ServerSettings, Shard, Timestamp, Wave, WaveCounts,
};
use store::sqlite::InlineNode;
use store::write::NotePush;
use store::{
    AcceptTarget, AuditEntry, AuditFilter, Backup, CameraListing, CameraWork, Cluster,
    ClusterState, Counted, CountedFleet, CountedJobs, CountedPage, CredentialsCounts, DeviceFilter,
    DeviceWithState, Error, Failures, FeedPage, FeedPosition, ForgottenJobs, ForgottenRollout,
    GrantHolder, Held, History, HistoryPage, JobFilter, JobWithDevice, LaneSeed, Make, NameTaken,
    NewSession, Old, Page, PhoneFilter, Reads, RecentFailures, Refused, Renewal, Room, SealedKey,
    SealedRegistrant, Selected, SelectedKeys, Server, ServerFilter, Session, SessionEnded,
    SessionKey, StoredBinding, StoredEnrolment, StoredToken, StoredUser, StoredWebhook, Tag,
    TagFilter, Tagged, TaggedKind, TaggedThing, TokenRecord, UpdatePage, UserGrant, WaveOf, Work,
    Write, Writes, Written,
};

use crate::chance::{Chance, Life};
use crate::tokens::{Tokens, Worker};

/// The store as one life of a node's process sees it.
pub struct ShakyStore {
    pub inner: InlineNode,
    pub worker: Worker,
    pub tokens: Tokens,
    pub life: Life,
    pub chance: Chance,
    /// One call in so many fails; 0 for none.
    pub fails_one_in: Arc<AtomicU32>,
    /// A planted bug: what is sent to cameras is not put on record.
    pub forgets_pushes: bool,
}

impl ShakyStore {
    async fn before(&self) -> Result<(), Error> {
        self.life.step().await;
        self.reach().await
    }

    /// The way to the store.
    async fn reach(&self) -> Result<(), Error> {
        self.chance.pause(10).await;
        self.life.go_on().await;
        if self.life.suffering.store_is_cut() {
            // A connection that nothing comes back on.
            tokio::time::sleep(Duration::from_millis(500 + self.chance.below(3_000))).await;
            self.life.go_on().await;
            return Err(fault("a connection that was cut"));
        }
        if self.chance.strikes(self.fails_one_in.load(Ordering::SeqCst)) {
            return Err(fault("a planted fault"));
        }
        Ok(())
    }

    /// The way back.
    async fn after(&self) -> Result<(), Error> {
        self.life.go_on().await;
        if self.life.suffering.store_is_cut() {
            Err(fault("an answer was cut off"))
        } else {
            Ok(())
        }
    }

    /// The way back of a change's answer.
    async fn told(&self) -> Result<(), Error> {
        let answer_lost = self.chance.strikes(self.fails_one_in.load(Ordering::SeqCst));
        // Committed; now the process may die before it hears of it.
        self.life.step().await;
        self.chance.pause(10).await;
        self.life.go_on().await;
        if answer_lost || self.life.suffering.store_is_cut() {
            return Err(Error::Unknown { source: "a planted fault".into() });
        }
        Ok(())
    }
}

fn fault(what: &'static str) -> Error {
    Error::Failed { operation: "a call", source: what.into() }
}

/// Passes a read on, with all that may happen before it.
macro_rules! shaky {
    ($self:ident . $method:ident ( $($argument:expr),* )) => {{
        $self.before().await?;
        let answer = $self.inner.$method($($argument),*).await;
        $self.after().await?;
        answer
    }};
}

#[async_trait]
impl Reads for ShakyStore {
    async fn projects(&self, principal: &Principal) -> Result<Vec<Project>, Error> {
        shaky!(self.projects(principal))
    }

    async fn project(
        &self,
        principal: &Principal,
        id: &ProjectId,
    ) -> Result<Option<Project>, Error> {
        shaky!(self.project(principal, id))
    }

    async fn access_keys(
        &self,
        principal: &Principal,
        project: Option<&ProjectId>,
    ) -> Result<Vec<SealedKey>, Error> {
        shaky!(self.access_keys(principal, project))
    }

    async fn access_key(&self, ak: &str) -> Result<Option<SealedKey>, Error> {
        shaky!(self.access_key(ak))
    }

    async fn accept_targets(
        &self,
        principal: &Principal,
        project: &ProjectId,
        ids: Vec<DeviceId>,
    ) -> Result<Vec<Option<AcceptTarget>>, Error> {
        shaky!(self.accept_targets(principal, project, ids))
    }

    async fn device(
        &self,
        principal: &Principal,
        project: Option<&ProjectId>,
        id: &DeviceId,
    ) -> Result<Vec<DeviceWithState>, Error> {
        shaky!(self.device(principal, project, id))
    }

    async fn devices(
        &self,
        principal: &Principal,
        filter: &DeviceFilter,
        page: Page,
    ) -> Result<Vec<DeviceWithState>, Error> {
        shaky!(self.devices(principal, filter, page))
    }

    async fn job(&self, principal: &Principal, id: JobId) -> Result<Option<JobWithDevice>, Error> {
        shaky!(self.job(principal, id))
    }

    async fn jobs(
        &self,
        principal: &Principal,
        requests: &[RequestId],
        offset: u64,
        limit: u32,
    ) -> Result<Vec<JobWithDevice>, Error> {
        shaky!(self.jobs(principal, requests, offset, limit))
    }

    async fn registrants(
        &self,
        ids: Vec<DeviceId>,
    ) -> Result<Vec<Option<SealedRegistrant>>, Error> {
        shaky!(self.registrants(ids))
    }

    async fn bindings(&self, after: DeviceKey, limit: u32) -> Result<Vec<StoredBinding>, Error> {
        shaky!(self.bindings(after, limit))
    }

    async fn credentials_counts(
        &self,
        principal: &Principal,
        project: &ProjectId,
    ) -> Result<Option<CredentialsCounts>, Error> {
        shaky!(self.credentials_counts(principal, project))
    }

    async fn camera(&self, device: DeviceKey) -> Result<Option<CameraWork>, Error> {
        shaky!(self.camera(device))
    }

    async fn channels(
        &self,
        principal: &Principal,
        device: DeviceKey,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Channel>, Error> {
        shaky!(self.channels(principal, device, after, limit))
    }

    async fn cameras_named(
        &self,
        principal: &Principal,
        project: &ProjectId,
        ids: Vec<DeviceId>,
    ) -> Result<Vec<Option<CameraListing>>, Error> {
        shaky!(self.cameras_named(principal, project, ids))
    }

    async fn cameras(
        &self,
        principal: &Principal,
        project: &ProjectId,
        offset: u64,
        limit: u32,
    ) -> Result<Counted<CameraListing>, Error> {
        shaky!(self.cameras(principal, project, offset, limit))
    }

    async fn channels_named(
        &self,
        principal: &Principal,
        project: &ProjectId,
        ids: Vec<DeviceId>,
    ) -> Result<Vec<Option<Channel>>, Error> {
        shaky!(self.channels_named(principal, project, ids))
    }

    async fn free_camera_ids(&self, prefix: &str, count: u32) -> Result<Vec<DeviceId>, Error> {
        shaky!(self.free_camera_ids(prefix, count))
    }

    async fn organizations(
        &self,
        principal: &Principal,
        project: &ProjectId,
        ids: Option<Vec<OrganizationId>>,
        offset: u64,
        limit: u32,
    ) -> Result<Counted<Organization>, Error> {
        shaky!(self.organizations(principal, project, ids, offset, limit))
    }

    async fn jobs_from(
        &self,
        principal: &Principal,
        requests: &[RequestId],
        from: u16,
        filter: &JobFilter,
        limit: u32,
    ) -> Result<Vec<JobWithDevice>, Error> {
        shaky!(self.jobs_from(principal, requests, from, filter, limit))
    }

    async fn failures(
        &self,
        principal: &Principal,
        requests: &[RequestId],
        rollout: Option<RequestId>,
    ) -> Result<Failures, Error> {
        shaky!(self.failures(principal, requests, rollout))
    }

    async fn work(&self, device: DeviceKey) -> Result<Option<Work>, Error> {
        shaky!(self.work(device))
    }

    async fn devices_with_work(
        &self,
        after: DeviceKey,
        limit: u32,
    ) -> Result<Vec<LaneSeed>, Error> {
        shaky!(self.devices_with_work(after, limit))
    }

    async fn devices_at_rest(&self, after: DeviceKey, limit: u32) -> Result<Vec<LaneSeed>, Error> {
        shaky!(self.devices_at_rest(after, limit))
    }

    async fn lane_seeds(&self, keys: &[DeviceKey]) -> Result<Vec<LaneSeed>, Error> {
        shaky!(self.lane_seeds(keys))
    }

    async fn records(&self, keys: &[DeviceKey]) -> Result<Vec<Device>, Error> {
        shaky!(self.records(keys))
    }

    async fn users(
        &self,
        principal: &Principal,
        project: &ProjectId,
    ) -> Result<Vec<StoredUser>, Error> {
        shaky!(self.users(principal, project))
    }

    async fn user(&self, name: &str) -> Result<Option<StoredUser>, Error> {
        shaky!(self.user(name))
    }

    async fn user_meant(&self, name: &str) -> Result<Option<StoredUser>, Error> {
        shaky!(self.user_meant(name))
    }

    async fn namesakes(&self, limit: u32) -> Result<Vec<String>, Error> {
        shaky!(self.namesakes(limit))
    }

    async fn token(&self, hash: [u8; 32]) -> Result<Option<StoredToken>, Error> {
        shaky!(self.token(hash))
    }

    async fn phones(
        &self,
        principal: &Principal,
        project: &ProjectId,
        filter: &PhoneFilter,
        offset: u64,
        limit: u32,
    ) -> Result<Counted<DeviceWithState>, Error> {
        shaky!(self.phones(principal, project, filter, offset, limit))
    }

    async fn servers(
        &self,
        principal: &Principal,
        project: &ProjectId,
        filter: &ServerFilter,
        offset: u64,
        limit: u32,
    ) -> Result<Counted<Server>, Error> {
        shaky!(self.servers(principal, project, filter, offset, limit))
    }

    async fn makes(&self, principal: &Principal, project: &ProjectId) -> Result<Vec<Make>, Error> {
        shaky!(self.makes(principal, project))
    }

    async fn tags(
        &self,
        principal: &Principal,
        project: &ProjectId,
        tagged: &Tagged,
    ) -> Result<Option<Vec<Tag>>, Error> {
        shaky!(self.tags(principal, project, tagged))
    }

    async fn tag_keys(
        &self,
        principal: &Principal,
        project: &ProjectId,
        kind: TaggedKind,
        offset: u64,
        limit: u32,
    ) -> Result<Counted<(String, Vec<String>)>, Error> {
        shaky!(self.tag_keys(principal, project, kind, offset, limit))
    }

    async fn tagged(
        &self,
        principal: &Principal,
        project: &ProjectId,
        kind: TaggedKind,
        filter: &TagFilter,
        offset: u64,
        limit: u32,
    ) -> Result<Counted<TaggedThing>, Error> {
        shaky!(self.tagged(principal, project, kind, filter, offset, limit))
    }

    async fn device_by_marker(&self, marker: &str) -> Result<Option<Device>, Error> {
        shaky!(self.device_by_marker(marker))
    }

    async fn devices_at(
        &self,
        principal: &Principal,
        project: &ProjectId,
        addresses: Vec<String>,
    ) -> Result<Vec<Device>, Error> {
        shaky!(self.devices_at(principal, project, addresses))
    }

    async fn grants(&self, principal: &Principal, user: &str) -> Result<Vec<UserGrant>, Error> {
        shaky!(self.grants(principal, user))
    }

    async fn grants_in(
        &self,
        principal: &Principal,
        project: &ProjectId,
        after: &str,
        limit: u32,
    ) -> Result<Vec<GrantHolder>, Error> {
        shaky!(self.grants_in(principal, project, after, limit))
    }

    async fn tokens(&self, user: &str) -> Result<Vec<TokenRecord>, Error> {
        shaky!(self.tokens(user))
    }

    async fn webhooks(
        &self,
        principal: &Principal,
        project: Option<&ProjectId>,
    ) -> Result<Vec<StoredWebhook>, Error> {
        shaky!(self.webhooks(principal, project))
    }

    async fn webhook(
        &self,
        principal: &Principal,
        id: &str,
    ) -> Result<Option<StoredWebhook>, Error> {
        shaky!(self.webhook(principal, id))
    }

    async fn token_record(&self, id: &str) -> Result<Option<TokenRecord>, Error> {
        shaky!(self.token_record(id))
    }

    async fn audit(
        &self,
        principal: &Principal,
        filter: &AuditFilter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, Error> {
        shaky!(self.audit(principal, filter, before, limit))
    }

    async fn select(
        &self,
        principal: &Principal,
        project: Option<&ProjectId>,
        selector: &Selector,
        after: DeviceKey,
        limit: u32,
    ) -> Result<Selected, Error> {
        shaky!(self.select(principal, project, selector, after, limit))
    }

    async fn select_keys(
        &self,
        principal: &Principal,
        project: Option<&ProjectId>,
        selector: &Selector,
        after: DeviceKey,
        limit: u32,
    ) -> Result<SelectedKeys, Error> {
        shaky!(self.select_keys(principal, project, selector, after, limit))
    }

    async fn presets(
        &self,
        principal: &Principal,
        project: &ProjectId,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Preset>, Error> {
        shaky!(self.presets(principal, project, after, limit))
    }

    async fn preset(
        &self,
        principal: &Principal,
        project: &ProjectId,
        name: &PresetName,
    ) -> Result<Option<Preset>, Error> {
        shaky!(self.preset(principal, project, name))
    }

    async fn tags_of_devices(
        &self,
        principal: &Principal,
        project: &ProjectId,
        ids: Vec<DeviceId>,
    ) -> Result<Vec<Vec<Tag>>, Error> {
        shaky!(self.tags_of_devices(principal, project, ids))
    }

    async fn history(
        &self,
        principal: &Principal,
        device: DeviceKey,
        from: Option<JobId>,
        limit: u32,
    ) -> Result<HistoryPage, Error> {
        shaky!(self.history(principal, device, from, limit))
    }

    async fn updates(
        &self,
        principal: &Principal,
        project: Option<&ProjectId>,
        before: Option<RequestId>,
        limit: u32,
    ) -> Result<UpdatePage, Error> {
        shaky!(self.updates(principal, project, before, limit))
    }

    async fn rollouts_open(&self) -> Result<Vec<Rollout>, Error> {
        shaky!(self.rollouts_open())
    }

    async fn rollout(
        &self,
        principal: &Principal,
        id: RequestId,
    ) -> Result<Option<Rollout>, Error> {
        shaky!(self.rollout(principal, id))
    }

    async fn waves(&self, principal: &Principal, id: RequestId) -> Result<Vec<Wave>, Error> {
        shaky!(self.waves(principal, id))
    }

    async fn rollout_devices(
        &self,
        principal: &Principal,
        id: RequestId,
        from: u32,
        limit: u32,
        refused_only: bool,
    ) -> Result<Vec<RolloutDevice>, Error> {
        shaky!(self.rollout_devices(principal, id, from, limit, refused_only))
    }

    async fn waves_of(&self, requests: &[RequestId]) -> Result<Vec<WaveOf>, Error> {
        shaky!(self.waves_of(requests))
    }

    async fn wave_counts(&self, requests: &[RequestId]) -> Result<Vec<WaveCounts>, Error> {
        shaky!(self.wave_counts(requests))
    }

    async fn count_devices(&self, after: DeviceKey, limit: u32) -> Result<CountedPage, Error> {
        shaky!(self.count_devices(after, limit))
    }

    async fn counted_fleet(
        &self,
        principal: &Principal,
        project: Option<&ProjectId>,
        since: Timestamp,
    ) -> Result<CountedFleet, Error> {
        shaky!(self.counted_fleet(principal, project, since))
    }

    async fn recent_failures(
        &self,
        principal: &Principal,
        project: Option<&ProjectId>,
        since: Timestamp,
    ) -> Result<RecentFailures, Error> {
        shaky!(self.recent_failures(principal, project, since))
    }

    async fn enrolment(
        &self,
        principal: &Principal,
        project: &ProjectId,
    ) -> Result<Option<StoredEnrolment>, Error> {
        shaky!(self.enrolment(principal, project))
    }

    async fn enrolments_open(&self, at: Timestamp) -> Result<Vec<StoredEnrolment>, Error> {
        shaky!(self.enrolments_open(at))
    }

    async fn pending(
        &self,
        principal: &Principal,
        project: &ProjectId,
        after: &str,
        limit: u32,
    ) -> Result<Vec<PendingDevice>, Error> {
        shaky!(self.pending(principal, project, after, limit))
    }

    async fn server_settings(&self) -> Result<ServerSettings, Error> {
        shaky!(self.server_settings())
    }

    async fn back_up(&self, to: &Path) -> Result<Backup, Error> {
        shaky!(self.back_up(to))
    }

    async fn epochs(&self) -> Result<Vec<(Shard, Epoch)>, Error> {
        shaky!(self.epochs())
    }
}

#[async_trait]
impl Writes for ShakyStore {
    async fn write(
        &self,
        principal: &Principal,
        write: Write,
    ) -> Result<Result<Written, Refused>, Error> {
        self.before().await?;
        if self.forgets_pushes && matches!(write, Write::NotePush(_)) {
            return Ok(Ok(Written::Done));
        }
        let sent = match &write {
            Write::NotePush(NotePush { device, push, .. }) if push.outcome == PushOutcome::Sent => {
                Some((*device, push.revision))
            }
            _ => None,
        };
        let fence = match &write {
            Write::Settle(settle) => Some((settle.fence, settle.device)),
            Write::NotePush(push) => Some((push.fence, push.device)),
            _ => None,
        };
        let stale = match fence {
            Some((fence, device)) => self.tokens.is_stale(&self.inner, fence, device).await,
            None => None,
        };
        let written = self.inner.write(principal, write).await?;
        match (stale, &written) {
            (Some(why), Ok(_)) => {
                self.tokens.broke(format!("{:?}: a stale write was taken: {why}", self.worker));
            }
            (Some(_), Err(_)) => self.tokens.refused(),
            (None, _) => {}
        }
        if let (Some((device, revision)), Ok(_)) = (sent, &written) {
            self.tokens.sends(self.worker, device, revision);
        }
        self.told().await?;
        Ok(written)
    }
}

#[async_trait]
impl Cluster for ShakyStore {
    async fn begin_session(
        &self,
        node: &NewSession,
        lease: Duration,
    ) -> Result<Result<Session, NameTaken>, Error> {
        self.before().await?;
        let begun = self.inner.begin_session(node, lease).await?;
        self.told().await?;
        Ok(begun)
    }

    async fn renew(&self, renewal: &Renewal) -> Result<Result<Held, SessionEnded>, Error> {
        self.before().await?;
        let renewed = self.inner.renew(renewal).await?;
        if let Ok(held) = &renewed {
            self.tokens.granted(self.worker, held);
        }
        self.told().await?;
        Ok(renewed)
    }

    async fn release(&self, session: SessionKey, shards: &[Shard]) -> Result<(), Error> {
        self.before().await?;
        self.inner.release(session, shards).await?;
        self.told().await
    }

    async fn end_session(&self, session: SessionKey) -> Result<(), Error> {
        self.before().await?;
        self.inner.end_session(session).await?;
        self.told().await
    }

    async fn cluster(&self, counted: bool) -> Result<ClusterState, Error> {
        shaky!(self.cluster(counted))
    }

    async fn changes(&self, after: FeedPosition, limit: u32) -> Result<FeedPage, Error> {
        // So often that the process would die of nothing else.
        self.life.go_on().await;
        self.reach().await?;
        let page = self.inner.changes(after, limit).await;
        self.after().await?;
        page
    }

    async fn feed_end(&self) -> Result<FeedPosition, Error> {
        shaky!(self.feed_end())
    }

    async fn prune_feed(&self, keep: Duration, limit: u32) -> Result<u64, Error> {
        shaky!(self.prune_feed(keep, limit))
    }

    async fn remember(&self, name: &str, value: &str) -> Result<String, Error> {
        shaky!(self.remember(name, value))
    }

    async fn remembered(&self, name: &str) -> Result<Option<String>, Error> {
        shaky!(self.remembered(name))
    }
}

#[async_trait]
impl History for ShakyStore {
    async fn forget_jobs(
        &self,
        fence: (Shard, Epoch),
        old: &Old,
        after: RequestId,
        limit: u32,
    ) -> Result<ForgottenJobs, Error> {
        shaky!(self.forget_jobs(fence, old, after, limit))
    }

    async fn old_rollouts(
        &self,
        old: &Old,
        after: RequestId,
        limit: u32,
    ) -> Result<Vec<RequestId>, Error> {
        shaky!(self.old_rollouts(old, after, limit))
    }

    async fn forget_rollout(
        &self,
        fence: (Shard, Epoch),
        id: RequestId,
        limit: u32,
    ) -> Result<ForgottenRollout, Error> {
        shaky!(self.forget_rollout(fence, id, limit))
    }

    async fn count_jobs(&self, after: JobId, limit: u32) -> Result<CountedJobs, Error> {
        shaky!(self.count_jobs(after, limit))
    }

    async fn room(&self) -> Result<Option<Room>, Error> {
        shaky!(self.room())
    }
}
