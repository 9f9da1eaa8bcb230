//! Whether a REGISTER proves what it says: pure, and the same work for every id.

use engine::{Registrant, RegistrationFault, Standing};
use fleet::DeviceKey;
use gb28181::digest::{Algorithm, Credentials, Form};

/// Checks an answer against who may register. The digest is reckoned in every case, an unknown id's
/// against a decoy.
pub(crate) fn check(
    credentials: &Credentials,
    registrant: &Registrant,
) -> Result<DeviceKey, RegistrationFault> {
    let answers = credentials.answers(registrant.password.expose().as_bytes(), b"REGISTER");
    match registrant.standing {
        Standing::Unknown => Err(RegistrationFault::UnknownId),
        Standing::NoPassword(_) => Err(RegistrationFault::NoPassword),
        Standing::Known(_) if credentials.username != registrant.user.as_bytes() => {
            Err(RegistrationFault::WrongUser)
        }
        Standing::Known(_) if !answers => Err(RegistrationFault::WrongDigest),
        Standing::Known(device) => Ok(device),
    }
}

/// What helps to find the fault: the digest's form and the user that it names. Never a secret.
pub(crate) fn detail(credentials: &Credentials) -> String {
    let algorithm = credentials.algorithm.unwrap_or(Algorithm::Md5).text();
    let form = match credentials.form() {
        Form::QopAuth => "qop=auth",
        Form::Rfc2069 => "no qop",
    };
    let user = String::from_utf8_lossy(&credentials.username);
    let user: String = user.chars().filter(|c| !c.is_control()).take(64).collect();
    format!("{algorithm}, {form}, user {user:?}")
}

#[cfg(test)]
mod tests {
    use fleet::Secret;
    use gb28181::digest::Challenge;

    use super::*;

    fn registrant(standing: Standing) -> Registrant {
        Registrant {
            standing,
            user: "34020000001320000001".to_owned(),
            password: Secret::new("12345678".to_owned()),
        }
    }

    fn answer(user: &[u8], password: &[u8], algorithm: Algorithm, form: Form) -> Credentials {
        let mut challenge = Challenge::new(&b"3402000000"[..], &b"8f4c2b1e"[..]);
        challenge.algorithm = algorithm;
        let uri = b"sip:34020000002000000001@3402000000";
        Credentials::create(&challenge, user, password, b"REGISTER", uri, b"0a4f113b", 1, form)
    }

    #[test]
    fn only_the_right_user_with_the_right_password_is_known() {
        let known = registrant(Standing::Known(DeviceKey(7)));
        let user = b"34020000001320000001";
        for algorithm in [Algorithm::Md5, Algorithm::Sha256] {
            for form in [Form::Rfc2069, Form::QopAuth] {
                let right = answer(user, b"12345678", algorithm, form);
                assert_eq!(check(&right, &known), Ok(DeviceKey(7)));
                let wrong = answer(user, b"12345679", algorithm, form);
                assert_eq!(check(&wrong, &known), Err(RegistrationFault::WrongDigest));
                let other = answer(b"3402000000132000000", b"12345678", algorithm, form);
                assert_eq!(check(&other, &known), Err(RegistrationFault::WrongUser));
            }
        }
    }

    #[test]
    fn a_right_answer_to_a_decoy_is_refused_all_the_same() {
        let right = answer(b"34020000001320000001", b"12345678", Algorithm::Md5, Form::QopAuth);
        let unknown = registrant(Standing::Unknown);
        assert_eq!(check(&right, &unknown), Err(RegistrationFault::UnknownId));
        let bare = registrant(Standing::NoPassword(DeviceKey(7)));
        assert_eq!(check(&right, &bare), Err(RegistrationFault::NoPassword));
    }

    #[test]
    fn the_detail_names_the_form_and_no_secret() {
        let wrong = answer(b"ad\x1bmin", b"12345678", Algorithm::Sha256, Form::Rfc2069);
        assert_eq!(detail(&wrong), "SHA-256, no qop, user \"admin\"");
    }
}
