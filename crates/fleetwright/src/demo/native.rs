//! A client of the native API for a demo: it has the admin token.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use fleet::Secret;
use serde_json::Value;
use tokio::time::Instant;

use super::stage::Stage;
use crate::client::{self, Client};

/// How long a call may take, and what is waited for.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Between two looks at what is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The native API.
#[derive(Clone)]
pub struct Native(Arc<Client>);

impl Native {
    /// That of a stage's server.
    pub fn of(stage: &Stage) -> Result<Self> {
        let token = stage.directory().join("admin-token");
        let token = Secret::new(std::fs::read_to_string(token).context("the admin token")?);
        let url = format!("http://{}", stage.address());
        let options = client::ServerOptions { url, ca_cert: None, json: false };
        Ok(Self(Arc::new(Client::with_token(&options, &token, TIMEOUT)?)))
    }

    /// What is at this path.
    pub async fn get(&self, path: &[&str]) -> Result<Value> {
        self.call(path, |client, path| client.get(path, &[])).await
    }

    /// Posts this to a path.
    pub async fn post(&self, path: &[&str], body: Value) -> Result<Value> {
        self.call(path, move |client, path| client.post(path, &body)).await
    }

    /// Puts this at a path.
    pub async fn put(&self, path: &[&str], body: Value) -> Result<Value> {
        self.call(path, move |client, path| client.put(path, &[], &body)).await
    }

    /// Changes what is at a path by this.
    pub async fn patch(&self, path: &[&str], body: Value) -> Result<Value> {
        self.call(path, move |client, path| client.patch(path, &body)).await
    }

    /// Makes a call that blocks.
    async fn call(
        &self,
        path: &[&str],
        call: impl FnOnce(&Client, &[&str]) -> Result<Value, client::Error> + Send + 'static,
    ) -> Result<Value> {
        let client = self.0.clone();
        let path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
        let call = move || {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            call(&client, &path)
        };
        Ok(tokio::task::spawn_blocking(call).await??)
    }
}

/// Waits until something holds, as long as jobs may take.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + TIMEOUT;
    while !holds().await? {
        if Instant::now() > deadline {
            bail!("waited {} s in vain for {what}", TIMEOUT.as_secs());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wait_ends_when_it_holds_or_when_asking_fails() {
        let mut looks = 0;
        until("it", async || {
            looks += 1;
            Ok(looks == 3)
        })
        .await
        .unwrap();
        assert_eq!(looks, 3);
        assert!(until("it", async || bail!("no")).await.is_err());
    }
}
