//! [`Reads`]: each read is a transaction that sees one snapshot, on a connection of the pool.

use std::path::Path;

use async_trait::async_trait;
use fleet::{
    Channel, Device, DeviceId, DeviceKey, Epoch, JobId, Organization, OrganizationId,
    PendingDevice, Preset, PresetName, Principal, Project, ProjectId, RequestId, Rollout,
    RolloutDevice, Selector, ServerSettings, Shard, Timestamp, Wave, WaveCounts,
};

use super::Postgres;
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

/// A backup was asked for.
#[derive(Debug, thiserror::Error)]
#[error("PostgreSQL is backed up by its own tools: pg_dump, pg_basebackup")]
struct NotOurs;

#[async_trait]
impl Reads for Postgres {
    async fn projects(&self, principal: &Principal) -> Result<Vec<Project>, Error> {
        let c = self.reads.take().await?;
        c.read(projects::projects(&c, principal)).await
    }

    async fn project(
        &self,
        principal: &Principal,
        id: &ProjectId,
    ) -> Result<Option<Project>, Error> {
        let c = self.reads.take().await?;
        c.read(projects::project(&c, principal, id)).await
    }

    async fn access_keys(
        &self,
        principal: &Principal,
        project: Option<&ProjectId>,
    ) -> Result<Vec<SealedKey>, Error> {
        let c = self.reads.take().await?;
        c.read(projects::access_keys(&c, principal, project)).await
    }

    async fn access_key(&self, ak: &str) -> Result<Option<SealedKey>, Error> {
        let c = self.reads.take().await?;
        c.read(projects::access_key(&c, ak)).await
    }

    async fn accept_targets(
        &self,
        principal: &Principal,
        project: &ProjectId,
        ids: Vec<DeviceId>,
    ) -> Result<Vec<Option<AcceptTarget>>, Error> {
        let c = self.reads.take().await?;
        c.read(devices::accept_targets(&c, principal, project, &ids)).await
    }

    async fn device(
        &self,
        principal: &Principal,
        project: Option<&ProjectId>,
        id: &DeviceId,
    ) -> Result<Vec<DeviceWithState>, Error> {
        let c = self.reads.take().await?;
        c.read(devices::device(&c, principal, project, id)).await
    }

    async fn devices(
        &self,
        principal: &Principal,
        filter: &DeviceFilter,
        page: Page,
    ) -> Result<Vec<DeviceWithState>, Error> {
        let c = self.reads.take().await?;
        c.read(devices::devices(&c, principal, filter, page)).await
    }

    async fn job(&self, principal: &Principal, id: JobId) -> Result<Option<JobWithDevice>, Error> {
        let c = self.reads.take().await?;
        c.read(jobs::job(&c, principal, id)).await
    }

    async fn jobs(
        &self,
        principal: &Principal,
        requests: &[RequestId],
        offset: u64,
        limit: u32,
    ) -> Result<Vec<JobWithDevice>, Error> {
        let c = self.reads.take().await?;
        c.read(jobs::jobs(&c, principal, requests, offset, limit)).await
    }

    async fn jobs_from(
        &self,
        principal: &Principal,
        requests: &[RequestId],
        from: u16,
        filter: &JobFilter,
        limit: u32,
    ) -> Result<Vec<JobWithDevice>, Error> {
        let c = self.reads.take().await?;
        c.read(jobs::jobs_from(&c, principal, requests, (from, limit), filter)).await
    }

    async fn failures(
        &self,
        principal: &Principal,
        requests: &[RequestId],
        rollout: Option<RequestId>,
    ) -> Result<Failures, Error> {
        let c = self.reads.take().await?;
        c.read(failures::failures(&c, principal, requests, rollout)).await
    }

    async fn work(&self, device: DeviceKey) -> Result<Option<Work>, Error> {
        let c = self.reads.take().await?;
        c.read(lanes::work(&c, device)).await
    }

    async fn devices_with_work(
        &self,
        after: DeviceKey,
        limit: u32,
    ) -> Result<Vec<LaneSeed>, Error> {
        let c = self.reads.take().await?;
        c.read(lanes::devices_with_work(&c, after, limit)).await
    }

    async fn devices_at_rest(&self, after: DeviceKey, limit: u32) -> Result<Vec<LaneSeed>, Error> {
        let c = self.reads.take().await?;
        c.read(lanes::devices_at_rest(&c, after, limit)).await
    }

    async fn lane_seeds(&self, keys: &[DeviceKey]) -> Result<Vec<LaneSeed>, Error> {
        let c = self.reads.take().await?;
        c.read(lanes::lane_seeds(&c, keys)).await
    }

    async fn records(&self, keys: &[DeviceKey]) -> Result<Vec<Device>, Error> {
        let c = self.reads.take().await?;
        c.read(devices::records(&c, keys)).await
    }

    async fn registrants(
        &self,
        ids: Vec<DeviceId>,
    ) -> Result<Vec<Option<SealedRegistrant>>, Error> {
        let c = self.reads.take().await?;
        c.read(cameras::registrants(&c, &ids)).await
    }

    async fn bindings(&self, after: DeviceKey, limit: u32) -> Result<Vec<StoredBinding>, Error> {
        let c = self.reads.take().await?;
        c.read(cameras::bindings(&c, after, limit)).await
    }

    async fn credentials_counts(
        &self,
        principal: &Principal,
        project: &ProjectId,
    ) -> Result<Option<CredentialsCounts>, Error> {
        let c = self.reads.take().await?;
        c.read(cameras::credentials_counts(&c, principal, project)).await
    }

    async fn camera(&self, device: DeviceKey) -> Result<Option<CameraWork>, Error> {
        let c = self.reads.take().await?;
        c.read(cameras::camera(&c, device)).await
    }

    async fn channels(
        &self,
        principal: &Principal,
        device: DeviceKey,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Channel>, Error> {
        let c = self.reads.take().await?;
        c.read(channels::channels(&c, principal, device, after, limit)).await
    }

    async fn cameras_named(
        &self,
        principal: &Principal,
        project: &ProjectId,
        ids: Vec<DeviceId>,
    ) -> Result<Vec<Option<CameraListing>>, Error> {
        let c = self.reads.take().await?;
        c.read(listings::cameras_named(&c, principal, project, &ids)).await
    }

    async fn cameras(
        &self,
        principal: &Principal,
        project: &ProjectId,
        offset: u64,
        limit: u32,
    ) -> Result<Counted<CameraListing>, Error> {
        let c = self.reads.take().await?;
        c.read(listings::cameras(&c, principal, project, offset, limit)).await
    }

    async fn channels_named(
        &self,
        principal: &Principal,
        project: &ProjectId,
        ids: Vec<DeviceId>,
    ) -> Result<Vec<Option<Channel>>, Error> {
        let c = self.reads.take().await?;
        c.read(channels::channels_named(&c, principal, project, &ids)).await
    }

    async fn free_camera_ids(&self, prefix: &str, count: u32) -> Result<Vec<DeviceId>, Error> {
        let c = self.reads.take().await?;
        c.read(camera_ids::free_camera_ids(&c, prefix, count)).await
    }

    async fn organizations(
        &self,
        principal: &Principal,
        project: &ProjectId,
        ids: Option<Vec<OrganizationId>>,
        offset: u64,
        limit: u32,
    ) -> Result<Counted<Organization>, Error> {
        let page = (offset, limit);
        let c = self.reads.take().await?;
        c.read(organizations::organizations(&c, principal, project, ids.as_deref(), page)).await
    }

    async fn users(
        &self,
        principal: &Principal,
        project: &ProjectId,
    ) -> Result<Vec<StoredUser>, Error> {
        let c = self.reads.take().await?;
        c.read(users::users(&c, principal, project)).await
    }

    async fn user(&self, name: &str) -> Result<Option<StoredUser>, Error> {
        let c = self.reads.take().await?;
        c.read(users::user(&c, name)).await
    }

    async fn user_meant(&self, name: &str) -> Result<Option<StoredUser>, Error> {
        let c = self.reads.take().await?;
        c.read(users::user_meant(&c, name)).await
    }

    async fn namesakes(&self, limit: u32) -> Result<Vec<String>, Error> {
        let c = self.reads.take().await?;
        c.read(users::namesakes(&c, limit)).await
    }

    async fn token(&self, hash: [u8; 32]) -> Result<Option<StoredToken>, Error> {
        let c = self.reads.take().await?;
        c.read(access::token(&c, hash)).await
    }

    async fn grants(&self, principal: &Principal, user: &str) -> Result<Vec<UserGrant>, Error> {
        let c = self.reads.take().await?;
        c.read(access::grants(&c, principal, user)).await
    }

    async fn grants_in(
        &self,
        principal: &Principal,
        project: &ProjectId,
        after: &str,
        limit: u32,
    ) -> Result<Vec<GrantHolder>, Error> {
        let c = self.reads.take().await?;
        c.read(access::grants_in(&c, principal, project, after, limit)).await
    }

    async fn tokens(&self, user: &str) -> Result<Vec<TokenRecord>, Error> {
        let c = self.reads.take().await?;
        c.read(access::tokens(&c, user)).await
    }

    async fn webhooks(
        &self,
        principal: &Principal,
        project: Option<&ProjectId>,
    ) -> Result<Vec<StoredWebhook>, Error> {
        let c = self.reads.take().await?;
        c.read(webhooks::webhooks(&c, principal, project)).await
    }

    async fn webhook(
        &self,
        principal: &Principal,
        id: &str,
    ) -> Result<Option<StoredWebhook>, Error> {
        let c = self.reads.take().await?;
        c.read(webhooks::webhook(&c, principal, id)).await
    }

    async fn token_record(&self, id: &str) -> Result<Option<TokenRecord>, Error> {
        let c = self.reads.take().await?;
        c.read(access::token_record_by_id(&c, id)).await
    }

    async fn audit(
        &self,
        principal: &Principal,
        filter: &AuditFilter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, Error> {
        let c = self.reads.take().await?;
        c.read(access::audit(&c, principal, filter, before, limit)).await
    }

    async fn phones(
        &self,
        principal: &Principal,
        project: &ProjectId,
        filter: &PhoneFilter,
        offset: u64,
        limit: u32,
    ) -> Result<Counted<DeviceWithState>, Error> {
        let c = self.reads.take().await?;
        c.read(phones::phones(&c, principal, project, filter, offset, limit)).await
    }

    async fn servers(
        &self,
        principal: &Principal,
        project: &ProjectId,
        filter: &ServerFilter,
        offset: u64,
        limit: u32,
    ) -> Result<Counted<Server>, Error> {
        let c = self.reads.take().await?;
        c.read(servers::servers(&c, principal, project, filter, offset, limit)).await
    }

    async fn makes(&self, principal: &Principal, project: &ProjectId) -> Result<Vec<Make>, Error> {
        let c = self.reads.take().await?;
        c.read(phones::makes(&c, principal, project)).await
    }

    async fn tags(
        &self,
        principal: &Principal,
        project: &ProjectId,
        tagged: &Tagged,
    ) -> Result<Option<Vec<Tag>>, Error> {
        let c = self.reads.take().await?;
        c.read(tags::tags(&c, principal, project, tagged)).await
    }

    async fn tag_keys(
        &self,
        principal: &Principal,
        project: &ProjectId,
        kind: TaggedKind,
        offset: u64,
        limit: u32,
    ) -> Result<Counted<(String, Vec<String>)>, Error> {
        let c = self.reads.take().await?;
        c.read(tags::tag_keys(&c, principal, project, kind, offset, limit)).await
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
        let page = (offset, limit);
        let c = self.reads.take().await?;
        c.read(tags::tagged(&c, principal, project, kind, filter, page)).await
    }

    async fn device_by_marker(&self, marker: &str) -> Result<Option<Device>, Error> {
        let c = self.reads.take().await?;
        c.read(devices::device_by_marker(&c, marker)).await
    }

    async fn devices_at(
        &self,
        principal: &Principal,
        project: &ProjectId,
        addresses: Vec<String>,
    ) -> Result<Vec<Device>, Error> {
        let c = self.reads.take().await?;
        c.read(devices::devices_at(&c, principal, project, &addresses)).await
    }

    async fn select(
        &self,
        principal: &Principal,
        project: Option<&ProjectId>,
        selector: &Selector,
        after: DeviceKey,
        limit: u32,
    ) -> Result<Selected, Error> {
        let c = self.reads.take().await?;
        c.read(select::select(&c, principal, project, selector, (after, limit))).await
    }

    async fn select_keys(
        &self,
        principal: &Principal,
        project: Option<&ProjectId>,
        selector: &Selector,
        after: DeviceKey,
        limit: u32,
    ) -> Result<SelectedKeys, Error> {
        let c = self.reads.take().await?;
        c.read(select::select_keys(&c, principal, project, selector, (after, limit))).await
    }

    async fn presets(
        &self,
        principal: &Principal,
        project: &ProjectId,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Preset>, Error> {
        let c = self.reads.take().await?;
        c.read(presets::presets(&c, principal, project, after, limit)).await
    }

    async fn preset(
        &self,
        principal: &Principal,
        project: &ProjectId,
        name: &PresetName,
    ) -> Result<Option<Preset>, Error> {
        let c = self.reads.take().await?;
        c.read(presets::preset(&c, principal, project, name)).await
    }

    async fn tags_of_devices(
        &self,
        principal: &Principal,
        project: &ProjectId,
        ids: Vec<DeviceId>,
    ) -> Result<Vec<Vec<Tag>>, Error> {
        let c = self.reads.take().await?;
        c.read(tags::tags_of_devices(&c, principal, project, &ids)).await
    }

    async fn history(
        &self,
        principal: &Principal,
        device: DeviceKey,
        from: Option<JobId>,
        limit: u32,
    ) -> Result<HistoryPage, Error> {
        let c = self.reads.take().await?;
        c.read(jobs::history(&c, principal, device, from, limit)).await
    }

    async fn updates(
        &self,
        principal: &Principal,
        project: Option<&ProjectId>,
        before: Option<RequestId>,
        limit: u32,
    ) -> Result<UpdatePage, Error> {
        let c = self.reads.take().await?;
        c.read(rollouts::updates(&c, principal, project, before, limit)).await
    }

    async fn rollouts_open(&self) -> Result<Vec<Rollout>, Error> {
        let c = self.reads.take().await?;
        c.read(rollouts::rollouts_open(&c)).await
    }

    async fn rollout(
        &self,
        principal: &Principal,
        id: RequestId,
    ) -> Result<Option<Rollout>, Error> {
        let c = self.reads.take().await?;
        c.read(rollouts::rollout(&c, principal, id)).await
    }

    async fn waves(&self, principal: &Principal, id: RequestId) -> Result<Vec<Wave>, Error> {
        let c = self.reads.take().await?;
        c.read(rollouts::waves(&c, principal, id)).await
    }

    async fn rollout_devices(
        &self,
        principal: &Principal,
        id: RequestId,
        from: u32,
        limit: u32,
        refused_only: bool,
    ) -> Result<Vec<RolloutDevice>, Error> {
        let c = self.reads.take().await?;
        c.read(rollouts::rollout_devices(&c, principal, id, (from, limit), refused_only)).await
    }

    async fn waves_of(&self, requests: &[RequestId]) -> Result<Vec<WaveOf>, Error> {
        let c = self.reads.take().await?;
        c.read(rollouts::waves_of(&c, requests)).await
    }

    async fn wave_counts(&self, requests: &[RequestId]) -> Result<Vec<WaveCounts>, Error> {
        let c = self.reads.take().await?;
        c.read(rollouts::wave_counts(&c, requests)).await
    }

    async fn count_devices(&self, after: DeviceKey, limit: u32) -> Result<CountedPage, Error> {
        let c = self.reads.take().await?;
        c.read(overview::count_devices(&c, (after, limit))).await
    }

    async fn counted_fleet(
        &self,
        principal: &Principal,
        project: Option<&ProjectId>,
        since: Timestamp,
    ) -> Result<CountedFleet, Error> {
        let c = self.reads.take().await?;
        c.read(overview::counted_fleet(&c, principal, project, since)).await
    }

    async fn recent_failures(
        &self,
        principal: &Principal,
        project: Option<&ProjectId>,
        since: Timestamp,
    ) -> Result<RecentFailures, Error> {
        let c = self.reads.take().await?;
        c.read(overview::recent_failures(&c, principal, project, since)).await
    }

    async fn enrolment(
        &self,
        principal: &Principal,
        project: &ProjectId,
    ) -> Result<Option<StoredEnrolment>, Error> {
        let c = self.reads.take().await?;
        c.read(enrolment::enrolment(&c, principal, project)).await
    }

    async fn enrolments_open(&self, at: Timestamp) -> Result<Vec<StoredEnrolment>, Error> {
        let c = self.reads.take().await?;
        c.read(enrolment::enrolments_open(&c, at)).await
    }

    async fn pending(
        &self,
        principal: &Principal,
        project: &ProjectId,
        after: &str,
        limit: u32,
    ) -> Result<Vec<PendingDevice>, Error> {
        let c = self.reads.take().await?;
        c.read(enrolment::pending(&c, principal, project, after, limit)).await
    }

    async fn server_settings(&self) -> Result<ServerSettings, Error> {
        let c = self.reads.take().await?;
        c.read(users::server_settings(&c)).await
    }

    async fn back_up(&self, _to: &Path) -> Result<Backup, Error> {
        Err(Error::Failed { operation: "a backup", source: Box::new(NotOurs) })
    }

    async fn epochs(&self) -> Result<Vec<(Shard, Epoch)>, Error> {
        let c = self.reads.take().await?;
        c.read(projects::epochs(&c)).await
    }
}
