//! Cameras that nobody has put on record, and a password that they share.

use std::sync::Arc;
use std::time::Duration;

use engine::{OpenEnrolment, RegistrationFault};
use fleet::{DeviceKey, ProjectKey, Secret, SipTransport, Timestamp};
use gb28181::sip::Name;

use super::site::{Caller, Site, header, id, status};
use crate::Settings;

const SHARED: &str = "install-me-2026";
/// One that no device has.
const NEW: i64 = 50;

fn open(project: i64, password: &str) -> Arc<OpenEnrolment> {
    Arc::new(OpenEnrolment {
        project: ProjectKey(project),
        password: Secret::new(password.to_owned()),
        ends_at: Timestamp(i64::MAX),
    })
}

/// A site with one project that is open, and a camera that nobody knows.
fn enrolling() -> (Site, Caller) {
    let mut site = Site::new(Settings::default());
    site.enrolments = vec![open(7, SHARED)];
    (site, Caller { password: SHARED.to_owned(), ..Caller::new(NEW) })
}

#[test]
fn one_with_the_enrolment_password_is_put_off_and_nothing_else() {
    for tcp in [false, true] {
        let (mut site, mut caller) = enrolling();
        if tcp {
            caller.flow = Caller::tcp(NEW, 4).flow;
        }
        caller.headers = "User-Agent: IP \tCamera\r\n".to_owned();
        let answer = site.register_whole(&mut caller).1;
        assert_eq!(status(&answer), 503);
        assert_eq!(header(&answer, Name::RetryAfter).as_deref(), Some("60"));
        let [(project, seen)] = site.pending.as_slice() else { panic!("{:?}", site.pending) };
        assert_eq!((*project, seen.id.as_str()), (ProjectKey(7), id(NEW).as_str()));
        assert_eq!((seen.first_seen, seen.last_seen), (site.wall, site.wall));
        assert_eq!(seen.remote, caller.flow.remote);
        assert_eq!(seen.transport, if tcp { SipTransport::Tcp } else { SipTransport::Udp });
        assert_eq!(seen.user_agent.as_deref(), Some("IP Camera"));
        let refused = site.refused.last().unwrap();
        assert_eq!((refused.why, refused.count), (RegistrationFault::Pending, 1));
        assert!(!refused.detail.contains(SHARED), "{}", refused.detail);

        // No binding, nothing written, no connection kept, and nothing that it says is heard.
        assert_eq!((site.stored.len(), site.writes.len(), site.carrying.len()), (0, 0, 0));
        assert!(site.events.is_empty());
        assert!(site.binding(NEW).is_none());
        let keepalive = caller.keepalive(gb28181::manscdp::Outcome::Ok);
        let stranger = site.ask(caller.flow, keepalive);
        assert_eq!(status(&stranger), 403);
        assert!(site.advance(Duration::from_secs(120)).is_empty(), "nobody speaks to it");
        assert_eq!(site.station.counts().registrations, 0);
    }
}

#[test]
fn one_that_is_accepted_comes_in_and_the_enrolment_password_is_one_that_was_replaced() {
    let (mut site, mut caller) = enrolling();
    assert_eq!(site.register(&mut caller), 503);
    let own = "112233445566";
    site.known.insert(id(NEW), (DeviceKey(NEW), id(NEW), own.to_owned()));
    // Without an overlap it is a wrong password like any other.
    assert_eq!(site.register(&mut caller), 401);
    let refused = site.refused.last().unwrap();
    assert_eq!(refused.why, RegistrationFault::WrongDigest);
    assert!(refused.detail.ends_with("; it fits an enrolment password"), "{}", refused.detail);
    assert_eq!(site.pending.len(), 1);
    // With one it comes in, and stays once it has its own.
    let until = site.wall.plus(Duration::from_secs(600));
    site.replaced.insert(id(NEW), (id(NEW), SHARED.to_owned(), until));
    assert_eq!(site.register(&mut caller), 200);
    assert!(site.stored[&DeviceKey(NEW)].old_credentials);
    caller.password = own.to_owned();
    assert_eq!(site.register(&mut caller), 200);
    site.advance(Duration::from_secs(600));
    caller.password = SHARED.to_owned();
    assert_eq!(site.register(&mut caller), 401);
}

#[test]
fn whoever_lacks_something_gets_nowhere() {
    let (mut site, caller) = enrolling();
    let wrong = Caller { password: "another".to_owned(), ..caller.clone() };
    let user = Caller { user: "admin".to_owned(), cseq: 10, ..caller.clone() };
    // A device that is known does not get in by it, nor is it pending.
    let known = Caller { password: SHARED.to_owned(), ..Caller::new(1) };
    for (mut caller, why) in [
        (wrong, RegistrationFault::UnknownId),
        (user, RegistrationFault::UnknownId),
        (known, RegistrationFault::WrongDigest),
    ] {
        assert_eq!(site.register(&mut caller), 401);
        assert_eq!(site.refused.last().unwrap().why, why);
    }
    // Where nothing is open to its id, because of its digits or of the time.
    site.enrolments.clear();
    let mut caller = Caller { cseq: 100, ..caller };
    assert_eq!(site.register(&mut caller), 401);
    assert_eq!(site.refused.last().unwrap().why, RegistrationFault::UnknownId);
    assert!(site.pending.is_empty());
    // An old answer is none, whatever it fits.
    site.enrolments.push(open(7, SHARED));
    let first = caller.request(None);
    let challenge = site.ask(caller.flow, first);
    site.advance(Duration::from_secs(61));
    let late = caller.answer(&challenge);
    assert_eq!(status(&site.ask(caller.flow, late)), 401);
    assert!(site.pending.is_empty());
}

#[test]
fn of_several_projects_the_first_that_fits_gets_it() {
    let (mut site, mut caller) = enrolling();
    site.enrolments = vec![open(3, "another-one"), open(5, SHARED), open(6, SHARED)];
    assert_eq!(site.register(&mut caller), 503);
    assert_eq!(site.pending.last().unwrap().0, ProjectKey(5));
}

#[test]
fn a_wrong_answer_costs_and_looks_the_same_whether_the_id_is_known_or_not() {
    let look = |enrolments: usize, number| {
        let mut site = Site::new(Settings::default());
        site.enrolments = (0..enrolments).map(|_| open(7, SHARED)).collect();
        let mut caller = Caller { password: "guess".to_owned(), ..Caller::new(number) };
        let answer = site.register_whole(&mut caller).1;
        let challenge = header(&answer, Name::WwwAuthenticate).unwrap();
        let shape: Vec<usize> = challenge.split('"').map(str::len).collect();
        (status(&answer), shape, site.station.tally(), site.lookups, site.pending.len())
    };
    for enrolments in 0..=4 {
        let unknown = look(enrolments, NEW);
        assert_eq!((unknown.0, unknown.2.digests), (401, 2 + enrolments as u64));
        assert_eq!(look(enrolments, 1), unknown);
        // One that is right is not kept waiting by what others may enrol with.
        let mut site = Site::new(Settings::default());
        site.enrolments = (0..enrolments).map(|_| open(7, SHARED)).collect();
        assert_eq!(site.register(&mut Caller::new(1)), 200);
        assert_eq!(site.station.tally().digests, 1);
    }
}
