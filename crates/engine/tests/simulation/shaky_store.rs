//! The real SQL behind a store that is slow, fails, loses its answer, and is where the process may
//! die: before a change, after it, and after its commit but before anybody was told.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use fleet::{
    Channel, Device, DeviceId, DeviceKey, Epoch, JobId, Organization, OrganizationId, Principal,
    Project, ProjectId, RequestId, ServerSettings, Shard,
};
use store::sqlite::Inline;
use store::{
    AcceptTarget, Backup, CameraListing, CameraWork, Counted, DeviceFilter, DeviceWithState, Error,
    JobWithDevice, LaneSeed, Make, Page, PhoneFilter, Reads, Refused, SealedKey, SealedRegistrant,
    Server, ServerFilter, StoredBinding, StoredToken, StoredUser, Tag, TagFilter, Tagged,
    TaggedKind, TaggedThing, Work, Write, Writes, Written,
};

use crate::chance::{Chance, Life};

/// The store as one life of the process sees it.
pub struct ShakyStore {
    pub inner: Arc<Inline>,
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
        self.chance.pause(10).await;
        self.life.stand_still_if_dead().await;
        if self.chance.strikes(self.fails_one_in.load(Ordering::SeqCst)) {
            return Err(Error::Failed { operation: "a call", source: "a planted fault".into() });
        }
        Ok(())
    }
}

/// Passes a read on, with all that may happen before it.
macro_rules! shaky {
    ($self:ident . $method:ident ( $($argument:expr),* )) => {{
        $self.before().await?;
        $self.inner.$method($($argument),*).await
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
        let answer_lost = self.chance.strikes(self.fails_one_in.load(Ordering::SeqCst));
        let written = self.inner.write(principal, write).await?;
        // Committed; now the process may die before it hears of it.
        self.life.step().await;
        self.chance.pause(10).await;
        self.life.stand_still_if_dead().await;
        if answer_lost {
            return Err(Error::Unknown { source: "a planted fault".into() });
        }
        Ok(written)
    }
}
