//! What a file of devices looks like, for who has to write one.

use axum::response::Response;
use fleet::Kind;
use serde::Deserialize;
use serde_json::Value;

use super::columns::Column;
use super::line::EXAMPLE_PROJECT;
use crate::native::exchange::FromQuery;
use crate::native::export::{FileFormat, file, write_row};
use crate::native::token::Caller;
use crate::native::{Problem, openapi};

/// Which template.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::native) struct TemplateQuery {
    /// Of which kind of device: `phone` or `camera`.
    #[param(value_type = String, example = "phone")]
    kind: Kind,
    /// `csv`, unless given, or `jsonl`: one JSON object a line.
    #[param(value_type = Option<String>, example = "csv")]
    format: Option<FileFormat>,
}

/// What a template says of its columns, below its header.
fn words(kind: Kind) -> &'static str {
    match kind {
        Kind::Phone => {
            "# Needed: kind, project, id, name, address, profile. The others may stay empty. \
             Put your phones in the place of the next line."
        }
        Kind::Camera => {
            "# Needed: kind, project, id, name. The others may stay empty: without a password a \
             camera can't register. Of a channel: kind, project, parent, id, name. Make the \
             columns of ids text, or a spreadsheet rounds them. Put your cameras in the place of \
             the next lines."
        }
    }
}

/// The examples: what stands in which column.
fn examples(kind: Kind) -> Vec<Vec<(Column, &'static str)>> {
    let camera = "34020000001320000001";
    match kind {
        Kind::Phone => vec![vec![
            (Column::Kind, "phone"),
            (Column::Project, EXAMPLE_PROJECT),
            (Column::Id, "phone-1"),
            (Column::Name, "desk 1"),
            (Column::Server, "rack-7"),
            (Column::Address, "10.0.0.7:5555"),
            (Column::Container, "phone-1"),
            (Column::Profile, "redroid"),
        ]],
        Kind::Camera => vec![
            vec![
                (Column::Kind, "camera"),
                (Column::Project, EXAMPLE_PROJECT),
                (Column::Id, camera),
                (Column::Name, "east gate"),
                (Column::User, camera),
                (Column::Profile, "generic"),
                (Column::Organization, "site 1/gates"),
                (Column::Description, "above the door"),
            ],
            vec![
                (Column::Kind, super::CHANNEL),
                (Column::Project, EXAMPLE_PROJECT),
                (Column::Parent, camera),
                (Column::Id, "34020000001310000001"),
                (Column::Name, "gate"),
            ],
        ],
    }
}

/// The columns of a template.
fn columns(kind: Kind) -> impl Iterator<Item = Column> {
    let is_of = move |column: &Column| {
        column.is_of(kind) || (kind == Kind::Camera && column.is_of_channels())
    };
    Column::ALL.into_iter().filter(is_of)
}

/// A template.
fn template(kind: Kind, format: FileFormat) -> String {
    let mut text = String::new();
    match format {
        FileFormat::Csv => {
            write_row(&mut text, columns(kind).map(Column::name));
            write_row(&mut text, [words(kind)]);
            for example in examples(kind) {
                let cell = |column: Column| {
                    let found = example.iter().find(|(known, _)| *known == column);
                    found.map_or("", |(_, cell)| *cell)
                };
                write_row(&mut text, columns(kind).map(cell));
            }
        }
        FileFormat::Jsonl => {
            text.push_str(words(kind));
            text.push('\n');
            for example in examples(kind) {
                let fields = example.into_iter();
                let fields = fields.map(|(column, cell)| (column.name().to_owned(), cell.into()));
                text.push_str(&Value::Object(fields.collect()).to_string());
                text.push('\n');
            }
        }
    }
    text
}

/// Gives a file to begin with: its columns, which of them are needed, and an example, which an
/// import refuses until a device stands in its place.
#[utoipa::path(
    get,
    path = "/devices/import/template",
    tag = "devices",
    security(("token" = ["viewer"])),
    params(TemplateQuery),
    responses(
        (status = 200, description = "The file", content(
            (String = "text/csv"),
            (String = "application/x-ndjson"),
        )),
        openapi::Invalid, openapi::Guarded,
    )
)]
pub(in crate::native) async fn import_template(
    _: Caller,
    FromQuery(query): FromQuery<TemplateQuery>,
) -> Result<Response, Problem> {
    let format = query.format.unwrap_or_default();
    let name = format!("{}s-template", query.kind.name());
    Ok(file(format, &name, template(query.kind, format).into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::import::line::Meant;
    use crate::native::import::read::Read;
    use crate::native::import::{json_lines, sheet};

    fn read(text: &str, format: FileFormat) -> Read {
        let read = match format {
            FileFormat::Csv => sheet::read(text.as_bytes(), None, None, false),
            FileFormat::Jsonl => json_lines::read(text.as_bytes(), 1),
        };
        read.unwrap()
    }

    #[test]
    fn the_example_is_refused_until_a_device_stands_in_its_place() {
        for kind in [Kind::Phone, Kind::Camera] {
            for format in [FileFormat::Csv, FileFormat::Jsonl] {
                let text = template(kind, format);
                let found = read(&text, format);
                assert!(found.errors.is_empty(), "{:?}", found.errors);
                assert_eq!(found.lines, examples(kind).len());
                for line in found.good {
                    let error = line.meant(None).err().expect("an example");
                    assert_eq!(error.code(), "example");
                }
                let found = read(&text.replace(EXAMPLE_PROJECT, "acme"), format);
                let mut meant = found.good.into_iter().map(|line| line.meant(None));
                assert!(matches!(meant.next(), Some(Ok(Meant::Device(_)))));
                assert!(meant.all(|meant| matches!(meant, Ok(Meant::Channel { .. }))));
            }
        }
    }

    #[test]
    fn what_is_said_to_be_needed_is() {
        for kind in [Kind::Phone, Kind::Camera] {
            let needed = words(kind).split('.').next().unwrap();
            let needed: Vec<&str> = needed.split([':', ',']).skip(1).map(str::trim).collect();
            let example = examples(kind).remove(0);
            for (left_out, _) in &example {
                let mut line = crate::native::import::line::Line::new(1);
                for (column, cell) in example.iter().filter(|(column, _)| column != left_out) {
                    line.put(*column, cell.replace(EXAMPLE_PROJECT, "acme"));
                }
                let is_needed = line.meant(None).is_err();
                assert_eq!(is_needed, needed.contains(&left_out.name()), "{left_out:?}");
            }
        }
    }
}
