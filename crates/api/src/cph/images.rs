//! ListCloudPhoneModels and ListCloudPhoneImages (CPH API, pages cph_api_0506 and 0519): the models
//! that the project's phones say they are, and the builds that they say they run. A model or an
//! image that no phone has reported is not there, and of each only what phones report is known.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use fleet::{Facts, RequestId};
use serde::Serialize;
use store::Make;

use super::auth::Call;
use super::error::{Code, Failure};
use super::phone::{image_id, image_version};
use super::query::Query;
use super::{Door, answer};

/// Models in one page, and if no limit is given.
pub(super) const MODELS_LIMIT_MAX: u32 = 100;

/// Images in one page, and if no limit is given.
pub(super) const IMAGES_LIMIT_MAX: u32 = 500;

/// Characters of a marker: those of an image's id.
pub(super) const MARKER_CHARACTERS_MAX: usize = 64;

/// The answer with the models.
#[derive(Serialize)]
struct Models {
    request_id: RequestId,
    phone_models: Vec<Model>,
}

/// A model.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Model {
    phone_model_name: String,
}

/// The answer with the images.
#[derive(Serialize)]
struct Images {
    request_id: RequestId,
    phone_images: Vec<Image>,
    page_info: PageInfo,
}

/// An image.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Image {
    image_id: String,
    image_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    os_name: Option<String>,
}

/// Where the next page begins.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct PageInfo {
    /// Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_marker: Option<String>,
}

/// `GET /v1/{project_id}/cloud-phone/phone-models`.
pub(crate) async fn list_models(State(door): State<Arc<Door>>, request: Request) -> Response {
    let mut id = door.handle.next_request_id();
    let listed = match door.admit(&mut id, request).await {
        Ok(call) => models_of(&door, id, &call).await,
        Err(failure) => Err(failure),
    };
    answer::send(id, listed)
}

/// `GET /v1/{project_id}/cloud-phone/phone-images`.
pub(crate) async fn list_images(State(door): State<Arc<Door>>, request: Request) -> Response {
    let mut id = door.handle.next_request_id();
    let listed = match door.admit(&mut id, request).await {
        Ok(call) => images_of(&door, id, &call).await,
        Err(failure) => Err(failure),
    };
    answer::send(id, listed)
}

/// Finds the models.
async fn models_of(door: &Door, id: RequestId, call: &Call) -> Result<Models, Failure> {
    let query = Query::parse(call.query.as_deref());
    let page = query.page(MODELS_LIMIT_MAX, MODELS_LIMIT_MAX)?;
    let makes = match query.get("status") {
        // 1 is on sale, 0 is off line: phones run what is listed here.
        None | Some("1") => door.handle.reads().makes(&call.principal, &call.project).await?,
        Some("0") => Vec::new(),
        Some(_) => return Err(Failure::of(Code::StatusInvalid)),
    };
    Ok(Models { request_id: id, phone_models: page.of(models(&makes).into_iter()) })
}

/// The models of the makes, each once, the most frequent first.
fn models(makes: &[Make]) -> Vec<Model> {
    let mut models: Vec<Model> = Vec::new();
    for name in makes.iter().filter_map(|make| make.facts.get(Facts::MODEL)) {
        let model = Model { phone_model_name: name.to_owned() };
        if !models.contains(&model) {
            models.push(model);
        }
    }
    models
}

/// Finds the images.
async fn images_of(door: &Door, id: RequestId, call: &Call) -> Result<Images, Failure> {
    let query = Query::parse(call.query.as_deref());
    let most = u64::from(IMAGES_LIMIT_MAX);
    let limit = query.number("limit", (1, most), Code::PagingInvalid)?.unwrap_or(most);
    let marker = query.get("marker").unwrap_or_default();
    if marker.chars().count() > MARKER_CHARACTERS_MAX {
        return Err(Failure::of(Code::ImageIdInvalid));
    }
    let makes = match query.text("image_type") {
        // What the operator's own phones run, nobody else has put up or shared.
        None | Some("all" | "private") => {
            door.handle.reads().makes(&call.principal, &call.project).await?
        }
        Some("public" | "share") => Vec::new(),
        Some(_) => return Err(Failure::of(Code::TypeInvalid)),
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let (phone_images, page_info) = images(&makes, marker, limit);
    Ok(Images { request_id: id, phone_images, page_info })
}

/// The images of the makes after `marker`, each once, by id; at most `limit`.
fn images(makes: &[Make], marker: &str, limit: usize) -> (Vec<Image>, PageInfo) {
    let mut by_id = BTreeMap::new();
    for make in makes {
        let Some(fingerprint) = make.facts.get(Facts::FINGERPRINT) else { continue };
        let image_id = image_id(fingerprint);
        if image_id.as_str() > marker {
            let name = make.facts.get(Facts::BUILD).unwrap_or(fingerprint);
            let os_name = make.facts.get(Facts::RELEASE).map(image_version);
            let image = Image { image_id: image_id.clone(), image_name: name.to_owned(), os_name };
            by_id.entry(image_id).or_insert(image);
        }
    }
    let is_last = by_id.len() <= limit;
    let images: Vec<Image> = by_id.into_values().take(limit).collect();
    let last = images.last().filter(|_| !is_last);
    let next_marker = last.map(|image| image.image_id.clone());
    (images, PageInfo { next_marker })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(facts: &[(&str, &str)]) -> Make {
        let facts = facts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Make { facts: Facts(facts.collect()), devices: 1 }
    }

    fn builds(fingerprints: &[&str]) -> Vec<Make> {
        fingerprints.iter().map(|print| make(&[(Facts::FINGERPRINT, print)])).collect()
    }

    #[test]
    fn a_model_is_listed_once_and_only_if_phones_say_so() {
        let makes = [
            make(&[(Facts::MODEL, "redroid11"), (Facts::FINGERPRINT, "a")]),
            make(&[(Facts::FINGERPRINT, "b")]),
            make(&[(Facts::MODEL, "kbox")]),
            make(&[(Facts::MODEL, "redroid11"), (Facts::FINGERPRINT, "c")]),
        ];
        let names: Vec<String> =
            models(&makes).into_iter().map(|model| model.phone_model_name).collect();
        assert_eq!(names, ["redroid11", "kbox"]);
    }

    #[test]
    fn an_image_has_what_phones_say_and_no_more() {
        let whole = make(&[
            (Facts::FINGERPRINT, "print"),
            (Facts::BUILD, "RD1A.200810.022"),
            (Facts::RELEASE, "11"),
            (Facts::MODEL, "m"),
        ]);
        let (listed, page) = images(&[whole, make(&[(Facts::MODEL, "n")])], "", 500);
        let expected = Image {
            image_id: image_id("print"),
            image_name: "RD1A.200810.022".to_owned(),
            os_name: Some("Android 11".to_owned()),
        };
        assert_eq!((listed, page), (vec![expected], PageInfo { next_marker: None }));
        let (bare, _) = images(&builds(&["print"]), "", 500);
        assert_eq!(bare[0].image_name, "print");
        assert_eq!(serde_json::to_value(&bare[0]).unwrap().as_object().unwrap().len(), 2);
    }

    #[test]
    fn pages_of_images_follow_one_another_without_gap_or_overlap() {
        let makes = builds(&["a", "b", "c", "d", "e", "a"]);
        let (all, page) = images(&makes, "", 5);
        assert_eq!((all.len(), page.next_marker), (5, None));
        let (mut seen, mut marker) = (Vec::new(), String::new());
        loop {
            let (page, info) = images(&makes, &marker, 2);
            seen.extend(page);
            match info.next_marker {
                Some(next) => marker = next,
                None => break,
            }
        }
        assert_eq!(seen, all);
    }
}
