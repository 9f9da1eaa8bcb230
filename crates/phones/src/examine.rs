//! A look at whoever answers at a device's address.

use engine::{Away, Examination};
use fleet::catalogue::Privilege;
use fleet::{Device, limits};

use crate::driver::{Phones, away, away_label};
use crate::{answer, script};

impl Phones {
    /// Looks at the phone over a connection of its own: whether a new one can be made is part of
    /// what is asked, and who works on the phone is not disturbed.
    pub(crate) async fn look_at(&self, device: &Device) -> Examination {
        // It is never closed.
        let _turn = self.examinations.acquire().await;
        let examination = self
            .examination(device)
            .await
            .unwrap_or_else(|away| Examination { away: Some(away), ..Examination::default() });
        let outcome = examination.away.as_ref().map_or("done", away_label);
        metrics::counter!("fleetwright_phone_examinations_total", "outcome" => outcome)
            .increment(1);
        examination
    }

    async fn examination(&self, device: &Device) -> Result<Examination, Away> {
        let catalogue = self.catalogue.get();
        let profile = catalogue.profile(&device.profile);
        let privilege = profile.map_or(Privilege::None, |profile| profile.privilege);
        let nonce = self.nonce();
        let script = script::look(privilege, &nonce);
        let connection = self.connections.open_apart(device).await;
        let mut connection = connection.map_err(|error| away(&error))?;
        let limit = limits::PHONE_ACTION_TIMEOUT;
        let output = connection.session.shell(&script, limit, &|| ()).await;
        Ok(answer::examination(&output.map_err(|error| away(&error))?, &nonce))
    }
}
