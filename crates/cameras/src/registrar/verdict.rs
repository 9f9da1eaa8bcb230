//! Whether a REGISTER proves what it says: pure, and the same work for every id.

use std::sync::Arc;

use engine::{OpenEnrolment, Registrant, RegistrationFault, Standing};
use fleet::{DeviceId, DeviceKey, ProjectKey, Secret, Timestamp};
use gb28181::digest::{Algorithm, Credentials, Form};

/// What came of a check.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Whose answer it is, or why it is nobody's.
    pub(crate) outcome: Result<Accepted, Refused>,
    /// Digests that were reckoned for it.
    pub(crate) digests: u64,
}

/// Whose answer it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub(crate) device: DeviceKey,
    /// Whether it is by the user name and password that were replaced.
    pub(crate) old: bool,
}

/// Why it is nobody's.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) why: RegistrationFault,
    /// Whether it is by the user name and password that were replaced, after their time.
    pub(crate) outdated: bool,
}

/// Checks an answer against who may register: by the user name and password on record, and if that
/// fails by those that they took the place of, which count before their time is over. Both digests
/// are reckoned then in every case, against a decoy where there is none to check against.
pub(crate) fn check(credentials: &Credentials, registrant: &Registrant, now: Timestamp) -> Verdict {
    // The digest first: what it costs must not hang on the user that is named.
    let answers =
        |password: &Secret<String>| credentials.answers(password.expose().as_bytes(), b"REGISTER");
    let names = |user: &str| credentials.username == user.as_bytes();
    let fits = answers(&registrant.password);
    let (device, why) = match registrant.standing {
        Standing::Known(device) if fits && names(&registrant.user) => {
            return Verdict { outcome: Ok(Accepted { device, old: false }), digests: 1 };
        }
        Standing::Known(device) if names(&registrant.user) => {
            (Some(device), RegistrationFault::WrongDigest)
        }
        Standing::Known(device) => (Some(device), RegistrationFault::WrongUser),
        Standing::NoPassword(device) => (Some(device), RegistrationFault::NoPassword),
        Standing::Unknown => (None, RegistrationFault::UnknownId),
    };
    let old = &registrant.old;
    let fits = answers(&old.password) && names(&old.user) && old.standing;
    let outcome = match device {
        Some(device) if fits && now < old.until => Ok(Accepted { device, old: true }),
        _ => Err(Refused { why, outdated: fits }),
    };
    Verdict { outcome, digests: 2 }
}

/// What came of a check against enrolment passwords.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Enrols {
    /// The project whose enrolment password it is by: of several the first.
    pub(crate) project: Option<ProjectKey>,
    /// Digests that were reckoned for it.
    pub(crate) digests: u64,
}

/// Checks an answer that is nobody's against the enrolment passwords that an id may mean. All
/// digests are reckoned whichever fits, and whether a device has the id or not: what the check
/// costs hangs on the id's digits alone. The digest's user has to be the id: it is what an accepted
/// device registers with.
pub(crate) fn enrols(
    credentials: &Credentials,
    id: &DeviceId,
    enrolments: &[Arc<OpenEnrolment>],
) -> Enrols {
    let names = credentials.username == id.as_str().as_bytes();
    let (mut project, mut digests) = (None, 0);
    for enrolment in enrolments {
        digests += 1;
        let fits = credentials.answers(enrolment.password.expose().as_bytes(), b"REGISTER");
        if fits && names && project.is_none() {
            project = Some(enrolment.project);
        }
    }
    Enrols { project, digests }
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
    use engine::OldRegistrant;
    use gb28181::digest::Challenge;

    use super::*;

    const USER: &[u8] = b"34020000001320000001";
    const NOW: Timestamp = Timestamp(1_000);

    fn registrant(standing: Standing) -> Registrant {
        Registrant {
            standing,
            user: "34020000001320000001".to_owned(),
            password: Secret::new("12345678".to_owned()),
            old: OldRegistrant {
                standing: false,
                user: "34020000001320000001".to_owned(),
                password: Secret::new("87654321".to_owned()),
                until: Timestamp(i64::MAX),
            },
        }
    }

    /// One whose user name and password were replaced, and work until then.
    fn replaced(user: &str, until: Timestamp) -> Registrant {
        let known = registrant(Standing::Known(DeviceKey(7)));
        let old = OldRegistrant { standing: true, user: user.to_owned(), until, ..known.old };
        Registrant { old, ..known }
    }

    fn answer(user: &[u8], password: &[u8], algorithm: Algorithm, form: Form) -> Credentials {
        let mut challenge = Challenge::new(&b"3402000000"[..], &b"8f4c2b1e"[..]);
        challenge.algorithm = algorithm;
        let uri = b"sip:34020000002000000001@3402000000";
        Credentials::create(&challenge, user, password, b"REGISTER", uri, b"0a4f113b", 1, form)
    }

    fn plain(user: &[u8], password: &[u8]) -> Credentials {
        answer(user, password, Algorithm::Md5, Form::QopAuth)
    }

    fn accepted(old: bool) -> Verdict {
        let outcome = Ok(Accepted { device: DeviceKey(7), old });
        Verdict { outcome, digests: if old { 2 } else { 1 } }
    }

    fn refused(why: RegistrationFault, outdated: bool) -> Verdict {
        Verdict { outcome: Err(Refused { why, outdated }), digests: 2 }
    }

    #[test]
    fn only_the_right_user_with_the_right_password_is_known() {
        let known = registrant(Standing::Known(DeviceKey(7)));
        for algorithm in [Algorithm::Md5, Algorithm::Sha256] {
            for form in [Form::Rfc2069, Form::QopAuth] {
                let right = answer(USER, b"12345678", algorithm, form);
                assert_eq!(check(&right, &known, NOW), accepted(false));
                let wrong = answer(USER, b"12345679", algorithm, form);
                let fault = RegistrationFault::WrongDigest;
                assert_eq!(check(&wrong, &known, NOW), refused(fault, false));
                let other = answer(b"3402000000132000000", b"12345678", algorithm, form);
                let fault = RegistrationFault::WrongUser;
                assert_eq!(check(&other, &known, NOW), refused(fault, false));
            }
        }
    }

    #[test]
    fn a_right_answer_to_a_decoy_is_refused_all_the_same() {
        for (standing, fault) in [
            (Standing::Unknown, RegistrationFault::UnknownId),
            (Standing::NoPassword(DeviceKey(7)), RegistrationFault::NoPassword),
        ] {
            for password in [b"12345678", b"87654321"] {
                let verdict = check(&plain(USER, password), &registrant(standing), NOW);
                assert_eq!(verdict, refused(fault, false));
            }
        }
        let known = registrant(Standing::Known(DeviceKey(7)));
        let fault = RegistrationFault::WrongDigest;
        assert_eq!(check(&plain(USER, b"87654321"), &known, NOW), refused(fault, false));
    }

    #[test]
    fn what_was_replaced_counts_until_its_time_is_over() {
        let later = Timestamp(NOW.0 + 1);
        let (new, old) = (plain(USER, b"12345678"), plain(USER, b"87654321"));
        let same_user = |until| replaced("34020000001320000001", until);
        assert_eq!(check(&new, &same_user(later), NOW), accepted(false));
        assert_eq!(check(&old, &same_user(later), NOW), accepted(true));
        let fault = RegistrationFault::WrongDigest;
        for until in [NOW, Timestamp(0)] {
            assert_eq!(check(&new, &same_user(until), NOW), accepted(false));
            assert_eq!(check(&old, &same_user(until), NOW), refused(fault, true));
        }
        let third = plain(USER, b"11223344");
        assert_eq!(check(&third, &same_user(later), NOW), refused(fault, false));
    }

    #[test]
    fn user_and_password_count_together() {
        let until = Timestamp(NOW.0 + 1);
        // Both changed: neither user goes with the other's password.
        let both = replaced("admin", until);
        assert_eq!(check(&plain(b"admin", b"87654321"), &both, NOW), accepted(true));
        for (user, password, fault) in [
            (&b"admin"[..], b"12345678", RegistrationFault::WrongUser),
            (USER, b"87654321", RegistrationFault::WrongDigest),
        ] {
            assert_eq!(check(&plain(user, password), &both, NOW), refused(fault, false));
        }
        // The user alone changed: the password is that of both.
        let mut user = replaced("admin", until);
        user.old.password = Secret::new("12345678".to_owned());
        assert_eq!(check(&plain(b"admin", b"12345678"), &user, NOW), accepted(true));
        assert_eq!(check(&plain(USER, b"12345678"), &user, NOW), accepted(false));
        let fault = RegistrationFault::WrongUser;
        assert_eq!(check(&plain(b"admin", b"12345678"), &user, until), refused(fault, true));
    }

    #[test]
    fn an_enrolment_password_is_the_first_projects_that_it_fits() {
        let id = DeviceId::new("34020000001320000001").unwrap();
        let open = |project, password: &str| {
            Arc::new(OpenEnrolment {
                project: ProjectKey(project),
                password: Secret::new(password.to_owned()),
                ends_at: Timestamp(i64::MAX),
            })
        };
        let open = [open(3, "shared-one"), open(4, "shared-two"), open(5, "shared-two")];
        for (user, password, project) in [
            (USER, "shared-one", Some(ProjectKey(3))),
            (USER, "shared-two", Some(ProjectKey(4))),
            (USER, "shared-three", None),
            (&b"admin"[..], "shared-one", None),
        ] {
            let answer = plain(user, password.as_bytes());
            assert_eq!(enrols(&answer, &id, &open), Enrols { project, digests: 3 });
        }
        let none = Enrols { project: None, digests: 0 };
        assert_eq!(enrols(&plain(USER, b"shared-one"), &id, &[]), none);
    }

    #[test]
    fn the_detail_names_the_form_and_no_secret() {
        let wrong = answer(b"ad\x1bmin", b"12345678", Algorithm::Sha256, Form::Rfc2069);
        assert_eq!(detail(&wrong), "SHA-256, no qop, user \"admin\"");
    }
}
