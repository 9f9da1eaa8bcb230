//! Presets: named values of a project, in which names stand for what each device has of its own.

use std::collections::BTreeMap;

use crate::desired::Values;
use crate::device::Kind;
use crate::id::{PresetName, ProjectId, ProjectKey};
use crate::limits::DESIRED_BYTES_MAX;
use crate::refusal::Refusal;
use crate::template::{Own, Template, Unexpanded, Variable};
use crate::time::Timestamp;

/// Templates by property.
pub type Templates = BTreeMap<String, Template>;

/// Named values of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preset {
    /// The project.
    pub project: ProjectKey,
    /// The project's public id.
    pub project_id: ProjectId,
    /// Its name, unique in the project.
    pub name: PresetName,
    /// What the devices are that it is for.
    pub kind: Kind,
    /// What the operator says of it; empty if nothing.
    pub description: String,
    /// The values, by canonical name.
    pub values: Templates,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// How often it was set, counted from 1: what a change may name.
    pub version: i64,
}

impl Preset {
    /// Its values, if they are the same for every device.
    pub fn constant(&self) -> Option<Values> {
        self.values.iter().map(|(name, text)| Some((name.clone(), text.constant()?))).collect()
    }

    /// Whether it asks for a tag of the device.
    pub fn needs_tags(&self) -> bool {
        let mut variables = self.values.values().flat_map(Template::variables);
        variables.any(|variable| matches!(variable, Variable::Tag(_)))
    }

    /// Its values for one device, but for those of the properties that are asked for otherwise,
    /// which `instead` tells.
    ///
    /// # Errors
    ///
    /// [`Refusal::VariableMissing`] for the first property of which the device lacks something;
    /// [`Refusal::PropertiesInvalid`] if they are more than what may be desired of one device.
    pub fn expand(&self, own: &Own<'_>, instead: impl Fn(&str) -> bool) -> Result<Values, Refusal> {
        let (mut values, mut bytes) = (Values::new(), 0_usize);
        for (name, template) in self.values.iter().filter(|(name, _)| !instead(name)) {
            let too_long = || Refusal::PropertiesInvalid {
                detail: format!(
                    "preset {} makes more than {DESIRED_BYTES_MAX} bytes of them",
                    self.name
                ),
            };
            bytes = bytes.saturating_add(name.len());
            let room = DESIRED_BYTES_MAX.checked_sub(bytes).ok_or_else(too_long)?;
            let value = template.expand(own, room).map_err(|error| match error {
                Unexpanded::Lacks(variable) => {
                    Refusal::VariableMissing { name: name.clone(), variable: variable.to_string() }
                }
                Unexpanded::TooLong => too_long(),
            })?;
            bytes = bytes.saturating_add(value.len());
            values.insert(name.clone(), value);
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preset(values: &[(&str, &str)]) -> Preset {
        let template = |(name, text): &(&str, &str)| ((*name).to_owned(), text.parse().unwrap());
        Preset {
            project: ProjectKey(1),
            project_id: ProjectId::new("p").unwrap(),
            name: PresetName::new("lobby").unwrap(),
            kind: Kind::Phone,
            description: String::new(),
            values: values.iter().map(template).collect(),
            created_at: Timestamp(1),
            updated_at: Timestamp(1),
            version: 1,
        }
    }

    fn values(pairs: &[(&str, &str)]) -> Values {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn one_device_gets_its_own_values() {
        let preset = preset(&[("a", "${tag:city}"), ("b", "${var:n}"), ("c", "x")]);
        let (tags, none) = (values(&[("city", "Ulm")]), Values::new());
        let mut own =
            Own { id: "d", name: "", server: "", tags: &tags, given: &none, given_all: &none };
        let missing =
            Refusal::VariableMissing { name: "b".to_owned(), variable: "var:n".to_owned() };
        assert_eq!(preset.expand(&own, |_| false), Err(missing));
        let of_city = values(&[("a", "Ulm"), ("c", "x")]);
        assert_eq!(preset.expand(&own, |name| name == "b"), Ok(of_city), "asked otherwise");
        let given = values(&[("n", "8")]);
        own.given_all = &given;
        let all = values(&[("a", "Ulm"), ("b", "8"), ("c", "x")]);
        assert_eq!(preset.expand(&own, |_| false), Ok(all));
        assert!(preset.needs_tags() && preset.constant().is_none());
    }

    #[test]
    fn what_is_the_same_for_all_needs_no_device() {
        let preset = preset(&[("a", "1"), ("b", "$$2")]);
        assert_eq!(preset.constant(), Some(values(&[("a", "1"), ("b", "$2")])));
        assert!(!preset.needs_tags());
    }

    #[test]
    fn a_device_is_not_asked_for_more_than_it_may_have() {
        let none = Values::new();
        let made = |templates: &[(&str, &str)], bytes: usize| {
            let given = values(&[("n", &"x".repeat(bytes))]);
            let own =
                Own { id: "d", name: "", server: "", tags: &none, given: &given, given_all: &none };
            match preset(templates).expand(&own, |_| false) {
                Ok(values) => values.iter().map(|(name, value)| name.len() + value.len()).sum(),
                Err(Refusal::PropertiesInvalid { .. }) => 0,
                Err(other) => panic!("{other}"),
            }
        };
        let often = "${var:n}".repeat(70);
        assert_eq!(made(&[("a", &often)], 900), 63_001);
        assert_eq!(made(&[("a", &often)], 1_000), 0);
        // All of them together, and their names with them.
        let two = [("a", "${var:n}"), ("b", "${var:n}")];
        assert_eq!(made(&two, DESIRED_BYTES_MAX / 2 - 1), DESIRED_BYTES_MAX);
        assert_eq!(made(&two, DESIRED_BYTES_MAX / 2), 0);
        // 7 GB, if it were made before it is looked at.
        let most = "${var:n}".repeat(1_024);
        assert_eq!(made(&[("a", &most)], 7 * 1024 * 1024), 0);
    }
}
