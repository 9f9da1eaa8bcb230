//! The body of the token call: what clients send, and what is none.

use serde_json::json;

use super::*;

/// A body with this scope.
fn body(scope: &Value) -> Value {
    json!({ "auth": {
        "identity": { "methods": ["password"], "password": { "user": {
            "name": "IAMUser", "password": "secret", "domain": { "name": "IAMDomain" } } } },
        "scope": scope } })
}

fn read(body: &Value) -> Option<Asked> {
    asked(body.to_string().as_bytes()).ok()
}

#[test]
fn the_vendors_own_body_is_read() {
    let asked = read(&body(&json!({ "project": { "name": "cn-north-4" } }))).unwrap();
    assert_eq!((asked.name.as_str(), asked.password.expose().as_str()), ("IAMUser", "secret"));
    assert_eq!(asked.domain, "IAMDomain");
    assert_eq!((asked.project_id, asked.project_name.as_deref()), (None, Some("cn-north-4")));
    let asked = read(&body(&json!({ "project": { "id": "p", "domain": { "name": "d" } } })));
    assert_eq!(asked.unwrap().project_id.as_deref(), Some("p"));
    let asked = read(&body(&Value::Null)).unwrap();
    assert_eq!((asked.project_id, asked.project_name), (None, None));
}

#[test]
fn a_domain_may_be_named_either_way_or_not_at_all() {
    let with = |domain: Value| {
        let mut body = body(&Value::Null);
        body["auth"]["identity"]["password"]["user"]["domain"] = domain;
        read(&body).map(|asked| asked.domain)
    };
    assert_eq!(with(json!({ "id": "d" })).as_deref(), Some("d"));
    assert_eq!(with(json!({ "id": "d", "name": "n" })).as_deref(), Some("n"));
    assert_eq!(with(Value::Null).as_deref(), Some("default"));
    for bad in [json!({}), json!("d"), json!([]), json!({ "name": 1 }), json!({ "name": "" })] {
        assert_eq!(with(bad.clone()), None, "{bad}");
    }
}

#[test]
fn what_does_not_say_who_and_how_is_invalid() {
    let with = |path: &str, value: Value| {
        let mut body = body(&json!({ "project": { "id": "p" } }));
        *body.pointer_mut(path).unwrap() = value;
        body
    };
    for (path, values) in [
        ("/auth", vec![Value::Null, json!([]), json!("x"), json!({})]),
        ("/auth/identity", vec![Value::Null, json!([]), json!({})]),
        (
            "/auth/identity/methods",
            vec![
                Value::Null,
                json!("password"),
                json!([]),
                json!(["token"]),
                json!(["password", "totp"]),
                json!([1]),
            ],
        ),
        ("/auth/identity/password", vec![Value::Null, json!("x"), json!({})]),
        ("/auth/identity/password/user", vec![Value::Null, json!([]), json!({})]),
        ("/auth/identity/password/user/name", vec![Value::Null, json!(1), json!("")]),
        ("/auth/identity/password/user/password", vec![Value::Null, json!(1), json!("")]),
        (
            "/auth/scope",
            vec![json!("x"), json!({}), json!([]), json!({ "domain": { "name": "d" } })],
        ),
        ("/auth/scope/project", vec![Value::Null, json!("p"), json!({})]),
        ("/auth/scope/project/id", vec![json!(1), json!(""), json!([])]),
    ] {
        for value in values {
            assert!(read(&with(path, value.clone())).is_none(), "{path} {value}");
        }
    }
    for text in ["", "{", "[]", "null", "\"a\"", "auth=x"] {
        let failure = asked(text.as_bytes()).unwrap_err();
        assert_eq!(
            (failure.code, &*failure.message),
            (Code::TokenBodyInvalid, "The request body is invalid")
        );
    }
}

#[test]
fn times_have_microseconds() {
    let at = Timestamp::from_basic_text("20200103T090522Z").unwrap();
    assert_eq!(microseconds(Timestamp(at.0 + 701)), "2020-01-03T09:05:22.701000Z");
}

#[test]
fn a_password_is_not_shown() {
    let asked = read(&body(&Value::Null)).unwrap();
    assert!(!format!("{asked:?}").contains("secret"));
}

#[tokio::test]
async fn refusals_have_iams_shape_but_for_those_of_the_gateway() {
    let id = RequestId::from_parts(1_000, 7);
    let refused = async |code: Code| {
        let response = refuse(id, &Failure::of(code));
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 1_000).await.unwrap();
        let retry = parts.headers.get(header::RETRY_AFTER).is_some();
        (parts.status.as_u16(), serde_json::from_slice::<Value>(&body).unwrap(), retry)
    };
    for (code, status, title, retry) in [
        (Code::TokenBodyInvalid, 400, "Bad Request", false),
        (Code::SignInWrong, 401, "Unauthorized", false),
        (Code::SignInLocked, 401, "Unauthorized", false),
        (Code::SignInBusy, 429, "Too Many Requests", true),
        (Code::Throttled, 429, "Too Many Requests", true),
        (Code::Internal, 500, "Internal Server Error", false),
    ] {
        let error = json!({ "code": status, "message": code.message(), "title": title });
        assert_eq!(refused(code).await, (status, json!({ "error": error }), retry));
    }
    for (code, status) in [(Code::BodyTooLarge, 413), (Code::RequestBroken, 400)] {
        let (got, body, _) = refused(code).await;
        assert_eq!((got, &body["error_code"]), (status, &json!("APIGW.0201")));
    }
}
