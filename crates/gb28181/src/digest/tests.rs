//! Worked digests of the RFCs and of a camera's registration, and what is refused.

use super::*;

const DEVICE: &[u8] = b"34020000001320000001";
const REALM: &[u8] = b"3402000000";
const NONCE: &[u8] = b"8f4c2b1e7d3a49d0a1b2c3d4e5f60718";
const URI: &[u8] = b"sip:34020000002000000001@3402000000";
const CAMERA: &[u8] = br#"Digest username="34020000001320000001",realm="3402000000",nonce="8f4c2b1e7d3a49d0a1b2c3d4e5f60718",uri="sip:34020000002000000001@3402000000",response="078661b123188fa8453c6212eecd741e",algorithm=MD5,qop=auth,nc=00000001,cnonce="0a4f113b""#;

/// The camera's answer to the challenge, by the client's side.
fn created(algorithm: Algorithm, form: Form) -> Credentials {
    let challenge = Challenge { algorithm, ..Challenge::new(REALM, NONCE) };
    Credentials::create(&challenge, DEVICE, b"12345678", b"REGISTER", URI, b"0a4f113b", 1, form)
}

#[test]
fn a_cameras_registration_in_all_four_forms() {
    let cases = [
        (Algorithm::Md5, Form::QopAuth, "078661b123188fa8453c6212eecd741e"),
        (Algorithm::Md5, Form::Rfc2069, "4df7410a4f23e0a46801bda60cf66fbc"),
        (
            Algorithm::Sha256,
            Form::QopAuth,
            "91298fefe29b9b37a2d2a9c18057c175918257733024ab8868f66487fe27d82a",
        ),
        (
            Algorithm::Sha256,
            Form::Rfc2069,
            "8dcf897daa3ee22a49a8226c2452b89faf81c37c440e4e81f398c6d09165128b",
        ),
    ];
    for (algorithm, form, expected) in cases {
        let credentials = created(algorithm, form);
        assert_eq!(credentials.response, expected.as_bytes(), "{algorithm:?} {form:?}");
        let read = Credentials::parse(&credentials.to_header()).unwrap();
        assert_eq!(read, credentials);
        assert_eq!(read.form(), form);
        assert!(read.answers(b"12345678", b"REGISTER"));
        assert!(!read.answers(b"12345679", b"REGISTER"));
        assert!(!read.answers(b"12345678", b"MESSAGE"));
    }
}

#[test]
fn a_cameras_header_is_read() {
    let credentials = Credentials::parse(CAMERA).unwrap();
    assert_eq!(credentials.username, DEVICE);
    assert_eq!(credentials.uri, URI);
    assert_eq!((credentials.nc.as_slice(), credentials.nc_number), (&b"00000001"[..], Some(1)));
    assert!(credentials.answers(b"12345678", b"REGISTER"));
}

/// RFC 2617 3.5.
#[test]
fn the_example_of_rfc_2617() {
    let credentials = Credentials::parse(
        br#"Digest username="Mufasa", realm="testrealm@host.com",
            nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", uri="/dir/index.html",
            qop=auth, nc=00000001, cnonce="0a4f113b",
            response="6629fae49393a05397450978507c4ef1", opaque="5ccc069c403ebaf9f0171e9517f40e41""#,
    )
    .unwrap();
    assert!(credentials.answers(b"Circle Of Life", b"GET"));
    assert_eq!(credentials.opaque.as_deref(), Some(&b"5ccc069c403ebaf9f0171e9517f40e41"[..]));
}

/// RFC 7616 3.9.1.
#[test]
fn the_examples_of_rfc_7616() {
    let cases = [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ];
    for (algorithm, response) in cases {
        let header = format!(
            r#"Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html",
            algorithm={algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001,
            cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, response="{response}",
            opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#
        );
        let credentials = Credentials::parse(header.as_bytes()).unwrap();
        assert!(credentials.answers(b"Circle of Life", b"GET"), "{algorithm}");
    }
}

#[test]
fn the_count_goes_into_the_sum_as_it_was_sent() {
    let challenge = Challenge::new(REALM, NONCE);
    let mut credentials = Credentials::create(
        &challenge,
        DEVICE,
        b"12345678",
        b"REGISTER",
        URI,
        b"c",
        0xab,
        Form::QopAuth,
    );
    assert!(credentials.answers(b"12345678", b"REGISTER"));
    credentials.nc = b"000000AB".to_vec();
    assert!(!credentials.answers(b"12345678", b"REGISTER"), "the sum was over lower case");
    let parts = Parts {
        nonce: NONCE,
        uri: URI,
        qop: Some(Qop { qop: b"auth", nc: b"000000AB", cnonce: b"c" }),
    };
    let upper = response(Algorithm::Md5, DEVICE, REALM, b"12345678", b"REGISTER", &parts);
    credentials.response = upper.to_ascii_uppercase().into_bytes();
    let read = Credentials::parse(&credentials.to_header()).unwrap();
    assert_eq!((read.nc.as_slice(), read.nc_number), (&b"000000AB"[..], Some(0xab)));
    assert!(read.answers(b"12345678", b"REGISTER"), "an answer in upper case is the same number");
}

#[test]
fn what_is_no_answer_is_refused_with_its_reason() {
    let camera = String::from_utf8(CAMERA.to_vec()).unwrap();
    let cases = [
        ("NoOneKnowsThisScheme opaque-data=here".to_owned(), CredentialsError::Scheme),
        ("Digest".to_owned(), CredentialsError::Scheme),
        ("Basic QWxhZGRpbjpvcGVu".to_owned(), CredentialsError::Scheme),
        (camera.replace("cnonce=", "="), CredentialsError::Malformed),
        (camera.replace("0a4f113b\"", "0a4f113b"), CredentialsError::Malformed),
        (format!("{camera},nonce=\"x\""), CredentialsError::Twice("nonce")),
        (camera.replace(",cnonce=\"0a4f113b\"", ""), CredentialsError::Missing("cnonce")),
        (
            camera.replace("nonce=\"8f4c2b1e7d3a49d0a1b2c3d4e5f60718\",", ""),
            CredentialsError::Missing("nonce"),
        ),
        (camera.replace("MD5", "MD5-sess"), CredentialsError::Algorithm),
        (camera.replace("MD5", "SHA-256"), CredentialsError::Response),
        (camera.replace("078661", "x78661"), CredentialsError::Response),
        (camera.replace("qop=auth", "qop=auth-int"), CredentialsError::Qop),
        (camera.replace("nc=00000001", "nc=+1"), CredentialsError::Count),
        (camera.replace("nc=00000001", "nc=000000001"), CredentialsError::Count),
        (format!("Digest {}", "a=b,".repeat(33)), CredentialsError::TooMany),
    ];
    for (header, expected) in cases {
        assert_eq!(Credentials::parse(header.as_bytes()), Err(expected), "{header}");
    }
}

#[test]
fn a_challenge_is_printed_and_read() {
    let mut challenge = Challenge::new(REALM, NONCE);
    assert_eq!(
        String::from_utf8(challenge.to_header()).unwrap(),
        r#"Digest realm="3402000000",nonce="8f4c2b1e7d3a49d0a1b2c3d4e5f60718",qop="auth",algorithm=MD5"#
    );
    challenge.stale = true;
    challenge.qop_auth = false;
    challenge.algorithm = Algorithm::Sha256;
    challenge.opaque = Some(b"o"[..].into());
    assert_eq!(Challenge::parse(&challenge.to_header()), Ok(challenge.clone()));
    let several = br#"Digest realm="r", nonce="n", qop="auth-int,auth""#;
    assert!(Challenge::parse(several).unwrap().qop_auth);
    let other = br#"Digest realm="r", nonce="n", qop="auth-int""#;
    assert_eq!(Challenge::parse(other), Err(CredentialsError::Qop));
}

#[test]
fn what_a_password_could_be_guessed_from_is_not_shown() {
    let shown = format!("{:?}", Credentials::parse(CAMERA).unwrap());
    assert!(shown.contains("34020000001320000001"), "{shown}");
    for hidden in ["078661b", "8f4c2b1e", "0a4f113b"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}
