//! The native door's errors: RFC 9457 problems, and how the engine's and the store's become them.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use engine::operate::CatalogueSourceError;
use fleet::{Refusal, Revision};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use store::Refused;
use utoipa::ToSchema;

/// What went wrong (RFC 9457, section 3.1, with a code of ours for programs).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Always `about:blank`: the code says which problem it is.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    kind: &'static str,
    /// The status in words.
    #[schema(example = "Not Found")]
    title: &'static str,
    /// The HTTP status.
    #[serde(serialize_with = "as_number")]
    #[schema(value_type = u16, example = 404)]
    status: StatusCode,
    /// What went wrong this time, for people.
    #[schema(example = "no such project: acme")]
    detail: String,
    /// What went wrong, for programs; never changes once given.
    #[schema(example = "no_such_project")]
    code: &'static str,
    /// Of `revision_differs`: the revision that the caller said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>)]
    expected: Option<Revision>,
    /// Of `revision_differs`: the revision that the device is at.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>)]
    current: Option<Revision>,
    /// When to try again.
    #[serde(skip)]
    retry_after_seconds: Option<u32>,
}

/// A status as its number.
fn as_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl Problem {
    /// A problem of this status and code.
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status,
            detail: detail.into(),
            code,
            expected: None,
            current: None,
            retry_after_seconds: None,
        }
    }

    /// The same, and that it may be over after so many seconds.
    pub(super) fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after_seconds: Some(seconds), ..self }
    }

    /// 400: the request can't be meant.
    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", detail)
    }

    /// 401: no token, or a wrong one.
    pub(crate) fn unauthorized(detail: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }

    /// 403: the caller may not.
    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// 500: a call that nobody has looked at who makes it.
    pub(crate) fn unguarded() -> Self {
        tracing::error!("a native call came past the guard");
        let detail = "the server failed; its log says why";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// The same, with another clause.
    pub(crate) fn and(self, clause: &str) -> Self {
        Self { detail: format!("{}, {clause}", self.detail), ..self }
    }

    /// 403: a browser's call that no page of the console made.
    pub(super) fn cross_site(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "cross_site", detail)
    }

    /// 404: nothing there.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// 404: no such project.
    pub(crate) fn no_such_project(id: &fleet::ProjectId) -> Self {
        let detail = format!("no such project: {id}");
        Self::new(StatusCode::NOT_FOUND, "no_such_project", detail)
    }

    /// 405.
    pub(crate) fn wrong_method() -> Self {
        let detail = "this path has no such method";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
    }

    /// 409: it does not go together with how things are.
    pub(crate) fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 409: an id that stands for several things.
    pub(crate) fn ambiguous(detail: String) -> Self {
        Self::new(StatusCode::CONFLICT, "ambiguous", detail)
    }

    /// 412: a device is at another revision than the caller said.
    pub(super) fn revision_differs(expected: Option<Revision>, current: Revision) -> Self {
        let detail = match expected {
            Some(expected) => Refusal::RevisionDiffers { expected, current }.to_string(),
            None => format!("the device is at revision {}, which no tag names", current.0),
        };
        let problem = Self::new(StatusCode::PRECONDITION_FAILED, "revision_differs", detail);
        Self { expected, current: Some(current), ..problem }
    }

    /// 413: too large a body.
    pub(crate) fn too_large(detail: String) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
    }

    /// 422: it can be read, and not be done.
    pub(crate) fn unprocessable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// Whether it is that a token or a password is none, or a wrong one.
    pub(super) fn is_unauthorized(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED
    }

    /// What went wrong, for programs and for people.
    pub(super) fn told(&self) -> (&'static str, &str) {
        (self.code, &self.detail)
    }

    /// The answer whose body is this, which has the problem's own members among others (RFC 9457,
    /// section 3.2).
    pub(super) fn with_body(self, body: &impl Serialize) -> Response {
        // Can't fail: the members of these bodies are texts, numbers and lists of such.
        let body = serde_json::to_vec(body).unwrap_or_default();
        self.answer(body)
    }

    /// The answer with this body, which is JSON.
    fn answer(self, body: Vec<u8>) -> Response {
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        let problem = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, problem);
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        // The guard may have a word to add.
        response.extensions_mut().insert(self);
        response
    }

    /// 429: too much is waiting.
    pub(crate) fn busy() -> Self {
        let detail = "too many are signing in at the moment";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "busy", detail).retry_after(1)
    }

    /// 503: it can't answer now.
    pub(crate) fn unavailable(code: &'static str, detail: impl Into<String>, seconds: u32) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(seconds)
    }

    /// 500, of which only the log says more.
    fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error, "a native call failed");
        let detail = "the server failed; its log says why";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }
}

impl From<engine::Error> for Problem {
    fn from(error: engine::Error) -> Self {
        use engine::Error;
        match error {
            Error::NoSuchProject(id) => Self::no_such_project(&id),
            Error::Refused(refused) => refused.into(),
            Error::Invalid { .. } | Error::TooManyEntries { .. } => {
                Self::invalid(error.to_string())
            }
            Error::NoSuchUpdate(_) => Self::not_found(error.to_string()),
            Error::NotARollout(_) => Self::conflict("not_a_rollout", error.to_string()),
            Error::WaveOfOpen(_) => Self::conflict("wave_of_open_update", error.to_string()),
            Error::NoneFound => Self::conflict("none_found", error.to_string()),
            Error::TooManyDevices { .. } => Self::conflict("too_many_devices", error.to_string()),
            Error::WrongPhase { .. } => Self::conflict("wrong_phase", error.to_string()),
            Error::NotWhole(_) => Self::conflict("update_not_whole", error.to_string()),
            Error::WindowShut { .. } => Self::conflict("window_shut", error.to_string()),
            Error::NothingToRevert(_) => Self::conflict("nothing_to_revert", error.to_string()),
            Error::NotKept(_) => Self::conflict("not_kept", error.to_string()),
            Error::Busy => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "busy", error.to_string()).retry_after(1)
            }
            Error::Closed => Self::unavailable("stopping", error.to_string(), 1),
            Error::Store(error @ store::Error::DiskLow { .. }) => {
                Self::unavailable("disk_low", error.to_string(), 60)
            }
            Error::Store(error @ store::Error::ReadDeadline(_)) => {
                Self::unavailable("slow", error.to_string(), 1)
            }
            Error::Store(error @ store::Error::Away { .. }) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "a native call could not be served");
                Self::unavailable("store_away", "the store can't be reached", 1)
            }
            Error::Store(error) => Self::internal(&error),
        }
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        engine::Error::from(error).into()
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let detail = refused.to_string();
        match &refused {
            Refused::NoSuchProject(id) => Self::no_such_project(id),
            Refused::NoSuchDevice => Self::new(StatusCode::NOT_FOUND, "no_such_device", detail),
            Refused::Frozen => Self::conflict("frozen", detail),
            Refused::NoSuchKey(_) => Self::new(StatusCode::NOT_FOUND, "no_such_key", detail),
            Refused::NoSuchToken(_) => Self::new(StatusCode::NOT_FOUND, "no_such_token", detail),
            Refused::NoSuchWebhook(_) => {
                Self::new(StatusCode::NOT_FOUND, "no_such_webhook", detail)
            }
            Refused::TooManyWebhooks => Self::conflict("too_many_webhooks", detail),
            Refused::TooManyTokens => Self::conflict("too_many_tokens", detail),
            Refused::NoSuchUser(_) => Self::new(StatusCode::NOT_FOUND, "no_such_user", detail),
            Refused::NoSuchServer(_) => Self::new(StatusCode::NOT_FOUND, "no_such_server", detail),
            Refused::NoSuchOrganization(_) => {
                Self::new(StatusCode::NOT_FOUND, "no_such_organization", detail)
            }
            Refused::OrganizationExists { .. } => Self::conflict("organization_exists", detail),
            Refused::OrganizationInUse { .. } => Self::conflict("organization_in_use", detail),
            Refused::TooManyOrganizations => Self::conflict("too_many_organizations", detail),
            Refused::ProjectInUse { .. } => Self::conflict("project_in_use", detail),
            Refused::NoSuchPreset(_) => Self::new(StatusCode::NOT_FOUND, "no_such_preset", detail),
            Refused::PresetMoved { .. } => Self::conflict("preset_moved", detail),
            Refused::TooManyPresets => Self::conflict("too_many_presets", detail),
            Refused::NoEnrolment(_) => Self::conflict("no_enrolment", detail),
            Refused::TooManyEnrolments => Self::conflict("too_many_enrolments", detail),
            Refused::NoSuchUpdate(_) => Self::not_found(detail),
            Refused::TooManyRollouts => Self::conflict("too_many_rollouts", detail),
            Refused::RolloutMoved => Self::conflict("rollout_moved", detail),
            Refused::TooManyTags => Self::new(StatusCode::CONFLICT, "too_many_tags", detail),
            Refused::TooManyChannels(_) => {
                Self::new(StatusCode::CONFLICT, "too_many_channels", detail)
            }
            Refused::Exists { .. } => Self::new(StatusCode::CONFLICT, "exists", detail),
            Refused::KindDiffers { .. } => Self::new(StatusCode::CONFLICT, "kind_differs", detail),
            // The engine alone meets these.
            Refused::Stale | Refused::Fenced => Self::internal(&refused),
        }
    }
}

/// The code that programs know a refused entry by, which is that of the problem where the entry is
/// all of the call, and that problem's status.
pub(super) fn refusal_code(refusal: &Refusal) -> (StatusCode, &'static str) {
    match refusal {
        Refusal::DeviceIdInvalid => (StatusCode::BAD_REQUEST, "device_id_invalid"),
        Refusal::DeviceUnknown => (StatusCode::NOT_FOUND, "no_such_device"),
        Refusal::PropertiesInvalid { .. } => (StatusCode::BAD_REQUEST, "properties_invalid"),
        Refusal::PropertyUnsupported { .. } => (StatusCode::BAD_REQUEST, "property_unsupported"),
        Refusal::PropertyInvalid { .. } => (StatusCode::BAD_REQUEST, "property_invalid"),
        Refusal::VariableMissing { .. } => (StatusCode::BAD_REQUEST, "variable_missing"),
        Refusal::RevisionDiffers { .. } => (StatusCode::PRECONDITION_FAILED, "revision_differs"),
        Refusal::Frozen => (StatusCode::CONFLICT, "frozen"),
        Refusal::Busy { .. } => (StatusCode::TOO_MANY_REQUESTS, "busy"),
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        if let Refusal::RevisionDiffers { expected, current } = refusal {
            return Self::revision_differs(Some(expected), current);
        }
        let (status, code) = refusal_code(&refusal);
        let problem = Self::new(status, code, refusal.to_string());
        if status == StatusCode::TOO_MANY_REQUESTS { problem.retry_after(1) } else { problem }
    }
}

impl From<CatalogueSourceError> for Problem {
    fn from(error: CatalogueSourceError) -> Self {
        match &error {
            CatalogueSourceError::Closed => Self::unavailable("stopping", error.to_string(), 1),
            CatalogueSourceError::Unreadable { source, .. } => {
                let detail = format!("{error}: {source}");
                Self::new(StatusCode::BAD_REQUEST, "catalogue_invalid", detail)
            }
            _ => Self::new(StatusCode::BAD_REQUEST, "catalogue_invalid", error.to_string()),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // Can't fail: it is texts and a number.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        self.answer(body)
    }
}
