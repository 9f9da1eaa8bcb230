//! [`Reads`] for everything that can run a query: the readers' queue and the simulation's
//! connection.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use fleet::{
    Channel, Device, DeviceId, DeviceKey, Epoch, JobId, Organization, OrganizationId,
    PendingDevice, Preset, PresetName, Principal, Project, ProjectId, RequestId, Rollout,
    RolloutDevice, Selector, ServerSettings, Shard, Timestamp, Wave, WaveCounts,
};
use rusqlite::Connection;

use super::clock::Now;
use super::queries::{
    access, camera_ids, cameras, channels, devices, enrolment, failures, jobs, lanes, listings,
    organizations, overview, phones, presets, projects, rollouts, select, servers, tags, users,
    webhooks,
};
use crate::{
    AcceptTarget, AuditEntry, AuditFilter, Backup, CameraListing, CameraWork, Counted,
    CountedFleet, CountedPage, CredentialsCounts, DeviceFilter, DeviceWithState, Error, Failures,
    GrantHolder, HistoryPage, JobFilter, JobWithDevice, LaneSeed, Make, Page, PhoneFilter, Reads,
    RecentFailures, SealedKey, SealedRegistrant, Selected, SelectedKeys, Server, ServerFilter,
    StoredBinding, StoredEnrolment, StoredToken, StoredUser, StoredWebhook, Tag, TagFilter, Tagged,
    TaggedKind, TaggedThing, TokenRecord, UpdatePage, UserGrant, WaveOf, Work,
};

/// Runs queries.
#[async_trait]
pub(super) trait Asking: Send + Sync + 'static {
    /// Runs `query` on a connection that has a read transaction open.
    async fn ask<T, F>(&self, query: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Error> + Send + 'static;

    /// Writes a checked copy of the database to `to`. Not a query: it has no deadline, and keeps no
    /// query waiting where there is more than one thread.
    async fn copy(&self, to: PathBuf) -> Result<Backup, Error>;

    /// Now, by the store's clock.
    fn now(&self) -> Now;
}

#[async_trait]
impl<A: Asking> Reads for A {
    async fn projects(&self, principal: &Principal) -> Result<Vec<Project>, Error> {
        let principal = principal.clone();
        self.ask(move |c| projects::projects(c, &principal)).await
    }

    async fn project(
        &self,
        principal: &Principal,
        id: &ProjectId,
    ) -> Result<Option<Project>, Error> {
        let (principal, id) = (principal.clone(), id.clone());
        self.ask(move |c| projects::project(c, &principal, &id)).await
    }

    async fn access_keys(
        &self,
        principal: &Principal,
        project: Option<&ProjectId>,
    ) -> Result<Vec<SealedKey>, Error> {
        let (principal, project) = (principal.clone(), project.cloned());
        self.ask(move |c| projects::access_keys(c, &principal, project.as_ref())).await
    }

    async fn access_key(&self, ak: &str) -> Result<Option<SealedKey>, Error> {
        let ak = ak.to_owned();
        self.ask(move |c| projects::access_key(c, &ak)).await
    }

    async fn accept_targets(
        &self,
        principal: &Principal,
        project: &ProjectId,
        ids: Vec<DeviceId>,
    ) -> Result<Vec<Option<AcceptTarget>>, Error> {
        let (principal, project) = (principal.clone(), project.clone());
        self.ask(move |c| devices::accept_targets(c, &principal, &project, &ids)).await
    }

    async fn device(
        &self,
        principal: &Principal,
        project: Option<&ProjectId>,
        id: &DeviceId,
    ) -> Result<Vec<DeviceWithState>, Error> {
        let (principal, project, id) = (principal.clone(), project.cloned(), id.clone());
        self.ask(move |c| devices::device(c, &principal, project.as_ref(), &id)).await
    }

    async fn devices(
        &self,
        principal: &Principal,
        filter: &DeviceFilter,
        page: Page,
    ) -> Result<Vec<DeviceWithState>, Error> {
        let (principal, filter) = (principal.clone(), filter.clone());
        self.ask(move |c| devices::devices(c, &principal, &filter, page)).await
    }

    async fn job(&self, principal: &Principal, id: JobId) -> Result<Option<JobWithDevice>, Error> {
        let principal = principal.clone();
        self.ask(move |c| jobs::job(c, &principal, id)).await
    }

    async fn jobs(
        &self,
        principal: &Principal,
        requests: &[RequestId],
        offset: u64,
        limit: u32,
    ) -> Result<Vec<JobWithDevice>, Error> {
        let (principal, requests) = (principal.clone(), requests.to_vec());
        self.ask(move |c| jobs::jobs(c, &principal, &requests, offset, limit)).await
    }

    async fn jobs_from(
        &self,
        principal: &Principal,
        requests: &[RequestId],
        from: u16,
        filter: &JobFilter,
        limit: u32,
    ) -> Result<Vec<JobWithDevice>, Error> {
        let (principal, requests) = (principal.clone(), requests.to_vec());
        let (filter, page) = (filter.clone(), (from, limit));
        self.ask(move |c| jobs::jobs_from(c, &principal, &requests, page, &filter)).await
    }

    async fn failures(
        &self,
        principal: &Principal,
        requests: &[RequestId],
        rollout: Option<RequestId>,
    ) -> Result<Failures, Error> {
        let (principal, requests) = (principal.clone(), requests.to_vec());
        self.ask(move |c| failures::failures(c, &principal, &requests, rollout)).await
    }

    async fn work(&self, device: DeviceKey) -> Result<Option<Work>, Error> {
        let now = self.now();
        self.ask(move |c| lanes::work(c, now, device)).await
    }

    async fn devices_with_work(
        &self,
        after: DeviceKey,
        limit: u32,
    ) -> Result<Vec<LaneSeed>, Error> {
        let now = self.now();
        self.ask(move |c| lanes::devices_with_work(c, now, after, limit)).await
    }

    async fn devices_at_rest(&self, after: DeviceKey, limit: u32) -> Result<Vec<LaneSeed>, Error> {
        let now = self.now();
        self.ask(move |c| lanes::devices_at_rest(c, now, after, limit)).await
    }

    async fn lane_seeds(&self, keys: &[DeviceKey]) -> Result<Vec<LaneSeed>, Error> {
        let (keys, now) = (keys.to_vec(), self.now());
        self.ask(move |c| lanes::lane_seeds(c, now, &keys)).await
    }

    async fn records(&self, keys: &[DeviceKey]) -> Result<Vec<Device>, Error> {
        let keys = keys.to_vec();
        self.ask(move |c| devices::records(c, &keys)).await
    }

    async fn registrants(
        &self,
        ids: Vec<DeviceId>,
    ) -> Result<Vec<Option<SealedRegistrant>>, Error> {
        self.ask(move |c| cameras::registrants(c, &ids)).await
    }

    async fn bindings(&self, after: DeviceKey, limit: u32) -> Result<Vec<StoredBinding>, Error> {
        self.ask(move |c| cameras::bindings(c, after, limit)).await
    }

    async fn credentials_counts(
        &self,
        principal: &Principal,
        project: &ProjectId,
    ) -> Result<Option<CredentialsCounts>, Error> {
        let (principal, project, now) = (principal.clone(), project.clone(), self.now());
        self.ask(move |c| cameras::credentials_counts(c, &principal, &project, now)).await
    }

    async fn camera(&self, device: DeviceKey) -> Result<Option<CameraWork>, Error> {
        self.ask(move |c| cameras::camera(c, device)).await
    }

    async fn channels(
        &self,
        principal: &Principal,
        device: DeviceKey,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Channel>, Error> {
        let (principal, after) = (principal.clone(), after.to_owned());
        self.ask(move |c| channels::channels(c, &principal, device, &after, limit)).await
    }

    async fn cameras_named(
        &self,
        principal: &Principal,
        project: &ProjectId,
        ids: Vec<DeviceId>,
    ) -> Result<Vec<Option<CameraListing>>, Error> {
        let (principal, project) = (principal.clone(), project.clone());
        self.ask(move |c| listings::cameras_named(c, &principal, &project, &ids)).await
    }

    async fn cameras(
        &self,
        principal: &Principal,
        project: &ProjectId,
        offset: u64,
        limit: u32,
    ) -> Result<Counted<CameraListing>, Error> {
        let (principal, project) = (principal.clone(), project.clone());
        self.ask(move |c| listings::cameras(c, &principal, &project, offset, limit)).await
    }

    async fn channels_named(
        &self,
        principal: &Principal,
        project: &ProjectId,
        ids: Vec<DeviceId>,
    ) -> Result<Vec<Option<Channel>>, Error> {
        let (principal, project) = (principal.clone(), project.clone());
        self.ask(move |c| channels::channels_named(c, &principal, &project, &ids)).await
    }

    async fn free_camera_ids(&self, prefix: &str, count: u32) -> Result<Vec<DeviceId>, Error> {
        let prefix = prefix.to_owned();
        self.ask(move |c| camera_ids::free_camera_ids(c, &prefix, count)).await
    }

    async fn organizations(
        &self,
        principal: &Principal,
        project: &ProjectId,
        ids: Option<Vec<OrganizationId>>,
        offset: u64,
        limit: u32,
    ) -> Result<Counted<Organization>, Error> {
        let (principal, project) = (principal.clone(), project.clone());
        let page = (offset, limit);
        self.ask(move |c| {
            organizations::organizations(c, &principal, &project, ids.as_deref(), page)
        })
        .await
    }

    async fn users(
        &self,
        principal: &Principal,
        project: &ProjectId,
    ) -> Result<Vec<StoredUser>, Error> {
        let (principal, project) = (principal.clone(), project.clone());
        self.ask(move |c| users::users(c, &principal, &project)).await
    }

    async fn user(&self, name: &str) -> Result<Option<StoredUser>, Error> {
        let name = name.to_owned();
        self.ask(move |c| users::user(c, &name)).await
    }

    async fn user_meant(&self, name: &str) -> Result<Option<StoredUser>, Error> {
        let name = name.to_owned();
        self.ask(move |c| users::user_meant(c, &name)).await
    }

    async fn namesakes(&self, limit: u32) -> Result<Vec<String>, Error> {
        self.ask(move |c| users::namesakes(c, limit)).await
    }

    async fn token(&self, hash: [u8; 32]) -> Result<Option<StoredToken>, Error> {
        self.ask(move |c| access::token(c, hash)).await
    }

    async fn grants(&self, principal: &Principal, user: &str) -> Result<Vec<UserGrant>, Error> {
        let (principal, user) = (principal.clone(), user.to_owned());
        self.ask(move |c| access::grants(c, &principal, &user)).await
    }

    async fn grants_in(
        &self,
        principal: &Principal,
        project: &ProjectId,
        after: &str,
        limit: u32,
    ) -> Result<Vec<GrantHolder>, Error> {
        let (principal, project, after) = (principal.clone(), project.clone(), after.to_owned());
        self.ask(move |c| access::grants_in(c, &principal, &project, &after, limit)).await
    }

    async fn tokens(&self, user: &str) -> Result<Vec<TokenRecord>, Error> {
        let user = user.to_owned();
        self.ask(move |c| access::tokens(c, &user)).await
    }

    async fn webhooks(
        &self,
        principal: &Principal,
        project: Option<&ProjectId>,
    ) -> Result<Vec<StoredWebhook>, Error> {
        let (principal, project) = (principal.clone(), project.cloned());
        self.ask(move |c| webhooks::webhooks(c, &principal, project.as_ref())).await
    }

    async fn webhook(
        &self,
        principal: &Principal,
        id: &str,
    ) -> Result<Option<StoredWebhook>, Error> {
        let (principal, id) = (principal.clone(), id.to_owned());
        self.ask(move |c| webhooks::webhook(c, &principal, &id)).await
    }

    async fn token_record(&self, id: &str) -> Result<Option<TokenRecord>, Error> {
        let id = id.to_owned();
        self.ask(move |c| access::token_record_by_id(c, &id)).await
    }

    async fn audit(
        &self,
        principal: &Principal,
        filter: &AuditFilter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, Error> {
        let (principal, filter) = (principal.clone(), filter.clone());
        self.ask(move |c| access::audit(c, &principal, &filter, before, limit)).await
    }

    async fn phones(
        &self,
        principal: &Principal,
        project: &ProjectId,
        filter: &PhoneFilter,
        offset: u64,
        limit: u32,
    ) -> Result<Counted<DeviceWithState>, Error> {
        let (principal, project, filter) = (principal.clone(), project.clone(), filter.clone());
        self.ask(move |c| phones::phones(c, &principal, &project, &filter, offset, limit)).await
    }

    async fn servers(
        &self,
        principal: &Principal,
        project: &ProjectId,
        filter: &ServerFilter,
        offset: u64,
        limit: u32,
    ) -> Result<Counted<Server>, Error> {
        let (principal, project, filter) = (principal.clone(), project.clone(), filter.clone());
        self.ask(move |c| servers::servers(c, &principal, &project, &filter, offset, limit)).await
    }

    async fn makes(&self, principal: &Principal, project: &ProjectId) -> Result<Vec<Make>, Error> {
        let (principal, project) = (principal.clone(), project.clone());
        self.ask(move |c| phones::makes(c, &principal, &project)).await
    }

    async fn tags(
        &self,
        principal: &Principal,
        project: &ProjectId,
        tagged: &Tagged,
    ) -> Result<Option<Vec<Tag>>, Error> {
        let (principal, project, tagged) = (principal.clone(), project.clone(), tagged.clone());
        self.ask(move |c| tags::tags(c, &principal, &project, &tagged)).await
    }

    async fn tag_keys(
        &self,
        principal: &Principal,
        project: &ProjectId,
        kind: TaggedKind,
        offset: u64,
        limit: u32,
    ) -> Result<Counted<(String, Vec<String>)>, Error> {
        let (principal, project) = (principal.clone(), project.clone());
        self.ask(move |c| tags::tag_keys(c, &principal, &project, kind, offset, limit)).await
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
        let (principal, project, filter) = (principal.clone(), project.clone(), filter.clone());
        let page = (offset, limit);
        self.ask(move |c| tags::tagged(c, &principal, &project, kind, &filter, page)).await
    }

    async fn device_by_marker(&self, marker: &str) -> Result<Option<Device>, Error> {
        let marker = marker.to_owned();
        self.ask(move |c| devices::device_by_marker(c, &marker)).await
    }

    async fn devices_at(
        &self,
        principal: &Principal,
        project: &ProjectId,
        addresses: Vec<String>,
    ) -> Result<Vec<Device>, Error> {
        let (principal, project) = (principal.clone(), project.clone());
        self.ask(move |c| devices::devices_at(c, &principal, &project, &addresses)).await
    }

    async fn select(
        &self,
        principal: &Principal,
        project: Option<&ProjectId>,
        selector: &Selector,
        after: DeviceKey,
        limit: u32,
    ) -> Result<Selected, Error> {
        let (principal, project) = (principal.clone(), project.cloned());
        let (selector, page, now) = (selector.clone(), (after, limit), self.now());
        self.ask(move |c| select::select(c, &principal, project.as_ref(), &selector, now, page))
            .await
    }

    async fn select_keys(
        &self,
        principal: &Principal,
        project: Option<&ProjectId>,
        selector: &Selector,
        after: DeviceKey,
        limit: u32,
    ) -> Result<SelectedKeys, Error> {
        let (principal, project) = (principal.clone(), project.cloned());
        let (selector, page, now) = (selector.clone(), (after, limit), self.now());
        self.ask(move |c| {
            select::select_keys(c, &principal, project.as_ref(), &selector, now, page)
        })
        .await
    }

    async fn presets(
        &self,
        principal: &Principal,
        project: &ProjectId,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Preset>, Error> {
        let (principal, project, after) = (principal.clone(), project.clone(), after.to_owned());
        self.ask(move |c| presets::presets(c, &principal, &project, &after, limit)).await
    }

    async fn preset(
        &self,
        principal: &Principal,
        project: &ProjectId,
        name: &PresetName,
    ) -> Result<Option<Preset>, Error> {
        let (principal, project, name) = (principal.clone(), project.clone(), name.clone());
        self.ask(move |c| presets::preset(c, &principal, &project, &name)).await
    }

    async fn tags_of_devices(
        &self,
        principal: &Principal,
        project: &ProjectId,
        ids: Vec<DeviceId>,
    ) -> Result<Vec<Vec<Tag>>, Error> {
        let (principal, project) = (principal.clone(), project.clone());
        self.ask(move |c| tags::tags_of_devices(c, &principal, &project, &ids)).await
    }

    async fn history(
        &self,
        principal: &Principal,
        device: DeviceKey,
        from: Option<JobId>,
        limit: u32,
    ) -> Result<HistoryPage, Error> {
        let principal = principal.clone();
        self.ask(move |c| jobs::history(c, &principal, device, from, limit)).await
    }

    async fn updates(
        &self,
        principal: &Principal,
        project: Option<&ProjectId>,
        before: Option<RequestId>,
        limit: u32,
    ) -> Result<UpdatePage, Error> {
        let (principal, project) = (principal.clone(), project.cloned());
        self.ask(move |c| rollouts::updates(c, &principal, project.as_ref(), before, limit)).await
    }

    async fn rollouts_open(&self) -> Result<Vec<Rollout>, Error> {
        self.ask(rollouts::rollouts_open).await
    }

    async fn rollout(
        &self,
        principal: &Principal,
        id: RequestId,
    ) -> Result<Option<Rollout>, Error> {
        let principal = principal.clone();
        self.ask(move |c| rollouts::rollout(c, &principal, id)).await
    }

    async fn waves(&self, principal: &Principal, id: RequestId) -> Result<Vec<Wave>, Error> {
        let principal = principal.clone();
        self.ask(move |c| rollouts::waves(c, &principal, id)).await
    }

    async fn rollout_devices(
        &self,
        principal: &Principal,
        id: RequestId,
        from: u32,
        limit: u32,
        refused_only: bool,
    ) -> Result<Vec<RolloutDevice>, Error> {
        let (principal, page) = (principal.clone(), (from, limit));
        self.ask(move |c| rollouts::rollout_devices(c, &principal, id, page, refused_only)).await
    }

    async fn waves_of(&self, requests: &[RequestId]) -> Result<Vec<WaveOf>, Error> {
        let requests = requests.to_vec();
        self.ask(move |c| rollouts::waves_of(c, &requests)).await
    }

    async fn wave_counts(&self, requests: &[RequestId]) -> Result<Vec<WaveCounts>, Error> {
        let requests = requests.to_vec();
        self.ask(move |c| rollouts::wave_counts(c, &requests)).await
    }

    async fn count_devices(&self, after: DeviceKey, limit: u32) -> Result<CountedPage, Error> {
        let now = self.now();
        self.ask(move |c| overview::count_devices(c, now, (after, limit))).await
    }

    async fn counted_fleet(
        &self,
        principal: &Principal,
        project: Option<&ProjectId>,
        since: Timestamp,
    ) -> Result<CountedFleet, Error> {
        let (principal, project) = (principal.clone(), project.cloned());
        self.ask(move |c| overview::counted_fleet(c, &principal, project.as_ref(), since)).await
    }

    async fn recent_failures(
        &self,
        principal: &Principal,
        project: Option<&ProjectId>,
        since: Timestamp,
    ) -> Result<RecentFailures, Error> {
        let (principal, project) = (principal.clone(), project.cloned());
        self.ask(move |c| overview::recent_failures(c, &principal, project.as_ref(), since)).await
    }

    async fn enrolment(
        &self,
        principal: &Principal,
        project: &ProjectId,
    ) -> Result<Option<StoredEnrolment>, Error> {
        let (principal, project) = (principal.clone(), project.clone());
        self.ask(move |c| enrolment::enrolment(c, &principal, &project)).await
    }

    async fn enrolments_open(&self, at: Timestamp) -> Result<Vec<StoredEnrolment>, Error> {
        self.ask(move |c| enrolment::enrolments_open(c, at)).await
    }

    async fn pending(
        &self,
        principal: &Principal,
        project: &ProjectId,
        after: &str,
        limit: u32,
    ) -> Result<Vec<PendingDevice>, Error> {
        let (principal, project) = (principal.clone(), project.clone());
        let after = after.to_owned();
        self.ask(move |c| enrolment::pending(c, &principal, &project, &after, limit)).await
    }

    async fn server_settings(&self) -> Result<ServerSettings, Error> {
        self.ask(users::server_settings).await
    }

    async fn back_up(&self, to: &Path) -> Result<Backup, Error> {
        self.copy(to.to_owned()).await
    }

    async fn epochs(&self) -> Result<Vec<(Shard, Epoch)>, Error> {
        self.ask(projects::epochs).await
    }
}
