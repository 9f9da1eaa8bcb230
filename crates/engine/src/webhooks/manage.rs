//! What the doors ask for: webhooks made, changed, deleted and tried.

use std::time::Duration;

use fleet::limits::WEBHOOK_SECRET_BYTES;
use fleet::{EventType, EventTypes, Principal, ProjectId, Secret};
use store::write::{ChangeWebhook, CreateWebhook, DeleteWebhook};
use store::{Refused, ResumeToken, Write};
use tokio::time::Instant;

use super::follow::random_id;
use super::{Answer, Delivery, NoAnswer, Receiver, sealed_with, url};
use crate::access::invalid;
use crate::command::Error;
use crate::handle::Handle;
use crate::operate::to_the_end;

/// A webhook to make.
#[derive(Debug)]
pub struct NewWebhook {
    /// The project whose events it is told of; `None`: those of the whole server.
    pub project: Option<ProjectId>,
    /// Where deliveries go.
    pub url: String,
    /// Whether that may be another machine by http.
    pub insecure: bool,
    /// What it is told of.
    pub types: EventTypes,
    /// What deliveries are signed with; `None`: it is made.
    pub secret: Option<Secret<String>>,
    /// Whether deliveries are made.
    pub enabled: bool,
}

/// What changes of a webhook; what is `None` stays.
#[derive(Debug, Default)]
pub struct WebhookChange {
    /// Where deliveries go.
    pub url: Option<String>,
    /// Whether that may be another machine by http.
    pub insecure: bool,
    /// What it is told of.
    pub types: Option<EventTypes>,
    /// What deliveries are signed with.
    pub secret: Option<Secret<String>>,
    /// Whether another such secret is made.
    pub new_secret: bool,
    /// Whether deliveries are made.
    pub enabled: Option<bool>,
}

/// What came of a trial.
#[derive(Debug)]
pub struct Tried {
    /// What the receiver answered.
    pub answer: Result<Answer, NoAnswer>,
    /// How long that took.
    pub took: Duration,
}

impl Handle {
    /// Makes a webhook, which is told of what happens from now on. Gives its id, and its secret if
    /// that was made, which is not shown again.
    ///
    /// Errors: a URL, a secret or types that can't be; no such project; too many; or the store
    /// failed.
    pub async fn create_webhook(
        &self,
        principal: &Principal,
        new: NewWebhook,
    ) -> Result<(String, Option<Secret<String>>), Error> {
        let NewWebhook { project, url, insecure, types, secret, enabled } = new;
        url::check(&url, insecure).map_err(|detail| invalid("url", detail))?;
        check_types(types, project.is_some())?;
        let shared = &self.shared;
        let id = self.random_hex();
        let (secret, made) = self.webhook_secret(secret)?;
        let sealed_secret = self.sealed_webhook_secret(project.as_ref(), &id, &secret)?;
        let store = shared.store.store_id().await?;
        let position = ResumeToken { store, position: shared.store.feed_end().await? };
        let at = shared.clock.now();
        let create = CreateWebhook {
            id: id.clone(),
            project,
            url,
            types,
            sealed_secret,
            enabled,
            position,
            at,
        };
        shared.store.write(principal, Write::CreateWebhook(Box::new(create))).await??;
        shared.webhooks.changed.notify_one();
        Ok((id, made.then_some(secret)))
    }

    /// Changes a webhook, and tries at once what it waited with. Gives its secret if another was
    /// made, which is not shown again.
    ///
    /// Errors: a URL, a secret or types that can't be; no such webhook; or the store failed.
    pub async fn change_webhook(
        &self,
        principal: &Principal,
        id: &str,
        change: WebhookChange,
    ) -> Result<Option<Secret<String>>, Error> {
        let WebhookChange { url, insecure, types, secret, new_secret, enabled } = change;
        let shared = &self.shared;
        let webhook = shared.store.webhook(principal, id).await?;
        let webhook = webhook.ok_or_else(|| Refused::NoSuchWebhook(id.to_owned()))?;
        if let Some(url) = &url {
            url::check(url, insecure).map_err(|detail| invalid("url", detail))?;
        }
        if let Some(types) = types {
            check_types(types, webhook.project.is_some())?;
        }
        let project = webhook.project.as_ref().map(|(_, id)| id);
        let (sealed_secret, made) = match (secret, new_secret) {
            (None, false) => (None, None),
            (Some(_), true) => {
                return Err(invalid("secret", "either one is given or another is made"));
            }
            (given, _) => {
                let (secret, made) = self.webhook_secret(given)?;
                let sealed = self.sealed_webhook_secret(project, id, &secret)?;
                (Some(sealed), made.then_some(secret))
            }
        };
        let (id, at) = (id.to_owned(), shared.clock.now());
        let change = ChangeWebhook { id, url, types, sealed_secret, enabled, at };
        // What was delivered goes on record before, and not over what the change says.
        super::write(shared).await;
        shared.store.write(principal, Write::ChangeWebhook(change)).await??;
        shared.webhooks.changed.notify_one();
        Ok(made)
    }

    /// Deletes a webhook. A delivery that is under way may still arrive.
    ///
    /// Errors: no such webhook, or the store failed.
    pub async fn delete_webhook(&self, principal: &Principal, id: &str) -> Result<(), Error> {
        let delete = Write::DeleteWebhook(DeleteWebhook { id: id.to_owned() });
        self.shared.store.write(principal, delete).await??;
        self.shared.webhooks.changed.notify_one();
        Ok(())
    }

    /// Sends a webhook's receiver a delivery that is a trial, now and from this node, whether it is
    /// enabled or not. Nothing of it goes on record.
    ///
    /// Errors: no such webhook; its secret can't be opened; [`Error::Busy`] while
    /// [`fleet::limits::TRIALS_AT_A_TIME`] are under way; or the store failed.
    pub async fn try_webhook(&self, principal: &Principal, id: &str) -> Result<Tried, Error> {
        let shared = &self.shared;
        let webhook = shared.store.webhook(principal, id).await?;
        let webhook = webhook.ok_or_else(|| Refused::NoSuchWebhook(id.to_owned()))?;
        let place = sealed_with(webhook.project.as_ref().map(|(_, id)| id), id);
        let opened = shared.master_key.open(&place, &webhook.sealed_secret).ok();
        let secret = opened.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| {
            invalid("secret", "it can't be opened with this server's master key: give another")
        })?;
        let deliver = shared.webhooks.deliver.get().ok_or(Error::Closed)?.clone();
        let slot = shared.webhooks.trials.clone().try_acquire_owned().map_err(|_| Error::Busy)?;
        let secret = Secret::new(secret);
        let receiver = Receiver { webhook: webhook.id, url: webhook.url, secret };
        let delivery = Delivery { id: random_id(shared), events: Vec::new(), dropped: false };
        let at = shared.clock.now();
        // Who has asked may go away; what sends it does not, and has its slot until it is done.
        to_the_end(async move {
            let _slot = slot;
            let began = Instant::now();
            let answer = deliver.deliver(&receiver, &delivery, at).await;
            Ok(Tried { answer, took: began.elapsed() })
        })
        .await
    }

    /// The secret that was given, if it can be one, or a new one; and whether it is new.
    fn webhook_secret(
        &self,
        given: Option<Secret<String>>,
    ) -> Result<(Secret<String>, bool), Error> {
        let Some(secret) = given else {
            return Ok((Secret::new(self.random_hex() + &self.random_hex()), true));
        };
        let text = secret.expose();
        let is_graphic = text.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_graphic || !WEBHOOK_SECRET_BYTES.contains(&text.len()) {
            let (least, most) = (WEBHOOK_SECRET_BYTES.start(), WEBHOOK_SECRET_BYTES.end());
            let detail = format!("must be {least} to {most} visible ASCII characters");
            return Err(invalid("secret", detail));
        }
        Ok((secret, false))
    }

    /// A webhook's secret, sealed.
    fn sealed_webhook_secret(
        &self,
        project: Option<&ProjectId>,
        id: &str,
        secret: &Secret<String>,
    ) -> Result<Vec<u8>, Error> {
        let mut nonce = [0_u8; 24];
        self.shared.entropy.fill(&mut nonce);
        let place = sealed_with(project, id);
        let sealed = self.shared.master_key.seal(nonce, &place, secret.expose().as_bytes());
        sealed.map_err(|error| invalid("secret", error))
    }
}

/// Whether a webhook, of a project or not, can be told of these.
fn check_types(types: EventTypes, of_project: bool) -> Result<(), Error> {
    if types.is_empty() {
        return Err(invalid("types", "there is none: at least one, or left out for all"));
    }
    let projects_changed: EventTypes = [EventType::ProjectsChanged].into_iter().collect();
    if of_project && types == projects_changed {
        let detail = "projects.changed is told to webhooks of the whole server alone";
        return Err(invalid("types", detail));
    }
    Ok(())
}
