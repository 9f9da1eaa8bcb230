//! Changes of who may enrol, and of the GB devices that wait to be accepted.

use fleet::{DeviceId, IdPrefix, PendingDevice, ProjectId, ProjectKey, Timestamp};

use super::ImportedDevice;

/// Opens a project for enrolment, changes on what terms, or closes it. A password that is given
/// begins the list of pending devices anew, for they came with the one before; those rejected stay.
/// Closing forgets the password and all that are pending or rejected; closing what is closed is
/// harmless. Whichever it is, enrolments whose time has been over for
/// [`fleet::limits::PENDING_KEPT`] are forgotten like those that are closed. Refused with
/// [`super::Refused::NoSuchProject`], with [`super::Refused::NoEnrolment`] if no password is given
/// and there is none, and with [`super::Refused::TooManyEnrolments`].
#[derive(Debug, Clone)]
pub struct SetEnrolment {
    /// The project.
    pub project: ProjectId,
    /// On what terms from now on; `None` closes it.
    pub terms: Option<EnrolmentTerms>,
    /// Now.
    pub at: Timestamp,
}

/// On what terms cameras may enrol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolmentTerms {
    /// The password that they share, sealed; `None` leaves the one that is there, and the list.
    pub sealed_password: Option<Vec<u8>>,
    /// What their ids begin with, one of these.
    pub prefixes: Vec<IdPrefix>,
    /// Until when.
    pub ends_at: Timestamp,
}

/// Notes GB devices that have shown an enrolment password: at most
/// [`fleet::limits::PENDING_PER_WRITE_MAX`]. One that waits already was seen again; one that was
/// rejected is passed over for [`fleet::limits::REJECTED_FOR`]; so is one whose id a device has,
/// one of a project that is not open any more, and one last seen before its terms were set. One
/// that has not come for [`fleet::limits::PENDING_KEPT`] is forgotten, and new ones beyond
/// [`fleet::limits::ENROLMENTS_PENDING_MAX`] of a project are left out.
#[derive(Debug, Clone, Default)]
pub struct NotePending {
    /// The devices, each with its project.
    pub seen: Vec<(ProjectKey, PendingDevice)>,
    /// Now.
    pub at: Timestamp,
}

/// Makes pending devices devices of the project, each accepted or refused alone. Refused whole with
/// [`super::Refused::NoSuchProject`].
#[derive(Debug, Clone)]
pub struct AcceptPending {
    /// The project.
    pub project: ProjectId,
    /// The devices: GB devices of this project of which nothing is on record but name and profile.
    pub devices: Vec<AcceptedPending>,
    /// Now.
    pub at: Timestamp,
}

/// A pending device to accept.
#[derive(Debug, Clone)]
pub struct AcceptedPending {
    /// Its record, with the password that it must register with from now on.
    pub new: ImportedDevice,
    /// What it came with, and until when that works besides; `None`: no longer.
    pub overlap: Option<EnrolledWith>,
}

/// The enrolment password that a device came with, as that device's own old one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolledWith {
    /// Sealed for the device.
    pub sealed: Vec<u8>,
    /// Until when it works.
    pub until: Timestamp,
}

/// Rejects pending devices: they are kept off the list for [`fleet::limits::REJECTED_FOR`]. Those
/// that are not pending are passed over. Refused with [`super::Refused::NoSuchProject`].
#[derive(Debug, Clone)]
pub struct RejectPending {
    /// The project.
    pub project: ProjectId,
    /// The devices.
    pub ids: Vec<DeviceId>,
    /// Now.
    pub at: Timestamp,
}

/// Why a device is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAccepted {
    /// It is not pending in this project: it never came, was rejected, or has been accepted.
    #[error("no pending device has this id")]
    NotPending,
    /// A device of this project, or a GB device of another, has the id.
    #[error("a device has this id already")]
    Taken,
}
