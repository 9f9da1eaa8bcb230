//! Who is let in.

use std::sync::Arc;

use engine::{Away, Report};
use phones::adb::HostKey;
use simulator::phones::Auth;

use super::support::{KEPT, adopt, device, phone, rig, rig_with, simulated};

#[tokio::test]
async fn a_phone_lets_the_key_in_that_it_knows() {
    let key = HostKey::generate().unwrap();
    let line = key.public_line();
    let fleet = simulated(|options| options.auth = Auth::Keys(vec![line])).await;
    let device = device(phone(&fleet).address());

    let stranger = rig();
    let report = stranger.run(&device, adopt(&[(KEPT, "a")])).await;
    let Report::Away(Away::Unauthorised(why)) = report else { panic!("{report:?}") };
    assert!(why.contains("adb_keys"), "{why}");
    assert_eq!(phone(&fleet).applications(), 0);

    let again = HostKey::from_pem(key.to_pem().unwrap().expose()).unwrap();
    let known = rig_with(Arc::new(again));
    let reached = known.reach(&device, adopt(&[(KEPT, "a")])).await;
    assert_eq!(reached.shown[KEPT].as_deref(), Some("a"));
}
