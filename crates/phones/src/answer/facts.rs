//! What a phone says of itself.

use fleet::Facts;

use super::frame::words;

/// Bytes of one fact: a build's fingerprint has some 100.
const FACT_BYTES_MAX: usize = 200;

/// Adds one fact; `None` if there is none of this name. What the phone did not say is left out.
pub(super) fn add(facts: &mut Facts, name: &str, content: &[u8]) -> Option<()> {
    let known = [Facts::MODEL, Facts::RELEASE, Facts::BUILD, Facts::FINGERPRINT, Facts::USER];
    let name = known.into_iter().find(|known| *known == name)?;
    let said = words(content, FACT_BYTES_MAX);
    if name == Facts::USER && !said.is_empty() {
        let rights = if said == "0" { "root" } else { "shell" };
        facts.0.insert(Facts::RIGHTS.to_owned(), rights.to_owned());
    }
    if !said.is_empty() {
        facts.0.insert(name.to_owned(), said);
    }
    Some(())
}
