use std::sync::Arc;

use super::*;
use crate::operate::stage::{Stage, project};

const PASSWORD: &str = "correct horse";

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

async fn stage_with_a_user() -> Stage {
    let stage = Stage::new().await;
    let name = "Ann Lee".to_owned();
    let made = stage
        .handle
        .create_user(&stage.admin, name, &project("p"), Grant::Operator, secret(PASSWORD))
        .await;
    made.unwrap();
    stage
}

async fn holder(stage: &Stage, signed_in: &SignedIn) -> Option<Arc<TokenHolder>> {
    stage.handle.token(signed_in.token.expose()).await.unwrap()
}

#[test]
fn says_what_is_wrong_with_a_name() {
    for name in ["a", "Ann Lee", "a-b_c.d 9", "-a", ".a", &"x".repeat(64)] {
        assert!(check_name(name).is_ok(), "{name}");
    }
    for (name, why) in [
        ("", "must have 1 to 64 characters"),
        (&*"x".repeat(65), "must have 1 to 64 characters"),
        ("ann@lee", "may have letters of ASCII, digits, spaces, - _ and . only"),
        ("änn", "may have letters of ASCII, digits, spaces, - _ and . only"),
        ("ann\n", "may have letters of ASCII, digits, spaces, - _ and . only"),
        ("9ann", "must not begin with a digit or a space"),
        (" ann", "must not begin with a digit or a space"),
        (".", "must not be . or .., which can't stand in an address"),
        ("..", "must not be . or .., which can't stand in an address"),
    ] {
        assert_eq!(check_new_name(name).unwrap_err().to_string(), format!("user name: {why}"));
    }
    assert!(check_name(".").is_ok(), "whoever was called so once signs in still");
}

#[tokio::test]
async fn who_signs_in_gets_a_token_that_works_for_its_time() {
    let stage = stage_with_a_user().await;
    let signed_in = stage.handle.sign_in("Ann Lee", secret(PASSWORD)).await.unwrap();
    assert_eq!(signed_in.user.project_id, project("p"));
    assert_eq!(signed_in.user.password_hash, "");
    assert_eq!(signed_in.expires_at, signed_in.issued_at.plus(fleet::limits::TOKEN_LIFETIME));
    assert!(!format!("{signed_in:?}").contains(signed_in.token.expose()));

    let known = holder(&stage, &signed_in).await.unwrap();
    assert_eq!((known.user.as_str(), &known.project_id), ("Ann Lee", &project("p")));
    assert_eq!(known.expires_at, signed_in.expires_at);
    // Expired, it is still told whose it was.
    stage.clock.forward(48 * 3_600_000);
    assert_eq!(holder(&stage, &signed_in).await, Some(known));

    let stored = stage.handle.reads().user("Ann Lee").await.unwrap().unwrap();
    assert!(stored.password_hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
}

#[tokio::test]
async fn two_tokens_of_one_user_both_work() {
    let stage = stage_with_a_user().await;
    let one = stage.handle.sign_in("Ann Lee", secret(PASSWORD)).await.unwrap();
    let other = stage.handle.sign_in("Ann Lee", secret(PASSWORD)).await.unwrap();
    assert_ne!(one.token.expose(), other.token.expose());
    assert!(holder(&stage, &one).await.is_some() && holder(&stage, &other).await.is_some());
}

#[tokio::test]
async fn a_wrong_password_and_a_wrong_name_look_alike() {
    let stage = stage_with_a_user().await;
    let long = "x".repeat(100_000);
    for (name, password, is_guess) in [
        ("Ann Lee", "correct horsE", true),
        ("ann le", PASSWORD, true),
        ("Bob", PASSWORD, true),
        ("", PASSWORD, false),
        ("Ann Lee", "", false),
        ("Ann Lee", "hunter2", false),
        ("Ann Lee", &long, false),
        (&long, PASSWORD, false),
        ("9ann", PASSWORD, false),
    ] {
        let refused = stage.handle.sign_in(name, secret(password)).await.unwrap_err();
        assert_eq!(refused.to_string(), "the name or the password is wrong");
        assert_eq!(matches!(refused, SignInError::Wrong), is_guess, "{refused:?}");
    }
}

#[tokio::test]
async fn a_name_is_the_same_in_any_case() {
    let stage = stage_with_a_user().await;
    for name in ["Ann Lee", "ann lee", "ANN LEE"] {
        let signed_in = stage.handle.sign_in(name, secret(PASSWORD)).await.unwrap();
        assert_eq!(signed_in.user.name, "Ann Lee");
        assert_eq!(holder(&stage, &signed_in).await.unwrap().user, "Ann Lee");
    }
    assert!(stage.handle.namesakes(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_changed_password_ends_what_the_old_one_opened() {
    let stage = stage_with_a_user().await;
    let other = "Bob".to_owned();
    let made = stage
        .handle
        .create_user(&stage.admin, other, &project("q"), Grant::Operator, secret(PASSWORD))
        .await;
    made.unwrap();
    let ann = stage.handle.sign_in("Ann Lee", secret(PASSWORD)).await.unwrap();
    let bob = stage.handle.sign_in("Bob", secret(PASSWORD)).await.unwrap();
    assert!(holder(&stage, &ann).await.is_some() && holder(&stage, &bob).await.is_some());

    let changed = stage.handle.set_password(&stage.admin, "Ann Lee", secret("battery staple"));
    changed.await.unwrap();
    assert_eq!(holder(&stage, &ann).await, None);
    assert!(holder(&stage, &bob).await.is_some());
    let refused = stage.handle.sign_in("Ann Lee", secret(PASSWORD)).await.unwrap_err();
    assert!(matches!(refused, SignInError::Wrong));
    stage.handle.sign_in("Ann Lee", secret("battery staple")).await.unwrap();
}

#[tokio::test]
async fn who_is_disabled_signs_in_no_more() {
    let stage = stage_with_a_user().await;
    let ann = stage.handle.sign_in("Ann Lee", secret(PASSWORD)).await.unwrap();
    assert!(holder(&stage, &ann).await.is_some());
    stage.handle.disable_user(&stage.admin, "Ann Lee").await.unwrap();
    assert_eq!(holder(&stage, &ann).await, None);
    let refused = stage.handle.sign_in("Ann Lee", secret(PASSWORD)).await.unwrap_err();
    assert!(matches!(refused, SignInError::Wrong));

    stage.handle.enable_user(&stage.admin, "Ann Lee").await.unwrap();
    assert_eq!(holder(&stage, &ann).await, None, "what was taken does not come back");
    let again = stage.handle.sign_in("Ann Lee", secret(PASSWORD)).await.unwrap();
    stage.handle.enable_user(&stage.admin, "Ann Lee").await.unwrap();
    assert!(holder(&stage, &again).await.is_some(), "who is not disabled loses nothing");
}

#[tokio::test]
async fn what_operators_ask_for_is_refused_in_words() {
    let stage = stage_with_a_user().await;
    let create = async |name: &str, id: &str, password: &str| {
        let (name, password) = (name.to_owned(), secret(password));
        let made = stage
            .handle
            .create_user(&stage.admin, name, &project(id), Grant::Operator, password)
            .await;
        made.unwrap_err().to_string()
    };
    for name in ["Ann Lee", "ann lee"] {
        assert_eq!(create(name, "q", PASSWORD).await, "user Ann Lee exists already");
    }
    assert_eq!(create("Bob", "nowhere", PASSWORD).await, "no such project: nowhere");
    for own in ["admin", "Engine"] {
        let why =
            format!("user name: {own} is what the server calls itself where it tells who acted");
        assert_eq!(create(own, "p", PASSWORD).await, why);
    }
    let short = create("Bob", "p", "hunter2").await;
    assert_eq!(short, "password: must have 8 to 128 bytes");
    let nobody = stage.handle.set_password(&stage.admin, "Bob", secret(PASSWORD)).await;
    assert_eq!(nobody.unwrap_err().to_string(), "no such user: Bob");
    let nobody = stage.handle.disable_user(&stage.admin, "Bob").await;
    assert_eq!(nobody.unwrap_err().to_string(), "no such user: Bob");
    let nobody = stage.handle.enable_user(&stage.admin, "Bob").await;
    assert_eq!(nobody.unwrap_err().to_string(), "no such user: Bob");
}

#[tokio::test]
async fn what_is_no_token_opens_nothing() {
    let stage = stage_with_a_user().await;
    for token in ["", "x", &"A".repeat(43), &"A".repeat(8_096), &"é".repeat(22)] {
        assert_eq!(stage.handle.token(token).await.unwrap(), None, "{token}");
    }
}

#[tokio::test]
async fn over_its_bound_signing_in_is_refused_as_busy() {
    let stage = stage_with_a_user().await;
    let bound = fleet::limits::PASSWORD_CHECKS_AT_A_TIME;
    let mut turns = Vec::new();
    for _ in 0..bound {
        turns.push(stage.handle.shared.password_checks.turn().await.unwrap());
    }
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..fleet::limits::PASSWORD_CHECKS_WAITING_MAX {
        let shared = stage.handle.shared.clone();
        waiting.spawn(async move { shared.password_checks.turn().await.is_ok() });
    }
    while !stage.handle.shared.password_checks.is_full() {
        tokio::task::yield_now().await;
    }
    let refused = stage.handle.sign_in("Ann Lee", secret(PASSWORD)).await.unwrap_err();
    assert!(matches!(refused, SignInError::Busy), "{refused:?}");
    let name = "Bob".to_owned();
    let made = stage
        .handle
        .create_user(&stage.admin, name, &project("p"), Grant::Operator, secret(PASSWORD))
        .await;
    assert!(matches!(made, Err(Error::Busy)), "{made:?}");
    drop(turns);
    waiting.join_all().await;
    stage.handle.sign_in("Ann Lee", secret(PASSWORD)).await.unwrap();
}
