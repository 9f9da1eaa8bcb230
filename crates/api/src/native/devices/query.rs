//! Which devices a query means: what the calls have in common that list, count and export them.

use fleet::selector::{ValueIs, ValueOf};
use fleet::{Catalogue, Principal, ProjectId, Selector};

use crate::native::updates::selector::{add_attention, checked, invalid, path_of};
use crate::native::{Native, Problem};

/// What is said of a key that nothing is asked by.
const NO_PARAMETER: &str = "is no parameter of this call";

/// Which devices are meant: those for which all of it holds. [`DevicesQuery`] reads it.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its description is used")]
pub(in crate::native) struct FilterParameters {
    /// Of this project only.
    project: Option<String>,
    /// Of this kind only: `phone` or `camera`.
    kind: Option<String>,
    /// On this server only; given several times: on one of them.
    server: Option<Vec<String>>,
    /// With this tag only: `KEY`, or `KEY:VALUE`; given several times: with all of them.
    tag: Option<Vec<String>>,
    /// In this condition only, as a device shows it; given several times: in one of them.
    condition: Option<Vec<String>>,
    /// Not as it should be, for this reason only, as a device shows it: `trouble`, `drift`,
    /// `restart_pending` or `pending`, or `any` for all of them; or as it should be: `none`; given
    /// several times: one of it.
    attention: Option<Vec<String>>,
    /// Frozen by an operator only, or not frozen only.
    frozen: Option<bool>,
    /// Cameras that stand so only: `Register`, `OnLine` or `OffLine`; given several times: in one
    /// of these ways.
    status: Option<Vec<String>>,
    /// Cameras only that are registered with these user names and passwords: `current`, `old` or
    /// `not_renewed`; given several times: with one of them.
    credentials: Option<Vec<String>>,
    /// Of which this is asked only: `PROPERTY:VALUE`, the whole value, or `!PROPERTY` for those of
    /// which no value of it is asked; given several times: all of it.
    desired: Option<Vec<String>>,
    /// The same of what a device last showed.
    reported: Option<Vec<String>>,
    /// Filed in the organization of this path, its names joined by `/`, or below it.
    organization: Option<String>,
    /// Made by this manufacturer, as the device says it, whatever the case of ASCII letters.
    manufacturer: Option<String>,
    /// With this in the id, the name, the server or the address, whatever the case of ASCII
    /// letters.
    text: Option<String>,
    /// With this id; given several times: with one of them.
    id: Option<Vec<String>>,
}

/// Which devices a query asks for, and which page of them.
#[derive(Debug, Default)]
pub(in crate::native) struct DevicesQuery {
    /// Of this project only.
    pub(in crate::native) project: Option<ProjectId>,
    /// Those.
    pub(in crate::native) selector: Selector,
    /// After the page that said so.
    pub(in crate::native) after: Option<String>,
    /// At most so many.
    pub(in crate::native) limit: Option<u32>,
}

impl DevicesQuery {
    /// Reads the keys and values of a query, as `principal` asks it.
    ///
    /// # Errors
    /// 400 that names the key, or 404 if there is no such project.
    pub(in crate::native) async fn read(
        native: &Native,
        principal: &Principal,
        pairs: Vec<(String, String)>,
    ) -> Result<Self, Problem> {
        let query = Self::of(pairs, &native.handle.catalogue())?;
        if let Some(project) = &query.project
            && native.handle.reads().project(principal, project).await?.is_none()
        {
            return Err(Problem::no_such_project(project));
        }
        Ok(query)
    }

    /// The same of a call that tells of all those devices at once, and not by pages.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(in crate::native) async fn read_whole(
        native: &Native,
        principal: &Principal,
        pairs: Vec<(String, String)>,
    ) -> Result<Self, Problem> {
        if let Some((key, _)) = pairs.iter().find(|(key, _)| key == "after" || key == "limit") {
            return Err(invalid(key, NO_PARAMETER));
        }
        Self::read(native, principal, pairs).await
    }

    /// Reads the keys and values. Errors name the key.
    fn of(pairs: Vec<(String, String)>, catalogue: &Catalogue) -> Result<Self, Problem> {
        let mut query = Self::default();
        for (key, value) in pairs {
            query.take(&key, value).map_err(|why| invalid(&key, &why))?;
        }
        let selector = checked(std::mem::take(&mut query.selector), catalogue);
        let selector = selector.map_err(|(field, why)| invalid(field, &why))?;
        Ok(Self { selector, ..query })
    }

    /// Takes one key of a query.
    fn take(&mut self, key: &str, value: String) -> Result<(), String> {
        let selector = &mut self.selector;
        match key {
            "project" => once(&mut self.project, parsed(&value)?),
            "kind" => once(&mut selector.kind, parsed(&value)?),
            "server" => {
                selector.servers.push(value);
                Ok(())
            }
            "tag" => {
                let (key, value) = match value.split_once(':') {
                    Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
                    None => (value, None),
                };
                selector.tags.push((key, value));
                Ok(())
            }
            "condition" => {
                selector.conditions.push(parsed(&value)?);
                Ok(())
            }
            "attention" => add_attention(&mut selector.attention, &value),
            "frozen" => once(&mut selector.frozen, parsed(&value)?),
            "status" => {
                selector.statuses.push(parsed(&value)?);
                Ok(())
            }
            "credentials" => {
                selector.credentials.push(parsed(&value)?);
                Ok(())
            }
            "desired" => {
                selector.values.push(value_is(&value, ValueOf::Desired)?);
                Ok(())
            }
            "reported" => {
                selector.values.push(value_is(&value, ValueOf::Reported)?);
                Ok(())
            }
            "organization" => once(&mut selector.organization, path_of(&value)?),
            "manufacturer" => once(&mut selector.manufacturer, value),
            "text" => once(&mut selector.text, value),
            "id" => {
                selector.ids.push(parsed(&value)?);
                Ok(())
            }
            "after" => once(&mut self.after, value),
            "limit" => once(&mut self.limit, parsed(&value)?),
            _ => Err(NO_PARAMETER.to_owned()),
        }
    }
}

/// Reads a value of a query.
pub(in crate::native) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
    text: &str,
) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

/// Takes what may be said once.
pub(in crate::native) fn once<T>(place: &mut Option<T>, value: T) -> Result<(), String> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err("is given twice".to_owned()),
    }
}

/// Reads `NAME:VALUE`, or `!NAME` for devices that have none.
fn value_is(text: &str, of: ValueOf) -> Result<ValueIs, String> {
    let (name, value) = match (text.strip_prefix('!'), text.split_once(':')) {
        (Some(name), _) => (name, None),
        (None, Some((name, value))) => (name, Some(value.to_owned())),
        (None, None) => return Err("must be NAME:VALUE, or !NAME for none".to_owned()),
    };
    if name.is_empty() {
        return Err("names no property".to_owned());
    }
    Ok(ValueIs { name: name.to_owned(), value, of })
}

#[cfg(test)]
mod tests {
    use fleet::{Attention, CameraStatus, Condition, CredentialsInUse, Kind};

    use super::*;
    use crate::native::updates::selector::TEXT_CHARS_MAX;

    fn read(pairs: &[(&str, &str)]) -> Result<DevicesQuery, Problem> {
        let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        DevicesQuery::of(pairs.collect(), &Catalogue::built_in().unwrap())
    }

    #[test]
    fn a_query_names_what_devices_have_to_be() {
        let query = read(&[
            ("kind", "phone"),
            ("server", "a"),
            ("server", "b"),
            ("tag", "floor:2"),
            ("tag", "vip"),
            ("condition", "running"),
            ("attention", "pending"),
            ("attention", "drift"),
            ("attention", "pending"),
            ("frozen", "true"),
            ("status", "OffLine"),
            ("status", "Register"),
            ("credentials", "not_renewed"),
            ("desired", "hide_navigate:1"),
            ("reported", "!Name"),
            ("limit", "7"),
        ])
        .unwrap();
        let value = |name: &str, value: Option<&str>, of| ValueIs {
            name: name.to_owned(),
            value: value.map(str::to_owned),
            of,
        };
        let expected = Selector {
            kind: Some(Kind::Phone),
            servers: vec!["a".to_owned(), "b".to_owned()],
            tags: vec![("floor".to_owned(), Some("2".to_owned())), ("vip".to_owned(), None)],
            conditions: vec![Condition::Running],
            attention: vec![Some(Attention::Pending), Some(Attention::Drift)],
            frozen: Some(true),
            statuses: vec![CameraStatus::OffLine, CameraStatus::Register],
            credentials: vec![CredentialsInUse::NotRenewed],
            values: vec![
                value("com.cph.mainkeys", Some("1"), ValueOf::Desired),
                value("Name", None, ValueOf::Reported),
            ],
            ..Selector::default()
        };
        assert_eq!((query.selector, query.limit), (expected, Some(7)));
    }

    #[test]
    fn any_stands_for_every_reason_and_none_for_a_device_without() {
        let of = |words: &[&str]| {
            let pairs: Vec<_> = words.iter().map(|word| ("attention", *word)).collect();
            read(&pairs).unwrap().selector.attention
        };
        let [trouble, drift, restart, pending] = Attention::ALL.map(Some);
        assert_eq!(of(&["drift", "any"]), [drift, trouble, restart, pending]);
        assert_eq!(of(&["none", "drift", "none"]), [None, drift]);
    }

    #[test]
    fn what_is_wrong_in_a_query_is_named() {
        let long = "x".repeat(TEXT_CHARS_MAX + 1);
        for (key, value, part) in [
            ("colour", "red", "colour: is no parameter"),
            ("kind", "toaster", "kind: unknown device kind"),
            ("condition", "ill", "condition: unknown"),
            ("attention", "some", "attention: unknown attention"),
            ("frozen", "yes", "frozen: "),
            ("status", "online", "status: unknown camera status"),
            ("credentials", "older", "credentials: unknown credentials in use"),
            ("desired", "Name", "desired: must be NAME:VALUE"),
            ("reported", ":x", "reported: names no property"),
            ("desired", "!com.cph.mainkey", "values: com.cph.mainkey: "),
            ("tag", "", "tags: names no tag"),
            ("tag", ":red", "tags: names no tag"),
            ("manufacturer", "", "manufacturer: must have"),
            ("organization", "a//b", "organization: level 2"),
            ("limit", "x", "limit: "),
            ("text", "", "text: must have 1 to 128"),
            ("text", &long, "text: must have 1 to 128"),
        ] {
            let problem = serde_json::to_value(read(&[(key, value)]).unwrap_err()).unwrap();
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains(part), "{part}: {detail}");
        }
        assert!(read(&[("text", "a"), ("text", "b")]).is_err());
    }
}
