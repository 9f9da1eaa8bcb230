//! Presets: set, deleted, and made into the values of each device of an update.

use std::collections::{BTreeSet, HashMap};

use fleet::limits::{
    DESCRIPTION_BYTES_MAX, EXPANDED_BYTES_MAX, PRESET_BYTES_MAX, SCAN_PAGE,
    VARIABLE_NAME_BYTES_MAX, VARIABLE_VALUE_BYTES_MAX,
};
use fleet::template::{Own, is_variable_name};
use fleet::{
    Catalogue, Device, DeviceId, DeviceKey, Kind, Preset, PresetName, Principal, ProjectId,
    ProjectKey, Refusal, Templates, Values,
};
use store::write::{DeletePreset, SetPreset};
use store::{Refused, Write, Written};

use crate::accept::check_organizations;
use crate::access::{check_text, invalid};
use crate::command::Error;
use crate::handle::Handle;
use crate::rollout::{Ask, AskTarget, AskedDevice, bounds};

/// A preset as an operator gives it.
#[derive(Debug, Clone)]
pub struct NewPreset {
    /// Its name.
    pub name: PresetName,
    /// What the devices are that it is for.
    pub kind: Kind,
    /// What is said of it: at most 1,024 bytes.
    pub description: String,
    /// The values, unchecked.
    pub values: Templates,
    /// The version that it must have; 0: there must be none; `None`: whatever it has.
    pub expected: Option<i64>,
}

/// The preset of an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresetAsk {
    /// Its name.
    pub name: PresetName,
    /// Variables that are given for all devices.
    pub variables: Values,
}

/// A device for which a preset is expanded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Meant<'a> {
    /// Its key; that of none if it does not exist.
    pub(crate) key: DeviceKey,
    /// Its id, as it was named: perhaps that of one of its channels.
    pub(crate) id: &'a DeviceId,
    /// What is asked of it and given for it, if it was named.
    pub(crate) asked: Option<&'a AskedDevice>,
}

impl Handle {
    /// Makes a preset, or gives one other values. Each property must be in the catalogue, and each
    /// value that is the same for all devices one that its property may have.
    ///
    /// Errors: [`Error::Invalid`] that names what can't be; [`Refused::PresetMoved`],
    /// [`Refused::TooManyPresets`]; the project is not the caller's; or the store failed.
    pub async fn set_preset(
        &self,
        principal: &Principal,
        project: &ProjectId,
        new: NewPreset,
    ) -> Result<Preset, Error> {
        self.project_key(principal, project).await?;
        let NewPreset { name, kind, description, values, expected } = new;
        name.check_new().map_err(|error| invalid("name", error))?;
        if !description.is_empty() {
            check_text("description", &description, DESCRIPTION_BYTES_MAX)?;
        }
        let values = checked(&self.catalogue(), kind, values)?;
        let at = self.shared.clock.now();
        let project = project.clone();
        let set = SetPreset { project, name, kind, description, values, expected, at };
        let written = self.shared.store.write(principal, Write::SetPreset(Box::new(set))).await??;
        match written {
            Written::Preset(preset) => Ok(*preset),
            other => {
                tracing::error!(?other, "the store answered about a preset otherwise");
                Err(Error::Closed)
            }
        }
    }

    /// Deletes a preset. Updates that were made of it keep their values.
    ///
    /// Errors: [`Refused::NoSuchPreset`], [`Refused::PresetMoved`]; the project is not the
    /// caller's; or the store failed.
    pub async fn delete_preset(
        &self,
        principal: &Principal,
        project: &ProjectId,
        name: PresetName,
        expected: Option<i64>,
    ) -> Result<(), Error> {
        let delete = DeletePreset { project: project.clone(), name, expected };
        self.shared.store.write(principal, Write::DeletePreset(delete)).await??;
        Ok(())
    }

    /// What an update of named devices asks of each of them, in their order: by its preset, by what
    /// is asked of all, and by its own values, the later before the earlier; and the kind that
    /// there is to it.
    ///
    /// Errors: those of [`Self::create_update`] that are about the preset and about how much is
    /// asked.
    pub async fn values_of(
        &self,
        principal: &Principal,
        project: &ProjectId,
        ask: Ask,
    ) -> Result<(Option<Kind>, Vec<Result<Values, Refusal>>), Error> {
        let key = self.project_key(principal, project).await?;
        let (ask, preset) = self.with_preset(principal, project, ask).await?;
        bounds::check(&ask)?;
        let AskTarget::Devices(devices) = &ask.target else {
            return Err(invalid("devices", "are missing".to_owned()));
        };
        let devices: Vec<&AskedDevice> = devices.iter().collect();
        let values = self.values_of_named((key, project), preset.as_ref(), &ask, &devices).await?;
        Ok((ask.kind, values))
    }

    /// The same of some of them, once the preset was read: see [`Self::with_preset`].
    pub(crate) async fn values_of_named(
        &self,
        project: (ProjectKey, &ProjectId),
        preset: Option<&Preset>,
        ask: &Ask,
        devices: &[&AskedDevice],
    ) -> Result<Vec<Result<Values, Refusal>>, Error> {
        let Some(preset) = preset else {
            bounds::check_copies(ask, devices.iter().copied())?;
            return Ok(devices.iter().map(|device| Ok(ask.values(&device.values))).collect());
        };
        let shared = &self.shared;
        let ids = devices.iter().map(|device| device.id.clone()).collect();
        let found = shared.targets.find(shared, project, ids).await?;
        let meant = devices.iter().zip(&found).map(|(device, target)| Meant {
            key: target.as_ref().map_or(DeviceKey(0), |target| target.device),
            id: &device.id,
            asked: Some(device),
        });
        let meant: Vec<Meant<'_>> = meant.collect();
        self.expand(project.1, preset, ask, &meant).await
    }

    /// Reads the preset of an update, if it has one. Its kind becomes the update's, and values that
    /// are the same for all devices become those that are asked of all. If they are not, the preset
    /// is given, to be expanded for each device.
    ///
    /// Errors: [`Refused::NoSuchPreset`]; [`Error::Invalid`] for a kind that is another, and for
    /// variables that no preset can have; or the store failed.
    pub(crate) async fn with_preset(
        &self,
        principal: &Principal,
        project: &ProjectId,
        mut ask: Ask,
    ) -> Result<(Ask, Option<Preset>), Error> {
        check_variables(&ask)?;
        let Some(asked) = &ask.preset else { return Ok((ask, None)) };
        let found = self.shared.store.preset(principal, project, &asked.name).await?;
        let preset = found.ok_or_else(|| Refused::NoSuchPreset(asked.name.clone()))?;
        if let Some(kind) = ask.kind.filter(|kind| *kind != preset.kind) {
            let (of, kind) = (preset.kind.name(), kind.name());
            let detail = format!("preset {} is for {of}s, the update of {kind}s", preset.name);
            return Err(invalid("kind", detail));
        }
        ask.kind = Some(preset.kind);
        let has_own = match &ask.target {
            AskTarget::Selector(_) => false,
            AskTarget::Devices(devices) => devices.iter().any(|device| !device.values.is_empty()),
        };
        match preset.constant() {
            Some(constant) if !has_own => {
                let instead = self.canonical(preset.kind, [&ask.patch]);
                for (name, value) in constant {
                    if !instead.contains(&name) {
                        ask.patch.insert(name, value);
                    }
                }
                Ok((ask, None))
            }
            _ => Ok((ask, Some(preset))),
        }
    }

    /// What the update asks of each of these devices of a project that the caller may see: the
    /// preset's values, and what is asked of it otherwise, which goes before them.
    ///
    /// Errors: all of it together would be more than [`EXPANDED_BYTES_MAX`]; or the store failed.
    pub(crate) async fn expand(
        &self,
        project: &ProjectId,
        preset: &Preset,
        ask: &Ask,
        devices: &[Meant<'_>],
    ) -> Result<Vec<Result<Values, Refusal>>, Error> {
        let none = Values::new();
        let given_all = ask.preset.as_ref().map_or(&none, |asked| &asked.variables);
        let (mut all, mut bytes) = (Vec::with_capacity(devices.len()), 0_usize);
        for piece in devices.chunks(SCAN_PAGE as usize) {
            let known = self.known(project, preset, piece).await?;
            for device in piece {
                let Some((record, tags)) = known.get(&device.key) else {
                    all.push(Err(Refusal::DeviceUnknown));
                    continue;
                };
                let own = Own {
                    id: device.id.as_str(),
                    name: &record.name,
                    server: &record.server,
                    tags,
                    given: device.asked.map_or(&none, |asked| &asked.variables),
                    given_all,
                };
                let values = device.asked.map_or(&none, |asked| &asked.values);
                let instead = self.canonical(preset.kind, [&ask.patch, values]);
                let expanded = preset.expand(&own, |name| instead.contains(name)).map(|made| {
                    let mut whole = ask.values(values);
                    whole.extend(made);
                    whole
                });
                let length = |(name, value): (&String, &String)| name.len() + value.len();
                bytes += expanded.iter().flatten().map(length).sum::<usize>();
                if bytes > EXPANDED_BYTES_MAX {
                    let detail = format!(
                        "makes more than {EXPANDED_BYTES_MAX} bytes of values for {} devices: make \
                         several updates",
                        devices.len()
                    );
                    return Err(invalid("preset", detail));
                }
                all.push(expanded);
            }
        }
        Ok(all)
    }

    /// The records of these devices, those that exist, by key, each with its tags if the preset
    /// asks for any.
    async fn known(
        &self,
        project: &ProjectId,
        preset: &Preset,
        devices: &[Meant<'_>],
    ) -> Result<HashMap<DeviceKey, (Device, Values)>, Error> {
        let store = &self.shared.store;
        let keys: Vec<DeviceKey> = devices.iter().map(|device| device.key).collect();
        let records = store.records(&keys).await?;
        let mut tags: Vec<Values> = records.iter().map(|_| Values::new()).collect();
        if preset.needs_tags() {
            let ids = records.iter().map(|device| device.id.clone()).collect();
            let found = store.tags_of_devices(&Principal::engine(), project, ids).await?;
            let by_key =
                |tags: Vec<store::Tag>| tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
            tags = found.into_iter().map(by_key).collect();
        }
        let known = records.into_iter().zip(tags);
        Ok(known.map(|(device, tags)| (device.key, (device, tags))).collect())
    }

    /// The names under which these values would be stored.
    fn canonical<const N: usize>(&self, kind: Kind, values: [&Values; N]) -> BTreeSet<String> {
        let catalogue = self.catalogue();
        let names = values.into_iter().flat_map(Values::keys);
        names.map(|name| catalogue.canonical(kind, name).unwrap_or(name).to_owned()).collect()
    }
}

/// Checks the names and the values of variables, and that there are none without a preset.
fn check_variables(ask: &Ask) -> Result<(), Error> {
    let of_devices: &[AskedDevice] = match &ask.target {
        AskTarget::Selector(_) => &[],
        AskTarget::Devices(devices) => devices,
    };
    let of_all = ask.preset.iter().map(|asked| &asked.variables);
    for (name, value) in of_devices.iter().map(|it| &it.variables).chain(of_all).flatten() {
        if ask.preset.is_none() {
            let detail = "are of a preset alone, and none is named";
            return Err(invalid("variables", detail.to_owned()));
        }
        if !is_variable_name(name) {
            let detail = format!(
                "{name:?} is no name: 1 to {VARIABLE_NAME_BYTES_MAX} letters, digits and . _ -"
            );
            return Err(invalid("variables", detail));
        }
        if value.len() > VARIABLE_VALUE_BYTES_MAX {
            let detail = format!(
                "has {} bytes; at most {VARIABLE_VALUE_BYTES_MAX} are allowed",
                value.len()
            );
            return Err(invalid(&format!("variables.{name}"), detail));
        }
    }
    Ok(())
}

/// Checks the values of a preset and gives them by canonical name. Errors name the property.
fn checked(catalogue: &Catalogue, kind: Kind, values: Templates) -> Result<Templates, Error> {
    if values.is_empty() {
        return Err(invalid("values", "is empty: a preset asks for something".to_owned()));
    }
    let bytes: usize = values.iter().map(|(name, text)| name.len() + text.as_str().len()).sum();
    if bytes > PRESET_BYTES_MAX {
        let detail = format!("has {bytes} bytes; at most {PRESET_BYTES_MAX} are allowed");
        return Err(invalid("values", detail));
    }
    let mut checked = Templates::new();
    for (name, template) in values {
        let constant = template.constant();
        let canonical = catalogue.check_listed(kind, &name, constant.as_deref());
        let canonical = canonical.map_err(|refusal| of_value(&name, refusal))?.to_owned();
        let one = constant.map(|value| (canonical.clone(), value));
        check_organizations(&one.into_iter().collect(), kind)
            .map_err(|refusal| of_value(&name, refusal))?;
        if checked.insert(canonical.clone(), template).is_some() {
            let detail = format!("given twice: it and another name stand for {canonical}");
            return Err(invalid(&format!("values.{name}"), detail));
        }
    }
    Ok(checked)
}

/// The refusal of a preset's value.
fn of_value(name: &str, refusal: Refusal) -> Error {
    let detail = match refusal {
        Refusal::PropertyUnsupported { detail, .. } | Refusal::PropertyInvalid { detail, .. } => {
            detail
        }
        other => other.to_string(),
    };
    invalid(&format!("values.{name}"), detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn templates(pairs: &[(&str, &str)]) -> Templates {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), text.parse().unwrap())).collect()
    }

    #[test]
    fn a_variable_is_checked_whoever_it_is_for() {
        let check = |of_all: (&str, usize), own: (&str, usize)| {
            let given =
                |(name, bytes): (&str, usize)| Values::from([(name.to_owned(), "x".repeat(bytes))]);
            let device = AskedDevice {
                id: DeviceId::new("d").unwrap(),
                values: Values::new(),
                variables: given(own),
                if_revision: None,
            };
            let name = PresetName::new("lobby").unwrap();
            let ask = Ask {
                target: AskTarget::Devices(vec![device]),
                kind: None,
                operation: fleet::Operation::Update,
                preset: Some(PresetAsk { name, variables: given(of_all) }),
                patch: Values::new(),
                plan: fleet::Plan::all_at_once(),
            };
            check_variables(&ask).map_err(|error| error.to_string())
        };
        let most = VARIABLE_VALUE_BYTES_MAX;
        assert_eq!(check(("n", most), ("m", most)), Ok(()));
        let why = "variables.n: has 8193 bytes; at most 8192 are allowed".to_owned();
        assert_eq!(check(("n", most + 1), ("m", 1)), Err(why.clone()));
        assert_eq!(check(("m", 1), ("n", most + 1)), Err(why));
        assert!(check(("n", 1), ("a b", 1)).unwrap_err().contains("\"a b\" is no name"));
    }

    #[test]
    fn a_preset_is_checked_when_it_is_set() {
        let catalogue = Catalogue::built_in().unwrap();
        let check = |kind, pairs: &[(&str, &str)]| match checked(&catalogue, kind, templates(pairs))
        {
            Ok(values) => values.into_keys().collect::<Vec<_>>().join(","),
            Err(Error::Invalid { what, detail }) => format!("{what}: {detail}"),
            Err(other) => panic!("{other}"),
        };
        let phone = |pairs: &[(&str, &str)]| check(Kind::Phone, pairs);
        let camera = |pairs: &[(&str, &str)]| check(Kind::Camera, pairs);
        assert_eq!(phone(&[("hide_navigate", "1")]), "com.cph.mainkeys", "by an alias");
        assert_eq!(phone(&[("com.cph.mainkeys", "${var:keys}")]), "com.cph.mainkeys");
        assert!(phone(&[]).starts_with("values: is empty"));
        assert!(
            phone(&[("com.cph.mainkeys", "9")]).starts_with("values.com.cph.mainkeys: allowed")
        );
        assert!(phone(&[("no.such", "1")]).contains("there is no such property"));
        assert!(phone(&[("Name", "x")]).contains("there is no such property"), "a camera's");
        assert!(phone(&[("com.cph.mainkeys", "0"), ("hide_navigate", "1")]).contains("twice"));
        assert_eq!(camera(&[("Name", "Gate ${var:n}")]), "Name");
        assert_eq!(camera(&[("Organization", "${tag:city}/Gate")]), "Organization");
        assert!(camera(&[("Organization", "a//b")]).starts_with("values.Organization: "));
        assert!(camera(&[("Pwd", "${var:p}")]).starts_with("values.Pwd: "), "no password");
    }
}
