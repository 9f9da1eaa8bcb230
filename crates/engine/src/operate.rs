//! What operators do with the fleet while it runs: settings, a device's name and state, servers,
//! tags, backups, another catalogue. Each is in force when its call returns.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fleet::catalogue::LoadError;
use fleet::{
    Catalogue, DeviceId, Kind, Principal, ProjectId, ProjectSettings, ServerSettings, limits,
};
use store::write::{ChangeDevice, ChangeTags, DeviceChange, RenameServer, SetProject};
use store::{Backup, DeviceWithState, Refused, Tagged, Write};

use crate::access::{check_text, invalid};
use crate::command::Error;
use crate::handle::Handle;
use crate::lane::Wake;
use crate::shared::Shared;
use crate::sweep::{seed_of, wake_all};

/// Where another catalogue comes from when operators ask for it: reads it and hands it to what it
/// is given, which puts it in force. One that reads what may change meanwhile reads and hands over
/// for one caller at a time, so that the last read is the one in force. Called on a thread that may
/// block.
pub type CatalogueSource =
    Arc<dyn Fn(&dyn Fn(Catalogue)) -> Result<(), CatalogueSourceError> + Send + Sync>;

/// Why there is no other catalogue. The one in force stays.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueSourceError {
    /// A file is wrong: which, where and why.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A file or a folder of files can't be read.
    #[error("{} can't be read", .path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// The system's own error.
        #[source]
        source: std::io::Error,
    },
    /// It holds for all projects, and the caller is bound to one.
    #[error("the catalogue is the whole server's, and the caller is bound to one project")]
    NotAllowed,
    /// The server is shutting down.
    #[error("the server is shutting down")]
    Closed,
}

impl Handle {
    /// Changes what holds for all devices of a project: all of it, in the place of what did.
    ///
    /// Errors: an overlap over [`limits::PASSWORD_OVERLAP_MAX`], [`Refused::NoSuchProject`], or the
    /// store failed.
    pub async fn set_project(
        &self,
        principal: &Principal,
        project: &ProjectId,
        settings: ProjectSettings,
    ) -> Result<(), Error> {
        let handle = self.clone();
        let principal = principal.clone();
        let overlap = Duration::from_secs(settings.password_overlap_seconds.into());
        if overlap > limits::PASSWORD_OVERLAP_MAX {
            let seconds_max = limits::PASSWORD_OVERLAP_MAX.as_secs();
            let detail = format!("at most {seconds_max} are allowed");
            return Err(invalid("password_overlap_seconds", detail));
        }
        let at = self.shared.clock.now();
        let write = Write::SetProject(SetProject { id: project.clone(), settings, at });
        to_the_end(async move {
            let written = handle.shared.store.write(&principal, write).await;
            // Whether it was made or not: what is remembered of devices holds a part of it.
            handle.shared.targets.forget_all();
            written??;
            handle.rescan_now();
            Ok(())
        })
        .await
    }

    /// Changes what holds for the whole server.
    ///
    /// Errors: the caller is bound to one project, or the store failed.
    pub async fn set_server_settings(
        &self,
        principal: &Principal,
        settings: ServerSettings,
    ) -> Result<(), Error> {
        whole_server_only(principal, "the server's settings")?;
        let handle = self.clone();
        let principal = principal.clone();
        to_the_end(async move {
            let shared = &handle.shared;
            shared.store.write(&principal, Write::SetServer(settings)).await??;
            shared.server_paused.store(settings.paused, Ordering::SeqCst);
            follow_server_settings(shared).await?;
            tracing::info!(paused = settings.paused, "the server's settings were changed");
            handle.rescan_now();
            Ok(())
        })
        .await
    }

    /// Changes one device's record or state, and looks at the device.
    ///
    /// Errors: a name is empty, too long (over [`limits::NAME_BYTES_MAX`]) or has a control
    /// character; a camera is to be adopted, or said to be stopped or started; no such project;
    /// [`Refused::NoSuchDevice`]; [`Refused::Exists`] if another device of the project has the
    /// name; or the store failed.
    pub async fn change_device(
        &self,
        principal: &Principal,
        project: &ProjectId,
        id: &DeviceId,
        change: DeviceChange,
    ) -> Result<(), Error> {
        if let DeviceChange::Name(name) = &change {
            check_text("name", name, limits::NAME_BYTES_MAX)?;
        }
        let shared = self.shared.clone();
        let key = self.project_key(principal, project).await?;
        if let Some(why_not) = why_no_camera(&change) {
            let ids = vec![id.clone()];
            let found = shared.targets.find(&shared, (key, project), ids).await?;
            if found.into_iter().flatten().any(|target| target.kind == Kind::Camera) {
                let what = format!("device {id}");
                return Err(Error::Invalid { what, detail: why_not.to_owned() });
            }
        }
        let principal = principal.clone();
        let (project, id) = (project.clone(), id.clone());
        to_the_end(async move {
            let is_name = matches!(change, DeviceChange::Name(_));
            let write = Write::ChangeDevice(ChangeDevice {
                project: project.clone(),
                id: id.clone(),
                change,
                at: shared.clock.now(),
            });
            shared.store.write(&principal, write).await??;
            if is_name {
                return Ok(());
            }
            let found = shared.targets.find(&shared, (key, &project), vec![id]).await?;
            let seeds = found.into_iter().flatten().map(|target| {
                seed_of(&shared, (target.device, target.kind), target.server.clone())
            });
            wake_all(&shared, seeds.collect(), Wake::Now).await;
            Ok(())
        })
        .await
    }

    /// Gives the host that phones live on another name; its id, which the records name, stays.
    ///
    /// Errors: the name is empty, too long (over [`limits::NAME_BYTES_MAX`]) or has a control
    /// character; [`Refused::NoSuchServer`]; or the store failed.
    pub async fn rename_server(
        &self,
        principal: &Principal,
        project: &ProjectId,
        id: String,
        name: String,
    ) -> Result<(), Error> {
        check_text("server name", &name, limits::NAME_BYTES_MAX)?;
        // Hides whether a project of another caller has such a server.
        self.project_key(principal, project).await?;
        let at = self.shared.clock.now();
        let write = Write::RenameServer(RenameServer { project: project.clone(), id, name, at });
        self.shared.store.write(principal, write).await??;
        Ok(())
    }

    /// Puts tags on a phone or a server, or takes them from it, in one change.
    ///
    /// Errors: a key or a value is longer than [`limits::NAME_BYTES_MAX`] or has a control
    /// character, or a key is empty; no such project; [`Refused::NoSuchDevice`],
    /// [`Refused::NoSuchServer`], [`Refused::TooManyTags`]; or the store failed.
    pub async fn change_tags(
        &self,
        principal: &Principal,
        change: ChangeTags,
    ) -> Result<(), Error> {
        self.project_key(principal, &change.project).await?;
        for tag in &change.put {
            check_tag(&tag.key, Some(&tag.value))?;
        }
        for (key, value) in &change.take {
            check_tag(key, value.as_deref())?;
        }
        if let Tagged::Server(id) = &change.tagged
            && id.is_empty()
        {
            return Err(Refused::NoSuchServer(String::new()).into());
        }
        self.shared.store.write(principal, Write::ChangeTags(change)).await??;
        Ok(())
    }

    /// The arguments that a phone's container must be started with to have all that is desired of
    /// it and is fixed at its start: each one an argument of its own, unquoted, in the order of
    /// their properties' names. Empty if there are none.
    ///
    /// Errors: no such project, [`Refused::NoSuchDevice`], or the store failed.
    pub async fn start_arguments(
        &self,
        principal: &Principal,
        project: &ProjectId,
        id: &DeviceId,
    ) -> Result<Vec<String>, Error> {
        let DeviceWithState { device, state, .. } = self.device(principal, project, id).await?;
        let catalogue = self.shared.catalogue.get();
        let desired = state.desired.0.iter();
        let arguments = desired.filter_map(|(name, desired)| {
            catalogue.start_argument(&device.profile, name, &desired.value)
        });
        Ok(arguments.collect())
    }

    /// Writes a copy of the store, as it stands at one moment, to `to`, which must not exist, while
    /// everything goes on; the copy has been checked when this returns.
    ///
    /// Errors: the caller is bound to one project, or the copy can't be written or is not sound;
    /// then there is no file.
    pub async fn back_up(&self, principal: &Principal, to: &Path) -> Result<Backup, Error> {
        whole_server_only(principal, "a backup")?;
        let backup = self.shared.store.back_up(to).await?;
        metrics::counter!("fleetwright_backups_total").increment(1);
        let path = backup.path.display().to_string();
        tracing::info!(path, bytes = backup.bytes, sha256 = backup.sha256, "a backup was made");
        Ok(backup)
    }

    /// Reads the catalogue's files again and puts what they say in force, for work that begins from
    /// then on.
    ///
    /// Errors: they can't be read or are wrong; then the old catalogue stays in force.
    pub async fn reload_catalogue(
        &self,
        principal: &Principal,
    ) -> Result<(), CatalogueSourceError> {
        if !principal.is_server_admin() {
            return Err(CatalogueSourceError::NotAllowed);
        }
        let shared = self.shared.clone();
        let loading = tokio::task::spawn_blocking(move || {
            (shared.catalogue_source)(&|catalogue| {
                let properties = catalogue.properties().count();
                let profiles = catalogue.profiles().count();
                shared.catalogue.replace(catalogue);
                tracing::info!(properties, profiles, "another catalogue is in force");
            })
        });
        let loaded = loading.await.map_err(|_| CatalogueSourceError::Closed)?;
        match loaded {
            Ok(()) => {
                metrics::counter!("fleetwright_catalogue_reloads_total", "result" => "ok")
                    .increment(1);
                Ok(())
            }
            Err(error) => {
                metrics::counter!("fleetwright_catalogue_reloads_total", "result" => "refused")
                    .increment(1);
                tracing::warn!(%error, "the catalogue was not replaced: its files are refused");
                Err(error)
            }
        }
    }

    /// One device of a project, with its state.
    pub(crate) async fn device(
        &self,
        principal: &Principal,
        project: &ProjectId,
        id: &DeviceId,
    ) -> Result<DeviceWithState, Error> {
        self.project_key(principal, project).await?;
        let found = self.shared.store.device(principal, Some(project), id).await?;
        found.into_iter().next().ok_or(Error::Refused(Refused::NoSuchDevice))
    }
}

/// Why a change is none that a camera can undergo; `None` if it can.
fn why_no_camera(change: &DeviceChange) -> Option<&'static str> {
    match change {
        DeviceChange::Adopt(_) => {
            Some("a camera is not adopted: it proves itself by its password whenever it registers")
        }
        DeviceChange::Stopped(_) => Some(
            "a camera is not marked as stopped or started: whether it is registered says whether \
             it is there",
        ),
        DeviceChange::Name(_) | DeviceChange::Frozen(_) => None,
    }
}

/// Runs `change` on a task of its own: once a change is handed to the store, what follows from it
/// must be done even if the caller goes away meanwhile.
pub(crate) async fn to_the_end<T: Send + 'static>(
    change: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    tokio::spawn(change).await.map_err(|_| Error::Closed)?
}

/// Makes what is remembered of the server's settings equal to what the store has. Of several that
/// change them at once, the last to remember finds what the store has in the end.
pub(crate) async fn follow_server_settings(shared: &Shared) -> Result<(), store::Error> {
    loop {
        let paused = shared.store.server_settings().await?.paused;
        if shared.server_paused.swap(paused, Ordering::SeqCst) == paused {
            return Ok(());
        }
    }
}

/// Refuses callers who are bound to one project.
fn whole_server_only(principal: &Principal, what: &str) -> Result<(), Error> {
    if principal.is_server_admin() {
        return Ok(());
    }
    let detail = "is for operators of the whole server".to_owned();
    Err(Error::Invalid { what: what.to_owned(), detail })
}

/// A tag's key, and its value, which may be empty.
fn check_tag(key: &str, value: Option<&str>) -> Result<(), Error> {
    check_text("tag key", key, limits::TAG_BYTES_MAX)?;
    match value {
        None | Some("") => Ok(()),
        Some(value) => check_text(&format!("value of the tag {key}"), value, limits::TAG_BYTES_MAX),
    }
}

#[cfg(test)]
pub(crate) mod stage;
#[cfg(test)]
mod tests;
